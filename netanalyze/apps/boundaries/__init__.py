"""Where messages begin and end in streams of any protocol, for the tables ``writes`` and ``messages``."""
