"""Packets to conversations: stream numbers, sides, duplicates, and what is counted for each."""
