"""What comes if nothing happens is what a journey decides by itself, and when it is said as one says it today."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours import Project
from parcours.config import DAY_MS, HOUR_MS
from parcours.insight.next_words import next_words, when_words
from parcours.journey.program import Journey

TEXTS = {
    "parcours.yaml": "project: shop",
    "profile.yaml": "{traits: {email: string, phone: string}, addresses: {email: profile.email, sms: profile.phone}}",
    "events.yaml": "events: {Begun: {}, Came: {}}",
    "messages/note.yaml": "{message: note, class: transactional, email: {subject: Hi, text: Hi}, sms: {text: Hi}}",
    "journeys/long.yaml": """
        journey: long
        entry: {event: Begun}
        steps:
          - {id: first, send: note}
          - {id: coming, wait_for: [{event: Came, next: done}], timeout: 1d}
          - {id: mark, update: {phone: '"1"'}}
          - {id: either, send: note, channels: {first: [email, sms]}}
          - {id: rest, wait: 1d}
          - {id: more, wait: 1d}
          - {id: which, branch: [{when: profile.phone == "1", next: last}]}
          - {id: done, end: true}
          - {id: last, wait: 1d}
    """,
}


@pytest.fixture
def journey(tmp_path: Path) -> Journey:
    write_texts(tmp_path / "shop", TEXTS)
    return Project.load(tmp_path / "shop").program.journeys[0]


@pytest.mark.parametrize(
    "step, words",
    [
        ("first", "email, sms note is let go"),  # a gate holds it
        ("coming", "email or sms note"),  # past what happens at once
        ("rest", "she waits on at 'more'"),
        ("more", "'which' decides which way she goes"),
        ("last", "her way through the journey ends"),
        ("which", "it goes on"),  # nobody waits there
        ("gone", "it goes on"),
        (None, "it goes on"),
    ],
)
def test_a_run_is_followed_to_what_is_noticed_or_not_known_before(step: str, words: str, journey: Journey) -> None:
    assert next_words(journey, step) == words
    assert next_words(None, step) == "it goes on"


@pytest.mark.parametrize(
    "after_ms, words",
    [
        (-1, "at any moment"), (0, "at any moment"), (HOUR_MS, "today 23:14 UTC"), (2 * HOUR_MS, "tomorrow 00:14 UTC"),
        (DAY_MS, "tomorrow 22:14 UTC"), (2 * DAY_MS, "2026-12-02 22:14 UTC"),
    ],
)  # fmt: skip
def test_an_instant_is_told_as_seen_from_now(after_ms: int, words: str) -> None:
    now_ms = 1_796_076_840_000  # 2026-11-30 22:14
    assert when_words(now_ms + after_ms, now_ms) == words
