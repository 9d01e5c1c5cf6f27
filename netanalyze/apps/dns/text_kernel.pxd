# What other kernels may call without going through Python.

cdef class Store:
    cdef const unsigned char[::1] data
    cdef int[:, ::1] messages
    cdef long long[:, ::1] spans
    cdef unsigned long long[:, ::1] words
    cdef int[:, ::1] numbers
    cdef unsigned char[:, ::1] pool
    cdef long long[:, ::1] texts
    cdef int[::1] slots
    cdef long long[::1] counters
    cdef unsigned long long salt
    # Of what was read last.
    cdef int problem
    cdef Py_ssize_t tail  # where text is being written
    cdef unsigned long long name_hash
    cdef int upper
    cdef long long number
    cdef unsigned long long high
    cdef unsigned long long low

    cdef int put(self, int byte) except? -1 nogil
    cdef int put_number(self, long long number) except? -1 nogil
    cdef long long intern(self) except? -1 nogil
    cdef int same(self, Py_ssize_t one, Py_ssize_t other, Py_ssize_t size) except? -1 nogil
    cdef long long entered(self, Py_ssize_t start, Py_ssize_t size, unsigned long long hashed) except? -1 nogil
    cdef long long intern_name(self) except? -1 nogil
    cdef Py_ssize_t name(
        self, Py_ssize_t base, Py_ssize_t end, Py_ssize_t at, int wire
    ) except? -1 nogil
    cdef int put_escaped(self, int byte) except? -1 nogil
    cdef int netbios(self, Py_ssize_t at, Py_ssize_t end) except? -1 nogil
    cdef Py_ssize_t name_end(self, Py_ssize_t end, Py_ssize_t at) except? -1 nogil
    cdef int put_a(self, Py_ssize_t at) except? -1 nogil
    cdef int put_aaaa(self, Py_ssize_t at) except? -1 nogil
    cdef int put_rdata(
        self,
        Py_ssize_t base,
        Py_ssize_t end,
        Py_ssize_t at,
        Py_ssize_t size,
        int kind,
    ) except? -1 nogil
    cdef long long bytes_of(
        self,
        Py_ssize_t base,
        Py_ssize_t end,
        Py_ssize_t at,
        Py_ssize_t size,
        int kind,
        int group,
    ) except? -1 nogil
