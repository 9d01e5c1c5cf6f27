"""Tables out of columns, and the ways to show them: text, JSON, JSON Lines, CSV, Markdown.

``record`` and ``records/`` say what a row of each table is, ``registry`` lists the tables.
``table`` holds the data as columns, ``tables`` builds them from what the engine counted,
``selection`` takes the rows and columns that were asked for. One file per format does the rest.
"""
