"""Record of ``netanalyze compare``: what is not as it was before."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import Record, Unit, column


class Change(Record, frozen=True):
    """A measure of a group, before and after.

    A measure of times is the median, tested by ranks (Mann-Whitney); a share is tested as such (z-test).
    """

    table: Annotated[str, column("Table that it was taken from", show=2)]
    group: Annotated[str, column("What it is about: a server and port, a host, a code; * for all", show=0)]
    measure: Annotated[str, column("Column or share that was compared", show=0)]
    verdict: Annotated[
        str,
        column(
            "better, worse, same (no difference that is both sure and large), unsure (too few to tell),"
            " appeared, disappeared, more, fewer",
            show=0,
        ),
    ]
    before: Annotated[
        float | None, column("Median in ns, share in percent, or number; null if there is none", show=1)
    ]
    after: Annotated[float | None, column("The same after", show=1)]
    unit: Annotated[str, column("Of both: ns, percent or count", show=3)]
    samples_before: Annotated[int, column("Rows or packets that it is of", Unit.COUNT, show=2)]
    samples_after: Annotated[int, column("The same after", Unit.COUNT, show=2)]
    p: Annotated[
        float | None,
        column("Probability of such a difference by chance; null if that cannot be told", show=1),
    ]
