"""What does a line do to its person? Each type of call is an input of its own to the core.

A line of the type `feedback` is a provider's report. Mostly it names a delivery by its key and no person, and is routed
by the key. One that names no delivery has the name of its person and the channel, and may be an event besides. It can
do no more than lines of other types, which callers may hand in as well, and recordings of a live engine hold such
lines; so it is accepted from every caller. A door that does not trust its callers has to refuse it, as it does those.
"""

from __future__ import annotations

from typing import Annotated, Final, get_args

import msgspec

from parcours.channel import CALL, Reaction
from parcours.config import Settings
from parcours.core.delivery.feedback import OUTCOMES, UNBLOCKED, is_possible
from parcours.core.delivery.machines import BY_MACHINES
from parcours.core.input import (
    AskedAt,
    ConsentChanged,
    DecisionAsked,
    EventHappened,
    FeedbackArrived,
    Input,
    PersonReported,
    PropositionMarked,
    ReactionArrived,
    SuppressionChanged,
    TraitsChanged,
)
from parcours.core.occasion import names_of
from parcours.core.offers.asking import objection
from parcours.journey.model.offers import Mark
from parcours.journey.program import PAGE_EVENTS, Program
from parcours.segment.line import (
    UNREADABLE,
    Call,
    DetailedCall,
    Unusable,
    decode_object,
    instant,
    properties_of,
    read_call,
    too_long,
)
from parcours.segment.person import FEEDBACK, person_of, reported_place
from parcours.segment.told import MERGE, TOLD

REPORTED: tuple[str, ...] = get_args(Reaction)
"""The reactions that a provider can report."""

MARKS: tuple[Mark, ...] = get_args(Mark)

REQUEST_ID_MAX: Final = 200
"""Characters of a request's id, which is remembered with what she got by it."""

DECISIONS_MAX: Final = 30
"""Decisions of one call."""


_asked = msgspec.json.Decoder(Annotated[tuple[AskedAt, ...], msgspec.Meta(max_length=DECISIONS_MAX)]).decode

QUOTED_MAX = 64
"""Characters of a line that a reason quotes of one name, so that there is room for the rest of the sentence."""


def check_call(line: bytes, program: Program, settings: Settings) -> None:
    """Raises Unusable for the line of a call that no shard would take.

    A shard looks no further into a call than its journeys do; here all of it is looked at.
    """
    if len(line) > settings.event_bytes_max:
        raise too_long(settings)
    call = read_call(line)
    if call.type != FEEDBACK:  # which names a delivery
        person_of(call, program, settings)
    check_message_id(call, settings)
    input_of(call, 0, program, settings)


def check_message_id(call: Call, settings: Settings) -> None:
    """Raises Unusable for a message id that is too long to be remembered."""
    if call.message_id and len(call.message_id) > settings.id_bytes_max:
        raise Unusable(f"a messageId longer than id_bytes_max={settings.id_bytes_max}")


def event_name(call: Call) -> str | None:
    """The name of the event that the call is, None if it is no event."""
    if call.type == "track":
        if not call.event:
            raise Unusable("a track call without an event")
        return call.event
    return PAGE_EVENTS.get(call.type)


def input_of(call: Call, at: int, program: Program, settings: Settings) -> Input | None:
    """The input that the call is to its person; None for an accepted call that does nothing."""
    name = event_name(call)
    if name is not None:
        return _event_input(call, name, at, program)
    assert isinstance(call, DetailedCall), "only a track call is read without its details"
    if call.type == "identify":
        return TraitsChanged(at, decode_object(call.traits, "traits"))
    if call.type == "reaction":
        return _reaction_input(call, at)
    if call.type == FEEDBACK:
        return _feedback_input(call, at, program)
    if call.type == "group":
        return None
    if call.type == "alias":
        if not call.user_id:
            raise Unusable("an alias needs a userId, of the person who is known")
        return None  # it does nothing but link names (links.py)
    if call.type == "consent":
        return _consent_input(call, at)
    if call.type == "suppression":
        return _suppression_input(call, at)
    if call.type == "decision":
        return _decision_input(call, at, program, settings)
    if call.type == "proposition":
        return _mark_input(call, at)
    if call.type in TOLD:
        raise Unusable(
            f"the type {call.type!r} tells what became of somebody in a store: only the simulation of all lines that "
            "`parcours store inputs` has written takes it, the first one included"
        )
    if call.type == MERGE:
        raise Unusable("a merge line is for simulations: live, an identify or alias call says who is one person")
    raise Unusable(f"unknown type {call.type!r:.{QUOTED_MAX}}")


def _event_input(call: Call, name: str, at: int, program: Program) -> EventHappened:
    properties = properties_of(call)
    timestamp = None if call.timestamp is None else instant(call.timestamp)
    return EventHappened(at, names_of(name, properties, at, program), properties, timestamp)


def _consent_input(call: DetailedCall, at: int) -> ConsentChanged:
    if not call.channel or call.granted is None:
        raise Unusable("a consent call needs channel and granted")
    return ConsentChanged(at, call.channel, call.purpose or None, call.granted)


def _suppression_input(call: DetailedCall, at: int) -> SuppressionChanged:
    if not call.channel or not call.address or call.suppressed is None:
        raise Unusable("a suppression call needs channel, address and suppressed")
    return SuppressionChanged(at, call.channel, call.address, call.suppressed)


def _decision_input(call: DetailedCall, at: int, program: Program, settings: Settings) -> DecisionAsked:
    if bytes(call.dry) not in (b"", b"null", b"false"):
        raise Unusable("dry is for POST /v1/decisions and engine.decide: a decision call is made for real")
    if not call.request_id:
        raise Unusable("a decision call needs a requestId")
    if len(call.request_id) > REQUEST_ID_MAX:
        raise Unusable(f"a requestId longer than {REQUEST_ID_MAX} characters")
    try:
        asked = _asked(call.decisions)
    except UNREADABLE as error:
        raise Unusable(f"decisions are a list of objects with decision and placement: {error}") from None
    if not asked:
        raise Unusable("a decision call needs decisions")
    if len({(each.decision, each.placement) for each in asked}) < len(asked):
        raise Unusable("a decision call asks for the same decision at the same placement twice")
    context = decode_object(call.context, "context")
    reason = objection([each.decision for each in asked], [each.placement for each in asked], context, program.offers)
    if reason is not None:
        raise Unusable(reason)
    decisions = program.offers.decisions
    most = sum(decisions[each.decision].count if each.count is None else each.count for each in asked)
    if most > settings.propositions_max:
        told = f"of one request {settings.propositions_max} can be remembered (propositions_max)"
        raise Unusable(f"the decisions of the call may give {most} offers, and {told}: ask for fewer")
    return DecisionAsked(at, call.request_id, asked, context)


def _mark_input(call: DetailedCall, at: int) -> PropositionMarked:
    if not call.proposition:
        raise Unusable("a proposition call needs the proposition that it marks")
    for known in MARKS:
        if call.mark == known:
            return PropositionMarked(at, call.proposition, known)
    raise Unusable(f"unknown mark {call.mark!r:.{QUOTED_MAX}}; there are {', '.join(MARKS)}")


def _reaction_input(call: DetailedCall, at: int) -> ReactionArrived:
    if call.reaction not in OUTCOMES:
        raise Unusable(f"unknown reaction {call.reaction!r:.{QUOTED_MAX}}; there are {', '.join(OUTCOMES)}")
    channel = call.channel or (CALL if call.reaction == "answered" else None)
    name = call.journey or call.campaign
    if not (name and call.step and channel):
        raise Unusable("a reaction needs journey, step and channel")
    if call.journey and call.campaign:
        raise Unusable("a reaction is to a step of a journey, or of a campaign in its place")
    if not is_possible(call.reaction, channel):
        raise Unusable(
            f"{call.reaction!r} on {channel!r:.{QUOTED_MAX}}: "
            "an outbound call is answered or failed, and nothing else is answered"
        )
    answer = decode_object(call.answer, "answer") if call.reaction == "answered" else None
    return ReactionArrived(at, call.reaction, name, call.step, channel, call.link, answer, call.code)


def _feedback_input(call: DetailedCall, at: int, program: Program) -> FeedbackArrived | PersonReported:
    if call.person:
        return _person_report(call, at, program)
    reported_place(call)
    if call.reaction not in REPORTED:
        raise Unusable(f"unknown reaction {call.reaction!r:.{QUOTED_MAX}}; a provider reports {', '.join(REPORTED)}")
    machine, by_link = bool(call.machine), bool(call.by_link)
    if machine and call.reaction not in BY_MACHINES:
        raise Unusable(f"{call.reaction!r} by a machine: it can be {' or '.join(BY_MACHINES)} only")
    return FeedbackArrived(at, call.key or "", call.reaction, call.link, call.code, machine, by_link)


def _person_report(call: DetailedCall, at: int, program: Program) -> PersonReported:
    known = (*REPORTED, UNBLOCKED)
    if call.reaction not in known:
        raise Unusable(f"unknown reaction {call.reaction!r:.{QUOTED_MAX}}; a provider reports {', '.join(known)}")
    if not call.channel:
        raise Unusable("feedback on a person needs the channel")
    names: tuple[str, ...] = ()
    properties: dict[str, object] = {}
    if call.event and call.event in program.events:
        properties = properties_of(call)
        names = names_of(call.event, properties, at, program)
    return PersonReported(
        at, call.channel, call.reaction, call.address, call.link, call.code, names, properties, call.report_id
    )
