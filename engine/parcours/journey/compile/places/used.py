"""Are the places that somebody names known, does anything tell who is there, and does anything ask for them?

A name that is no place is an error, as that of an audience is: nobody would ever enter there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final

from parcours.expression.definition_keys import plain
from parcours.journey.model.forms import Document
from parcours.journey.model.places import PlaceFileDocument
from parcours.journey.place_uses import (
    PLACE_EVENTS,
    PlaceUse,
    told_of_places,
    uses_of_campaign,
    uses_of_condition,
    uses_of_events,
    uses_of_journey,
)
from parcours.journey.places import Places
from parcours.journey.program import Program
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import KeyPath, Margin
from parcours.wording import nearest, quoted

UNUSED_MAX: Final = 20
"""Places told of that nothing asks for: whoever has more has left out more than one place."""

NEAREST_AMONG_MAX: Final = 10_000
"""Names among which the nearest is looked for: among more it takes seconds for each mistake."""


def check_places(documents: Documents, compiled: Program, margins: Margins) -> None:
    """Note names of places that are unknown, and places and positions that come to nothing.

    documents  with the events of places
    """
    if "places" in margins.unread:
        return
    telling = [name for name, event in documents.events.events.items() if event.location or event.crossing]
    if not compiled.places:
        why = "nobody is ever in a place by it, for there is none: name some in places.yaml"
        for name in telling:
            key = "location" if documents.events.events[name].location else "crossing"
            margins.single["events"].warn(why, "events", name, key)
        return
    uses, margin = list(_uses(documents, compiled, margins)), margins.single["places"]
    is_whole = not any(each.file == margin.file and each.severity == "error" for each in margin.findings)
    for within, document, found in uses if is_whole else ():
        for use in found:
            _check_known(use, compiled.places, document, within)
    if not telling and "events" not in margins.unread:
        margin.warn("no event tells where anybody is: one of events.yaml has a `location` or a `crossing`", "places")
    if not margins.lost and not margins.unread:
        _check_used([use for _, _, found in uses for use in found], documents, compiled, margin)


def _uses(
    documents: Documents, compiled: Program, margins: Margins
) -> Iterator[tuple[Margin, Document, list[PlaceUse]]]:
    """Who asks for places, with the document in which that stands; rules of events only where they name some."""
    told = told_of_places(compiled.events)
    yield margins.single["events"], documents.events, [use for use in uses_of_events(compiled.events) if use.named]
    journeys = {each.name: each for each in compiled.journeys}
    for journey, margin in zip(documents.journeys, margins.journeys, strict=True):
        yield margin, journey, list(uses_of_journey(journeys[journey.journey], told))
    campaigns = {each.name: each for each in compiled.campaigns}
    for campaign, margin in zip(documents.campaigns, margins.campaigns, strict=True):
        yield margin, campaign, list(uses_of_campaign(campaigns[campaign.campaign], told))
    conditions = [each.condition for each in compiled.audiences.values()]
    found = [use for condition in conditions for use in uses_of_condition(condition, told)]
    yield margins.single["audiences"], documents.audiences, found
    asked = [each for score in compiled.scores.values() for each in score.expressions()]
    yield margins.single["scores"], documents.scores, [use for each in asked for use in uses_of_condition(each, told)]
    deciding = [use for each in compiled.offers.expressions() for use in uses_of_condition(each, told)]
    yield margins.single["offers"], documents.offers, deciding


def _check_known(use: PlaceUse, places: Places, document: Document, margin: Margin) -> None:
    for name in sorted(use.named - places.by_name.keys()):
        assert use.asked is not None, "a name stands in an expression"
        keys = _keys_of(document.model_dump(mode="json", by_alias=True), use.asked.text) or ()
        hint = nearest(name, [*islice(places.by_name, NEAREST_AMONG_MAX)])
        margin.error(f"unknown place {quoted(name)}{hint}", *keys, value=use.asked.text, runs=True)


def _keys_of(data: object, text: str) -> KeyPath | None:
    """Where in a document a text stands; None if nowhere as it is."""
    if data == text:
        return ()
    parts: Iterable[tuple[str | int, object]] = ()
    if isinstance(data, Mapping):
        parts = ((str(key), value) for key, value in data.items())
    elif isinstance(data, list | tuple):
        parts = enumerate(data)
    for key, value in parts:
        if (found := _keys_of(value, text)) is not None:
            return (key, *found)
    return None


def _check_used(uses: list[PlaceUse], documents: Documents, compiled: Program, margin: Margin) -> None:
    """Note places that nothing asks for, as far as that is certain: where each use has to be of one that it names."""
    asking = [use for use in uses if use.asked is None or not _is_rule(use, compiled)]
    if not asking:
        events = " or ".join(sorted(PLACE_EVENTS))
        margin.warn(
            f"nothing asks who is in these places: no journey, campaign, audience, score or offer names {events}",
            "places",
        )
        return
    if any(use.confined is None for use in asking):
        return
    wanted = {name for use in asking for name in use.confined or ()}
    unused = [name for name in _of_document(documents, compiled.places) if name not in wanted]
    for name in unused[:UNUSED_MAX]:
        margin.warn("nothing asks who is in this place", "places", name)
    if len(unused) > UNUSED_MAX:
        margin.warn(f"nothing asks who is in {len(unused) - UNUSED_MAX} places more", "places")


def _is_rule(use: PlaceUse, compiled: Program) -> bool:
    return any(use.asked is event.rule for event in compiled.events.values() if plain(event.name) not in PLACE_EVENTS)


def _of_document(documents: Documents, places: Places) -> list[str]:
    """The places that stand in places.yaml itself: of a file some may be there for somebody else."""
    written = documents.places.places
    return [name for name in places.by_name if name in written and not isinstance(written[name], PlaceFileDocument)]
