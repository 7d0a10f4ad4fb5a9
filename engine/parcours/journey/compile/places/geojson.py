"""What places are in a text of GeoJSON? Its features, each with a name, points or rings, and its properties."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from parcours.expression.dotted import split_path
from parcours.geography.shapes import HALF_TURN, QUARTER_TURN, Circle, Point, Polygon, Ring, Shape
from parcours.journey.compile.places.rings import fault_of, without_repetitions
from parcours.journey.model.forms import NAME_CHARACTERS_MAX
from parcours.wording import quoted, shown_value

_POSITION_MIN: Final = 2


class NoFeature(ValueError):
    """Why something is not what a file of places has."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature: the name of its place, its shape, and those of its properties that are single values."""

    name: str
    shape: Shape
    properties: Mapping[str, object]


def features_in(text: str, name: str, radius_m: float | None, note: Callable[[str], None]) -> Iterator[Feature]:
    """The features of a collection; what is wrong with one is noted, and the others are still read.

    name      the path of a place's name in its feature
    radius_m  of the circles around points
    Raises NoFeature where the text is no collection.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoFeature(f"the file is not JSON: {error}") from None
    if not isinstance(data, dict) or data.get("type") != "FeatureCollection":
        raise NoFeature('the file is no GeoJSON with "type": "FeatureCollection"')
    features = data.get("features")
    if not isinstance(features, list):
        raise NoFeature("the collection has no list of features")
    keys = split_path(name)
    for number, feature in enumerate(features):
        try:
            yield _feature(feature, keys, name, radius_m)
        except NoFeature as error:
            note(f"feature {number + 1}: {error}")


def _feature(feature: Any, keys: list[str], path: str, radius_m: float | None) -> Feature:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise NoFeature('it has no "type": "Feature"')
    name: Any = feature
    for key in keys:
        name = name.get(key) if isinstance(name, dict) else None
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise NoFeature(f"there is no name of a place at {quoted(path)}, but {shown_value(name)}")
    properties = feature.get("properties")
    given = properties if isinstance(properties, dict) else {}
    return Feature(
        name,
        _shape(feature.get("geometry"), radius_m, name),
        {key: value for key, value in given.items() if _is_scalar(value)},
    )


def _shape(geometry: Any, radius_m: float | None, name: str) -> Shape:
    kind, coordinates = (geometry.get("type"), geometry.get("coordinates")) if isinstance(geometry, dict) else ("", ())
    if kind == "Point":
        if radius_m is None:
            raise NoFeature(f"{quoted(name)} is a point: say how wide its circle is by 'radius'")
        return Circle(*_point(coordinates), radius_m)
    if kind == "Polygon":
        return Polygon((_part(coordinates),))
    if kind == "MultiPolygon" and isinstance(coordinates, list) and coordinates:
        return Polygon(tuple(_part(each) for each in coordinates))
    raise NoFeature(f"the geometry of {quoted(name)} is no Polygon, MultiPolygon or Point")


def _part(coordinates: Any) -> tuple[Ring, ...]:
    if not isinstance(coordinates, list) or not coordinates or not all(isinstance(each, list) for each in coordinates):
        raise NoFeature("the coordinates of a polygon are lists of positions")
    part = tuple(without_repetitions([_point(each) for each in ring]) for ring in coordinates)
    if (fault := fault_of(part)) is not None:
        raise NoFeature(fault)
    return part


def _point(position: Any) -> Point:
    """A position of GeoJSON, which has the longitude first."""
    if not isinstance(position, list) or len(position) < _POSITION_MIN:
        raise NoFeature(f"{shown_value(position)} is no position, which is [longitude, latitude]")
    longitude, latitude = position[:2]
    if not (_is_within(latitude, QUARTER_TURN) and _is_within(longitude, HALF_TURN)):
        raise NoFeature(f"{shown_value(position)} is no [longitude, latitude] in degrees")
    return float(latitude), float(longitude)


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int) or (isinstance(value, float) and isfinite(value))


def _is_within(value: object, most: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and isfinite(value) and abs(value) <= most  # type: ignore[arg-type] # mypy loses it here
