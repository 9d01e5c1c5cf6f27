"""What ``netanalyze check`` goes by and how it says what came out: a project's limits, and reports for CI."""
