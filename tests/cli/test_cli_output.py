from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from netanalyze.cli.output import open_output
from netanalyze.errors import NetanalyzeError, PermissionDeniedError, UsageError


def test_a_file_is_there_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with open_output(str(target)) as out:
        assert not target.exists()
        out.write([b"one", b"two"])
        assert target.read_bytes() == b"onetwo"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_an_old_file_stays_until_then(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_bytes(b"old")
    target.chmod(0o640)

    def fails() -> object:
        yield b"new"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), open_output(str(target)) as out:
        out.write(fails())  # type: ignore[arg-type]
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    with open_output(str(target)) as out:
        out.write([b"new"])
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target = tmp_path / "real.json"
    target.write_bytes(b"old")
    link = tmp_path / "link.json"
    link.symlink_to(target)
    with open_output(str(link)) as out:
        out.write([b"new"])
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_new_file_has_the_rights_of_new_files(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    with open_output(str(tmp_path / "out.json")) as out:
        out.write([b""])
    assert (tmp_path / "out.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_devices_and_pipes_are_written_directly(tmp_path: Path) -> None:
    with open_output(os.devnull) as out:
        out.write([b"x"])
    assert Path(os.devnull).is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with open_output(str(pipe)) as out:
        out.write([b"through"])
    reader.join()
    assert read == [b"through"]


def test_a_full_disk() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open_output("/dev/full") as out, pytest.raises(NetanalyzeError, match="No space left on device"):
        out.write([b"x" * 100_000])


@pytest.mark.parametrize(
    ("path", "error"),
    [("missing/x.json", UsageError), ("file/x.json", UsageError), (".", UsageError), ("n" * 300, UsageError)],
)
def test_places_that_do_not_exist(tmp_path: Path, path: str, error: type[Exception]) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(error, match="cannot be written"):
        open_output(str(tmp_path / path))


def test_no_permission(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    old = folder / "old.json"
    old.write_bytes(b"old")
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("root may write anywhere")
        with pytest.raises(PermissionDeniedError, match="Permission denied"):
            open_output(str(folder / "new.json"))
        with open_output(str(old)) as out:  # the file itself may be written
            out.write([b"new"])
        assert old.read_bytes() == b"new"
    finally:
        folder.chmod(0o700)


def test_no_permission_by_the_operating_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As above, for those who run the tests as root."""
    real = Path.open

    def refuse(self: Path, mode: str = "r") -> object:
        if mode == "xb":
            raise PermissionError(13, "Permission denied")
        return real(self, mode)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionDeniedError, match=r"new\.json: cannot be written: Permission denied"):
        open_output(str(tmp_path / "new.json"))
    old = tmp_path / "old.json"
    with real(old, "wb") as file:
        file.write(b"old")
    with open_output(str(old)) as out:
        out.write([b"new"])
    assert old.read_bytes() == b"new"


def test_inputs_are_not_overwritten(tmp_path: Path) -> None:
    capture = tmp_path / "x.pcap"
    capture.write_bytes(b"")
    with pytest.raises(UsageError, match="would be overwritten"):
        open_output(str(tmp_path / "." / "x.pcap"), ["-", "missing", str(capture)])
