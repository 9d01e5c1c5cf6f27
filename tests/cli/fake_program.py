"""The program with a pipeline that only pretends: run by the tests in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from types import ModuleType

sys.path[:0] = [str(Path(__file__).parent.parent.parent), str(Path(__file__).parent.parent / "report")]

from fake_pipeline import Options  # noqa: E402 - after the path is set
from sample_reports import many_streams, sample_report, stream_table  # noqa: E402 - the same

from netanalyze.cli.main import main  # noqa: E402 - the same
from netanalyze.report.report import Report  # noqa: E402 - the same


def run(paths, options, *, on_progress=None, on_warning=None, should_stop=None):  # noqa: ANN001, ANN201 - a stand-in
    del options, on_warning
    full = sample_report(streams=[{"app": "例え"}])
    complete = True
    if paths == ["endless"]:
        Path(os.environ["STARTED"]).touch()
        done = 0
        while not should_stop():
            time.sleep(0.01)
            done += 1000
            on_progress(done, None)
        complete = False
    if paths == ["stuck"]:
        Path(os.environ["STARTED"]).touch()
        while True:
            time.sleep(0.01)
            if should_stop():
                Path(os.environ["STARTED"] + "2").touch()
    if paths == ["many"]:
        return Report([full["capture"], full["ledger"], stream_table(many_streams(5_000))])
    return Report(list(full.values()), complete=complete)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even if the tests run in the background
    pipeline = ModuleType("netanalyze.pipeline")
    pipeline.Options = Options
    pipeline.run = run
    sys.modules["netanalyze.pipeline"] = pipeline
    main()
