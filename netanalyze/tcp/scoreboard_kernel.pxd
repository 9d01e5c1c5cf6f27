# What other kernels may call without going through Python.

cdef long long take_node(
    long long[:, ::1] nodes,
    long long[::1] counters
) except? -1 nogil

cdef long long free_list(
    long long head,
    long long[:, ::1] nodes,
    long long[::1] counters
) except? -1 nogil

cdef long long release(
    Py_ssize_t half,
    long long[:, ::1] state,
    long long[:, ::1] nodes,
    long long[::1] counters
) except? -1 nogil

cdef long long add_hole(
    Py_ssize_t half,
    long long start,
    long long end,
    long long number,
    long long now,
    long long acked,
    long long[:, ::1] state,
    long long[:, ::1] nodes,
    long long[::1] counters
) except? -1 nogil

cdef long long amend(
    long long kind,
    long long about,
    long long by,
    long long what,
    long long[:, ::1] amendments,
    long long[::1] counters
) except? -1 nogil

cdef long long fill_holes(
    Py_ssize_t half,
    long long start,
    long long end,
    long long number,
    long long[:, ::1] state,
    long long[:, ::1] nodes,
    long long[::1] counters,
    long long[:, ::1] amendments,
    long long[::1] first
) except? -1 nogil

cdef long long trim_sacked(
    Py_ssize_t half,
    long long acked,
    long long[:, ::1] state,
    long long[:, ::1] nodes,
    long long[::1] counters
) except? -1 nogil

cdef long long read_sack(
    Py_ssize_t half,
    long long acked,
    long long blocks,
    Py_ssize_t place,
    long long number,
    const unsigned char[::1] octets,
    long long[:, ::1] state,
    long long[:, ::1] nodes,
    long long[::1] counters,
    long long[:, ::1] amendments
) except? -1 nogil

cdef long long sent_before(
    Py_ssize_t half,
    long long start,
    long long end,
    long long[:, ::1] state,
    long long[:, ::1] nodes
) except? -1 nogil

cdef long long mark_again(
    Py_ssize_t half,
    long long start,
    long long end,
    long long number,
    long long now,
    long long tsval,
    long long captured,
    long long place,
    const unsigned char[::1] octets,
    const unsigned char[::1] ring,
    long long[:, ::1] state,
    long long[:, ::1] nodes,
    long long[::1] counters
) except? -1 nogil

cdef long long insert_node(
    Py_ssize_t half,
    long long node,
    long long[:, ::1] state,
    long long[:, ::1] nodes
) except? -1 nogil

cdef long long retire(
    Py_ssize_t half,
    long long[:, ::1] state,
    long long[:, ::1] nodes,
    long long[::1] counters
) except? -1 nogil
