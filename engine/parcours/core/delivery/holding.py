"""The wait of a run at a send step: until the latest release of the deliveries that are held for it there."""

from __future__ import annotations

from parcours.core.profile import Run
from parcours.core.turn import Turn, iso


def tell_wait(turn: Turn, run: Run) -> None:
    """Record until when the run waits for what is held, unless that was told before, or nothing is held for it."""
    until = _latest_release(turn, run)
    if until is not None and until != run.held_until:
        run.held_until = until
        turn.record(run, "waiting", iso(until))


def _latest_release(turn: Turn, run: Run) -> int | None:
    """A delivery held at its claim counts only while the run is still there because of another one."""
    if run.step is None or run.parked is not None:
        return None
    visit = run.visits[run.step]
    held = {
        each.key for each in run.deliveries if each.state == "held" and each.step == run.step and each.visit == visit
    }
    return max(
        (timer.due for timer in turn.profile.timers if timer.kind == "release" and timer.key in held), default=None
    )
