"""Where the disk is full, a sentence names the file or folder, and nothing half-made is left behind."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import Result

from parcours.errors import naming
from parcours.examples import write_example
from parcours.simulation.recorded import HELD_BYTES_MAX

Ask = Callable[..., Result]


@contextmanager
def no_file_beyond(size_bytes: int) -> Iterator[None]:
    """To this process the disk is full as soon as one file has this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_project_that_does_not_fit_is_not_begun(ask: Ask, tmp_path: Path) -> None:
    # given room for all files of an example but the longest one, which is not the first
    folder, whole = tmp_path / "new" / "shop", tmp_path / "whole"
    *shorter, longest = sorted(write_example(whole, "launch"), key=lambda path: path.stat().st_size)
    assert min(write_example(tmp_path / "again", "launch")).name != longest.name

    with no_file_beyond(shorter[-1].stat().st_size):
        result = ask("init", folder, "--example", "launch")

    assert result.exit_code == 1
    assert result.stderr == f"{folder / longest.relative_to(whole)}: File too large.\n"
    assert not (tmp_path / "new").exists()
    assert ask("init", folder, "--example", "launch").exit_code == 0, "and there is nothing in the way"


def test_a_folder_that_was_there_stays_and_is_as_empty_as_before(ask: Ask, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()

    with no_file_beyond(0):
        result = ask("init", folder, "--example", "launch")

    assert result.exit_code == 1
    assert str(folder) in result.stderr
    assert list(folder.iterdir()) == []


def test_results_that_do_not_fit_are_named_and_leave_nothing(
    ask: Ask, luma_copy: Path, events: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    with no_file_beyond(10):
        result = ask("simulate", luma_copy, "--events", events, "--out", out)

    assert result.exit_code == 1
    assert f"{out}: File too large.\n" in result.stderr
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("unsorted", ["sort", "refuse"])
def test_lines_that_find_no_room_while_they_wait_are_told_and_leave_nothing(
    unsorted: str, ask: Ask, luma_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, out = tmp_path / "waiting", tmp_path / "out"
    waiting.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(waiting))
    events = tmp_path / "events.ndjson"
    line = b'{"type":"track","event":"Seen","userId":"u","timestamp":"2026-01-01T00:00:00Z","properties":{"x":"%b"}}\n'
    events.write_bytes(line % (b"x" * 30_000) * (HELD_BYTES_MAX // 30_000))

    with no_file_beyond(1_000_000):
        result = ask("simulate", luma_copy, "--events", events, "--out", out, "--unsorted", unsorted)

    assert (result.exit_code, result.stderr) == (1, f"{waiting}: File too large.\n")
    assert list(waiting.iterdir()) == []
    assert not out.exists()


@pytest.mark.parametrize(
    "given, filename",
    [
        (OSError(errno.ENOSPC, "Full"), "/there"),
        (OSError(errno.EIO, "Broken"), "/there"),
        (OSError(errno.ENOSPC, "Full", "/elsewhere"), "/elsewhere"),  # it says so itself
        (OSError(errno.EADDRINUSE, "In use"), None),  # no error of the disk
    ],
)
def test_an_error_of_the_disk_is_about_the_file_at_hand(given: OSError, filename: str | None) -> None:
    with pytest.raises(OSError, match=str(given.strerror)) as caught, naming(Path("/there")):
        raise given

    assert (caught.value.filename, caught.value.errno) == (filename, given.errno)
