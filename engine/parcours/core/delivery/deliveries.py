"""The state machine of a delivery, from the decision to the last reaction.

    held -> queued -> claimed -> sent -> delivered -> bounced     refused    by a gate, final
      ^        ^         |-> unknown  an ambiguous receipt        failed     the provider will not take it, final
      |        |         `-> failed                               cancelled  the run was left first, final
      |        `-- not sent: again after a delay, as a timer of the person
      `-- a gate holds it until a time, and then it passes all gates again

An outbound call goes the same way on the channel name CALL, without gates, and is over once it is answered or failed,
whichever comes first.

Deliveries are part of their run. sending.py brings them out, feedback.py applies receipts and reactions. Feedback
merges by rank and never by order of arrival: a late "sent" changes nothing about "delivered". Marks (opened, clicked
...) are kept beside the state with the time at which each came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from parcours.channel import CALL
from parcours.core.archive import Found, has_archived, newest_first, take_out, take_out_with
from parcours.core.archive import under_way as archived_under_way
from parcours.core.delivery.delivery_key import key_of
from parcours.core.delivery.marking import shown_in, take_offers_back
from parcours.core.delivery.reservations import GIVES_BACK, give_back
from parcours.core.fact import DeliveryReached, MessageClass, Outcome
from parcours.core.profile import DeliveryState, DeliveryStateName, Profile, Run
from parcours.core.turn import Turn
from parcours.journey.program import Message

RANK: dict[DeliveryStateName, int] = {
    "held": 0,
    "queued": 1,
    "claimed": 2,
    "unknown": 3,
    "sent": 4,
    "delivered": 5,
    "bounced": 6,
}
"""The rank of each state that feedback may still raise; states not named here are final."""

TO_LEAVE: frozenset[DeliveryStateName] = frozenset({"held", "queued", "claimed", "unknown"})
"""States in which a channel has yet to take over an attempt, the first or another one."""


class Entry(NamedTuple):
    """A delivery, a copy for an address of a campaign's own, or what a destination is told, with its run's number."""

    key: str
    state: str
    run: int


def delivery_key(turn: Turn, run: Run, channel: str) -> str:
    """The idempotency key of the delivery of the run's step on this channel: it names no other one."""
    assert run.step is not None
    origin = turn.origin_of(run)
    parts = (
        turn.program.project, origin.name, run.journey, str(run.version), str(origin.number),
        run.step, str(run.visits[run.step]), channel,
    )  # fmt: skip
    return key_of(origin.name, parts)


def reach(
    turn: Turn,
    run: Run,
    delivery: DeliveryState,
    outcome: Outcome,
    *,
    gate: str | None = None,
    reason: str | None = None,
    code: str | None = None,
    attempt: int | None = None,
    link: str | None = None,
    is_machine: bool = False,
) -> None:
    """Record that the delivery reached a state or got a mark. `attempt` is the last one unless it is given."""
    message_class, purpose = _kind_of(turn, run, delivery)
    about = delivery.attempts_begun if attempt is None else attempt
    offers = () if turn.profile.offers is None else tuple(each.key for each in shown_in(turn, delivery.key))
    turn.effects.facts.append(
        DeliveryReached(
            turn.gates_at, turn.person, run.journey, run.version, run.number, delivery.step, delivery.channel,
            delivery.message, delivery.to, outcome, gate, delivery.key, reason, code,
            delivery.visit, message_class, purpose, about, link, is_machine, offers,
        )
    )  # fmt: skip


def _kind_of(turn: Turn, run: Run, delivery: DeliveryState) -> tuple[MessageClass | None, str | None]:
    """The class and the purpose of what is delivered.

    A version is dropped only when nothing of it is under way any more. Reactions may come later still, to a delivery
    that has left; and every marketing delivery that was ever queued remembers its purpose.
    """
    if delivery.channel == CALL:
        return "transactional", None
    journey = turn.program.journey(run.journey, run.version)
    message = None if journey is None else journey.messages.get(delivery.message)
    if message is not None:
        return message.message_class, message.purpose
    if delivery.purpose:
        return "marketing", delivery.purpose
    return ("transactional" if delivery.may_have_left else None), None


def find(turn: Turn, key: str) -> tuple[Run, DeliveryState] | None:
    """The delivery of this key, with its run, which is taken out of its archive if it lies there."""
    found = _find_among(turn.profile.runs, key) or _find_among(turn.ended, key)
    if found is not None or not turn.profile.archives:
        return found
    archived = take_out_with(turn, key)
    return None if archived is None else _find_among([archived], key)


def has(profile: Profile, key: str) -> bool:
    """Whether the person has the delivery of this key."""
    return _find_among(profile.runs, key) is not None or has_archived(profile, key)


def under_way(profile: Profile) -> Iterator[tuple[Run, DeliveryState]]:
    """The deliveries of which an attempt has still to be made, or to be answered for, with their runs: to look at."""
    ended = (run for archive in profile.archives.values() for run in archived_under_way(archive))
    for run in chain(profile.runs, ended):
        for delivery in run.deliveries:
            if delivery.is_under_way:
                yield run, delivery


def entries(profile: Profile) -> Iterator[Entry]:
    """What of hers may have an entry in the outbox."""
    for run, delivery in under_way(profile):
        yield Entry(delivery.key, delivery.state, run.number)
    for copy in profile.copies:
        if copy.state != "over":
            yield Entry(copy.key, copy.state, copy.run)
    for told in (profile.synced or {}).values():
        if told.state != "idle":
            yield Entry(told.key, told.state, 0)


def _find_among(runs: Iterable[Run], key: str) -> tuple[Run, DeliveryState] | None:
    for run in runs:
        for delivery in run.deliveries:
            if delivery.key == key:
                return run, delivery
    return None


def newest(turn: Turn, journey: str, step: str | None, channel: str) -> tuple[Run, DeliveryState] | None:
    """The latest delivery of the step, or of any, on the channel among those that the person may have received."""
    runs = [run for run in (*turn.profile.runs, *turn.ended) if run.journey == journey]
    found = _newest_of([(run, delivery) for run in runs for delivery in _received(run, step, channel)])
    archive = turn.profile.archives.get(journey)
    place: Found | None = None
    for archived in newest_first(archive) if archive is not None else ():
        for each in archived:
            run = each[2]
            if found is not None and (run.ended_at or 0, run.number) < (found[1].decided_at, found[0].number):
                break  # whatever ended before this one was decided on before what is found
            newer = _newest_of([*([found] if found else []), *((run, one) for one in _received(run, step, channel))])
            if newer is not None and newer[0] is run:
                found, place = newer, each
    if place is not None:
        take_out(turn, place)
    return found


def newest_on(turn: Turn, channel: str) -> tuple[Run, DeliveryState] | None:
    """The latest delivery on the channel among those of all journeys that the person may have received."""
    journeys = {run.journey for run in (*turn.profile.runs, *turn.ended)} | turn.profile.archives.keys()
    found = [each for name in sorted(journeys) if (each := newest(turn, name, None, channel)) is not None]
    return _newest_of(found)


def _received(run: Run, step: str | None, channel: str) -> list[DeliveryState]:
    """The run's deliveries of the step, or of any, on the channel that the person may have received."""
    return [
        each for each in run.deliveries if step in (None, each.step) and each.channel == channel and may_be_there(each)
    ]


def _newest_of(found: list[tuple[Run, DeliveryState]]) -> tuple[Run, DeliveryState] | None:
    return max(found, key=lambda each: (each[1].decided_at, each[0].number, each[1].visit), default=None)


def may_be_there(delivery: DeliveryState) -> bool:
    """Whether the person may have received it: only then a reaction is possible."""
    return delivery.may_have_left or delivery.state == "claimed"


def may_leave(run: Run, delivery: DeliveryState) -> bool:
    """Whether it may be claimed. Nothing of a run that was left may, though a retry come that a pause had kept."""
    return not run.withdrawn and delivery.state in ("queued", "unknown")


def close(
    turn: Turn,
    run: Run,
    delivery: DeliveryState,
    state: DeliveryStateName,
    *,
    gate: str | None = None,
    reason: str | None,
    code: str | None = None,
) -> None:
    """Put the delivery into a state outside the outbox."""
    attempt = None
    if state != "held":
        attempt = delivery.attempt = delivery.attempts_begun  # whatever was to come after it will not
    delivery.state = state
    settle(turn, delivery)
    if state in GIVES_BACK:
        give_back(turn, delivery)
    reach(turn, run, delivery, state, gate=gate, reason=reason, code=code, attempt=attempt)
    if state in GIVES_BACK:
        take_offers_back(turn, delivery.key)


def settle(turn: Turn, delivery: DeliveryState) -> None:
    """Take the delivery out of the outbox. The same input may have made it ready: a resume replays many."""
    turn.effects.settled.append(delivery.key)
    if delivery.key in turn.effects.ready:
        turn.effects.ready.remove(delivery.key)


def make_ready(turn: Turn, key: str) -> None:
    """Let dispatchers claim the delivery. Once is enough: a resume may replay its retry and a claim of it."""
    if key not in turn.effects.ready:
        turn.effects.ready.append(key)


def remember_link(turn: Turn, delivery: DeliveryState, link: str) -> None:
    """Note that the link was clicked, and forget the oldest ones that find no room: a report may name any link."""
    delivery.links[link] = turn.at
    size, room = sum(map(len, delivery.links)), turn.settings.links_bytes_max
    for oldest in list(delivery.links):
        if size <= room:
            return
        del delivery.links[oldest]
        size -= len(oldest)
        why = f"the links clicked of a delivery take more than {room} bytes: the oldest are forgotten"
        turn.tell_once("links_bytes_max", "", why)


def is_call(delivery: DeliveryState) -> bool:
    """Whether it is an outbound call, which has no message and no recipient."""
    return delivery.channel == CALL


def message_of(turn: Turn, run: Run, delivery: DeliveryState) -> Message | None:
    """The message in the run's version; None for a call, and for a version that no longer exists."""
    if delivery.channel == CALL:
        return None
    journey = turn.program.journey(run.journey, run.version)
    return None if journey is None else journey.messages.get(delivery.message)
