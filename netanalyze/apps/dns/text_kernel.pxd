# What other kernels may call without going through Python.

cdef class Store:
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
    cdef long long entered(self, Py_ssize_t start, Py_ssize_t size, unsigned long long hashed) except? -1 nogil
    cdef long long intern_name(self) except? -1 nogil
    cdef Py_ssize_t name(
        self, const unsigned char[::1] data, Py_ssize_t base, Py_ssize_t end, Py_ssize_t at, int wire
    ) except? -1 nogil
    cdef int put_escaped(self, int byte) except? -1 nogil
    cdef int netbios(self, const unsigned char[::1] data, Py_ssize_t at, Py_ssize_t end) except? -1 nogil
    cdef Py_ssize_t name_end(self, const unsigned char[::1] data, Py_ssize_t end, Py_ssize_t at) except? -1 nogil
    cdef int put_a(self, const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
    cdef int put_aaaa(self, const unsigned char[::1] data, Py_ssize_t at) except? -1 nogil
    cdef int put_rdata(
        self,
        const unsigned char[::1] data,
        Py_ssize_t base,
        Py_ssize_t end,
        Py_ssize_t at,
        Py_ssize_t size,
        int kind,
    ) except? -1 nogil
    cdef long long bytes_of(
        self,
        const unsigned char[::1] data,
        Py_ssize_t base,
        Py_ssize_t end,
        Py_ssize_t at,
        Py_ssize_t size,
        int kind,
        int group,
    ) except? -1 nogil
