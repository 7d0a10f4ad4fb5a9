"""The dependencies of a journey: the events and audiences that its triggers name, and its expressions."""

from __future__ import annotations

from collections.abc import Iterator

from parcours.expression.expression import Expression
from parcours.journey import program
from parcours.journey.step_parts import expressions


def entry_names(journey: program.Journey) -> set[str]:
    """The event types that enter a journey."""
    return {trigger.event for trigger in entry_triggers(journey)}


def event_names(journey: program.Journey) -> set[str]:
    """All event types by which the journey can be entered, left, credited or moved."""
    return {trigger.event for trigger in triggers(journey)}


def withdrawing_names(journey: program.Journey) -> set[str]:
    """The event types by which a message that the journey sends is taken back out of an inbox."""
    sent = {step.message for step in journey.steps.values() if isinstance(step, program.Send)}
    return {event for name in sent if name in journey.messages for event in journey.messages[name].withdraw}


def expressions_in(journey: program.Journey) -> Iterator[Expression]:
    """Every expression of a journey."""
    if journey.correlation is not None:
        yield journey.correlation
    for trigger in triggers(journey):
        if trigger.when is not None:
            yield trigger.when
    for step in journey.steps.values():
        yield from expressions(step)


def triggers(journey: program.Journey) -> Iterator[program.Trigger]:
    """The events by which the journey can be entered, left, credited or moved."""
    yield from entry_triggers(journey)
    yield from inner_triggers(journey)


def entry_triggers(journey: program.Journey) -> tuple[program.Trigger, ...]:
    """The events that enter a journey; none where it is entered otherwise."""
    return journey.entry.triggers if isinstance(journey.entry, program.EventEntry) else ()


def inner_triggers(journey: program.Journey) -> Iterator[program.Trigger]:
    """The events by which a run of the journey can be credited, moved or ended."""
    yield from (rule for rule in journey.exits if isinstance(rule, program.Trigger))
    if journey.goal is not None:
        yield journey.goal.trigger
    for step in journey.steps.values():
        if isinstance(step, program.WaitFor):
            yield from (each.trigger for each in step.listeners if isinstance(each, program.EventListener))


def audience_names(journey: program.Journey) -> set[str]:
    """All audiences by which the journey can be entered, left or moved, and those that its expressions ask for."""
    named = inner_audience_names(journey) | _audiences_asked(journey)
    if isinstance(journey.entry, program.ReadEntry | program.AudienceTrigger):
        named.add(journey.entry.audience)
    return named


def _audiences_asked(journey: program.Journey) -> set[str]:
    called = {step.action for step in journey.steps.values() if isinstance(step, program.CallAction)}
    carried = [each for name in called if name in journey.actions for each in journey.actions[name].expressions]
    return {audience for expression in (*expressions_in(journey), *carried) for audience in expression.audiences}


def inner_audience_names(journey: program.Journey) -> set[str]:
    """The audiences by which a run of the journey can be moved or ended."""
    named = {rule.audience for rule in journey.exits if isinstance(rule, program.AudienceTrigger)}
    for step in journey.steps.values():
        if isinstance(step, program.WaitFor):
            named |= {each.audience for each in step.listeners if isinstance(each, program.AudienceListener)}
    return named
