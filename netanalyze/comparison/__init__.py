"""Two captures compared: one before and one after a change, or two taps of the same traffic.

Comparing runs the pipeline on both and looks at its tables (``before_after``), or goes through their packets
(``taps``); nothing else depends on it but the command line.
"""
