"""Standard output is for what a command answers: nothing else is written there, and no encoding makes it fail."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO, cast

log = logging.getLogger(__name__)


def write_any_text() -> None:
    """Let a stream whose encoding lacks a character show its code, instead of failing in the middle of a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def answers_apart() -> Iterator[None]:
    """For the length of a `with`, what threads other than the main one print is logged as warnings instead.

    A command answers in its main thread. Ray prints in a thread of its own what it hears of its machines, whatever it
    is told about logs: on standard output that would stand between the lines that a script reads.
    """
    answers = sys.stdout
    sys.stdout = cast(TextIO, _OfMainThread(answers))
    try:
        yield
    finally:
        sys.stdout = answers


class _OfMainThread:
    """Standard output, which only the main thread writes to."""

    def __init__(self, answers: TextIO) -> None:
        self._answers = answers

    def write(self, text: str) -> int:
        if threading.current_thread() is threading.main_thread():
            return self._answers.write(text)
        from rich.text import Text  # while it is needed: every command begins with this module

        if said := Text.from_ansi(text).plain.strip():
            log.warning("%s", said)
        return len(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._answers, name)
