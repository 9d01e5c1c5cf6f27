# What other kernels may call without going through Python.

cdef class Board:
    cdef long long[:, ::1] state
    cdef unsigned int[:, ::1] marks
    cdef long long[:, ::1] nodes
    cdef long long[:, ::1] again
    cdef long long[::1] counters
    cdef long long[:, ::1] amendments

cdef long long take_node(
    Board board
) except? -1 nogil

cdef long long free_list(
    Board board,
    long long head
) except? -1 nogil

cdef long long release(
    Board board,
    Py_ssize_t half
) except? -1 nogil

cdef long long add_hole(
    Board board,
    Py_ssize_t half,
    long long start,
    long long end,
    long long number,
    long long now,
    long long acked
) except? -1 nogil

cdef long long amend(
    Board board,
    long long kind,
    long long about,
    long long by,
    long long what
) except? -1 nogil

cdef long long fill_holes(
    Board board,
    Py_ssize_t half,
    long long start,
    long long end,
    long long number,
    long long[::1] first
) except? -1 nogil

cdef long long trim_sacked(
    Board board,
    Py_ssize_t half,
    long long acked
) except? -1 nogil

cdef long long read_sack(
    Board board,
    Py_ssize_t half,
    long long acked,
    long long blocks,
    Py_ssize_t place,
    long long number,
    const unsigned char[::1] octets
) except? -1 nogil

cdef long long sent_before(
    Board board,
    Py_ssize_t half,
    long long start,
    long long end
) except? -1 nogil

cdef long long mark_again(
    Board board,
    Py_ssize_t half,
    long long start,
    long long end,
    long long number,
    long long now,
    long long tsval,
    long long captured,
    long long place,
    const unsigned char[::1] octets,
    const unsigned char[::1] ring
) except? -1 nogil

cdef long long insert_node(
    Board board,
    Py_ssize_t half,
    long long node
) except? -1 nogil

cdef long long retire(
    Board board,
    Py_ssize_t half
) except? -1 nogil
