"""netanalyze: what the conversations in a packet capture really did, with the frames that prove it."""

from netanalyze import kernels
from netanalyze._version import VERSION as __version__  # noqa: N811 - the name that tools look for

kernels.install_hook()

__all__ = ["__version__"]
