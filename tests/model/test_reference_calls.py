"""Does the model mean what the rules say of outbound calls? Cases whose lines were worked out by hand."""

from typing import Any

import pytest
from tests.model.cases import Document, at, event, moves, outcomes, project
from tests.model.reference.calls import readable

ACTIONS: Document = {"ask": {"url": "https://example.com", "answer": {"total": "number", "card.kind": "string"}}}
ASKING: list[Document] = [
    {"id": "c", "call": "ask"},
    {
        "id": "w",
        "wait_for": [{"reaction": "failed", "of": "c", "next": "no"}, {"reaction": "answered", "of": "c"}],
        "timeout": "1h",
        "on_timeout": "no",
    },
    {"id": "b", "branch": [{"when": "event.total > 50", "next": "no"}]},
    {"id": "yes", "end": True},
    {"id": "no", "end": True},
]


def asking(**journey: Any) -> Document:
    return {**project(ASKING, **journey), "actions": {"actions": ACTIONS}}


def end(offset: str, kind: str, **more: Any) -> Document:
    line = {"type": "reaction", "reaction": kind, "userId": "ann", "journey": "j", "step": "c", "channel": "call"}
    return {**line, "timestamp": at(offset), **more}


def test_a_call_leaves_at_once_past_all_gates_and_whatever_comes_first_is_its_end() -> None:
    lines = [event("0s", "Start"), end("1h", "answered", answer={"total": 9}), end("1h", "failed")]
    assert outcomes(asking(policies={"consent": {"default": "opt_in"}}), *lines) == [
        (at("0s"), "c", "call", "sent", None),
        (at("1h"), "c", "call", "answered", None),
    ]


@pytest.mark.parametrize(
    "line, last",
    [
        (end("1h", "answered", answer={"total": 51}), [(at("1h"), 1, "b", "branched", "0"), "no"]),
        # The answer takes the place of the event, whose total it does not have.
        (end("1h", "answered", answer={}), [(at("1h"), 1, "b", "branched", None), "yes"]),
        (end("1h", "answered", answer={"total": "51"}), [(at("1h"), 1, "b", "branched", None), "yes"]),
        (end("1h", "failed"), [(at("1h"), 1, "w", "matched", "failed"), "no"]),
        (end("3600001ms", "failed"), [(at("1h"), 1, "w", "timed_out", None), "no"]),
    ],
)
def test_the_outcome_of_a_call_is_listened_for_and_its_answer_is_the_event(line: Document, last: list[Any]) -> None:
    found = moves(asking(), event("0s", "Start", total=80), line)
    assert [found[-3], found[-1][2]] == last


def test_an_outcome_that_is_there_already_matches_at_once() -> None:
    documents = asking()
    documents["journeys"][0]["steps"] = [ASKING[0], {"id": "pause", "wait": "2h"}, *ASKING[1:]]
    found = moves(documents, event("0s", "Start"), end("1h", "answered", answer={"total": 60}))
    assert found[4:7] == [
        (at("2h"), 1, "w", "reached", None),
        (at("2h"), 1, "w", "matched", "answered"),
        (at("2h"), 1, "b", "reached", None),
    ]
    assert found[7] == (at("2h"), 1, "b", "branched", "0")


def test_an_exit_of_the_same_instant_takes_back_a_call() -> None:
    documents = asking(exit=[{"audience": "gold"}], audiences={"gold": 'profile.tier == "gold"'})
    documents["journeys"][0]["steps"] = [ASKING[0], {"id": "u", "update": {"tier": '"gold"'}}, *ASKING[1:]]
    assert outcomes(documents, event("0s", "Start")) == [(at("0s"), "c", "call", "cancelled", None)]


def test_of_an_answer_only_what_the_action_declares_is_kept() -> None:
    declared = {"a.b": "integer", "c": "timestamp", "d": "boolean", "e": "number", "f": "string"}
    assert readable({"a": {"b": 1, "x": 2}, "c": "soon", "d": True, "e": 1.5, "f": 3}, declared) == {
        "a": {"b": 1},
        "d": True,
        "e": 1.5,
    }
