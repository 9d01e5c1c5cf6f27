"""HTTP/1.0 and 1.1: from the bytes of both directions to exchanges, and what can be said of them.

::

    bytes ──► half.py, client.py, server.py ──► connection.py ──► exchange.py ──► tables
              messages of one direction         pairs              one row each

``application.Http`` is the entry. Heads and chunks are read by llhttp (httptools); ``repair`` mends
heads that it refuses, ``resync`` finds the next message after damage, ``bodies`` and ``codings`` take
content codings off, ``websocket`` reads what follows an upgrade.
"""
