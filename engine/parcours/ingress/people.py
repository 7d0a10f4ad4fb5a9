"""Who is she, what has happened to her and why, and what is changed by hand: for whoever answers people.

A person is named as results have her: by her user id, or as `@anonymous/7f3a`, whose slash is encoded in the path. Each
look, and each change, is a fact of hers with the name of the key; nobody is known afterwards who was not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final

import msgspec

from parcours.core.fact import Fact
from parcours.core.identity import person_asked_for
from parcours.core.time_text import time_text
from parcours.core.turn import region_of
from parcours.expression.expression import Scope
from parcours.ingress.asked_people import ADDRESS_KINDS, TABLE, found_by, known_person, look_of, unknown
from parcours.ingress.bodies import decoded
from parcours.ingress.call_lines import CallLines
from parcours.ingress.call_mending import nothing_sent_on
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Handler, Problem, Request, Route, json_answer
from parcours.ingress.ingest import Outcome, taken_by, terms_of
from parcours.ingress.keys import ANYBODY
from parcours.ingress.page.people import people_screen
from parcours.ingress.page.person import person_screen
from parcours.ingress.people_bodies import (
    ConsentSaid,
    ConsentShown,
    ConsentsShown,
    DeliveryShown,
    FactsShown,
    PeopleFound,
    PersonShown,
    PlaceShown,
    PositionShown,
    RunShown,
    SuppressionSaid,
    TraitsSaid,
)
from parcours.insight.explain import Explanation
from parcours.insight.explain_text import explanation_text
from parcours.instants import ceil_ms
from parcours.service.people_table import PersonRow
from parcours.service.person import Person, PersonDelivery, PersonRun
from parcours.service.person_places import PersonPlace, PersonPosition
from parcours.service.person_record import fact_told
from parcours.shard.messages import Look

DELIVERIES_SHOWN: Final = 20

FACTS_SHOWN: Final = 100
"""Facts of one answer; `before` leads to the others."""

PIECE_BYTES: Final = 64 * 1024
"""About so much of a person's record is sent at once."""

_encode = msgspec.json.Encoder().encode

IDS: Final = {"user": "userId", "anonymous": "anonymousId"}
"""The members of a call that have ids of these namespaces. Of others it has whole names."""


async def person(door: Door, request: Request) -> Answer:
    """What is known of her now. Of somebody who was only ever refused there are facts, and nothing else."""
    return json_answer(_shown(await known_person(door, request)), headers=VARY)


async def people(door: Door, request: Request) -> Answer:
    """Who has an address, or, by `q`, whom an id, a name or an address means."""
    text = request.query.get("q", "").strip()
    asked = [(kind, request.query[kind]) for kind in ADDRESS_KINDS if request.query.get(kind)]
    if len(asked) + bool(text) != 1 or len(request.query) != 1:
        raise Problem(400, "invalid", "one of ?q=, ?email= and ?phone= is expected, with what is looked for")
    if text:
        return json_answer(PeopleFound(await found_by(door, request, text)), headers=VARY)
    ((kind, address),) = asked
    return json_answer(PeopleFound(await door.service.find(kind, address, look=look_of(request))), headers=VARY)


async def explain(door: Door, request: Request) -> Answer:
    """Why she got, or did not get, a message."""
    explanation = await door.service.explain(request.params["id"], look=look_of(request))
    is_told = explanation.notes or any(story.runs or story.refusals for story in explanation.journeys)
    if not is_told and not await _is_known(door, request):
        raise unknown()
    if "text/plain" in request.headers.get("accept", ""):
        return Answer(body=explanation_text(explanation).encode(), media_type="text/plain; charset=utf-8", headers=VARY)
    return json_answer(explanation, headers=VARY)


async def facts(door: Door, request: Request) -> Answer:
    """What has happened to her, the newest first."""
    told = await door.service.facts(request.params["id"], look=look_of(request))
    if not told and await door.service.profile(request.params["id"]) is None:
        raise unknown()
    before = request.query.get("before")
    end = len(told) if before is None else _place(told, before)
    start = max(0, end - FACTS_SHOWN)
    owner = await door.service.owner(request.params["id"])
    shown = [fact_told(fact, owner) for fact in reversed(told[start:end])]
    return json_answer(FactsShown(shown, _mark(told, start) if start else None), headers=VARY)


async def export(door: Door, request: Request) -> Answer:
    """Everything that is held of her, in all places."""
    record = await door.service.record(request.params["id"], look=look_of(request))
    if record is None:
        raise unknown()
    headers = {**VARY, "Content-Disposition": 'attachment; filename="person.json"'}
    return Answer(stream=_in_pieces(record.document()), headers=headers)


async def everybody(door: Door, request: Request) -> Answer:
    """The table of people as of now, a line of JSON for each."""
    return Answer(stream=_table(door, look_of(request)), media_type="application/x-ndjson", headers=VARY)


async def _table(door: Door, look: Look) -> AsyncIterator[bytes]:
    async with aclosing(door.service.everybody(look=look)) as slices:
        async for rows in slices:
            if rows:
                yield b"".join(_line(row) for row in rows)


def _line(row: PersonRow) -> bytes:
    return _encode({**msgspec.structs.asdict(row), "taken": time_text(row.taken)}) + b"\n"


async def _is_known(door: Door, request: Request) -> bool:
    her = request.params["id"]
    return await door.service.profile(her) is not None or bool(await door.service.facts(her))


def saying(kind: str, body: type[msgspec.Struct]) -> Handler:
    """The handler that hands in what the body says of a person, as a call of this type."""

    async def say(door: Door, request: Request) -> Answer:
        given = decoded(request, body)
        said = msgspec.structs.asdict(given)
        name = _name(door, request)
        _check_channel(door, kind, said.get("channel"))
        if isinstance(given, SuppressionSaid):
            await _check_address(door, name, given)
        call = {"type": kind, **_named(name), **{name: value for name, value in said.items() if value is not None}}
        if message_id := request.headers.get("idempotency-key"):
            call["messageId"] = f"{kind} by hand {message_id}"
        lines = CallLines(terms_of(door, request, request.key or ANYBODY))
        lines.add(msgspec.json.encode(call))
        outcome = await taken_by(door, request, lines)
        if outcome.accepted:
            await door.service.note_look(name, look_of(request))
        return json_answer(outcome)

    return say


def _name(door: Door, request: Request) -> str:
    """The person's name, as an event that names her makes it. Raises Problem for a name that no event can make."""
    name = person_asked_for(request.params["id"])
    namespace, _, its_id = name[1:].partition("/")
    if not name.startswith("@") or (namespace in IDS and its_id):
        return name
    types = [each for each in door.service.program.events.values() if each.namespace == namespace]
    if not types or not its_id:
        raise Problem(400, "invalid", "no event type has a key of such a namespace: nobody can have this name")
    return name.lower() if types[0].caseless else name


def _check_channel(door: Door, kind: str, channel: str | None) -> None:
    """Raises Problem for a channel that the project does not know: a word about it would never count."""
    if channel is not None and channel not in (known := door.spoken_of(kind)):
        raise Problem(400, "invalid", nothing_sent_on(channel, known))


async def _check_address(door: Door, name: str, said: SuppressionSaid) -> None:
    """Raises Problem for an address in no form that the channel uses: no message of hers could be meant by it.

    One that is suppressed all the same, as it stands, can be let go.
    """
    her = await door.service.profile(name)
    if her is not None and said.address in her.suppressed.get(said.channel, ()):
        return
    traits = Scope(profile={} if her is None else her.traits, now_ms=door.now_ms())
    region = region_of(door.service.program, traits)
    try:
        await asyncio.to_thread(door.address_rules, said.channel, said.address, region)  # it may have to be loaded
    except ValueError as error:
        raise Problem(400, "invalid", f"no message on {said.channel!r:.64} goes to this address: {error}") from None


def _named(name: str) -> dict[str, str]:
    """How a call names the person of this name."""
    if not name.startswith("@"):
        return {"userId": name}
    namespace, _, its_id = name[1:].partition("/")
    return {IDS[namespace]: its_id} if namespace in IDS else {"person": name}


def _mark(told: Sequence[Fact], place: int) -> str:
    """By what the place is found again: facts that happen later, and a person's oldest ones that go, do not move it."""
    at = told[place].at
    return f"{time_text(at)}~{sum(fact.at == at for fact in told[place:])}"


def _place(told: Sequence[Fact], before: str) -> int:
    """The place before which facts are asked for, by a mark or a time. Raises Problem."""
    text, _, left = before.partition("~")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or (left and not left.isdecimal()):
            raise ValueError
        at = ceil_ms(moment)
        count = int(left or 0)
    except (ValueError, OverflowError):
        raise Problem(400, "invalid", "`before` is a time with its zone, or what an answer has said") from None
    earlier = sum(fact.at < at for fact in told)
    same = sum(fact.at == at for fact in told)
    return earlier + (max(0, same - count) if left else 0)


async def _in_pieces(document: Iterable[bytes]) -> AsyncIterator[bytes]:
    held = bytearray()
    for part in document:
        held += part
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    yield bytes(held)


def _shown(found: Person) -> PersonShown:
    return PersonShown(
        owner=found.name,
        names=[found.name, *found.names],
        traits=_plain(found.traits),
        audiences=sorted(found.audiences),
        consents=ConsentsShown(_consents(found.consents), _consents(found.in_force)),
        suppressed={channel: list(addresses) for channel, addresses in found.suppressed.items()},
        runs=[_run(run) for run in found.runs],
        deliveries=[_delivery(run, each) for run, each in found.newest_deliveries(DELIVERIES_SHOWN)],
        next_timer=_time(found.next_due),
        asked_for=found.asked_for,
        places=[_place_shown(each) for each in found.whereabouts.places],
        position=_position(found.whereabouts.position),
        unheard=dict(found.whereabouts.unheard),
        not_followed=found.whereabouts.not_followed,
    )


def _place_shown(place: PersonPlace) -> PlaceShown:
    return PlaceShown(
        place=place.place,
        since=time_text(place.since),
        told=place.is_told,
        enters=_time(place.enters),
        away_since=_time(place.away_since),
        leaves=_time(place.leaves),
        silent=time_text(place.silent),
    )


def _position(position: PersonPosition | None) -> PositionShown | None:
    if position is None:
        return None
    return PositionShown(time_text(position.at), time_text(position.told_at), position.latitude, position.longitude)


def _consents(consents: Mapping[tuple[str, str | None], bool]) -> list[ConsentShown]:
    return [ConsentShown(channel, purpose, granted) for (channel, purpose), granted in consents.items()]


def _run(run: PersonRun) -> RunShown:
    return RunShown(
        journey=run.journey,
        version=run.version,
        run=run.number,
        step=run.step,
        since=_time(run.since),
        waits_for=list(run.waits_for),
        until=_time(run.until),
        parked=run.parked,
    )


def _delivery(run: PersonRun, delivery: PersonDelivery) -> DeliveryShown:
    return DeliveryShown(
        key=delivery.key,
        journey=run.journey,
        run=run.number,
        step=delivery.step,
        channel=delivery.channel,
        message=delivery.message,
        to=delivery.to,
        at=time_text(delivery.at),
        state=delivery.state,
        marks={mark: time_text(at) for mark, at in delivery.marks.items()},
    )


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else time_text(at_ms)


def _plain(value: Any) -> Any:
    """The frozen value as JSON can write it."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _looking(
    path: str, handler: Handler, gives: type[msgspec.Struct] | None, summary: str, page: Handler | None = None
) -> Route:
    return Route(method="GET", path=path, handler=handler, gives=gives, page=page, scope="people:read", summary=summary)


def _changing(kind: str, path: str, body: type[msgspec.Struct], summary: str) -> Route:
    return Route(
        method="POST", path=path, handler=saying(kind, body), takes=body, gives=Outcome, scope="people", summary=summary
    )


ROUTES: Final[tuple[Route, ...]] = (
    _looking("/people", people, PeopleFound, "Who has an address, or is called like this.", people_screen),
    _looking(TABLE, everybody, None, "Everybody as of now: declared traits, audiences, consents and places."),
    _looking("/people/{id}", person, PersonShown, "What is known of a person.", person_screen),
    _looking("/people/{id}/explain", explain, Explanation, "Why she got, or did not get, a message."),
    _looking("/people/{id}/facts", facts, FactsShown, "What has happened to her."),
    _looking("/people/{id}/export", export, None, "Everything that is held of her.", export),
    _changing("identify", "/people/{id}/traits", TraitsSaid, "Set traits by hand."),
    _changing("consent", "/people/{id}/consents", ConsentSaid, "Say what she has said of consent."),
    _changing("suppression", "/people/{id}/suppressions", SuppressionSaid, "Suppress an address, or let it be used."),
)
