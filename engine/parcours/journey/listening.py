"""The dependency index of a program: which events, audiences and histories its journeys and expressions depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from parcours.expression.expression import Expression, united_series
from parcours.journey import program


def derived(events: Mapping[str, program.EventType]) -> dict[str, tuple[program.EventType, ...]]:
    """The rule-based types of each event name, in the order of events.yaml."""
    by_name: dict[str, tuple[program.EventType, ...]] = {}
    for event in events.values():
        if event.of is not None:
            by_name[event.of] = (*by_name.get(event.of, ()), event)
    return by_name


def incoming(names: Iterable[str], events: Mapping[str, program.EventType]) -> frozenset[str]:
    """The event names under which those types arrive: a rule-based one arrives under the name that it is based on."""
    return frozenset((events[name].of or name) if name in events else name for name in names)


def entry_names(journey: program.Journey) -> set[str]:
    """The event types that enter a journey."""
    return {journey.entry.event} if isinstance(journey.entry, program.Trigger) else set()


def event_names(journey: program.Journey) -> set[str]:
    """All event types by which the journey can be entered, left, credited or moved."""
    return {trigger.event for trigger in _triggers(journey)}


def series_by_event(expressions: Iterable[Expression]) -> dict[str, tuple[program.Series, ...]]:
    """The histories that the expressions ask for, by event type; in the order of their keys, each once."""
    united = united_series(series for expression in expressions for series in expression.series)
    by_event: dict[str, tuple[program.Series, ...]] = {}
    for _, series in sorted(united.items()):
        by_event[series.event] = (*by_event.get(series.event, ()), series)
    return by_event


def expressions_in(journey: program.Journey) -> Iterator[Expression]:
    """Every expression of a journey."""
    if journey.correlation is not None:
        yield journey.correlation
    for trigger in _triggers(journey):
        if trigger.when is not None:
            yield trigger.when
    for step in journey.steps.values():
        match step:
            case program.Send():
                yield from step.to.values()
            case program.WaitUntil():
                yield step.until
            case program.Branch():
                yield from (when for when, _ in step.arms)
            case program.Update():
                yield from step.values.values()
            case _:
                continue


def _triggers(journey: program.Journey) -> Iterator[program.Trigger]:
    if isinstance(journey.entry, program.Trigger):
        yield journey.entry
    yield from inner_triggers(journey)


def inner_triggers(journey: program.Journey) -> Iterator[program.Trigger]:
    """The events by which a run of the journey can be credited, moved or ended."""
    yield from (rule for rule in journey.exits if isinstance(rule, program.Trigger))
    if journey.goal is not None:
        yield journey.goal.trigger
    for step in journey.steps.values():
        if isinstance(step, program.WaitFor):
            yield from (each.trigger for each in step.listeners if isinstance(each, program.EventListener))


def audience_names(journey: program.Journey) -> set[str]:
    """All audiences by which the journey can be entered, left or moved."""
    named = inner_audience_names(journey)
    if not isinstance(journey.entry, program.Trigger):
        named.add(journey.entry.audience)
    return named


def inner_audience_names(journey: program.Journey) -> set[str]:
    """The audiences by which a run of the journey can be moved or ended."""
    named = {rule.audience for rule in journey.exits if isinstance(rule, program.AudienceTrigger)}
    for step in journey.steps.values():
        if isinstance(step, program.WaitFor):
            named |= {each.audience for each in step.listeners if isinstance(each, program.AudienceListener)}
    return named
