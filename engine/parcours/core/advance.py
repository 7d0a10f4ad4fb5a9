"""The function that everything else exists to call: one input to one person, and what follows from it.

The rules of order, all of them here:

- An event first credits goals, then ends runs by their exits, then moves waiting runs, then starts new ones.
- A run that an event ended is not moved by it; a run that it moved is not moved again; a run that it
  started does not look at it. But an event by which a run ended may start the next one.
- Within each phase a person's journeys go by priority, highest first, then by name, then by run number.
- An event goes before a timer of the same instant; timers of one instant fire in the order in which they
  were set. Whoever calls `advance` lets the person's own earlier timers fire first (`first_timer`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from parcours.config import Settings
from parcours.core import deliveries
from parcours.core.effect import Effects
from parcours.core.entries import enter_by_event, enter_by_read
from parcours.core.input import (
    DeliveriesClaimed,
    EventHappened,
    Input,
    ReactionArrived,
    ReadReached,
    ReceiptArrived,
    TimePassed,
    TimerDue,
    TraitsChanged,
)
from parcours.core.paths import keep
from parcours.core.profile import DeliveryState, Profile, Run, Timer
from parcours.core.turn import Crowd, Turn, correlation_key
from parcours.core.walk import bury, go_to, has_reacted, set_traits
from parcours.journey.program import (
    EventListener,
    Journey,
    Program,
    ReactionListener,
    Trigger,
    WaitDuration,
    WaitFor,
    WaitLocalTime,
    WaitUntil,
)


def advance(
    person: str,
    profile: Profile,
    given: Input,
    program: Program,
    settings: Settings,
    crowd: Crowd | None = None,
) -> Effects:
    """Apply one input. `profile` is the caller's own copy and is changed in place; nothing else is touched."""
    turn = Turn(person, profile, given.at, program, settings, crowd)
    forget_past(turn)
    match given:
        case EventHappened(names=names, properties=properties):
            _take_event(turn, names, properties)
        case TraitsChanged(traits=traits):
            set_traits(turn, traits)
        case TimerDue():
            _fire(turn)
        case DeliveriesClaimed(keys=keys):
            for key in keys:
                deliveries.claim(turn, key)
        case ReceiptArrived(receipt=receipt):
            run = deliveries.take_receipt(turn, receipt)
            if run is not None:
                _hear_reactions(turn, run)
        case ReactionArrived():
            _take_reaction(turn, given)
        case ReadReached(journey=journey, enter_at=enter_at):
            profile.sequence += 1
            due = max(enter_at, turn.at)  # a read that comes late does not reach back behind what has happened
            profile.timers.append(Timer(due, profile.sequence, "read", journey))
        case TimePassed():
            pass  # the earlier timers have fired already
        case _:
            assert_never(given)
    return turn.effects


def first_timer(profile: Profile, before: int) -> Timer | None:
    """The timer that has to fire before an input of this time is applied, None if there is none."""
    timer = min(profile.timers, key=_order_of_firing, default=None)
    return timer if timer is not None and timer.due < before else None


def _order_of_firing(timer: Timer) -> tuple[int, bool, int]:
    """A simulated person's reaction stands for an event, so it goes before the true timers of its instant."""
    return timer.due, timer.kind != "reaction", timer.sequence


def forget_past(turn: Turn) -> None:
    """Drop ended runs that nothing may ask for any more."""
    past = turn.profile.past
    horizon = turn.at - turn.settings.run_memory_ms
    if past and past[0].ended_at is not None and past[0].ended_at < horizon:
        turn.profile.past = [run for run in past if run.ended_at is None or run.ended_at >= horizon]


def _take_event(turn: Turn, names: tuple[str, ...], properties: dict[str, object]) -> None:
    concerned = _correlations(turn, properties)
    waiting = turn.open_runs()
    for journey, run in [*waiting, *turn.past_runs()]:
        if concerned(journey, run):
            _credit_goal(turn, journey, run, names, properties)
    for journey, run in waiting:
        if concerned(journey, run):
            _exit(turn, journey, run, names, properties)
    for journey, run in waiting:
        if run.ended_at is None and concerned(journey, run):
            _hear_event(turn, journey, run, names, properties)
    for journey in turn.program.journeys:
        enter_by_event(turn, journey, names, properties)


def _correlations(turn: Turn, properties: dict[str, object]) -> Callable[[Journey, Run], bool]:
    """Tells which runs the event concerns: those of its correlation's value, or all where it has none."""
    scope = turn.event_scope(properties)
    keys: dict[str, str | None] = {}

    def concerned(journey: Journey, run: Run) -> bool:
        if journey.correlation is None:
            return True
        if journey.name not in keys:
            keys[journey.name] = correlation_key(journey.correlation.value(scope))
        key = keys[journey.name]
        return key is None or key == run.correlation

    return concerned


def _meets(turn: Turn, run: Run, trigger: Trigger, names: tuple[str, ...], properties: dict[str, object]) -> bool:
    if trigger.event not in names:
        return False
    return trigger.when is None or trigger.when.holds(turn.run_scope(run, properties))


def _credit_goal(turn: Turn, journey: Journey, run: Run, names: tuple[str, ...], properties: dict[str, object]) -> None:
    goal = journey.goal
    if goal is None or run.goal_at is not None:
        return
    in_time = run.ended_at is None if goal.within_ms is None else turn.at <= run.entered_at + goal.within_ms
    if in_time and _meets(turn, run, goal.trigger, names, properties):
        run.goal_at = turn.at
        turn.record(run, "goal")


def _exit(turn: Turn, journey: Journey, run: Run, names: tuple[str, ...], properties: dict[str, object]) -> None:
    for trigger in journey.exits:
        if _meets(turn, run, trigger, names, properties):
            deliveries.withdraw(turn, run)
            turn.record(run, "exited", trigger.event)
            bury(turn, run)
            return


def _hear_event(turn: Turn, journey: Journey, run: Run, names: tuple[str, ...], properties: dict[str, object]) -> None:
    step = _waits_at(journey, run)
    for listener in step.listeners if step else ():
        if isinstance(listener, EventListener) and _meets(turn, run, listener.trigger, names, properties):
            run.event = keep(properties, journey.event_paths)
            turn.cancel_timers(run, ("timeout",))
            turn.record(run, "matched", listener.trigger.event)
            go_to(turn, journey, run, listener.next)
            return


def _waits_at(journey: Journey, run: Run) -> WaitFor | None:
    if run.step is None or run.parked is not None:
        return None
    step = journey.steps.get(run.step)
    return step if isinstance(step, WaitFor) else None


def _fire(turn: Turn) -> None:
    profile = turn.profile
    timer = min(profile.timers, key=_order_of_firing)
    profile.timers.remove(timer)
    match timer.kind:
        case "wait" | "timeout":
            _go_on(turn, timer)
        case "retry":
            deliveries.retry(turn, timer.key)
        case "reaction":
            found = deliveries.find(turn, timer.key)
            if found is not None:
                _react(turn, *found, timer.detail, None)
        case "read":
            for journey in turn.program.journeys:
                if journey.name == timer.journey:
                    enter_by_read(turn, journey)
        case _:
            assert_never(timer.kind)


def _go_on(turn: Turn, timer: Timer) -> None:
    """A wait or a time-out is over."""
    for journey, run in turn.open_runs():
        if run.journey != timer.journey or run.number != timer.run or run.step is None:
            continue
        step = journey.steps[run.step]
        if isinstance(step, WaitFor):
            turn.record(run, "timed_out")
            go_to(turn, journey, run, step.on_timeout)
        elif isinstance(step, WaitDuration | WaitUntil | WaitLocalTime):
            go_to(turn, journey, run, step.next)


def _take_reaction(turn: Turn, given: ReactionArrived) -> None:
    found = deliveries.newest(turn, given.journey, given.step, given.channel)
    if found is None:
        return deliveries.unmatched(
            turn, given.reaction, f"no delivery of {given.journey}.{given.step} on {given.channel} has left"
        )
    return _react(turn, *found, given.reaction, given.link)


def _react(turn: Turn, run: Run, delivery: DeliveryState, reaction: str, link: str | None) -> None:
    if deliveries.react(turn, run, delivery, reaction, link):
        _hear_reactions(turn, run)


def _hear_reactions(turn: Turn, run: Run) -> None:
    """Move the run if it listens for something that one of its deliveries now has."""
    for journey, other in turn.open_runs():
        step = _waits_at(journey, run) if other is run else None
        for listener in step.listeners if step else ():
            if isinstance(listener, ReactionListener) and has_reacted(run, listener):
                turn.cancel_timers(run, ("timeout",))
                turn.record(run, "matched", listener.reaction)
                go_to(turn, journey, run, listener.next)
                return
