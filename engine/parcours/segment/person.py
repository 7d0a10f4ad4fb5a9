"""Whom is a line about? A call names its person by an id or by the key of its event type, a report names a delivery."""

from __future__ import annotations

from typing import TypeGuard

from parcours.config import Settings
from parcours.core.delivery.delivery_key import KeyPlace, place_in
from parcours.core.identity import SlotMap, person_in, person_name
from parcours.expression.expression import MISSING, Scope
from parcours.journey.program import PAGE_EVENTS, EventType, Program
from parcours.segment.line import Call, DetailedCall, Unusable, properties_of, read_call, read_routing
from parcours.segment.told import OF_PEOPLE

FEEDBACK = "feedback"
"""The type of the line of a provider's report."""

BY_HAND = ("identify", "consent", "suppression")
"""The types of calls by which a person is changed by hand. She may be one whom no id names, but the key of an event."""

NAMED_TWICE = {
    FEEDBACK: "feedback names a delivery by its key or a person by her name, and nobody by an id",
    "proposition": "a proposition call names a person by an id, or as results name her, and not by both",
    **{
        kind: f"{'an' if kind == 'identify' else 'a'} {kind} call names a person by an id, or as results name her, and "
        "not by both"
        for kind in BY_HAND
    },
    **{kind: f"a {kind} line names a person by her user id, or as results do, and not by both" for kind in OF_PEOPLE},
}
"""The types of lines that may name their person as results do, as a door hands them in, and what else they may not."""

EVENTFUL = frozenset({"track", FEEDBACK})
"""The types of lines that name the event that they are."""


def route(line: bytes, program: Program, settings: Settings, slot_map: SlotMap) -> int:
    """The slot to which a line goes: of the person whom it is about, or of the delivery that a provider reports on."""
    routing = read_routing(line, settings)
    user_id = routing.user_id
    if user_id and user_id[0] != "@":
        return slot_map.slot(user_id)
    person = person_name(user_id, routing.anonymous_id)
    if person is None:
        call = read_call(line)
        if is_by_name(call):
            return slot_map.slot(named_person(call, settings))
        if is_report(call):
            return slot_map.slot_of_hash(*reported_place(call))
        person = keyed_person(call, program)
    return slot_map.slot(person)


def keyed_person(call: Call, program: Program) -> str:
    """The person named by the key of the call's event type, or of a rule-based type that it meets.

    Asked only where the call has no id of its own.
    """
    name = PAGE_EVENTS.get(call.type) or call.event or ""
    types = [each for each in (program.events.get(name), *program.derived.get(name, ())) if each and each.key]
    scope = Scope(event=properties_of(call)) if types else Scope()
    for declared in types:
        if declared.rule is None or declared.rule.holds(scope):
            person = _named_by(declared, scope)
            if person is not None:
                return person
    raise Unusable("names nobody: neither userId nor anonymousId, and no key of its event type")


def _named_by(declared: EventType, scope: Scope) -> str | None:
    if declared.key is None or declared.namespace is None:
        return None
    value = declared.key.value(scope)
    return None if value is MISSING else person_in(declared.namespace, value, caseless=declared.caseless)


def person_of(call: Call, program: Program, settings: Settings) -> str:
    """The call's person, after checking her id for what no store or provider can hold."""
    if is_by_name(call):
        return named_person(call, settings)
    return checked_name(person_name(call.user_id, call.anonymous_id) or keyed_person(call, program), settings)


def checked_name(person: str, settings: Settings) -> str:
    """The name, if stores and providers can hold it. Raises Unusable."""
    if len(person) > settings.id_bytes_max or len(person.encode()) > settings.id_bytes_max:
        raise Unusable(f"an id of {len(person.encode())} bytes, more than id_bytes_max={settings.id_bytes_max}")
    if "\0" in person:
        raise Unusable("an id with a NUL character")
    return person


def told_event(call: Call) -> str | None:
    """The name of the event that the call is, or that its report is besides; None for no event."""
    return call.event if call.type in EVENTFUL else PAGE_EVENTS.get(call.type)


def is_report(call: Call) -> TypeGuard[DetailedCall]:
    """Whether the call is a provider's report."""
    return call.type == FEEDBACK


def is_by_name(call: Call) -> TypeGuard[DetailedCall]:
    """Whether the call names its person as results do, in place of an id: whoever has no id may be named so, too."""
    return call.type in NAMED_TWICE and isinstance(call, DetailedCall) and bool(call.person)


def named_person(call: DetailedCall, settings: Settings) -> str:
    """The person whom such a call is about."""
    if call.user_id or call.anonymous_id or call.key:
        raise Unusable(NAMED_TWICE[call.type])
    return checked_name(call.person or "", settings)


def reported_place(call: DetailedCall) -> KeyPlace:
    """Where the delivery belongs that a provider's report names."""
    if call.user_id or call.anonymous_id:
        raise Unusable("feedback names a delivery by its key, and nobody by an id")
    try:
        return place_in(call.key or "")
    except ValueError as error:
        raise Unusable(f"feedback for what has not left here: {error}") from None
