"""The compiler of funnels, flows and cohorts, and of audiences that are made of a funnel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.expression.names import UNREAD_EVENT
from parcours.journey.analyses import Cohort, Flow, Funnel, SavedAudience, who_fault
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.compile.campaigns.tables import lost_names
from parcours.journey.compile.schedules import check_schedule, instant_ms
from parcours.journey.model.analyses import CohortDocument, FlowDocument, FunnelAudienceDocument, FunnelDocument
from parcours.journey.model.analysis_forms import trigger_of
from parcours.journey.model.campaign_acts import SaveStep
from parcours.journey.parts import Schedule
from parcours.journey.read.finding import Margin

NEVER_MADE: Final = "the audience would never be made"


def compiled_funnel(name: str, document: FunnelDocument, scope: AnalysisScope, margin: Margin) -> Funnel:
    steps = tuple(scope.trigger(each, margin, "steps", number) for number, each in enumerate(document.steps))
    events = [trigger_of(each).event for each in document.steps]
    for number in document.step_within:
        if not 2 <= number <= len(steps) and not scope.has_lost("funnels", name):
            said = f"a step from 2 to {len(steps)} is expected: each is bound to the one before it"
            margin.error(said, "step_within", str(number))
    if document.step_within and document.order == "any":
        margin.error("in any order no step comes before another: step_within goes with strict or next", "step_within")
    return Funnel(
        name=name,
        steps=steps,
        within_ms=document.within,
        order=document.order,
        by=document.by,
        exclude=tuple(scope.trigger(each, margin, "exclude", number) for number, each in enumerate(document.exclude)),
        step_within_ms=dict(document.step_within),
        value=None if document.value is None else scope.number(document.value, events, margin, "value"),
        split=None if document.split is None else scope.split(document.split, events[0], margin),
        segment=scope.segment(document.segment, margin),
    )


def compiled_flow(name: str, document: FlowDocument, scope: AnalysisScope, margin: Margin) -> Flow:
    anchor = scope.trigger(document.anchor, margin, "anchor")
    ignored = [scope.plain_event(each, margin, "ignore", number) for number, each in enumerate(document.ignore)]
    for number, each in enumerate(ignored):
        if each == anchor.event and each != UNREAD_EVENT:
            margin.error("the anchor cannot be passed over", "ignore", number)
    every = tuple(scope.declared.events)
    return Flow(
        name=name,
        anchor=anchor,
        before=document.before,
        after=document.after,
        by=document.by,
        which=document.which,
        key=None if document.key is None else scope.property(document.key, every, margin, "key"),
        most=document.most,
        collapse=document.collapse,
        ignore=frozenset(ignored),
        segment=scope.segment(document.segment, margin),
    )


def compiled_cohort(name: str, document: CohortDocument, scope: AnalysisScope, margin: Margin) -> Cohort:
    return Cohort(
        name=name,
        starts=scope.trigger(document.starts, margin, "starts"),
        returns=scope.trigger(document.returns, margin, "returns"),
        unit=document.unit,
        periods=document.periods,
        segment=scope.segment(document.segment, margin),
    )


def compiled_audience(
    name: str,
    document: FunnelAudienceDocument,
    scope: AnalysisScope,
    margin: Margin,
    funnels: Mapping[str, Funnel],
) -> SavedAudience:
    """An audience that is kept up to date; the funnels are those of all documents."""
    audiences, timezone = scope.documents.audiences, scope.documents.settings.timezone
    has_been_told = name in lost_names(scope.margins, "audiences") or "audiences" in scope.declared.unread
    if not has_been_told and (fault := audiences.saving_fault(name)) is not None:
        margin.error(fault)
    scope.check_known("funnels", document.funnel, margin, "funnel")
    if document.funnel in funnels and not scope.has_lost("funnels", document.funnel):
        if (fault := who_fault(document.who, funnels[document.funnel])) is not None:
            margin.error(fault, "who", value=document.who)
        for each in scope.not_kept({step.name for step in funnels[document.funnel].steps}):
            said = (
                f"nobody would ever be in it: {each!r} is not kept, parcours.yaml leaves it out under insight: events"
            )
            margin.error(said, "funnel", runs=True)
    schedule = Schedule(instant_ms(document.schedule.at, timezone), document.schedule.rule)
    check_schedule(schedule.at_ms, schedule.rule, None, None, timezone, NEVER_MADE, margin.below("schedule"))
    for campaign in scope.documents.campaigns:
        if any(isinstance(step, SaveStep) and step.save == name for step in campaign.steps):
            margin.warn(f"the campaign {campaign.campaign!r} saves this audience as well")
    return SavedAudience(name, document.funnel, document.who, document.mode == "replace", schedule)
