"""The reproduction of a violation: the text of a test, which stays in tests/ as a regression test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from parcours.core.counted import INTERNAL_OUTCOMES
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.identity import ANONYMOUS
from parcours.core.time_text import time_text
from parcours.testing.cases.moment import since
from parcours.testing.explore.traffic import Act

PLAIN: Final = re.compile(r"(?!(?:true|false|null)\Z)[A-Za-z][\w-]*", re.ASCII | re.IGNORECASE)
"""Texts that YAML reads as themselves without quotes."""


def reproduction(title: str, told: str, acts: Sequence[Act], fact: Fact | None, often: int) -> Iterator[str]:
    """The lines of the test: these acts of one person, and that the fact happens once less than it did.

    Of all names but that of the first act nothing is known at the start.

    fact   the one at which the violation shows; None where something is missing, and the test only plays the acts
    often  how often it happened
    """
    person, start_ms, traits = acts[0].person, acts[0].at, acts[0].call.get("traits")
    is_known = traits is not None and "anonymousId" not in acts[0].call
    given = acts[1:] if is_known else acts
    links = [f"@{ANONYMOUS}/{act.call['anonymousId']}" for act in acts if "anonymousId" in act.call]
    people = {**dict.fromkeys([*(act.person for act in acts), *links]), person: traits if is_known else None}
    yield f"- test: {flow(title)}"
    yield f"  description: {flow(told)}"
    yield f"  people: {flow(people)}"
    yield f"  start: {time_text(start_ms)}"
    if given:
        yield "  given:"
    for act in given:
        yield f"    - {flow({'at': since(act.at, start_ms), 'who': act.person, **_given(act.call)})}"
    yield "  expect:"
    yield f"    - {flow({'who': fact.person if fact else person, **_expected(fact, start_ms, often)})}"


def _given(call: Mapping[str, object]) -> Mapping[str, object]:
    """The entry of `given` for a call of the event format."""
    match call["type"]:
        case "track":
            return {"event": call["event"], "properties": call["properties"]}
        case "identify":
            linked = {ANONYMOUS: call["anonymousId"]} if "anonymousId" in call else {}
            traits = call["traits"]
            assert isinstance(traits, Mapping), "traffic says so"
            return {"identify": {**linked, **traits}}
        case "consent":
            return {"consent": {name: call[name] for name in ("channel", "purpose", "granted") if name in call}}
        case _:
            of = f"{call['journey']}.{call['step']}"
            return {"reaction": call["reaction"], "of": of, "channel": call["channel"]}


def _expected(fact: Fact | None, start_ms: int, often: int) -> Mapping[str, object]:
    match fact:
        case DeliveryReached() if fact.outcome not in INTERNAL_OUTCOMES:
            what = {"journey": fact.journey, "step": fact.step, "channel": fact.channel, "outcome": fact.outcome}
        case Moved():
            what = {"journey": fact.journey, **({"step": fact.step} if fact.step else {}), "what": fact.what}
        case _:
            return {"outcome": "failed", "times": 0}  # there is no fact to expect
    return {**what, "at": since(fact.at, start_ms), "times": often - 1}


def flow(value: object) -> str:
    """A value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(name)}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
