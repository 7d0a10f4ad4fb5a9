"""The entry point of the `parcours` script: what has to stand before anything else is loaded."""

from __future__ import annotations

import sys
from io import TextIOWrapper

from parcours import collector
from parcours.cli.interruption import interruptible


def main() -> None:
    """Run the command line. Ctrl-C ends it with a word from here on, and a terminal of any encoding can be written."""
    _write_any_text()
    collector.spare_from_the_start()
    with interruptible():
        from parcours.cli.app import build

        build()()


def _write_any_text() -> None:
    """Let a stream whose encoding lacks a character show its code, instead of failing in the middle of a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
