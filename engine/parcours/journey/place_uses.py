"""Who asks that somebody entered a place or left it, and of which places by name: of what is compiled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from parcours.expression.definition_keys import plain
from parcours.expression.expression import Expression
from parcours.journey import program
from parcours.journey.campaign_parts import asked_of_campaign, audiences_of_campaign, events_of_campaign
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.listening import audience_names, entry_triggers, expressions_in, triggers, withdrawing_names
from parcours.journey.places import PLACE_ENTERED, PLACE_LEFT

PLACE_EVENTS: Final = frozenset({PLACE_ENTERED, PLACE_LEFT})

_OF_EVENT: Final = "event.place"
_OF_ENTRY: Final = "entry.place"


@dataclass(frozen=True, slots=True)
class PlaceUse:
    """One way in which places are asked for.

    named     the places that it names
    confined  those of which it has to be one; None if it may be any
    asked     by which expression, None if by none
    """

    named: frozenset[str] = frozenset()
    confined: frozenset[str] | None = None
    asked: Expression | None = None


def told_of_places(events: Mapping[str, program.EventType]) -> frozenset[str]:
    """The keys of the event types that tell of places: the two, and those that a rule recognises among them."""
    return frozenset(key for key, event in events.items() if plain(key) in PLACE_EVENTS or event.of in PLACE_EVENTS)


def uses_of_events(events: Mapping[str, program.EventType]) -> Iterator[PlaceUse]:
    """Those of the rules by which events of places are recognised. They only count where the event is asked for."""
    for event in events.values():
        if event.of in PLACE_EVENTS and event.rule is not None:
            yield _use(event.rule)


def uses_of_journey(journey: program.Journey, told: frozenset[str]) -> Iterator[PlaceUse]:
    """Those of a journey; `told` are the keys of the event types that tell of places."""
    listening = list(triggers(journey))
    for trigger in listening:
        if trigger.event in told:
            yield PlaceUse() if trigger.when is None else _use(trigger.when)
    if told & withdrawing_names(journey):
        yield PlaceUse()
    entries = entry_triggers(journey)
    if entries and all(each.event in told for each in entries):
        yield from (_use(each, _OF_ENTRY) for each in expressions_in(journey) if _OF_ENTRY in each.paths)
    yield from _of_histories(expressions_in(journey), told)
    called = {step.action for step in journey.steps.values() if isinstance(step, program.CallAction)}
    carried = [each for name in called if name in journey.actions for each in journey.actions[name].expressions]
    yield from _of_histories(carried, told)


def uses_of_campaign(campaign: CampaignProgram, told: frozenset[str]) -> Iterator[PlaceUse]:
    """Those of a campaign."""
    if told & events_of_campaign(campaign):
        yield PlaceUse()
    yield from _of_histories(asked_of_campaign(campaign), told)


def uses_of_condition(condition: Expression, told: frozenset[str]) -> Iterator[PlaceUse]:
    """Those of the condition of an audience, of a feature of a score, or of what an offer is chosen by."""
    yield from _of_histories([condition], told)


def places_named(of: program.Program, name: str) -> frozenset[str]:
    """The places that a journey or campaign of a publication names, itself or by the audiences that it asks for.

    of    the publication alone, in which each version is the first
    """
    told = told_of_places(of.events)
    uses = list(uses_of_events(of.events))
    audiences: set[str] = set()
    if (journey := of.journey(name, 1)) is not None:
        uses += uses_of_journey(journey, told)
        audiences |= audience_names(journey)
    for campaign in of.campaigns:
        if campaign.name == name:
            uses += uses_of_campaign(campaign, told)
            audiences |= audiences_of_campaign(campaign)
    for key in audiences & of.audiences.keys():
        uses += uses_of_condition(of.audiences[key].condition, told)
    return frozenset(name for use in uses for name in use.named)


def _of_histories(expressions: Iterable[Expression], told: frozenset[str]) -> Iterator[PlaceUse]:
    for expression in expressions:
        for series in expression.series:
            if series.event in told:
                yield PlaceUse() if series.condition is None else _use(series.condition, by=expression)


def _use(asked: Expression, path: str = _OF_EVENT, by: Expression | None = None) -> PlaceUse:
    return PlaceUse(asked.compared.get(path, frozenset()), asked.confined.get(path), by or asked)
