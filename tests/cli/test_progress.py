"""The bar shows where the events are, to people only."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from parcours.cli.progress import ProgressBar


def test_a_watcher_sees_what_it_is_and_how_far() -> None:
    screen = StringIO()

    with ProgressBar("Events", console=Console(file=screen, force_terminal=True, width=80)) as progress:
        progress(150, 200, 86_400_000)

    assert "Events" in screen.getvalue()
    assert "1970-01-02" in screen.getvalue()
    assert "150/200" in screen.getvalue()


def test_what_is_noted_stays_at_the_end_of_the_line() -> None:
    screen = StringIO()

    with ProgressBar("Events", console=Console(file=screen, force_terminal=True, width=80)) as progress:
        progress.note("largest group: 3 names")
        progress(150, 200, 86_400_000)

    assert "largest group: 3 names" in screen.getvalue()


def test_a_file_gets_no_bar() -> None:
    log = StringIO()

    with ProgressBar("Events", console=Console(file=log, width=80)) as progress:
        progress(150, 200)

    assert log.getvalue() == ""
