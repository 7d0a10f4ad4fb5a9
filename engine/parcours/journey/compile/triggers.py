"""The compiler of triggers: the events and changes of audiences that end, credit or move a run."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.journey.compile.declarations import Declarations, condition
from parcours.journey.model.triggers import AudienceTriggerDocument, EventTriggerDocument
from parcours.journey.parts import AudienceTrigger, Trigger
from parcours.journey.read.finding import Margin


def compiled_trigger(
    trigger: EventTriggerDocument, declared: Declarations, entry: Mapping[str, str], margin: Margin
) -> Trigger:
    """An exit, goal or listener: `event` is the event at hand, `entry` the one that the run has kept."""
    properties = declared.properties(margin, trigger.event, "event")
    key = declared.definition_keys.event(trigger.event)
    if trigger.when is None:
        return Trigger(key)
    return Trigger(key, condition(margin, trigger.when, declared.names(properties, entry, run=True), "when"))


def compiled_audience_trigger(
    trigger: AudienceTriggerDocument, declared: Declarations, margin: Margin
) -> AudienceTrigger:
    declared.check_audience(margin, trigger.audience, "audience")
    return AudienceTrigger(declared.definition_keys.audience(trigger.audience), trigger.change)
