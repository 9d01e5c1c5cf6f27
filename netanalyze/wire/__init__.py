"""Frames to packets: link, network, tunnel and transport headers, fragments, and the decode ledger."""
