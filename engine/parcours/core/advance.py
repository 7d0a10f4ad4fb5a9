"""The transition function of the core: it applies one input to one person's profile and returns the effects.

An event goes before a timer of the same instant; timers of one instant fire in the order in which they were set. The
caller of `advance` fires the person's own earlier timers first (`first_timer`). Changes of audience that an input
causes take part in the same phases as its event (phases.py). So do those that time brings at this instant, with its
first input of whatever kind; where there is none they go before the other timers, so that none depends on what was set
when.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from parcours.config import Settings
from parcours.core.archive import forget_expired, put_away
from parcours.core.arriving import merge
from parcours.core.audiences import fill, fix_membership, leave_unfilled
from parcours.core.delivery import copies, deliveries, destinations, feedback, inbox, sending
from parcours.core.delivery.deciding import forget_offers
from parcours.core.delivery.feedback import Reacted
from parcours.core.delivery.holding import tell_wait
from parcours.core.delivery.machines import is_a_machine_s
from parcours.core.delivery.stated_consents import keep_to_room, take_consent
from parcours.core.delivery.suppression import known_as, lift, suppress
from parcours.core.effect import Effects
from parcours.core.happening import (
    enter_or_leave,
    follow_audiences,
    follow_marks,
    let_time_turn,
    take_event,
)
from parcours.core.input import (
    AudiencesPublished,
    ChangeInput,
    ChangeSetAside,
    ColumnsFixed,
    ConsentChanged,
    DecisionAsked,
    DeliveriesClaimed,
    DeliveryRecorded,
    EventHappened,
    FeedbackArrived,
    Input,
    JourneyResumed,
    JourneyStopped,
    Linked,
    MembershipFixed,
    MembershipSaved,
    PartTaken,
    PersonJoined,
    PersonReported,
    PropositionMarked,
    ReactionArrived,
    ReadReached,
    ReceiptArrived,
    Settlement,
    SuppressionChanged,
    TimePassed,
    TimerDue,
    TimerSetAside,
    TotalsAnswered,
    TraitsChanged,
)
from parcours.core.joining import identify, let_names_go
from parcours.core.offers.lessons import NO_LESSONS, Lesson
from parcours.core.offers.totals import Answers, supposed
from parcours.core.pause_buffer import KEPT_TIMERS, LIKE_EVENTS, keep_timer
from parcours.core.profile import Profile, Run, Timer, is_unknown
from parcours.core.reacting import (
    hear_answer,
    hear_reactions,
    react,
    take_decision,
    take_feedback,
    take_mark,
    take_reaction,
    take_report,
)
from parcours.core.run.campaign_parts import hear_campaign, part_due
from parcours.core.run.entries import enter_by_read, enter_later
from parcours.core.run.kept_scores import renew, renew_all, renew_due, set_timers
from parcours.core.run.phases import go_through
from parcours.core.run.resuming import make_up
from parcours.core.run.stopping import let_be, stop
from parcours.core.run.traits import set_traits
from parcours.core.run.updates import follow_updates
from parcours.core.run.walk import go_to, leave_send, park
from parcours.core.run.zone_change import follow_zone
from parcours.core.scored import tell_scored
from parcours.core.sync_state import PersonWithheld
from parcours.core.turn import Crowd, DeadCodes, Normalize, Turn, as_it_stands, no_codes
from parcours.core.whereabouts import follow_no_more
from parcours.journey.channels import PERSONALISATION
from parcours.journey.program import Program, Wait, WaitFor


def advance(
    person: str,
    profile: Profile,
    given: Input,
    program: Program,
    settings: Settings,
    crowd: Crowd | None = None,
    normalize: Normalize = as_it_stands,
    dead_codes: DeadCodes = no_codes,
    answers: Answers = supposed,
    lessons: Mapping[str, Lesson] = NO_LESSONS,
) -> Effects:
    """Apply one input. `profile` is the caller's own copy and is changed in place; nothing else is touched.

    Raises Unanswered where `answers` of total caps lack one: the input has not happened then, the profile is not to be
    used, and the input is to be applied again to one that is as before.
    """
    turn = Turn(
        person, profile, given.at, given.at, program, settings, crowd, normalize, dead_codes,
        answers=answers, lessons=lessons,
    )  # fmt: skip
    if profile.archives or profile.offers:
        _forget(turn)
    # The frequent ones first: each class that does not match takes 0.2 µs.
    match given:
        case EventHappened():
            take_event(turn, given)
        case TimerDue():
            _fire_first(turn)
        case DeliveriesClaimed(keys=keys):
            let_time_turn(turn)
            for key in keys:
                if not copies.claim(turn, key) and not destinations.claim(turn, key):
                    sending.claim(turn, key)
        case DeliveryRecorded(receipt=receipt):
            let_time_turn(turn)
            _record(turn, receipt)
        case ReceiptArrived(receipt=receipt):
            let_time_turn(turn)
            _take_receipt(turn, receipt)
        case TraitsChanged():
            _take_traits(turn, given)
        case ConsentChanged():
            _take_consent(turn, given)
        case SuppressionChanged():
            _take_suppression(turn, given)
        case ReactionArrived():
            take_reaction(turn, given)
        case FeedbackArrived():
            take_feedback(turn, given)
        case PersonReported():
            take_report(turn, given)
        case PropositionMarked():
            take_mark(turn, given)
        case DecisionAsked():
            take_decision(turn, given)
        case ReadReached() | PartTaken() | MembershipSaved():
            let_time_turn(turn)
            enter_later(turn, given) if isinstance(given, ReadReached) else hear_campaign(turn, given)
        case TimePassed() | Linked() | ColumnsFixed() | TotalsAnswered():
            pass  # her earlier timers have been fired by the caller, who knows other people and sets of them, too
        case _:
            _apply_seldom(turn, given)
    if turn.happened or turn.updated is not None or turn.zone_before is not None or turn.said or turn.ended:
        _finish(turn)
    if program.destinations or profile.synced is not None:
        destinations.follow_destinations(turn)
    return turn.effects


def _record(turn: Turn, receipt: Settlement) -> None:
    """Claim what is only recorded, and apply its receipt."""
    if copies.record(turn, receipt) or destinations.record(turn, receipt):
        return
    if (started := sending.start(turn, receipt.key)) is not None:
        hear_answer(turn, feedback.answer(turn, *started, receipt))


def _take_receipt(turn: Turn, receipt: Settlement) -> None:
    if not copies.take_receipt(turn, receipt) and not destinations.take_receipt(turn, receipt):
        hear_answer(turn, feedback.take_receipt(turn, receipt))


def _apply_seldom(
    turn: Turn, given: MembershipFixed | PersonWithheld | PersonJoined | TimerSetAside | ChangeInput | ChangeSetAside
) -> None:
    match given:
        case MembershipFixed(audiences=audiences):
            fix_membership(turn, audiences)
        case PersonWithheld():
            destinations.withhold(turn)
        case PersonJoined():
            merge(turn, given)
        case TimerSetAside(reason=reason):
            _set_aside(turn, reason)
        case JourneyStopped() | JourneyResumed() | AudiencesPublished() | ChangeSetAside():
            _go_through_change(turn, given)
        case _:
            assert_never(given)


def _finish(turn: Turn) -> None:
    """What an input brings about once it has been applied itself."""
    if turn.happened:
        follow_marks(turn)
    if turn.updated is not None:
        follow_updates(turn, go_through)
        set_timers(turn)
    if turn.zone_before is not None:
        follow_zone(turn, go_through)
    if turn.said:
        tell_scored(turn)
    if turn.ended:
        put_away(turn)


def _forget(turn: Turn) -> None:
    forget_expired(turn)
    forget_offers(turn)


def _go_through_change(turn: Turn, given: ChangeInput | ChangeSetAside) -> None:
    """Apply a change of what is published to this person, or let it be."""
    turn.profile.change_number = given.number
    match given:
        case JourneyStopped(journey=journey):
            stop(turn, journey, _fire)
        case JourneyResumed(journey=journey):
            make_up(turn, journey, _fire, hear_reactions)
        case AudiencesPublished(audiences=audiences, scores=scores):
            set_timers(turn)
            renewed = renew(turn, scores)
            if audiences:
                fill(turn, audiences)
            if renewed:
                follow_audiences(turn, unknown=False)
        case ChangeSetAside(journey=journey, reason=reason, audiences=audiences):
            let_be(turn, journey, reason)
            leave_unfilled(turn, audiences)
        case _:
            assert_never(given)


def first_timer(profile: Profile, before: int) -> Timer | None:
    """The timer that has to fire before an input of this time is applied, None if there is none."""
    if not profile.timers:
        return None
    timer = _first(profile.timers)
    return timer if timer.due < before else None


def _first(timers: list[Timer]) -> Timer:
    return timers[0] if len(timers) == 1 else min(timers, key=_order_of_firing)


def _order_of_firing(timer: Timer) -> tuple[int, bool, bool, int]:
    """The order of timers. One that stands for an event goes before other timers of its instant."""
    return timer.due, timer.kind not in LIKE_EVENTS, timer.kind != "audience", timer.sequence


def _fire_first(turn: Turn) -> None:
    timer = _first(turn.profile.timers)
    turn.profile.timers.remove(timer)
    turn.timer = timer
    if timer.kind in KEPT_TIMERS and turn.is_paused(timer.journey):
        keep_timer(turn, timer)
    else:
        _fire(turn, timer)


def _set_aside(turn: Turn, reason: str) -> None:
    """Do without the first timer: its run is parked, its delivery fails, and anything else does not happen."""
    timer = _first(turn.profile.timers)
    turn.profile.timers.remove(timer)
    if timer.kind in ("wait", "timeout"):
        run = _run_of(turn, timer)
        if run is not None:
            park(turn, run, reason)
    elif timer.kind in ("retry", "release"):
        is_other = copies.set_aside(turn, timer.key, reason) or destinations.set_aside(turn, timer.key, reason)
        if not is_other and (found := deliveries.find(turn, timer.key)) is not None:
            deliveries.close(turn, *found, "failed", reason=reason)


def _run_of(turn: Turn, timer: Timer) -> Run | None:
    """The open run that has set the timer."""
    for run in turn.profile.runs:
        if run.number == timer.run and run.journey == timer.journey:
            return run
    return None


def _fire(turn: Turn, timer: Timer) -> None:
    """Carry out a timer that has already been removed from the profile."""
    match timer.kind:
        case "wait" | "timeout":
            _go_on(turn, timer)
        case "retry":
            if not copies.go_out(turn, timer.key) and not destinations.go_out(turn, timer.key):
                sending.retry(turn, timer.key)
        case "release":
            released = sending.release(turn, timer.key)
            if released is not None:
                leave_send(turn, released)
                tell_wait(turn, released)
        case "audience":
            follow_audiences(turn, unknown=False)
        case "place":
            enter_or_leave(turn)
        case "score":
            if renew_due(turn, timer):
                follow_audiences(turn, unknown=False)
            else:
                let_time_turn(turn)
        case "expiry":
            inbox.expire(turn, timer.key)
        case "names":
            let_names_go(turn)
        case "reaction":
            found = deliveries.find(turn, timer.key)
            if found is not None:
                react(turn, *found, Reacted(timer.detail))
            else:
                let_time_turn(turn)
        case "click":
            found = deliveries.find(turn, timer.key)
            if found is not None and not is_a_machine_s(timer.detail):
                react(turn, *found, Reacted("clicked", timer.detail))
            else:
                let_time_turn(turn)
        case "part":
            part_due(turn, timer)
        case "read":
            for journey in turn.program.journeys:
                if journey.name == timer.journey:
                    enter_by_read(turn, journey)
        case _:
            assert_never(timer.kind)


def _go_on(turn: Turn, timer: Timer) -> None:
    """End a wait or a time-out: its run goes on."""
    run = _run_of(turn, timer)
    journey = None if run is None else turn.journey_of(run)
    if run is None or run.step is None or journey is None:
        return
    step = journey.steps[run.step]
    if isinstance(step, WaitFor):
        turn.record(run, "timed_out")
        go_to(turn, journey, run, step.on_timeout)
    elif isinstance(step, Wait):
        go_to(turn, journey, run, step.next)


def _take_traits(turn: Turn, given: TraitsChanged) -> None:
    unknown = is_unknown(turn.profile)
    identify(turn)
    set_traits(turn, given.traits)
    follow_audiences(turn, unknown=unknown)
    set_timers(turn)


def _take_consent(turn: Turn, given: ConsentChanged) -> None:
    unknown = is_unknown(turn.profile)
    identify(turn)
    take_consent(turn, given.channel, given.purpose, granted=given.granted)
    keep_to_room(turn)
    if given.channel == PERSONALISATION:  # what is known of her is used from now on, or is not any more
        renew_all(turn)
        follow_no_more(turn)
    follow_audiences(turn, unknown=unknown)
    set_timers(turn)


def _take_suppression(turn: Turn, given: SuppressionChanged) -> None:
    unknown = is_unknown(turn.profile)
    address = known_as(turn, given.channel, given.address)
    if given.suppressed:
        suppress(turn, given.channel, address, turn.at)
    else:
        lift(turn, given.channel, address)
    if not is_unknown(turn.profile):
        follow_audiences(turn, unknown=unknown)
