"""Where somebody is in the sets of a run, step by step, and why she is there or in none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec

from parcours.campaigns.run_sets import REFUSED, RunSets
from parcours.expression.definition_keys import plain
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SetRef
from parcours.journey.model.campaign_sets import MAIN, REST
from parcours.journey.set_expressions import Criterion, SetExpression


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


def set_places(campaign: CampaignProgram, run: int, sets: RunSets, person: str) -> Iterator[SetPlace]:
    """Of each step that has been made and whose set she was in, and of each read. Raises StoreBroken, OSError."""
    for name, step in campaign.steps.items():
        at = sets.made_at(name)
        if at is None:
            continue
        if step.sources and not any(sets.has(source, person) for source in step.sources):
            continue
        outputs = tuple(output for output in step.outputs if sets.has(SetRef(name, output), person))
        yield SetPlace(campaign.name, run, name, at, outputs, _why(step, outputs, sets, person))


def _why(step: steps.CampaignStep, outputs: tuple[str, ...], sets: RunSets, person: str) -> str:
    is_in = MAIN in outputs
    match step:
        case steps.ReadAudience():
            return "" if is_in else f"not in the audience {plain(step.audience)}"
        case steps.ReadPeople():
            return "" if is_in else f"not so: {step.where.text}"
        case steps.ReadTable():
            return "" if is_in else f"no row of {step.table} is hers" + _where(step.where)
        case steps.Filter():
            return "" if is_in else f"not so: {step.condition.text}"
        case steps.Dedupe():
            return "" if REST not in outputs else _gave_way(step, sets, person)
        case steps.Divide():
            found = {each.name: _subset(each) for each in step.subsets if each.name in outputs}
            named = [f"{name}: {why}" for name, why in found.items()] if len(found) > 1 else [*found.values()]
            return ", ".join(named) or "in no subset"
        case steps.DivideAtRandom():
            return "by lot"
        case steps.Union():
            return "" if is_in else f"given way to an equal row{_by(step.by)}"
        case steps.Intersect():
            return "" if is_in else f"not in all of {', '.join(map(str, step.sources))}{_by(step.by)}"
        case steps.Exclude():
            taken = ", ".join(map(str, step.sources[1:]))
            return f"in one of {taken}{_by(step.by)}" if REST in outputs else ""
        case steps.Enrich():
            return "" if is_in else f"no row in {', '.join(each.table for each in step.enrichments if each.required)}"
        case steps.Save():
            return "" if is_in or step.key is None else f"nothing in {step.key.text}"
        case steps.SendToSet():
            return "every channel was refused" if REFUSED in outputs else ""
        case steps.Reacted() if not sets.is_chosen(step.id):
            return "what they do is waited for"
        case steps.WaitAll() | steps.Reacted():
            return "" if outputs else "left by an exit"
        case steps.UpdatePeople() | steps.Export() | steps.Test():
            return ""
    assert_never(step)


def _where(where: SetExpression | None) -> str:
    return "" if where is None else f" for which {where.text}"


def _gave_way(step: steps.Dedupe, sets: RunSets, person: str) -> str:
    winner = sets.gave_way_to(step.id, person)
    return "" if winner is None else f"gave way to {winner}{_by(step.by)}"


def _by(criteria: tuple[Criterion, ...]) -> str:
    named = [each.text for each in criteria if isinstance(each, SetExpression)]
    return f" (same {', '.join(named)})" if named else ""


def _subset(subset: steps.Subset) -> str:
    if subset.when is not None:
        return subset.when.text
    return "one of the first" if subset.limit or subset.share else "in no subset above"
