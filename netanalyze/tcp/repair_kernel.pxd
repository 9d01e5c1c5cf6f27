# What other kernels may call without going through Python.

from netanalyze.tcp.scoreboard_kernel cimport Board

cdef long long why_again(
    Board board,
    Py_ssize_t f,
    long long start,
    long long end,
    long long now,
    long long waited,
    long long sent,
    bint spurious
) except? -1 nogil
