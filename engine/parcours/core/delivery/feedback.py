"""Feedback on deliveries: the receipts of channels, and the reactions of people."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import NamedTuple, assert_never

from parcours.channel import CALL, Accepted, Ambiguous, NotSent, Refused
from parcours.core.delivery import inbox
from parcours.core.delivery.answers import take_answer
from parcours.core.delivery.deliveries import (
    RANK,
    TO_LEAVE,
    close,
    find,
    is_call,
    make_ready,
    may_be_there,
    message_of,
    reach,
    remember_link,
)
from parcours.core.delivery.stated_consents import keep_to_room, take_consent
from parcours.core.delivery.suppression import (
    FAILURES,
    known_as,
    lift,
    lift_once,
    suppress,
    take_arrival,
    take_failure,
    take_soft_failure,
)
from parcours.core.fact import Outcome, Unmatched
from parcours.core.input import ContentRefused, Interrupted, PersonReported, Placed, Settlement
from parcours.core.profile import DeliveryState, DeliveryStateName, Run
from parcours.core.turn import Turn

MERGED = "merged"
"""Why a delivery failed whose run's person was merged meanwhile: what is not sent at once is not sent any more."""


def take_receipt(turn: Turn, receipt: Settlement) -> Run | None:
    """Apply a channel's receipt. Returns the run if a listener of it may react, else None."""
    found = find(turn, receipt.key)
    if found is None:
        turn.effects.settled.append(receipt.key)
        return None
    run, delivery = found
    if delivery.state != "claimed":
        return _take_late_receipt(turn, run, delivery, receipt)
    return answer(turn, run, delivery, receipt)


def answer(turn: Turn, run: Run, delivery: DeliveryState, receipt: Settlement) -> Run | None:
    """Apply a receipt for a delivery that was claimed or recorded. Returns the run as `take_receipt` does."""
    marks = len(delivery.marks)
    match receipt:
        case Accepted():
            delivery.provider_id = receipt.provider_id
            _accepted(turn, run, delivery, receipt)
        case NotSent():
            again = _try_again if receipt.tried else _take_back
            again(turn, run, delivery, receipt)
        case Refused(reason=reason, permanent=permanent, code=code):
            if permanent:
                _bury_address(turn, delivery)
            elif code not in (None, RENDER):
                take_soft_failure(turn, delivery)
            _fail(turn, run, delivery, reason, code)
        case Ambiguous(reason=reason, code=code):
            is_first, delivery.in_doubt = not delivery.in_doubt, True  # whatever came between the two
            _leave_unknown(turn, run, delivery, reason, code, again=is_first)
        case Interrupted(reason=reason):
            _take_interruption(turn, run, delivery, reason)
        case ContentRefused(reason=reason):
            close(turn, run, delivery, "refused", gate="content", reason=reason)
        case Placed():
            _sent(turn, run, delivery)
            inbox.place(turn, run, delivery, receipt)
        case _:
            assert_never(receipt)
    return run if len(delivery.marks) > marks else None  # only marks are reactions; "sent" is none


def _take_late_receipt(turn: Turn, run: Run, delivery: DeliveryState, receipt: Settlement) -> Run | None:
    """Apply a receipt that comes after other feedback on its attempt; only what is more certain by it counts."""
    # A crash, a reaction or a lost connection has decided on the attempt meanwhile; "accepted" still settles an unknown
    # one.
    if isinstance(receipt, Accepted) and delivery.may_have_left:
        delivery.provider_id = delivery.provider_id or receipt.provider_id
        if delivery.state == "unknown":
            _accepted(turn, run, delivery, receipt)
            return run
    if delivery.state not in TO_LEAVE:
        turn.effects.settled.append(delivery.key)
    return None


def _accepted(turn: Turn, run: Run, delivery: DeliveryState, receipt: Accepted) -> None:
    _sent(turn, run, delivery)
    if receipt.answer is not None and is_call(delivery):
        take_answer(turn, run, delivery, receipt.answer, receipt.reason)


def _sent(turn: Turn, run: Run, delivery: DeliveryState) -> None:
    _has_left(turn, delivery)
    close(turn, run, delivery, "sent", reason=None)
    if turn.crowd is not None and not is_call(delivery):
        for delay_ms, reaction in turn.crowd.reactions(delivery.key, delivery.channel):
            turn.set_timer(turn.at + delay_ms, "reaction", run, delivery.key, reaction)


def _has_left(turn: Turn, delivery: DeliveryState) -> None:
    """From now on the person may have it."""
    delivery.may_have_left = True
    delivery.left_at = delivery.left_at or turn.at


def _fail(turn: Turn, run: Run, delivery: DeliveryState, reason: str, code: str | None) -> None:
    delivery.marks["failed"] = turn.at
    close(turn, run, delivery, "failed", reason=reason, code=code)


def _try_again(turn: Turn, run: Run, delivery: DeliveryState, receipt: NotSent) -> None:
    if run.apart:
        _fail(turn, run, delivery, MERGED, receipt.code)
    elif run.withdrawn:
        close(turn, run, delivery, "cancelled", reason="the run was left", code=receipt.code)
    elif delivery.attempt >= turn.settings.attempts_max:
        _fail(turn, run, delivery, f"not sent in {delivery.attempt} attempts: {receipt.reason}", receipt.code)
    else:
        pause_ms, cut = retry_pause_ms(turn, delivery.attempt, receipt)
        delivery.state = "queued"
        delivery.attempt += 1
        turn.set_timer(turn.at + pause_ms, "retry", run, delivery.key)
        reach(turn, run, delivery, "retried", reason=f"{receipt.reason}{cut}", code=receipt.code)


def _take_back(turn: Turn, run: Run, delivery: DeliveryState, receipt: NotSent) -> None:
    """Queue a delivery again that nobody has tried: no attempt is counted, and its dispatcher knows when to go on."""
    if run.apart:
        return _fail(turn, run, delivery, MERGED, receipt.code)
    if run.withdrawn:
        return close(turn, run, delivery, "cancelled", reason="the run was left", code=receipt.code)
    delivery.state = "queued"
    make_ready(turn, delivery.key)
    return reach(turn, run, delivery, "retried", reason=receipt.reason, code=receipt.code, attempt=delivery.attempt)


def retry_pause_ms(turn: Turn, attempt: int, receipt: NotSent) -> tuple[int, str]:
    """How long after an attempt the next one comes, and a remark if the provider asks for more than the limit."""
    delays = turn.settings.retry_delays_ms
    asked_ms, cut = _asked_ms(turn, receipt)
    return max(delays[min(attempt, len(delays)) - 1], asked_ms), cut


def _asked_ms(turn: Turn, receipt: NotSent) -> tuple[int, str]:
    """The delay that the provider asks for, rounded up, and a remark if it exceeds the limit."""
    asked_s, most_ms = receipt.retry_after_s or 0.0, turn.settings.retry_after_max_ms
    if asked_s != asked_s:  # NaN
        return 0, ""
    if asked_s * 1000 > most_ms:
        return most_ms, f"; it asks for a pause of {asked_s:g} s, which is cut to retry_after_max_ms={most_ms}"
    return ceil(max(asked_s, 0.0) * 1000), ""


def _leave_unknown(
    turn: Turn, run: Run, delivery: DeliveryState, reason: str, code: str | None, *, again: bool
) -> None:
    """Mark the delivery as unknown, and send transactional messages and calls again under the same key if `again`.

    A call that stays unknown counts as failed, so that a listener for its outcome does not wait for ever.
    """
    again = again and not run.withdrawn and _is_transactional(turn, run, delivery)
    _has_left(turn, delivery)
    delivery.state, delivery.tries_again = "unknown", again
    reach(turn, run, delivery, "unknown", reason=reason, code=code, attempt=delivery.attempt)
    if again:
        turn.set_timer(turn.at + turn.settings.ambiguous_resend_after_ms, "retry", run, delivery.key)
        delivery.attempt += 1
    elif is_call(delivery) and not run.withdrawn:
        _fail(turn, run, delivery, f"no certain answer in {delivery.attempt} attempts: {reason}", code)
    else:
        turn.effects.settled.append(delivery.key)


def _take_interruption(turn: Turn, run: Run, delivery: DeliveryState, reason: str) -> None:
    """A crash of ours is no word of the provider's: it does not count against the one repetition after such a word."""
    attempts, most = delivery.attempt, turn.settings.attempts_max
    if run.withdrawn:
        then = "its run was left"
    elif not _is_transactional(turn, run, delivery):
        then = "marketing is not sent again"
    elif attempts < most:
        then = "it is sent again"
    else:
        then = f"it was attempt {attempts} of {most}"
    _leave_unknown(turn, run, delivery, f"{reason}; {then}", None, again=attempts < most)


def _is_transactional(turn: Turn, run: Run, delivery: DeliveryState) -> bool:
    message = message_of(turn, run, delivery)
    return is_call(delivery) or (message is not None and message.message_class == "transactional")


class Reacted(NamedTuple):
    """What is told of a delivery.

    code  the provider's own, where it is the provider who tells
    """

    reaction: str
    link: str | None = None
    answer: Mapping[str, object] | None = None
    code: str | None = None


def react(turn: Turn, run: Run, delivery: DeliveryState, told: Reacted) -> bool:
    """Mark the delivery; False if the reaction is no longer possible or tells nothing new."""
    reaction, link, answer, code = told
    if is_call(delivery) and not CALL_OUTCOMES.isdisjoint(delivery.marks):
        return False
    new_link = reaction == "clicked" and link is not None and link not in delivery.links
    if not may_be_there(delivery) or (reaction in delivery.marks and not new_link):
        return False
    if link is not None and new_link:
        remember_link(turn, delivery, link)
    if delivery.state in TO_LEAVE:  # a reaction proves that an attempt arrived
        delivery.attempt = delivery.attempts_begun
        delivery.state = "sent"
        _has_left(turn, delivery)
        reach(turn, run, delivery, "sent", reason="known from a reaction")
    if reaction in ARRIVED:
        _raise(turn, run, delivery, "delivered", code)
    elif reaction == "bounced":
        _raise(turn, run, delivery, "bounced", code)
    elif reaction == "failed" and delivery.state in RANK:
        _fail(turn, run, delivery, "reported by the provider", code)
    if reaction == "answered":
        take_answer(turn, run, delivery, answer or {})
    elif reaction not in delivery.marks:
        delivery.marks[reaction] = turn.at
        named = link if reaction == "clicked" else None
        reach(turn, run, delivery, _as_outcome(reaction), reason=link, code=code, link=named)
    if turn.profile.inbox:
        inbox.hear(turn, delivery, reaction)
    return True


def take_effect(turn: Turn, delivery: DeliveryState, reaction: str, code: str | None) -> bool:
    """Apply what a reaction means for the person's consent and for the address, each time it comes, heard or not.

    True if consent was withdrawn.
    """
    if is_call(delivery) or not may_be_there(delivery):
        return False
    if reaction in WITHDRAWS_CONSENT:
        take_consent(turn, delivery.channel, None, granted=False)
        return True
    if reaction in ARRIVED:
        take_arrival(turn, delivery)
    elif reaction in FAILURES and code is not None:
        take_failure(turn, delivery, code)
    elif reaction == "bounced":  # without a code a mailbox is meant that does not exist
        _bury_address(turn, delivery)
    return False


def take_word(turn: Turn, given: PersonReported) -> bool:
    """Apply what a report that names no delivery says of consent and of an address; whether it says anything of them.

    STOP and START come so: whoever sends them means the sender and the number, and no message.
    """
    channel, address, reaction, code = given.channel, given.address, given.reaction, given.code
    withdraws = reaction in WITHDRAWS_CONSENT
    if withdraws:
        take_consent(turn, channel, None, granted=False)
        keep_to_room(turn)
    if address is None:
        return withdraws
    known = known_as(turn, channel, address)
    is_dead = reaction in FAILURES and not turn.dead_codes(channel).isdisjoint((code or "").split())
    if is_dead or reaction == "unsubscribed" or (reaction == "bounced" and code is None):
        suppress(turn, channel, known, turn.at)
    elif reaction == UNBLOCKED and given.report_id:
        lift_once(turn, channel, known, given.report_id)
    elif reaction == UNBLOCKED:
        lift(turn, channel, known)
    else:
        return withdraws
    return True


def _bury_address(turn: Turn, delivery: DeliveryState) -> None:
    """Suppress the address to which the delivery went."""
    if delivery.to is not None:
        suppress(turn, delivery.channel, delivery.to, delivery.decided_at)


def _raise(turn: Turn, run: Run, delivery: DeliveryState, state: DeliveryStateName, code: str | None) -> None:
    # Merged by rank: a report that overtakes an earlier one on its way must not be undone by it.
    if delivery.state in RANK and RANK[delivery.state] < RANK[state]:
        delivery.state = state
    outcome = _as_outcome(state)
    if outcome not in delivery.marks:
        delivery.marks[outcome] = turn.at
        reach(turn, run, delivery, outcome, code=code)


def _as_outcome(reaction: str) -> Outcome:
    return OUTCOMES[reaction]


OUTCOMES: dict[str, Outcome] = {
    "delivered": "delivered",
    "opened": "opened",
    "clicked": "clicked",
    "dismissed": "dismissed",
    "bounced": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
    "replied": "replied",
    "failed": "failed",
    "answered": "answered",
}
"""The outcome that records each reaction; its keys are all the reactions there are."""

CALL_OUTCOMES = frozenset({"answered", "failed"})
"""The reactions to an outbound call; `answered` is possible for calls only."""


UNBLOCKED = "unblocked"
"""What is reported of an address whose owner takes messages again: no delivery has it, and it grants nothing."""


def is_possible(reaction: str, channel: str) -> bool:
    """Whether a delivery on this channel can have the reaction."""
    if reaction == UNBLOCKED:
        return False
    return reaction in CALL_OUTCOMES if channel == CALL else reaction != "answered"


def concerns(delivery: DeliveryState, reaction: str) -> bool:
    """Whether this delivery, which the person may have got, can have the reaction."""
    return may_be_there(delivery) and is_possible(reaction, delivery.channel)


ARRIVED = frozenset({"delivered", "opened", "clicked"})
"""Reactions that tell that the delivery has arrived: who opens it has got it."""

RENDER = "render"
"""The code of a refusal by ourselves, of what cannot be rendered for a person: it is no provider's word."""

WITHDRAWS_CONSENT = frozenset({"complained", "unsubscribed"})
"""Reactions that withdraw the person's consent to marketing on the channel."""


def unmatched(turn: Turn, reaction: str, why: str) -> None:
    turn.effects.facts.append(Unmatched(turn.at, turn.person, reaction, why))
