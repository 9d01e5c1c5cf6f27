"""Run a command and measure it: wall time, processor time, peak memory.

Standard library only and little of it: a process's peak memory counts from before its program is loaded, when
it is still a copy of this one, so that nothing smaller than this process can be measured (``floor_bytes``).
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, NamedTuple


class Measurement(NamedTuple):
    """One run of one command.

    Of a pipeline, ``wall_seconds`` is until its last process ends; the other figures are the last process's
    own, children that it waited for included (peak: the largest of them).
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


class RunError(Exception):
    """The command could not be started, failed, or did not end in time; the message is one line."""


class AbsentError(RunError):
    """A program of the command is not installed."""


def floor_bytes() -> int:
    """The smallest peak that can be told apart: this process's own."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _start(command: list[str], standard_input: int, standard_output: int, standard_error: int) -> int:
    """Start ``command``; return its process id."""
    program = shutil.which(command[0])
    if program is None:
        message = f"{command[0]}: not installed"
        raise AbsentError(message)
    actions = [
        (os.POSIX_SPAWN_DUP2, standard_input, 0),
        (os.POSIX_SPAWN_DUP2, standard_output, 1),
        (os.POSIX_SPAWN_DUP2, standard_error, 2),
    ]
    return os.posix_spawn(program, command, os.environ, file_actions=actions, setsigdef=[signal.SIGPIPE])


def measure(pipeline: list[list[str]], timeout_seconds: float) -> Measurement:
    """Run ``pipeline``, each command reading what the one before writes; the last one's output is discarded.

    Raises:
        AbsentError: a program is not installed.
        RunError: it does not start, its exit status is not 0, or the time is over.
    """
    pids: list[int] = []
    with Path(os.devnull).open("r+b", buffering=0) as null, tempfile.TemporaryFile() as errors:
        source = null.fileno()
        began = time.perf_counter()
        try:
            for number, command in enumerate(pipeline):
                last = number == len(pipeline) - 1
                reader, writer = (-1, null.fileno()) if last else os.pipe()
                try:
                    pids.append(_start(command, source, writer, errors.fileno()))
                finally:
                    for descriptor in (source, writer):
                        if descriptor != null.fileno():
                            os.close(descriptor)
                    source = reader
        except RunError:
            if source >= 0 and source != null.fileno():
                os.close(source)
            _kill(pids)
            for pid in pids:
                os.wait4(pid, 0)
            raise
        return _wait(pipeline, pids, began, timeout_seconds, errors)


def _kill(pids: list[int]) -> None:
    """End our own processes: called before they are waited for, so that the numbers are still theirs."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def _wait(
    pipeline: list[list[str]],
    pids: list[int],
    began: float,
    timeout_seconds: float,
    errors: IO[bytes],
) -> Measurement:
    """Wait for all processes, the last of the pipeline first; turn what they cost into figures."""
    late = threading.Event()
    running = list(pids)
    lock = threading.Lock()

    def give_up() -> None:
        late.set()
        with lock:
            _kill(running)

    timer = threading.Timer(timeout_seconds, give_up)
    timer.start()
    ended = 0.0
    statuses: dict[int, tuple[int, resource.struct_rusage]] = {}
    for pid in reversed(pids):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        ended = ended or time.perf_counter()
        with lock:
            running.remove(pid)
            _, status, usage = os.wait4(pid, 0)
        statuses[pid] = status, usage
    timer.cancel()
    for command, pid in reversed(list(zip(pipeline, pids, strict=True))):
        code = os.waitstatus_to_exitcode(statuses[pid][0])
        if code:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            why = f"no end after {timeout_seconds:g} s" if late.is_set() else f"exit status {code}"
            message = f"{command[0]}: {why}{': ' + said[-1] if said else ''}"
            raise RunError(message)
    usage = statuses[pids[-1]][1]
    return Measurement(ended - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
