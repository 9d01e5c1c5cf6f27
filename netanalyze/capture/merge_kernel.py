"""Merging frames of several files in time order: which frame is next, and copying it.

Each file is a lane: the batch read from it last and a cursor into that. A lane keeps its own order;
of the lanes' next frames the earliest is taken, of equal ones the one of the lane that stands first.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython


def order(
    times_ns: cython.const[cython.longlong][::1],
    captured_bytes: cython.const[cython.longlong][::1],
    first: cython.longlong[::1],
    cursor: cython.longlong[::1],
    count: cython.longlong[::1],
    limit_ns: cython.longlong,
    room: cython.longlong,
    capacity: cython.Py_ssize_t,
    lane: cython.int[::1],
    index: cython.longlong[::1],
    place: cython.longlong[::1],
) -> cython.Py_ssize_t:
    """Pick frames in time order until a lane runs out of them, or the batch is full.

    Args:
        times_ns: times of all lanes' frames, lane after lane.
        captured_bytes: their lengths.
        first: where each lane's frames begin in these.
        cursor: next frame of each lane; moved on.
        count: frames of each lane.
        limit_ns: take no frame later than this.
        room: bytes that fit into the batch's buffer.
        capacity: rows of the batch.
        lane: filled with the lane of each picked frame.
        index: filled with its index in its lane.
        place: filled with where its bytes go.

    Returns:
        How many frames were picked.
    """
    lanes: cython.Py_ssize_t = cursor.shape[0]
    picked: cython.Py_ssize_t = 0
    used: cython.longlong = 0
    row: cython.Py_ssize_t
    best: cython.Py_ssize_t
    other: cython.Py_ssize_t
    at: cython.longlong
    now: cython.longlong
    best_ns: cython.longlong
    other_ns: cython.longlong
    with cython.nogil:
        while picked < capacity:
            best = -1
            other = -1
            best_ns = 0
            other_ns = 0
            for row in range(lanes):
                if cursor[row] >= count[row]:
                    best = -1
                    break
                now = times_ns[first[row] + cursor[row]]
                if best < 0 or now < best_ns:
                    other = best
                    other_ns = best_ns
                    best = row
                    best_ns = now
                elif other < 0 or now < other_ns:
                    other = row
                    other_ns = now
            if best < 0 or best_ns > limit_ns:
                break
            # Frames of this lane, up to the next one of another.
            while picked < capacity and cursor[best] < count[best]:
                at = first[best] + cursor[best]
                now = times_ns[at]
                if now > limit_ns or (other >= 0 and (now > other_ns or (now == other_ns and other < best))):
                    break
                if used + captured_bytes[at] > room:
                    break
                lane[picked] = cython.cast(cython.int, best)
                index[picked] = cursor[best]
                place[picked] = used
                used += captured_bytes[at]
                cursor[best] += 1
                picked += 1
            at = first[best] + cursor[best]
            if cursor[best] >= count[best] or used + captured_bytes[at] > room:
                break
    return picked


def take(
    wanted: cython.int,
    picked: cython.Py_ssize_t,
    lane: cython.int[::1],
    index: cython.longlong[::1],
    place: cython.longlong[::1],
    from_data: cython.const[cython.uchar][::1],
    from_offset: cython.longlong[::1],
    from_captured_bytes: cython.longlong[::1],
    from_wire_bytes: cython.longlong[::1],
    from_time_ns: cython.longlong[::1],
    from_link_type: cython.int[::1],
    from_interface: cython.int[::1],
    data: cython.uchar[::1],
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    wire_bytes: cython.longlong[::1],
    time_ns: cython.longlong[::1],
    link_type: cython.int[::1],
    interface: cython.int[::1],
    keep: cython.uchar[::1],
) -> None:
    """Copy the picked frames of one lane, columns and bytes, to their places in the batch.

    Args:
        wanted: the lane.
        picked: how many frames of all lanes were picked.
        lane: by ``order``, and so ``index`` and ``place``.
        index: as above.
        place: as above.
        from_data: the lane's buffer.
        from_offset: column of the lane's batch, and so the others that begin with ``from``.
        from_captured_bytes: as above.
        from_wire_bytes: as above.
        from_time_ns: as above.
        from_link_type: as above.
        from_interface: as above.
        data: buffer of the batch to fill.
        offset: column to fill, and so the others.
        captured_bytes: as above.
        wire_bytes: as above.
        time_ns: as above.
        link_type: as above.
        interface: as above.
        keep: set to 1.
    """
    row: cython.Py_ssize_t
    at: cython.longlong
    length: cython.longlong
    source: cython.longlong
    target: cython.longlong
    with cython.nogil:
        for row in range(picked):
            if lane[row] != wanted:
                continue
            at = index[row]
            length = from_captured_bytes[at]
            source = from_offset[at]
            target = place[row]
            if length > 0:
                data[target : target + length] = from_data[source : source + length]
            offset[row] = target
            captured_bytes[row] = length
            wire_bytes[row] = from_wire_bytes[at]
            time_ns[row] = from_time_ns[at]
            link_type[row] = from_link_type[at]
            interface[row] = from_interface[at]
            keep[row] = 1
