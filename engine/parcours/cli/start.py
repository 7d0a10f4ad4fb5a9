"""The entry point of the `parcours` script: what has to stand before anything else is loaded."""

from __future__ import annotations

from parcours import collector
from parcours.cli.interruption import interruptible
from parcours.cli.streams import answers_apart, write_any_text


def main() -> None:
    """Run the command line. Ctrl-C ends it with a word from here on, and a terminal of any encoding can be written."""
    write_any_text()
    collector.spare_from_the_start()
    with interruptible(), answers_apart():
        from parcours.cli.app import build

        build()()
