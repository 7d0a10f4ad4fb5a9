"""Files and folders named on the command line: sources and results, validated before any work begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from parcours.cli.lines import STANDARD_INPUT
from parcours.errors import CallerError

if TYPE_CHECKING:
    from parcours.insight.summary import Summary

PROJECT = "project.json"
"""Where the results of a simulation with facts say which project they are of."""

DOCUMENT_FOLDERS = ("messages", "journeys", "campaigns", "tests")


def events_source(events: str) -> str:
    """A file, a device, the end of a pipe, or standard input. Raises BadParameter where none can be read."""
    if events == STANDARD_INPUT:
        return events
    path = Path(events)
    if not events or not path.exists():
        raise typer.BadParameter(f"there is no file {events!r}.", param_hint="--events")
    if path.is_dir():
        raise typer.BadParameter(f"{events!r} is a folder, and a file is expected.", param_hint="--events")
    return events


def results_folder(out: str, project: Path) -> Path:
    """The folder for results, which need not exist. Raises BadParameter where it cannot or must not be used."""
    folder = Path(out)
    if not out.strip():
        raise typer.BadParameter("a folder is expected, and the text is empty.", param_hint="--out")
    if folder.exists() and not folder.is_dir():
        raise typer.BadParameter(f"{out!r} is a file, and a folder is expected.", param_hint="--out")
    taken = [project, *(project / name for name in DOCUMENT_FOLDERS)]
    if folder.resolve() in [each.resolve() for each in taken]:
        raise typer.BadParameter(
            f"{out!r} holds the project's documents: choose a folder of its own for the results.", param_hint="--out"
        )
    return folder


def read_summary(out: Path) -> Summary:
    """The summary in the folder that a simulation wrote. Raises CallerError where there is none."""
    import msgspec

    from parcours.insight.summary import Summary
    from parcours.simulation.result_files import SUMMARY

    path = out / SUMMARY
    try:
        return msgspec.json.decode(path.read_bytes(), type=Summary)
    except FileNotFoundError:
        raise CallerError(f"{out} holds no {SUMMARY}: name the folder that `parcours simulate` wrote.") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CallerError(f"{path} is no summary: {error}.") from None


def remember_project(out: Path, project: Path) -> None:
    """Note beside the facts of a simulation which project they are of, for whoever asks them by its words."""
    import msgspec

    with whole(out / PROJECT) as unfinished:
        unfinished.write_bytes(msgspec.json.encode({"folder": str(project.absolute())}) + b"\n")


def remembered_project(out: Path) -> Path | None:
    """The folder of the project that was simulated, None where none is noted. Raises CallerError."""
    import msgspec

    path = out / PROJECT
    try:
        return Path(msgspec.json.decode(path.read_bytes(), type=dict[str, str])["folder"])
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError) as error:
        raise CallerError(f"{path} names no folder of a project: {error}.") from None


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file, which takes its name when the block ends; an error leaves whatever was there before."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
