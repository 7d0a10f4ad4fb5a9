"""Stopping a journey: each of its runs ends at its step, and deliveries not yet claimed are cancelled.

Or letting be what was to be done with a journey, where that cannot be done for somebody.
"""

from __future__ import annotations

from collections.abc import Callable

from parcours.core.delivery import copies
from parcours.core.delivery.sending import withdraw
from parcours.core.profile import Timer
from parcours.core.run.resuming import credit_missed, release_claims
from parcours.core.run.walk import end, park
from parcours.core.turn import Turn


def stop(turn: Turn, journey: str, fire: Callable[[Turn, Timer], None]) -> None:
    """End the person's runs of the journey, parked ones too. Of the inputs missed in a pause only goals count.

    Deliveries of runs that ended before the stop may still leave: what a pause has kept of them is made up for.

    fire  how advance.py fires a timer
    """
    credit_missed(turn, journey)
    copies.withdraw(turn, journey)
    own = [run for run in turn.profile.runs if run.journey == journey]
    for run in own:
        withdraw(turn, run)
        end(turn, run, "stopped")
    kept = [each for each in turn.profile.kept if each.journey == journey]
    turn.profile.kept = [each for each in turn.profile.kept if each.journey != journey]
    release_claims(turn, kept)
    stopped = {run.number for run in own}
    timers = [each.timer for each in kept if each.kind == "timer" and each.timer is not None]
    for timer in sorted(timers, key=lambda timer: (timer.due, timer.sequence)):
        if timer.kind in ("retry", "release") and timer.run not in stopped:
            fire(turn, timer)


def let_be(turn: Turn, journey: str | None, reason: str) -> None:
    """Park the runs that a change of a journey concerns: nobody knows what it would have made of them."""
    for run in turn.profile.runs:
        if run.journey == journey and run.parked is None:
            park(turn, run, reason)
