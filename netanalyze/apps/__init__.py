"""Application protocols: one file each, and how a stream is told to carry one of them.

``registry.PROTOCOLS`` is the list of them; ``identify.Identifier`` names streams by it.
"""
