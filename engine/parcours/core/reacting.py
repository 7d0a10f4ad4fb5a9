"""What people and providers tell of deliveries and of offers, and who listens for it; and what is asked for her."""

from __future__ import annotations

from parcours.core.delivery import deliveries, feedback
from parcours.core.delivery.deciding import Cause, decide, leaves_no_trace
from parcours.core.delivery.delivery_key import is_copy
from parcours.core.delivery.feedback import Reacted
from parcours.core.delivery.machines import note_machine, take_click
from parcours.core.delivery.marking import mark_offer, mark_shown_in
from parcours.core.happening import follow_audiences, let_time_turn, take_event, time_turns_now
from parcours.core.input import (
    DecisionAsked,
    EventHappened,
    FeedbackArrived,
    PersonReported,
    PropositionMarked,
    ReactionArrived,
)
from parcours.core.offers.choosing import Asked
from parcours.core.offers.requests import digest_of, is_answered, note_answer
from parcours.core.offers.state import AnsweredRequest, OffersKept
from parcours.core.pause_buffer import keep_reaction
from parcours.core.profile import DeliveryState, Run, is_unknown
from parcours.core.run.walk import go_to, hears, waits_at
from parcours.core.turn import Turn
from parcours.journey.program import ReactionListener
from parcours.wording import bounded


def take_reaction(turn: Turn, given: ReactionArrived) -> None:
    found = deliveries.newest(turn, given.journey, given.step, given.channel)
    if found is None:
        feedback.unmatched(
            turn, given.reaction, f"no delivery of {given.journey}.{given.step} on {given.channel} has left"
        )
        return let_time_turn(turn)
    return react(turn, *found, Reacted(given.reaction, given.link, given.answer, given.code))


def take_feedback(turn: Turn, given: FeedbackArrived) -> None:
    found = deliveries.find(turn, given.key)
    if found is None and is_copy(given.key):
        return let_time_turn(turn)  # what became of a copy is nothing that she did, or that happened to her
    if found is None or not feedback.concerns(found[1], given.reaction):
        feedback.unmatched(turn, given.reaction, f"no delivery of the key {given.key} has left")
        return let_time_turn(turn)
    if given.machine:
        note_machine(turn, *found, given.reaction, given.link)
    elif given.by_link and given.reaction == "clicked" and given.link is not None:
        take_click(turn, *found, given.link)
    else:
        return react(turn, *found, Reacted(given.reaction, given.link, code=given.code))
    return let_time_turn(turn)


def take_report(turn: Turn, given: PersonReported) -> None:
    """Apply a report that names no delivery: it is of the newest that she may have got on the channel."""
    unknown = is_unknown(turn.profile)
    is_of_address = feedback.take_word(turn, given)
    found = deliveries.newest_on(turn, given.channel)
    if found is not None and feedback.concerns(found[1], given.reaction):
        react(turn, *found, Reacted(given.reaction, given.link, code=given.code))
    elif not is_of_address:
        feedback.unmatched(turn, given.reaction, f"nothing has left for her on {given.channel}")
    if given.names:
        take_event(turn, EventHappened(given.at, given.names, given.properties))
    elif is_of_address and not is_unknown(turn.profile):
        follow_audiences(turn, unknown=unknown)
    else:
        let_time_turn(turn)


def react(turn: Turn, run: Run, delivery: DeliveryState, told: Reacted) -> None:
    withdrawn = feedback.take_effect(turn, delivery, told.reaction, told.code)
    is_news = feedback.react(turn, run, delivery, told)
    if is_news and turn.profile.offers is not None:
        mark_shown_in(turn, delivery.key, delivery.channel, told.reaction, told.link)
    if withdrawn or (is_news and time_turns_now(turn)):
        follow_audiences(turn, unknown=False)  # audiences first: an exit by an audience wins over a listener
    if is_news:
        hear_reactions(turn, run)
    else:
        let_time_turn(turn)


def hear_answer(turn: Turn, run: Run | None) -> None:
    if run is not None:
        hear_reactions(turn, run)


def hear_reactions(turn: Turn, run: Run) -> None:
    """Continue the run if it waits for a reaction that one of its deliveries now has."""
    if turn.is_paused(run.journey):
        return keep_reaction(turn, run)
    journey = turn.journey_of(run)
    step = None if journey is None else waits_at(journey, run)
    if journey is None or step is None:
        return None
    for listener in step.listeners:
        if isinstance(listener, ReactionListener) and hears(turn, run, listener):
            turn.cancel_timers(run, ("timeout",))
            return go_to(turn, journey, run, listener.next)
    return None


def take_decision(turn: Turn, given: DecisionAsked) -> None:
    """Somebody asks which offers the person gets. Whoever gets some is known from then on; a repetition gets no more.

    Where strangers are forgotten, nothing is remembered or told of them: they are answered as by a try (trying.py).
    """
    if leaves_no_trace(turn.profile, turn.settings):
        return None
    if is_answered(turn.profile.offers, given.request, turn.at, turn.settings):
        return let_time_turn(turn)
    unknown = is_unknown(turn.profile)
    asked = [Asked(each.decision, each.placement, each.count, given.context) for each in given.asked]
    answers = decide(turn, turn.scope(), asked, Cause(turn.person, given.request, is_request=True))
    if not is_unknown(turn.profile):
        turn.profile.offers = turn.profile.offers or OffersKept()
        keys = tuple(each.proposition for places in answers for each in places)
        answered = AnsweredRequest(given.request, turn.at, digest_of(asked), keys)
        note_answer(turn.profile.offers, answered, turn.settings)
    if unknown and not is_unknown(turn.profile):
        return follow_audiences(turn, unknown=True)
    return let_time_turn(turn)


def take_mark(turn: Turn, given: PropositionMarked) -> None:
    """Whoever shows offers tells what became of one."""
    if not mark_offer(turn, given.key, given.mark):
        feedback.unmatched(turn, given.mark, f"she has no offer of the key {bounded(given.key)}")
    let_time_turn(turn)
