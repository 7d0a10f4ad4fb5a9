"""The progress bar on standard error, shown on a terminal only."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from parcours.core.time_text import time_text

DATE_CHARACTERS = len("2026-01-01")


class ProgressBar:
    """A bar for the length of a `with`, called with the progress; silent where standard error is no terminal."""

    def __init__(self, what: str, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[date]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(what, total=None, date="", note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def note(self, text: str) -> None:
        """Show this at the end of the line from now on."""
        self._progress.update(self._task, note=text)

    def __call__(self, done: int, total: int | None, at_ms: int | None = None) -> None:
        """`done` of `total` lines are handed over, None while the total is not known; virtual time is at `at_ms`."""
        date = "" if at_ms is None else time_text(at_ms)[:DATE_CHARACTERS]
        self._progress.update(self._task, completed=done, total=total, date=date)
