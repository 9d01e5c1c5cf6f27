"""Messages of byte streams, laid over the segments that carried them. Knows no application protocol."""
