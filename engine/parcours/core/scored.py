"""What scores have said of a person, and what came true of it, as facts: of one person in `score_sample`, by hash.

By them anybody can judge later what a score has been worth, without the events. Of one input a score is told once, as
it was asked last; what came true is told under every score that predicts such an event, whether or not it was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from parcours.core.buckets import hash_of
from parcours.core.fact import Changed
from parcours.core.turn import Turn
from parcours.scoring.margins import probability_text


def is_sampled(person: str, score_sample: int) -> bool:
    """Whether she is one of those of whom this is told."""
    return hash_of("scored", person) % score_sample == 0


def tell_scored(turn: Turn) -> None:
    """Tell what scores have said of her by this input."""
    if is_sampled(turn.person, turn.settings.score_sample):
        for name, said in sorted(turn.said.items()):
            if said.scored is not None:
                value = probability_text(said.scored.probability)
                turn.effects.facts.append(Changed(turn.gates_at, turn.person, "scored", name, value))


def tell_came_true(turn: Turn, events: Iterable[str], properties: Mapping[str, object]) -> None:
    """Tell which scores have predicted an event of these types."""
    predicting = turn.program.predicting
    if not predicting.keys().isdisjoint(events) and is_sampled(turn.person, turn.settings.score_sample):
        scope = turn.scope(properties)
        found = [predicts for event in events for predicts in predicting.get(event, ())]
        for name in sorted({name for name, when in found if when is None or when.holds(scope)}):
            turn.effects.facts.append(Changed(turn.gates_at, turn.person, "came_true", name))
