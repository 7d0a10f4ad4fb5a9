"""What happens when a paused journey goes on? What its runs have missed is applied to them, each input at its time.

In between, timers of the runs fire at the times at which they were due, an event going before a timer as ever;
so the runs end up where they would be without the pause. Two things differ, because they cannot be made up
for: a condition sees the person as she is now, and gates go by the time at which the journey goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from parcours.core.deliveries import find
from parcours.core.keeping import KEPT_TIMERS
from parcours.core.occasion import Occasion
from parcours.core.phases import move
from parcours.core.profile import Kept, Run, Timer
from parcours.core.turn import Turn
from parcours.journey.program import AudienceTrigger


def make_up(turn: Turn, journey: str, fire: Callable[[Turn, Timer], None], hear: Callable[[Turn, Run], None]) -> None:
    """Apply what the journey's runs have missed before this time.

    fire, hear  how a timer that is due, and a reaction, move a run
    """
    now, inputs = turn.at, deque(_taken_out(turn, journey))
    turn.resumed_at = now
    while True:
        timer = _first_timer(turn, journey, now)
        if inputs and (timer is None or inputs[0].at <= timer.due):
            given = inputs.popleft()
            turn.at = given.at
            _apply(turn, given, hear)
        elif timer is not None:
            turn.profile.timers.remove(timer)
            turn.at = timer.due
            fire(turn, timer)
        else:
            break
    turn.at, turn.resumed_at = now, None


def _taken_out(turn: Turn, journey: str) -> list[Kept]:
    """The journey's inputs, no longer kept. Timers are the person's again, and claims may be made again."""
    profile = turn.profile
    own = [each for each in profile.kept if each.journey == journey]
    profile.kept = [each for each in profile.kept if each.journey != journey]
    profile.timers += [each.timer for each in own if each.timer is not None]
    release_claims(turn, own)
    return [each for each in own if each.kind in ("occasion", "reaction")]


def release_claims(turn: Turn, kept: list[Kept]) -> None:
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


def _apply(turn: Turn, given: Kept, hear: Callable[[Turn, Run], None]) -> None:
    own = [(journey, run) for journey, run in turn.open_runs() if journey.name == given.journey]
    if given.kind == "occasion":
        changes = tuple(AudienceTrigger(audience, change) for audience, change in given.changes)
        move(turn, Occasion(given.names, given.properties, changes), own, [])
        return
    for _, run in own:
        if run.number == given.run:
            hear(turn, run)
