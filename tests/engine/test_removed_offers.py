"""A publication does not take a decision, or a placement, from runs that are on their way to it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours import Engine, Project
from parcours.clock import ManualClock
from parcours.errors import PublishRefused

START = 1_772_442_000_000

OFFERS = """\
placements: {agent: {channel: agent, format: text}, line: {channel: card, format: text}}
offers: {ten: {content: {agent: {text: Ten}, line: {text: Ten}}}}
decisions: {best: {choose: [{collection: all}]}, second: {choose: [{collection: all}]}}
"""

PICKING = """\
journey: pick
entry: {event: Asked}
steps:
  - {id: wait, wait: 1d}
  - {id: pick, decide: best, placement: agent, as: best}
"""

TELLING = """\
message: tell
class: transactional
offers: {hero: {decision: best, placement: {card: line}}}
card: {title: x}
"""

SENDING = "{journey: pick, entry: {event: Asked}, steps: [{id: wait, wait: 1d}, {id: tell, send: tell}]}\n"

OTHER = "{journey: pick, entry: {event: Asked}, steps: [{id: wait, wait: 2d}]}\n"

WITHOUT_BEST = OFFERS.replace("best: {choose: [{collection: all}]}, ", "")


def shop(folder: Path, journey: str, offers: str, **more: str) -> Project:
    write_texts(
        folder,
        {
            "parcours.yaml": "project: shop\n",
            "events.yaml": "events: {Asked: {}}\n",
            "offers.yaml": offers,
            "journeys/pick.yaml": journey,
            **more,
        },
    )
    return Project.load(folder)


def opened(project: Project, store: str = "memory:") -> Engine:
    return Engine.open(project, store, runtime="local", shards=2, clock=ManualClock(START))


@pytest.mark.parametrize(
    "journey, left, gone",
    [
        (PICKING, WITHOUT_BEST, "decision 'best'"),
        (SENDING, WITHOUT_BEST, "decision 'best'"),
        (PICKING, OFFERS.replace("agent: {channel: agent, format: text}, ", "").replace("agent: {text: Ten}, ", ""),
         "placement 'agent'"),
    ],
)  # fmt: skip
def test_what_open_runs_ask_for_cannot_be_taken_from_them(tmp_path: Path, journey: str, left: str, gone: str) -> None:
    first = shop(tmp_path / "first", journey, OFFERS, **{"messages/tell.yaml": TELLING})
    second = shop(tmp_path / "second", OTHER, left)
    with opened(first) as engine:
        for person in ("sarah", "tom", "ann"):
            engine.track(person, "Asked", {}).result()

        tried = engine.publish(second, dry=True)
        with pytest.raises(PublishRefused) as refused:
            engine.publish(second)

        expected = f"the {gone} is gone, and 3 open runs of older versions of 'pick' ask for it: leave it until"
        assert expected in str(refused.value) and expected in tried.refused[0]
        assert [each.version for each in engine.journeys()] == [1]
        engine.publish(shop(tmp_path / "third", OTHER, OFFERS.replace("second", "other")))
        engine.stop_journey("pick")
        engine.publish(second)


def test_what_nobody_asks_for_may_go_and_an_opening_says_what_runs_miss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    with opened(shop(tmp_path / "first", PICKING, OFFERS), store) as engine:
        engine.publish(shop(tmp_path / "second", PICKING, OFFERS.replace("second", "other")))
        engine.track("sarah", "Asked", {}).result()

    with caplog.at_level(logging.WARNING), opened(shop(tmp_path / "third", OTHER, WITHOUT_BEST), store):
        pass

    assert "the decision 'best' is gone, and 1 open run of older versions of 'pick' asks for it" in caplog.text
