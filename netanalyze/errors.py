"""Everything netanalyze raises on purpose.

Traffic never raises: a malformed packet becomes a row of the ledger. What remains is::

    NetanalyzeError
    ├── CaptureError            the input cannot be read as a capture
    │   ├── UnknownFormatError      its first bytes are of no capture format known here
    │   ├── EmptyCaptureError       there is nothing in it
    │   └── DamagedCaptureError     not even its first header is whole
    ├── UsageError              an argument that makes no sense (a column that does not exist, …)
    │   └── FilterError             a capture filter that does not compile
    └── PermissionDeniedError   the operating system refuses: a file, an interface

Each message is one line that says what is wrong and, where there is one, what to do about it.
The command line prints it after ``netanalyze: `` and exits with status 2.
"""


class NetanalyzeError(Exception):
    """Base of the tree above; ``str()`` of one is a single line for people."""


class CaptureError(NetanalyzeError):
    """The input cannot be read as a capture."""


class UnknownFormatError(CaptureError):
    """The first bytes belong to no capture format that netanalyze reads."""


class EmptyCaptureError(CaptureError):
    """The input has no bytes at all."""


class DamagedCaptureError(CaptureError):
    """Damage before the first frame: there is nothing to report on."""


class UsageError(NetanalyzeError):
    """An argument that cannot be acted on."""


class FilterError(UsageError):
    """A capture filter that does not compile."""


class PermissionDeniedError(NetanalyzeError):
    """The operating system does not allow it."""
