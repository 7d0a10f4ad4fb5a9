"""Where somebody is in the sets of a run, step by step, and why she is there or in none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from parcours.campaigns.kept_sets import KeptSets
from parcours.campaigns.step_words import RunWords, StepWords
from parcours.journey.campaign_steps import SetRef
from parcours.journey.model.campaign_sets import REST


class SetPlace(msgspec.Struct, frozen=True):
    """
    at       when the step was made, in ms
    outputs  those that she is in; none where she is in no set of the step
    why      in words, as far as there is more to say
    """

    campaign: str
    run: int
    step: str
    at: int
    outputs: tuple[str, ...]
    why: str = ""


def set_places(campaign: str, run: int, words: RunWords, sets: KeptSets, person: str) -> Iterator[SetPlace]:
    """Of each step that has been made and whose set she was in, and of each read. Raises OSError."""
    for name, step in words.steps.items():
        at = sets.made_at(name)
        if at is None:
            continue
        if step.sources and not any(sets.has(source, person) for source in step.sources):
            continue
        outputs = tuple(output for output in step.outputs if sets.has(SetRef(name, output), person))
        yield SetPlace(campaign, run, name, at, outputs, _why(name, step, outputs, sets, person))


def _why(name: str, step: StepWords, outputs: Sequence[str], sets: KeptSets, person: str) -> str:
    if not outputs and step.coming and not sets.is_chosen(name):
        return step.coming
    winner = sets.gave_way_to(name, person)
    if winner is not None:
        return f"gave way to {winner}{step.equal}"
    inside = [(output, step.inside[output]) for output in outputs if output in step.inside]
    if len(inside) > 1:
        return ", ".join(f"{output}: {why}" for output, why in inside)
    if inside:
        return inside[0][1]
    if not outputs:
        return step.gone or step.outside
    return step.outside if {*outputs} == {REST} else ""
