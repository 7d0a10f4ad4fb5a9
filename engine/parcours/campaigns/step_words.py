"""Why is somebody in an output of a step, or in none? In words, for each step of a campaign.

A run keeps them beside its sets, which outlive its version: what is published later may have dropped that.
"""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec.structs import replace

from parcours.expression.definition_keys import plain
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SetRef
from parcours.journey.model.campaign_sets import MAIN, REFUSED, REST
from parcours.journey.set_expressions import Criterion, SetExpression


class StepWords(msgspec.Struct, frozen=True):
    """
    sources  the sets that the step takes, none for a read
    outputs  by name, in their order
    inside   why somebody is in an output, by its name, as far as there is more to say
    outside  why somebody whom the step took is in no output, or in `rest` alone
    gone     why she is in no output, not in `rest` either
    coming   what is said in place of that while nobody has been chosen for an output
    equal    in what rows are equal of which one stays, and others give way
    """

    sources: tuple[SetRef, ...]
    outputs: tuple[str, ...]
    inside: dict[str, str] = {}
    outside: str = ""
    gone: str = ""
    coming: str = ""
    equal: str = ""


class RunWords(msgspec.Struct, frozen=True):
    """Of each step by its name, in the order of the document."""

    steps: dict[str, StepWords]


def words_of(campaign: CampaignProgram) -> RunWords:
    """What is said of people in the sets of a campaign's runs."""
    return RunWords({name: _words(step) for name, step in campaign.steps.items()})


def _words(step: steps.CampaignStep) -> StepWords:
    words = StepWords(step.sources, step.outputs)
    match step:
        case steps.ReadAudience():
            return replace(words, outside=f"not in the audience {plain(step.audience)}")
        case steps.ReadPeople():
            return replace(words, outside=f"not so: {step.where.text}")
        case steps.ReadTable():
            return replace(words, outside=f"no row of {step.table} is hers{_where(step.where)}")
        case steps.ReadFound():
            said = f"among {step.asked or 'those who were named'}"
            return replace(words, inside={MAIN: said}, outside=f"not {said}")
        case steps.Filter():
            return replace(words, outside=f"not so: {step.condition.text}")
        case steps.Dedupe():
            return replace(words, equal=_by(step.by))
        case steps.Divide():
            inside = {each.name: _subset(each) for each in step.subsets}
            return replace(words, inside=inside, outside="in no subset")
        case steps.DivideAtRandom():
            return replace(words, inside=dict.fromkeys(step.outputs, "by lot"))
        case steps.Union():
            return replace(words, outside=f"given way to an equal row{_by(step.by)}")
        case steps.Intersect():
            return replace(words, outside=f"not in all of {', '.join(map(str, step.sources))}{_by(step.by)}")
        case steps.Exclude():
            taken = ", ".join(map(str, step.sources[1:]))
            return replace(words, inside={REST: f"in one of {taken}{_by(step.by)}"})
        case steps.Enrich():
            required = ", ".join(each.table for each in step.enrichments if each.required)
            return replace(words, outside=f"no row in {required}")
        case steps.Save():
            return words if step.key is None else replace(words, outside=f"nothing in {step.key.text}")
        case steps.SendToSet():
            return replace(words, inside={REFUSED: "every channel was refused"})
        case steps.Reacted():
            return replace(words, gone="left by an exit", coming="what they do is waited for")
        case steps.WaitAll():
            return replace(words, gone="left by an exit")
        case steps.UpdatePeople() | steps.Export() | steps.Test():
            return words
    assert_never(step)


def _where(where: SetExpression | None) -> str:
    return "" if where is None else f" for which {where.text}"


def _by(criteria: tuple[Criterion, ...]) -> str:
    named = [each.text for each in criteria if isinstance(each, SetExpression)]
    return f" (same {', '.join(named)})" if named else ""


def _subset(subset: steps.Subset) -> str:
    if subset.when is not None:
        return subset.when.text
    return "one of the first" if subset.limit or subset.share else "in no subset above"
