"""TCP: what the segments of each stream say about loss, windows, round trips and states."""
