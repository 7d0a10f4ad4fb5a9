"""What does an `update` step do to audiences? That is an input of its own, at the same instant, while it goes on.

A run that makes up for a pause updates at an instant that is over. The person is looked at as she is now all
the same, as by every condition; what her own journey hears of it, it hears at the instant of the update.
"""

from __future__ import annotations

from collections.abc import Callable

from parcours.core.audiences import look_again
from parcours.core.occasion import Occasion
from parcours.core.run.walk import park
from parcours.core.turn import Turn


def follow_updates(turn: Turn, go_through: Callable[[Turn, Occasion], None]) -> None:
    """Tell of the audiences that updates move the person in and out of, until they do so no more."""
    most = turn.settings.update_rounds_max
    for _ in range(most):
        if turn.updated is None:
            return
        turn.updated = None
        occasion = _changed(turn)
        if occasion.changes:
            go_through(turn, occasion)
    if turn.updated is not None:
        park(turn, turn.updated, f"more than update_rounds_max={most} updates at one instant")
        turn.updated = None


def _changed(turn: Turn) -> Occasion:
    if not turn.program.audiences:
        return Occasion()
    at, turn.at = turn.at, turn.gates_at
    changes = look_again(turn, unknown=False)
    turn.at = at
    return Occasion(changes=changes)
