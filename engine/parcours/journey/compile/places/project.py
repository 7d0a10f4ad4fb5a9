"""The compiler of places.yaml, and the events that its places tell of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from parcours.expression.dotted import joined_path
from parcours.geography.shapes import Circle, Polygon
from parcours.journey.compile.events import with_events
from parcours.journey.compile.places.geojson import NoFeature, features_in
from parcours.journey.compile.places.rings import fault_of, without_repetitions
from parcours.journey.model.document import EventDocument
from parcours.journey.model.places import (
    PLACES_MAX,
    CirclePlaceDocument,
    PlaceFileDocument,
    PlaceRulesDocument,
    PlacesDocument,
    PolygonPlaceDocument,
)
from parcours.journey.model.traits import Kind
from parcours.journey.places import NO_PLACES, PLACE_ENTERED, PLACE_LEFT, Place, PlaceRules, Places
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Margin
from parcours.wording import quoted

V = TypeVar("V")

FAULTS_MAX: Final = 20
"""Faults told of one file: whoever has put latitude first has as many as features."""

_USUAL: Final = PlaceRules()


def compiled_places(documents: Documents, margins: Margins) -> Places:
    """The places of a project. A faulty one is left out, with a finding."""
    document = documents.places
    if not document.places:
        return NO_PLACES
    margin = margins.single["places"]
    usual = _rules(document.defaults, _USUAL, margin.below("defaults"))
    found: dict[str, Place] = {}
    for place, within in _places(document, usual, margin):
        if place.name in found:
            within.error(f"there is already a place {quoted(place.name)}")
        elif len(found) == PLACES_MAX:
            within.error(f"these are more than {PLACES_MAX} places, which is as many as a project may have")
            break
        else:
            found[place.name] = place
    return Places.of(found.values())


def with_place_events(documents: Documents, places: Places, margins: Margins) -> Documents:
    """The documents with the events that places tell of, which no author declares."""
    if not places:
        return documents
    return with_events(documents, place_events(places), "places.yaml", margins)


def place_events(places: Places) -> dict[str, EventDocument]:
    """What is known of them: an attribute that is a text of one place and a number of another is either."""
    kinds: dict[str, Kind] = {}
    mixed = set[str]()
    for place in places.by_name.values():
        for key, value in place.attributes.items():
            path, kind = f"attributes.{joined_path([key])}", _kind(value)
            if kinds.setdefault(path, kind) != kind:
                mixed.add(path)
    attributes: dict[str, Any] = {path: "any" if path in mixed else kind for path, kind in kinds.items()}
    told: dict[str, Any] = {"place": "string", "why": "string", "tags": "list", **attributes}
    return {
        PLACE_ENTERED: EventDocument.model_construct(properties=told),
        PLACE_LEFT: EventDocument.model_construct(properties={**told, "dwell": "integer"}),
    }


def _kind(value: object) -> Kind:
    if isinstance(value, bool):
        return "boolean"
    return "string" if isinstance(value, str) else "number"


def _places(document: PlacesDocument, usual: PlaceRules, margin: Margin) -> Iterator[tuple[Place, Margin]]:
    """Each place that is sound, with the margin of where it stands."""
    for name, each in document.places.items():
        within = margin.below("places", name)
        rules = _rules(each, usual, within)
        match each:
            case CirclePlaceDocument():
                yield Place(name, Circle(*each.circle), rules, each.tags, dict(each.attributes)), within
            case PolygonPlaceDocument():
                part = tuple(without_repetitions(ring) for ring in (each.polygon, *each.holes))
                if (fault := fault_of(part)) is not None:
                    within.error(fault, "polygon")
                else:
                    yield Place(name, Polygon((part,)), rules, each.tags, dict(each.attributes)), within
            case PlaceFileDocument():
                for place in _places_in(_File(each, rules, within.below("file"))):
                    yield place, within.below("file")


@dataclass(frozen=True, slots=True)
class _File:
    document: PlaceFileDocument
    rules: PlaceRules
    margin: Margin


def _places_in(file: _File) -> Iterator[Place]:
    document, faults = file.document, list[str]()
    if document.geojson is None:
        file.margin.error(f"nothing is known of what {quoted(document.file)} holds")
        return
    try:
        for feature in features_in(document.geojson, document.name, document.radius, faults.append):
            attributes = {**feature.properties, **document.attributes}
            yield Place(feature.name, feature.shape, file.rules, document.tags, attributes)
    except NoFeature as error:
        file.margin.error(str(error))
    for fault in faults[:FAULTS_MAX]:
        file.margin.error(fault)
    if len(faults) > FAULTS_MAX:
        file.margin.error(f"and {len(faults) - FAULTS_MAX} features more")


def _rules(document: PlaceRulesDocument, usual: PlaceRules, margin: Margin) -> PlaceRules:
    """The rules of a place: its own, and the usual ones for what it does not say."""
    rules = PlaceRules(
        enter_after_ms=_first(document.enter_after, usual.enter_after_ms),
        leave_after_ms=_first(document.leave_after, usual.leave_after_ms),
        margin_m=_first(document.margin, usual.margin_m),
        accuracy_max_m=_first(document.accuracy_max, usual.accuracy_max_m),
        silent_after_ms=_first(document.silent_after, usual.silent_after_ms),
        is_first_quiet=usual.is_first_quiet if document.first is None else document.first == "silent",
    )
    if rules.enter_after_ms >= rules.silent_after_ms:
        margin.error("somebody counts as gone before she has entered: enter_after has to be shorter than silent_after")
    return rules


def _first(given: V | None, usual: V) -> V:
    return usual if given is None else given
