"""UDP flows: what became of them."""
