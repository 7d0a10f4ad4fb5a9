"""The dependency index of a program: which events its journeys, audiences and histories depend on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from parcours.expression.dotted import split_path
from parcours.expression.expression import Expression, Series, united_series
from parcours.journey.campaign_parts import asked_of_campaign, events_of_campaign
from parcours.journey.compile.empty_profile import waking
from parcours.journey.listening import entry_names, event_names, expressions_in, withdrawing_names
from parcours.journey.program import Audience, AudienceTrigger, EventType, Journey, Program
from parcours.scoring.score import Predicting


def indexed(program: Program) -> Program:
    """The program with the index that its other parts call for; one that it has already is replaced."""
    events, versions = program.events, program.versions()
    campaigns = (*program.campaigns, *program.draining_campaigns)
    series = _series_by_event(_asking(program))
    moving = {name for journey in versions for name in event_names(journey) | withdrawing_names(journey)}
    moving |= {name for campaign in campaigns for name in events_of_campaign(campaign)} | program.offers.converting
    entries = {name for journey in program.journeys for name in entry_names(journey)}
    positions = {name for name, event in events.items() if program.places and (event.location or event.crossing)}
    renewed_by, predicting = _renewed_by(program), _predicting(program)
    waked_by = waking(program.audiences.values(), program.policies.consent, events)
    return replace(
        program,
        derived=_derived(events),
        entered_by=_entered_by(program.journeys),
        series=series,
        counting=_counting(series, program.audiences),
        moving=_incoming({*moving, *series, *positions, *renewed_by, *predicting}, events),
        entering=_incoming({*entries, *series, *waked_by, *positions, *renewed_by}, events),
        zone_traits=frozenset(split_path(path)[1] for path in program.profile_timezone.paths),
        predicting=predicting,
        renewed_by=renewed_by,
        timed_scores={
            name: each.keep.every_ms
            for name, each in sorted(program.scores.items())
            if each.keep is not None and each.keep.every_ms is not None
        },
    )


def _entered_by(journeys: Iterable[Journey]) -> dict[str | AudienceTrigger, tuple[Journey, ...]]:
    by_cause: dict[str | AudienceTrigger, tuple[Journey, ...]] = {}
    for journey in journeys:
        causes = (journey.entry,) if isinstance(journey.entry, AudienceTrigger) else sorted(entry_names(journey))
        by_cause |= {cause: (*by_cause.get(cause, ()), journey) for cause in causes}
    return by_cause


def _predicting(program: Program) -> dict[str, tuple[Predicting, ...]]:
    """The scores that predict an event, by its type, each with the condition; of those that say something."""
    by_event: dict[str, tuple[Predicting, ...]] = {}
    for name, score in sorted(program.scores.items()):
        event = score.predicts.event
        if score.model is not None:
            by_event[event] = (*by_event.get(event, ()), (name, score.predicts.when))
    return by_event


def _renewed_by(program: Program) -> dict[str, tuple[str, ...]]:
    """The scores whose traits are renewed with an event, by its type, sorted."""
    by_event: dict[str, tuple[str, ...]] = {}
    for name, score in sorted(program.scores.items()):
        for event in () if score.keep is None else score.keep.on:
            by_event[event] = (*by_event.get(event, ()), name)
    return by_event


def _asking(program: Program) -> Iterator[Expression]:
    """Every expression that may ask for a history."""
    for audience in program.audiences.values():
        yield audience.condition
    for action in program.actions.values():
        yield from action.expressions
    for journey in program.versions():
        yield from expressions_in(journey)
        for action in journey.actions.values():
            yield from action.expressions
    for campaign in (*program.campaigns, *program.draining_campaigns):
        yield from asked_of_campaign(campaign)
    for score in program.scores.values():
        yield from score.expressions()
    yield from program.offers.expressions()
    for destination in program.destinations.values():
        yield from destination.expressions()


def _series_by_event(expressions: Iterable[Expression]) -> dict[str, tuple[Series, ...]]:
    """The histories that the expressions ask for, by event type; in the order of their keys, each once."""
    united = united_series(series for expression in expressions for series in expression.series)
    by_event: dict[str, tuple[Series, ...]] = {}
    for _, series in sorted(united.items()):
        by_event[series.event] = (*by_event.get(series.event, ()), series)
    return by_event


def _counting(events: Iterable[str], audiences: Mapping[str, Audience]) -> dict[str, tuple[str, ...]]:
    counting = {}
    for event in events:
        asking = {key: each.condition for key, each in sorted(audiences.items()) if _asks_for(each.condition, event)}
        if not any(condition.compares_now for condition in asking.values()):
            counting[event] = tuple(asking)
    return counting


def _asks_for(condition: Expression, event: str) -> bool:
    return any(series.event == event for series in condition.series)


def _derived(events: Mapping[str, EventType]) -> dict[str, tuple[EventType, ...]]:
    """The rule-based types of each event name, in the order of events.yaml."""
    by_name: dict[str, tuple[EventType, ...]] = {}
    for event in events.values():
        if event.of is not None:
            by_name[event.of] = (*by_name.get(event.of, ()), event)
    return by_name


def _incoming(names: Iterable[str], events: Mapping[str, EventType]) -> frozenset[str]:
    """The event names under which those types arrive: a rule-based one arrives under the name that it is based on."""
    return frozenset((events[name].of or name) if name in events else name for name in names)
