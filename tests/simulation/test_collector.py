"""A simulation spares the garbage collector and leaves it as it was; a command spares it from the start."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from parcours import collector
from parcours.cli.start import main


@pytest.fixture(autouse=True)
def _threshold_of_the_tests() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.parametrize(
    "before, within",
    [
        (700, collector.COLLECT_EVERY),
        (10 * collector.COLLECT_EVERY, 10 * collector.COLLECT_EVERY),  # it is spared more than that already
        (0, 0),  # it is switched off
    ],
)
def test_the_collector_is_spared_for_a_while_and_runs_afterwards_as_before(before: int, within: int) -> None:
    gc.set_threshold(before, 7, 9)

    with collector.spared():
        seen = gc.get_threshold()[0]

    assert seen == within
    assert gc.get_threshold()[:2] == (before, 7)


def test_of_several_who_spare_it_the_last_one_puts_it_back_as_the_first_one_found_it() -> None:
    gc.set_threshold(700, 7, 9)
    first, last = collector.spared(), collector.spared()

    first.__enter__()
    last.__enter__()
    first.__exit__(None, None, None)

    assert gc.get_threshold()[0] == collector.COLLECT_EVERY
    last.__exit__(None, None, None)
    assert gc.get_threshold() == (700, 7, 9)


def test_a_command_has_its_process_for_itself_and_spares_the_collector_before_it_loads_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.argv", ["parcours", "--version"])
    gc.set_threshold(700, 7, 9)

    with pytest.raises(SystemExit):
        main()

    assert gc.get_threshold()[:2] == (collector.COLLECT_EVERY, 7)
