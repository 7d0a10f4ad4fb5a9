"""What happens when a paused journey goes on? What its runs have missed is applied to them, each input at its time.

In between, timers of the runs fire at the times at which they were due, an event going before a timer as ever, and
what another timer did in its place among them; so the runs end up where they would be without the pause. Two
things differ, because they cannot be made up for: a condition sees the person as she is now, and gates go by the time
at which the journey goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from parcours.core.delivery.deliveries import find
from parcours.core.occasion import Occasion
from parcours.core.pause_buffer import KEPT_TIMERS, Placed
from parcours.core.profile import BufferedInput, Run, Timer
from parcours.core.run.phases import credit, go_through, move
from parcours.core.run.updates import follow_updates
from parcours.core.turn import Turn
from parcours.journey.program import AudienceTrigger


def make_up(turn: Turn, journey: str, fire: Callable[[Turn, Timer], None], hear: Callable[[Turn, Run], None]) -> None:
    """Apply what the journey's runs have missed before this time.

    fire, hear  how a timer that is due, and a reaction, move a run
    """
    now, inputs = turn.at, deque(_taken_out(turn, journey))
    runs = frozenset(run.number for run in turn.profile.runs if run.journey == journey)
    elsewhere: list[Occasion] = []

    def tell(turn: Turn, occasion: Occasion) -> None:
        elsewhere.append(occasion)
        move(turn, occasion, _of(turn.open_runs(), journey, runs), [])

    while True:
        timer = _first_timer(turn, journey, now)
        if inputs and (timer is None or _goes_before(inputs[0], timer)):
            given = inputs.popleft()
            turn.at = given.at
            _apply(turn, given, runs, hear)
        elif timer is not None:
            turn.profile.timers.remove(timer)
            turn.at = timer.due
            fire(turn, timer)
        else:
            break
        follow_updates(turn, tell)
    turn.at = now
    for occasion in elsewhere:
        _go_through_late(turn, occasion, journey, runs)


def _goes_before(given: BufferedInput, timer: Timer) -> bool:
    """An event goes before a timer of its instant; of two timers, the one that was set first."""
    if given.timer is None:
        return given.at <= timer.due
    return (given.at, given.timer.sequence) < (timer.due, timer.sequence)


def _go_through_late(turn: Turn, occasion: Occasion, journey: str, runs: Collection[int]) -> None:
    """Everybody but these runs of the journey hears of it only now: nobody else goes back in time."""
    heard = _of(turn.open_runs(), journey, runs)
    go_through(turn, occasion, besides=[run for _, run in heard])


def _of(placed: list[Placed], journey: str, runs: Collection[int]) -> list[Placed]:
    """Those of the journey with these numbers."""
    return [(own, run) for own, run in placed if run.journey == journey and run.number in runs]


def _taken_out(turn: Turn, journey: str) -> list[BufferedInput]:
    """The journey's inputs, no longer kept. Timers are the person's again, and claims may be made again."""
    profile = turn.profile
    own = [each for each in profile.kept if each.journey == journey]
    profile.kept = [each for each in profile.kept if each.journey != journey]
    profile.timers += [each.timer for each in own if each.kind == "timer" and each.timer is not None]
    release_claims(turn, own)
    return [each for each in own if each.kind in ("occasion", "reaction")]


def credit_missed(turn: Turn, journey: str) -> None:
    """Credit the goals that were met in the pause; of a journey that never goes on nothing else is made up for."""
    now = turn.at
    for given in turn.profile.kept:
        if given.journey == journey and given.kind == "occasion":
            turn.at = given.at
            credit(turn, _occasion(given), [each for each in turn.open_runs() if each[1].journey == journey])
    turn.at = now


def release_claims(turn: Turn, kept: list[BufferedInput]) -> None:
    """What was about to leave, and still may, is ready again."""
    for each in kept:
        found = find(turn, each.key) if each.kind == "claim" else None
        if found is not None and found[1].state in ("queued", "unknown"):
            turn.effects.ready.append(each.key)


def _first_timer(turn: Turn, journey: str, before: int) -> Timer | None:
    due = (
        timer
        for timer in turn.profile.timers
        if timer.journey == journey and timer.kind in KEPT_TIMERS and timer.due < before
    )
    return min(due, key=lambda timer: (timer.due, timer.sequence), default=None)


def _apply(turn: Turn, given: BufferedInput, runs: Collection[int], hear: Callable[[Turn, Run], None]) -> None:
    """To the runs that were open in the pause; those that have ended since may still be credited with a goal."""
    own = _of(turn.open_runs(), given.journey, runs)
    if given.kind == "occasion":
        move(turn, _occasion(given), own, _of(turn.past_runs(), given.journey, runs))
        return
    for _, run in own:
        if run.number == given.run:
            hear(turn, run)


def _occasion(given: BufferedInput) -> Occasion:
    changes = tuple(AudienceTrigger(audience, change) for audience, change in given.changes)
    return Occasion(given.names, given.properties, changes)
