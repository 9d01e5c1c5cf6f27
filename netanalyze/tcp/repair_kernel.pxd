# What other kernels may call without going through Python.

cdef long long why_again(
    Py_ssize_t f,
    long long start,
    long long end,
    long long now,
    long long waited,
    long long sent,
    bint spurious,
    long long[:, ::1] state
) except? -1 nogil
