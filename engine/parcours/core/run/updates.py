"""Audience changes by `update` steps: each round of updates is followed by an input of its own at the same instant.

While a journey is resumed, an update may happen at an instant of the past. Audiences are compared as of now even then,
as every condition sees the person of now; the journey's own runs react at the instant of the update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from parcours.core.audiences import look_again
from parcours.core.fact import LimitReached
from parcours.core.occasion import Occasion
from parcours.core.profile import Run
from parcours.core.run.walk import park
from parcours.core.turn import Turn
from parcours.expression.definition_keys import plain

CHANGES_TOLD_MAX: Final = 5
"""Changes that are named when the limit is reached; a project may have any number of audiences."""


def follow_updates(turn: Turn, go_through: Callable[[Turn, Occasion], None]) -> None:
    """Repeat: compare audiences after updates and go through the phases, until no run updates traits any more."""
    for _ in range(turn.settings.update_rounds_max):
        if turn.updated is None:
            return
        turn.updated = None
        occasion = _changed(turn)
        if occasion.changes:
            go_through(turn, occasion)
    if turn.updated is not None:
        updated, turn.updated = turn.updated, None
        _stop_going_round(turn, updated)


def _stop_going_round(turn: Turn, last: Run) -> None:
    """Bring membership up to date with the traits, and let nobody move by it: the run that went on is parked."""
    changes = _changed(turn).changes
    if not changes:
        return  # the last round has moved nobody in or out
    moved = ", ".join(f"{plain(change.audience)} {change.change}" for change in changes[:CHANGES_TOLD_MAX])
    more = f" and {len(changes) - CHANGES_TOLD_MAX} more" if len(changes) > CHANGES_TOLD_MAX else ""
    why = f"no run was moved by this change of audience: {moved}{more}"
    turn.effects.facts.append(LimitReached(turn.at, turn.person, "update_rounds_max", why))
    if last.ended_at is None:
        most = turn.settings.update_rounds_max
        park(turn, last, f"more than update_rounds_max={most} updates at one instant")


def _changed(turn: Turn) -> Occasion:
    if not turn.program.audiences:
        return Occasion()
    at, turn.at = turn.at, turn.gates_at
    changes = look_again(turn, unknown=False)
    turn.at = at
    return Occasion(changes=changes)
