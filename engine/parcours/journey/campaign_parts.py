"""What a campaign asks, names and listens for: the one place that takes every kind of its compiled steps apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from parcours.expression.expression import Expression
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.parts import AudienceTrigger, Trigger, WaitUntil
from parcours.journey.set_expressions import Criterion, SetExpression


def asked_of_rows(step: steps.CampaignStep) -> list[SetExpression]:
    """The expressions that a step asks of each row that it takes, of each person, or of each row of its table.

    Those of an enrichment, and of a table that is read, see the table's row as `row`.
    """
    match step:
        case steps.ReadPeople():
            return [step.where]
        case steps.ReadTable():
            return [] if step.where is None else [step.where]
        case steps.Filter():
            return [step.condition]
        case steps.Dedupe():
            return [*_values(step.by), *_ordering(step.order)]
        case steps.Divide():
            return [each for subset in step.subsets for each in (*_given(subset.when), *_ordering(subset.order))]
        case steps.Union() | steps.Intersect() | steps.Exclude():
            return _values(step.by)
        case steps.Enrich():
            return [asked for each in step.enrichments for asked in _asked_of_table(each)]
        case steps.Save():
            return _given(step.key)
        case steps.UpdatePeople():
            return list(step.values.values())
        case steps.Export():
            return _values(value for _, value in step.values)
        case steps.SendToSet():
            return [*step.to.values(), *_given(step.prefer)]
        case steps.ReadAudience() | steps.ReadFound() | steps.DivideAtRandom():
            return []
        case steps.WaitAll() | steps.Test() | steps.Reacted():
            return []
    assert_never(step)


def asked_of_sets(step: steps.CampaignStep) -> list[Expression]:
    """The expressions that a step asks once, of the run and the sizes of sets."""
    if isinstance(step, steps.Test):
        return [condition for _, condition in step.arms]
    if isinstance(step, steps.WaitAll) and isinstance(step.wait, WaitUntil):
        return [step.wait.until]
    return []


def asked_of_campaign(campaign: CampaignProgram) -> Iterator[Expression]:
    """Every expression of a campaign that a run asks, and those of its tables."""
    for trigger in _triggers(campaign):
        if trigger.when is not None:
            yield trigger.when
    for step in campaign.steps.values():
        yield from (each.expression for each in asked_of_rows(step))
        yield from asked_of_sets(step)
    for table in campaign.tables.values():
        yield from (each.expression for each in (*_given(table.person), *_given(table.join), *table.key))


def events_of_campaign(campaign: CampaignProgram) -> set[str]:
    """The event types by which somebody leaves a run of the campaign, or reaches its goal."""
    return {trigger.event for trigger in _triggers(campaign)}


def audiences_of_campaign(campaign: CampaignProgram) -> set[str]:
    """The audiences that a campaign reads, saves or asks for, or that end its runs."""
    named = {rule.audience for rule in campaign.exits if isinstance(rule, AudienceTrigger)}
    for step in campaign.steps.values():
        if isinstance(step, steps.ReadAudience | steps.Save):
            named.add(step.audience)
    return named.union(*(each.audiences for each in asked_of_campaign(campaign)))


def _triggers(campaign: CampaignProgram) -> Iterator[Trigger]:
    yield from (rule for rule in campaign.exits if isinstance(rule, Trigger))
    if campaign.goal is not None:
        yield campaign.goal.trigger


def _asked_of_table(enrichment: steps.Enrichment) -> list[SetExpression]:
    return [*_given(enrichment.where), *_given(enrichment.value), *_ordering(enrichment.order)]


def _given(value: SetExpression | None) -> list[SetExpression]:
    return [] if value is None else [value]


def _values(criteria: Iterable[Criterion]) -> list[SetExpression]:
    return [each for each in criteria if isinstance(each, SetExpression)]


def _ordering(order: Iterable[steps.OrderKey]) -> list[SetExpression]:
    return [each.value for each in order if not isinstance(each, steps.AtRandom)]
