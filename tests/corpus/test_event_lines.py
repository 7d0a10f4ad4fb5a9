"""Is a line that a real sender wrote used, or turned away with a word, and do the lines around it go on?"""

from __future__ import annotations

import pytest
from tests.corpus.event_lines import EVENT_LINES, track

from parcours import Engine, Project, simulate
from parcours.journey.starter import write_starter

GOOD = track(b'"properties":{"cart":{"total":60}},"messageId":"good"')


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("shop") / "shop"
    write_starter(folder)
    return Project.load(folder)


@pytest.mark.parametrize("line, told", [each[:2] for each in EVENT_LINES])
def test_a_line_is_used_or_turned_away_with_a_word(shop: Project, line: bytes, told: str | None) -> None:
    reasons: list[str] = []

    events = simulate(shop, [line, GOOD], rejected=lambda number, reason: reasons.append(reason)).summary.events

    if told is None:
        assert (reasons, events.used) == ([], 2)
    else:
        (reason,) = reasons
        assert told in reason
        assert (events.rejected, events.used) == (1, 1)


def test_an_engine_answers_for_each_line_as_a_simulation_does(shop: Project) -> None:
    with Engine.open(shop, store="volatile:", runtime="local", records=["email"]) as engine:
        for line, told, met in EVENT_LINES:
            ingested = engine.ingest(line + b"\n" + GOOD).result()
            assert [place for place, _ in ingested.rejected] == ([] if told is None else [0]), met
