"""Texts, each kept once under a code, and the names and addresses that become text.

Names are written in presentation form as they are read, so that nothing that a terminal obeys is in them. A
pointer must point before everything read of its name so far (RFC 9267 section 3), so that no name can lead in
circles.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.apps.dns import fields

if cython.compiled:
    from cython.cimports.libc.string import memcmp

START = cython.declare(cython.Py_ssize_t, fields.START)
LENGTH = cython.declare(cython.Py_ssize_t, fields.LENGTH)
FOLDED = cython.declare(cython.Py_ssize_t, fields.FOLDED)
HASH = cython.declare(cython.Py_ssize_t, fields.HASH)
TEXTS = cython.declare(cython.Py_ssize_t, fields.TEXTS)
POOL = cython.declare(cython.Py_ssize_t, fields.POOL)
BAD_POINTER = cython.declare(cython.int, fields.BAD_POINTER)
BAD_LABEL = cython.declare(cython.int, fields.BAD_LABEL)
LONG_NAME = cython.declare(cython.int, fields.LONG_NAME)
CUT_NAME = cython.declare(cython.int, fields.CUT_NAME)
MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
PRIME = cython.declare(cython.ulonglong, 16777619)
PROBES = cython.declare(cython.Py_ssize_t, 64)
"""Places that are looked at for a text. What would need more is kept another time."""
NAME_BYTES = cython.declare(cython.int, 255)


@cython.final
@cython.cclass
class Store:
    """Texts, and the place that is being read. Arrays come by ``use``."""

    def __init__(self, salt: cython.ulonglong) -> None:
        """No arrays yet; ``salt`` makes the hash one that nobody can prepare for."""
        self.salt = salt & MASK32
        self.problem = 0
        self.tail = 0
        self.name_hash = 0
        self.upper = 0
        self.number = 0
        self.high = 0
        self.low = 0

    def use(
        self,
        pool: cython.uchar[:, ::1],
        texts: cython.longlong[:, ::1],
        slots: cython.int[::1],
        counters: cython.longlong[::1],
    ) -> None:
        """Work with these arrays from now on."""
        self.pool = pool
        self.texts = texts
        self.slots = slots
        self.counters = counters

    def use_rows(
        self,
        messages: cython.int[:, ::1],
        spans: cython.longlong[:, ::1],
        words: cython.ulonglong[:, ::1],
        numbers: cython.int[:, ::1],
    ) -> None:
        """Write what is found into these arrays from now on; see ``message_kernel``."""
        self.messages = messages
        self.spans = spans
        self.words = words
        self.numbers = numbers

    def let_go_of_data(self, nothing: cython.const[cython.uchar][::1]) -> None:
        """Hold no bytes that were read any more: others will stand in their place."""
        self.data = nothing

    def rebuild(self) -> None:
        """Enter all texts into ``slots``, which is new and empty."""
        code: cython.Py_ssize_t
        place: cython.Py_ssize_t
        mask: cython.Py_ssize_t = self.slots.shape[0] - 1
        with cython.nogil:
            for code in range(1, self.counters[TEXTS]):
                place = self.texts[code, HASH] & mask
                while self.slots[place] != 0:
                    place = (place + 1) & mask
                self.slots[place] = cython.cast(cython.int, code)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put(self, byte: cython.int) -> cython.int:
        """Write one more character."""
        self.pool[self.tail, 0] = cython.cast(cython.uchar, byte)
        self.tail += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_number(self, number: cython.longlong) -> cython.int:
        """Write a number that is not negative."""
        scale: cython.longlong = 1
        while scale * 10 <= number:
            scale *= 10
        while scale > 0:
            self.put(48 + (number // scale) % 10)
            scale //= 10
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def intern(self) -> cython.longlong:
        """The code of what was written since the pool's end; it stays there if it is new."""
        start: cython.Py_ssize_t = self.counters[POOL]
        size: cython.Py_ssize_t = self.tail - start
        hashed: cython.ulonglong = self.salt
        i: cython.Py_ssize_t
        for i in range(start, self.tail):
            hashed = ((hashed ^ self.pool[i, 0]) * PRIME) & MASK32
        hashed = (hashed ^ (hashed >> 15)) & MASK32
        return self.entered(start, size, hashed)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def same(self, one: cython.Py_ssize_t, other: cython.Py_ssize_t, size: cython.Py_ssize_t) -> cython.int:
        """Whether two stretches of the pool are the same; both lie in it."""
        i: cython.Py_ssize_t = 0
        if size == 0 or one + size > self.pool.shape[0] or other + size > self.pool.shape[0]:
            return size == 0
        if cython.compiled:
            return memcmp(cython.address(self.pool[one, 0]), cython.address(self.pool[other, 0]), size) == 0
        while i < size and self.pool[one + i, 0] == self.pool[other + i, 0]:
            i += 1
        return i == size

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def entered(
        self, start: cython.Py_ssize_t, size: cython.Py_ssize_t, hashed: cython.ulonglong
    ) -> cython.longlong:
        """The code of a text at the pool's end."""
        mask: cython.Py_ssize_t = self.slots.shape[0] - 1
        place: cython.Py_ssize_t = cython.cast(cython.Py_ssize_t, hashed) & mask
        probe: cython.Py_ssize_t = 0
        code: cython.longlong
        while self.slots[place] != 0:
            code = self.slots[place]
            if (
                probe < PROBES
                and self.texts[code, LENGTH] == size
                and self.texts[code, HASH] == cython.cast(cython.longlong, hashed)
            ):
                if self.same(self.texts[code, START], start, size):
                    return code
            probe += 1
            place = (place + 1) & mask
        code = self.counters[TEXTS]
        self.counters[TEXTS] = code + 1
        self.slots[place] = cython.cast(cython.int, code)
        self.texts[code, START] = start
        self.texts[code, LENGTH] = size
        self.texts[code, FOLDED] = code
        self.texts[code, HASH] = cython.cast(cython.longlong, hashed)
        self.counters[POOL] = start + size
        self.tail = start + size
        return code

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def intern_name(self) -> cython.longlong:
        """The code of a name that was written; its form in lower case is found or made, too."""
        before: cython.longlong = self.counters[TEXTS]
        code: cython.longlong = self.entered(
            self.counters[POOL], self.tail - self.counters[POOL], self.name_hash
        )
        start: cython.Py_ssize_t
        i: cython.Py_ssize_t
        byte: cython.int
        folded: cython.longlong
        if code == before and self.upper:
            start = self.texts[code, START]
            self.tail = self.counters[POOL]
            for i in range(self.texts[code, LENGTH]):
                byte = self.pool[start + i, 0]
                self.put(byte + 32 if 65 <= byte <= 90 else byte)
            folded = self.intern()
            self.texts[code, FOLDED] = folded
        return code

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def name(
        self,
        base: cython.Py_ssize_t,
        end: cython.Py_ssize_t,
        at: cython.Py_ssize_t,
        wire: cython.int,
    ) -> cython.Py_ssize_t:
        """Read a name at ``at`` and write it at the tail: as text, or uncompressed bytes if ``wire``.

        Returns:
            Where what follows begins; 0 if the name is bad, and ``problem`` says why.
        """
        after: cython.Py_ssize_t = 0
        lowest: cython.Py_ssize_t = at
        total: cython.int = 1
        first: cython.int = 1
        length: cython.int
        byte: cython.int
        target: cython.Py_ssize_t
        i: cython.Py_ssize_t
        hashed: cython.ulonglong = self.salt
        begin: cython.Py_ssize_t = self.tail
        plain: cython.int = 1
        tail: cython.Py_ssize_t
        self.upper = 0
        while True:
            if at >= end:
                self.problem = CUT_NAME
                return 0
            length = self.data[at]
            at += 1
            if length == 0:
                break
            if length >= 192:
                if at >= end:
                    self.problem = CUT_NAME
                    return 0
                target = base + (((length & 63) << 8) | self.data[at])
                at += 1
                if after == 0:
                    after = at
                if target >= lowest:
                    self.problem = BAD_POINTER
                    return 0
                lowest = target
                at = target
                continue
            if length > 63:
                self.problem = BAD_LABEL
                return 0
            total += length + 1
            if total > NAME_BYTES:
                self.problem = LONG_NAME
                return 0
            if at + length > end:
                self.problem = CUT_NAME
                return 0
            if wire:
                for i in range(at - 1, at + length):
                    self.put(self.data[i])
            else:
                if not first:
                    self.put(46)
                    hashed = ((hashed ^ 46) * PRIME) & MASK32
                tail = self.tail
                for i in range(at, at + length):
                    byte = self.data[i]
                    if (byte >= 97 and byte <= 122) or (byte >= 45 and byte <= 57 and byte != 46):
                        self.pool[tail, 0] = cython.cast(cython.uchar, byte)
                        tail += 1
                    else:
                        self.tail = tail
                        self.put_escaped(byte)
                        plain &= self.tail == tail + 1
                        tail = self.tail
                    hashed = ((hashed ^ byte) * PRIME) & MASK32
                self.tail = tail
                first = 0
            at += length
        if wire:
            self.put(0)
        else:
            if first:
                self.put(46)
            if first or not plain:  # escapes are more than one character
                hashed = self.salt
                for i in range(begin, self.tail):
                    hashed = ((hashed ^ self.pool[i, 0]) * PRIME) & MASK32
            self.name_hash = (hashed ^ (hashed >> 15)) & MASK32
        return after or at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_escaped(self, byte: cython.int) -> cython.int:
        """Write a character of a label as master files have it (RFC 1035 section 5.1, RFC 4343)."""
        if byte >= 65 and byte <= 90:
            self.upper = 1
            self.put(byte)
        elif byte <= 32 or byte >= 127:
            self.put(92)
            self.put(48 + byte // 100)
            self.put(48 + byte // 10 % 10)
            self.put(48 + byte % 10)
        else:
            # " ( ) . ; @ $ and the backslash
            if (
                byte == 34 or byte == 40 or byte == 41 or byte == 46 or byte == 59 or byte == 64
                or byte == 36 or byte == 92
            ):  # fmt: skip
                self.put(92)
            self.put(byte)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def netbios(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """Read a name of NetBIOS if there is one at ``at`` (RFC 1001 section 14.1), written as NAME<20>."""
        i: cython.Py_ssize_t
        last: cython.Py_ssize_t
        byte: cython.int
        high: cython.int
        low: cython.int
        hashed: cython.ulonglong = self.salt
        begin: cython.Py_ssize_t = self.tail
        if at + 34 > end or self.data[at] != 32:
            return 0
        for i in range(at + 1, at + 33):
            if self.data[i] < 65 or self.data[i] > 80:
                return 0
        last = 15
        while last > 0:
            byte = ((self.data[at + 2 * last - 1] - 65) << 4) | (self.data[at + 2 * last] - 65)
            if byte != 32 and byte != 0:
                break
            last -= 1
        self.upper = 0
        for i in range(last):
            byte = ((self.data[at + 1 + 2 * i] - 65) << 4) | (self.data[at + 2 + 2 * i] - 65)
            if byte == 60 or byte == 62:
                self.put(92)
                self.put(byte)
            elif byte == 32:
                self.put(32)
            else:
                self.put_escaped(byte)
        high = self.data[at + 31] - 65
        low = self.data[at + 32] - 65
        self.put(60)
        self.put(48 + high if high < 10 else 87 + high)
        self.put(48 + low if low < 10 else 87 + low)
        self.put(62)
        for i in range(begin, self.tail):
            hashed = ((hashed ^ self.pool[i, 0]) * PRIME) & MASK32
        self.name_hash = (hashed ^ (hashed >> 15)) & MASK32
        return 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def name_end(self, end: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Where the name at ``at`` ends; 0 if it does not."""
        while at < end:
            if self.data[at] >= 192:
                return at + 2 if at + 2 <= end else 0
            if self.data[at] == 0:
                return at + 1
            if self.data[at] > 63:
                break
            at += self.data[at] + 1
        self.problem = CUT_NAME
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_a(self, at: cython.Py_ssize_t) -> cython.int:
        """Write an IPv4 address."""
        i: cython.Py_ssize_t
        for i in range(4):
            if i:
                self.put(46)
            self.put_number(self.data[at + i])
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_aaaa(self, at: cython.Py_ssize_t) -> cython.int:
        """Write an IPv6 address in the form of RFC 5952."""
        i: cython.int = 0
        j: cython.int
        group: cython.int
        shift: cython.int
        run_at: cython.int = -1
        run: cython.int = 1
        while i < 8:
            j = i
            while j < 8 and self.data[at + 2 * j] == 0 and self.data[at + 2 * j + 1] == 0:
                j += 1
            if j - i > run:
                run_at = i
                run = j - i
            i = j + 1
        if run_at == 0 and run == 5 and self.data[at + 10] == 255 and self.data[at + 11] == 255:
            self.put(58)
            self.put(58)
            self.put(102)
            self.put(102)
            self.put(102)
            self.put(102)
            self.put(58)
            return self.put_a(at + 12)
        i = 0
        while i < 8:
            if i == run_at:
                self.put(58)
                self.put(58)
                i += run
                continue
            if i and i != run_at + run:
                self.put(58)
            group = (self.data[at + 2 * i] << 8) | self.data[at + 2 * i + 1]
            shift = 12
            while shift > 0 and group >> shift == 0:
                shift -= 4
            while shift >= 0:
                j = (group >> shift) & 15
                self.put(48 + j if j < 10 else 87 + j)
                shift -= 4
            i += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_rdata(
        self,
        base: cython.Py_ssize_t,
        end: cython.Py_ssize_t,
        at: cython.Py_ssize_t,
        size: cython.Py_ssize_t,
        kind: cython.int,
    ) -> cython.int:
        """Write the data of a record with its names uncompressed; as it is where they are bad."""
        stop: cython.Py_ssize_t = at + size
        place: cython.Py_ssize_t = at
        begin: cython.Py_ssize_t = self.tail
        skip: cython.int = -1
        names: cython.int = 1
        i: cython.Py_ssize_t
        problem: cython.int = self.problem
        # Types whose names may be compressed (RFC 3597 section 4), and how many bytes come before.
        if kind == 2 or kind == 5 or kind == 12 or kind == 39 or 3 <= kind <= 4 or 7 <= kind <= 9:
            skip = 0
        elif kind == 15 or kind == 18 or kind == 21 or kind == 36:
            skip = 2
        elif kind == 33:
            skip = 6
        elif kind == 6 or kind == 14 or kind == 17:
            skip = 0
            names = 2
        elif kind == 26:
            skip = 2
            names = 2
        if skip >= 0 and skip <= size:
            for i in range(at, at + skip):
                self.put(self.data[i])
            place = at + skip
            while names > 0:
                names -= 1
                place = 0 if place >= stop else self.name(base, end, place, 1)
                if place == 0 or place > stop:
                    place = 0
                    break
            self.problem = problem
            if place == 0:
                self.tail = begin
                place = at
        for i in range(place, stop):
            self.put(self.data[i])
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def bytes_of(
        self,
        base: cython.Py_ssize_t,
        end: cython.Py_ssize_t,
        at: cython.Py_ssize_t,
        size: cython.Py_ssize_t,
        kind: cython.int,
        group: cython.int,
    ) -> cython.longlong:
        """The code of a record's type, class and data, as bytes behind a zero."""
        self.tail = self.counters[POOL]
        self.put(0)
        self.put(kind >> 8)
        self.put(kind & 255)
        self.put(group >> 8)
        self.put(group & 255)
        self.put_rdata(base, end, at, size, kind)
        return self.intern()
