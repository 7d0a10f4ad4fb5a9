"""Audience changes by `update` steps: each round of updates is followed by an input of its own at the same instant.

While a journey is resumed, an update may happen at an instant of the past. Audiences are compared as of now even then,
as every condition sees the person of now; the journey's own runs react at the instant of the update.
"""

from __future__ import annotations

from collections.abc import Callable

from parcours.core.audiences import look_again
from parcours.core.occasion import Occasion
from parcours.core.run.walk import park
from parcours.core.turn import Turn


def follow_updates(turn: Turn, go_through: Callable[[Turn, Occasion], None]) -> None:
    """Repeat: compare audiences after updates and go through the phases, until no run updates traits any more."""
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
