"""The query of an outbound call is added to its URL when the call is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.core.delivery.call_url import with_query

if TYPE_CHECKING:
    from tests.core.conftest import Tell


@pytest.mark.parametrize(
    "url, values, whole",
    [
        ("https://crm.example/notes", {}, "https://crm.example/notes"),
        ("https://crm.example/notes", {"who": "sarah"}, "https://crm.example/notes?who=sarah"),
        ("https://crm.example", {"who": "sarah"}, "https://crm.example?who=sarah"),
        ("https://crm.example/notes?v=2", {"who": "sarah"}, "https://crm.example/notes?v=2&who=sarah"),
        ("https://crm.example/notes?", {"who": "sarah"}, "https://crm.example/notes?who=sarah"),
        ("https://crm.example/notes?v=2#top", {"who": "s"}, "https://crm.example/notes?v=2&who=s#top"),
        ("https://crm.example/", {"a&b": "c=d", "e": "é +/?#"}, "https://crm.example/?a%26b=c%3Dd&e=%C3%A9%20%2B%2F%3F%23"),
        ("https://crm.example/", {"empty": ""}, "https://crm.example/?empty="),
        # what is no text is written as in JSON
        ("https://crm.example/", {"n": 5, "f": 0.5, "yes": True, "no": False}, "https://crm.example/?n=5&f=0.5&yes=true&no=false"),
        ("https://crm.example/", {"o": {"b": 1, "a": 2}}, "https://crm.example/?o=%7B%22a%22%3A2%2C%22b%22%3A1%7D"),
        # a list has its name once for each of its elements
        ("https://crm.example/", {"tag": ["new", 7, "a b"], "none": []}, "https://crm.example/?tag=new&tag=7&tag=a%20b"),
    ],
)  # fmt: skip
def test_values_are_encoded_into_the_url(url: str, values: dict[str, object], whole: str) -> None:
    assert with_query(url, values) == whole


LOOK_UP = """
journey: look-up
entry: {event: Start}
steps:
  - {id: look, call: look}
  - {id: done, end: true}
"""

LOOK = """
look:
  url: https://crm.example/people?v=2
  method: GET
  query: {who: profile.email, score: profile.score, limit: 5, kind: '"shop"', until: entry.until, city: profile.city}
"""


def test_a_query_holds_expressions_and_literals_without_those_that_have_no_value(tell: Tell) -> None:
    story = tell(LOOK_UP, actions=LOOK).event(0, "Start", until="2026-03-02T10:00:00+01:00")

    (outgoing,) = story.outbox.values()
    encoded = "who=sarah%40mail.example&limit=5&kind=shop&until=2026-03-02T09%3A00%3A00.000Z"
    assert outgoing.to == f"https://crm.example/people?v=2&{encoded}"
    assert outgoing.context == {}


COUNTED = """
counted:
  url: https://crm.example/people
  query: {starts: 'count("Start", "30d")'}
"""


def test_a_query_may_ask_for_a_history(tell: Tell) -> None:
    story = tell(LOOK_UP.replace("call: look", "call: counted"), actions=COUNTED)

    story.event(0, "Start").event(1, "Start")

    assert [each.to for each in story.outbox.values()] == [
        "https://crm.example/people?starts=1",
        "https://crm.example/people?starts=2",
    ]
