"""The records, one file per family of tables."""
