"""Who waits at a step, and what has happened there, or on a channel, last?

Whoever may not see people is told neither names and addresses nor the words of others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.time_text import time_text
from parcours.errors import CallerError, EngineClosed
from parcours.ingress.changes import answered, by_whom, looking
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request, Route, json_answer
from parcours.ingress.hidden_names import shown_person, shown_reason
from parcours.ingress.keys import sees_people
from parcours.ingress.queries import queried, whole_number
from parcours.ingress.step_bodies import NewestFact, NewestFacts, StepWaits, WaitingAsked, WaitingShown
from parcours.insight.sentences import moved, reached
from parcours.shard.messages import Look

STEP: Final = "/journeys/{name}/steps/{step}"
CHANNEL: Final = "/channels/{channel}"


async def waiting(door: Door, request: Request) -> Answer:
    """Who waits at a step, the longest first."""
    told = await step_waits(door, request, request.params["step"], queried(request, WaitingAsked).skip)
    return json_answer(told, headers=VARY)


async def step_waits(door: Door, request: Request, step: str, asked: str) -> StepWaits:
    """Who waits at a step of the journey of the path, after so many, for whoever asks."""
    name, skip, look = request.params["name"], whole_number("skip", asked), look_of(request, f"{STEP}/waiting")
    try:
        found = await answered(door.service.waiting(name, step, skip=skip, look=look))
    except EngineClosed:
        raise
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None
    shown = [
        WaitingShown(
            person=shown_person(run.person, request.key, request.received_ms),
            run=run.run,
            version=run.version,
            since=time_text(run.since),
            until=None if run.until is None else time_text(run.until),
            parked=None if run.parked is None else shown_reason(run.parked, request.key),
        )
        for run in found.runs
    ]
    return StepWaits(
        name=name, step=step, looked_at=found.looked_at, whole=found.whole, waiting=shown,
        next=skip + len(shown) if found.more else None,
    )  # fmt: skip


async def at_step(door: Door, request: Request) -> Answer:
    """What has happened at a step last."""
    return json_answer(NewestFacts(await step_facts(door, request, request.params["step"])), headers=VARY)


async def step_facts(door: Door, request: Request, step: str) -> list[NewestFact]:
    """What has happened last at a step of the journey of the path, for whoever asks."""
    look = look_of(request, f"{STEP}/facts")
    try:
        facts = await answered(door.service.newest_at_step(request.params["name"], step, look=look))
    except EngineClosed:
        raise
    except CallerError as error:
        raise Problem(404, "unknown", str(error)) from None
    return newest_shown(facts, request)


async def on_channel(door: Door, request: Request) -> Answer:
    """What has become of a channel's deliveries last."""
    channel = request.params["channel"]
    facts = await answered(door.service.newest_on_channel(channel, look=look_of(request, f"{CHANNEL}/facts")))
    return json_answer(NewestFacts(newest_shown(facts, request)), headers=VARY)


def look_of(request: Request, route: str) -> Look | None:
    """That somebody has looked; a key that is shown no names looks at nobody."""
    sees = sees_people(request.key)
    return Look(by_whom(request), f"{request.method} {route}") if sees else None


def newest_shown(facts: Sequence[Fact], request: Request) -> list[NewestFact]:
    """The facts for whoever asks."""
    return [_fact(fact, request) for fact in facts if isinstance(fact, Moved | DeliveryReached)]


def _fact(fact: Moved | DeliveryReached, request: Request) -> NewestFact:
    person = shown_person(fact.person, request.key, request.received_ms)
    at, sees = time_text(fact.at), sees_people(request.key)
    if isinstance(fact, Moved):
        why = shown_reason(fact.why, request.key) if fact.why is not None and fact.what == "parked" else fact.why
        return NewestFact(
            at=at, person=person, journey=fact.journey, version=fact.version, run=fact.run, step=fact.step,
            what=fact.what, words=moved(fact.what, why),
        )  # fmt: skip
    reason = None if fact.reason is None else shown_reason(fact.reason, request.key)
    words = reached(fact.outcome, fact.gate, reason, fact.code if sees else None, is_machine=fact.machine)
    return NewestFact(
        at=at, person=person, journey=fact.journey, version=fact.version, run=fact.run, step=fact.step,
        what=fact.outcome, words=words, channel=fact.channel, gate=fact.gate, to=fact.to if sees else None,
    )  # fmt: skip


ROUTES: Final[tuple[Route, ...]] = (
    looking(f"{STEP}/waiting", waiting, StepWaits, "Who waits at a step, the longest first.", asks=WaitingAsked),
    looking(f"{STEP}/facts", at_step, NewestFacts, "What has happened at a step last."),
    looking(f"{CHANNEL}/facts", on_channel, NewestFacts, "What has become of a channel's deliveries last."),
)
