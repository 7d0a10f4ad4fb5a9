"""The phases of an occasion: credit goals, end runs by exit rules, move waiting runs, enter journeys, in this order.

Each phase is over for all journeys before the next begins; within a phase a person's journeys go by priority, highest
first, then by name, then by run number. So an exit wins over a listener, a run is moved once and never by the occasion
that started it, and an occasion that ended a run may start the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeAlias

from parcours.core.archive import take_out_creditable
from parcours.core.delivery.sending import withdraw
from parcours.core.occasion import Occasion
from parcours.core.paths import keep
from parcours.core.pause_buffer import Placed, is_settled, keep_from_paused
from parcours.core.profile import Run
from parcours.core.run.entries import enter
from parcours.core.run.walk import archive, go_to, waits_at
from parcours.core.turn import Turn, correlation_key
from parcours.journey.program import AudienceListener, AudienceTrigger, EventListener, Journey, Listener, Trigger

Concerned: TypeAlias = Callable[[Journey, Run], bool]
"""Tells which runs an occasion concerns."""


def go_through(turn: Turn, occasion: Occasion, besides: Collection[Run] = ()) -> None:
    """All four phases, for all runs but those in `besides`, which have reacted already."""
    waiting = turn.open_runs()
    if besides:
        waiting = [(journey, run) for journey, run in waiting if all(run is not other for other in besides)]
    if turn.program.paused:
        waiting = keep_from_paused(turn, occasion, waiting)
    if turn.profile.archives:
        take_out_reaching(turn, occasion)
    ended = turn.ended_runs()
    if waiting or ended:
        move(turn, occasion, waiting, ended)
    enter(turn, occasion)


def take_out_reaching(turn: Turn, occasion: Occasion) -> None:
    """Take those archived runs out whose goal the occasion may reach."""
    for name, archived in turn.profile.archives.items():
        for version, until in list(archived.goals.items()):
            journey = turn.program.journey(name, version)
            if turn.at <= until and journey is not None and _may_reach_goal(turn, journey, occasion):
                take_out_creditable(turn, journey, _correlation_at(turn, journey, occasion))


def _may_reach_goal(turn: Turn, journey: Journey, occasion: Occasion) -> bool:
    """Whether the occasion may reach the goal of some run, as far as can be told without looking at any."""
    if journey.goal is None or journey.goal.trigger.event not in occasion.names:
        return False
    when = journey.goal.trigger.when
    return when is None or not is_settled(when) or when.holds(turn.scope(occasion.properties))


def move(turn: Turn, occasion: Occasion, waiting: list[Placed], ended: list[Placed]) -> None:
    """The first three phases, for these open runs and these ended ones."""
    concerned = _correlations(turn, occasion)
    elsewhere = Occasion(changes=occasion.changes)  # audience changes concern every correlation
    credit(turn, occasion, [*waiting, *ended], concerned)
    for journey, run in waiting:
        _exit(turn, journey, run, occasion if concerned(journey, run) else elsewhere)
    for journey, run in waiting:
        if run.ended_at is None:
            _hear(turn, journey, run, occasion if concerned(journey, run) else elsewhere)


def credit(turn: Turn, occasion: Occasion, runs: list[Placed], concerned: Concerned | None = None) -> None:
    """The first phase alone: credit the goals that the runs reach by the occasion."""
    concerned = concerned or _correlations(turn, occasion)
    for journey, run in runs:
        if concerned(journey, run):
            _credit_goal(turn, journey, run, occasion)


def _correlations(turn: Turn, occasion: Occasion) -> Concerned:
    """The test for runs that the event concerns: those of its correlation's value, or all where it has none."""
    keys: dict[tuple[str, int], str | None] = {}

    def concerned(journey: Journey, run: Run) -> bool:
        if journey.correlation is None:
            return True
        version = journey.name, journey.version
        if version not in keys:
            keys[version] = _correlation_at(turn, journey, occasion)
        key = keys[version]
        return key is None or key == run.correlation

    return concerned


def _correlation_at(turn: Turn, journey: Journey, occasion: Occasion) -> str | None:
    """The value of the journey's correlation for the event; None where it has none, and all runs are concerned."""
    if journey.correlation is None:
        return None
    return correlation_key(journey.correlation.value(turn.scope(occasion.properties)))


def _meets(turn: Turn, run: Run, trigger: Trigger | AudienceTrigger, occasion: Occasion) -> bool:
    if isinstance(trigger, AudienceTrigger):
        return trigger in occasion.changes
    if trigger.event not in occasion.names:
        return False
    return trigger.when is None or trigger.when.holds(turn.run_scope(run, occasion.properties))


def _credit_goal(turn: Turn, journey: Journey, run: Run, occasion: Occasion) -> None:
    goal = journey.goal
    if goal is None or run.goal_at is not None or run.apart:
        return
    in_time = run.ended_at is None if goal.within_ms is None else turn.at <= run.entered_at + goal.within_ms
    if in_time and _meets(turn, run, goal.trigger, occasion):
        run.goal_at = turn.at
        turn.record(run, "goal")


def _exit(turn: Turn, journey: Journey, run: Run, occasion: Occasion) -> None:
    for trigger in journey.exits:
        if _meets(turn, run, trigger, occasion):
            withdraw(turn, run)
            turn.record(run, "exited", trigger.name)
            archive(turn, run)
            return


def _hear(turn: Turn, journey: Journey, run: Run, occasion: Occasion) -> None:
    step = waits_at(journey, run)
    for listener in step.listeners if step else ():
        heard = _heard(turn, run, listener, occasion)
        if heard is None:
            continue
        if isinstance(listener, EventListener):
            run.event = keep(occasion.properties, journey.event_paths)
        turn.cancel_timers(run, ("timeout",))
        turn.record(run, "matched", heard)
        go_to(turn, journey, run, listener.next)
        return


def _heard(turn: Turn, run: Run, listener: Listener, occasion: Occasion) -> str | None:
    """The name of what the listener heard, None if it is still waiting."""
    if isinstance(listener, EventListener):
        return listener.trigger.name if _meets(turn, run, listener.trigger, occasion) else None
    if isinstance(listener, AudienceListener):
        change = AudienceTrigger(listener.audience, listener.change)
        return change.name if change in occasion.changes else None
    return None
