"""The models of places.yaml: circles, polygons and files of them, and by which rules people enter and leave them."""

from __future__ import annotations

import math
import re
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    WithJsonSchema,
)

from parcours.expression.duration import Duration, PositiveDuration
from parcours.geography.distance import HALF_ROUND_M
from parcours.journey.model.forms import PATH_PATTERN, Document, ExpressionText, Name, check_within, chooser

PLACES_MAX: Final = 200_000
"""Places of a project: their grid takes a quarter of a gigabyte then."""

POLYGON_POINTS_MAX: Final = 1_000
"""Corners of a polygon and its holes: each is looked at for every position that may be inside, 0.2 µs each."""

GEOJSON_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bytes of a file of places: as many points as there may be places fit in, each with a few properties."""

NO_FEATURES: Final = '{"type":"FeatureCollection","features":[]}'
"""Stands for a file of which it has been told that it cannot be read."""

_LENGTH: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|km)")
_LENGTH_UNITS_M: Final = {"m": 1.0, "km": 1000.0}


def _length(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        metres = float(value)
    else:
        match = _LENGTH.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise ValueError("a length is written like 50m or 1.5km")
        metres = float(match[1]) * _LENGTH_UNITS_M[match[2]]
    if not metres >= 0:
        raise ValueError("a length that is not negative is expected")
    if metres > HALF_ROUND_M:
        raise ValueError("no two points are farther apart than 20,015 km")
    return metres


def _written_length(metres: float) -> str:
    return f"{int(metres) if metres.is_integer() else metres}m"


def _more_than_nothing(metres: float) -> float:
    if metres == 0:
        raise ValueError("a length that is more than nothing is expected")
    return metres


Length: TypeAlias = Annotated[
    float,
    BeforeValidator(_length, str),
    PlainSerializer(_written_length, str),
    WithJsonSchema({"type": ["string", "number"], "pattern": f"^{_LENGTH.pattern}$", "examples": ["50m", "1.5km"]}),
]
"""Metres: a text with its unit, or a number."""

Radius: TypeAlias = Annotated[Length, AfterValidator(_more_than_nothing)]


def _finite(degrees: float) -> float:
    if not math.isfinite(degrees):
        raise ValueError("a number is expected")
    return degrees


Latitude: TypeAlias = Annotated[
    float, AfterValidator(_finite), Field(ge=-90, le=90, description="Degrees north of the equator.")
]
Longitude: TypeAlias = Annotated[
    float, AfterValidator(_finite), Field(ge=-180, le=180, description="Degrees east of Greenwich.")
]

Corner: TypeAlias = tuple[Latitude, Longitude]

Scalar: TypeAlias = bool | int | float | str


class PlaceRulesDocument(Document):
    """The rules by which people enter and leave: under `defaults` for all places, in a place for itself."""

    enter_after: Duration | None = Field(
        default=None, description="How long somebody has to be inside before she is told to have entered; 0s without."
    )
    leave_after: Duration | None = Field(
        default=None, description="How long somebody has to be away before she is told to have left; 2m without it."
    )
    margin: Length | None = Field(
        default=None, description="How far beyond the edge nobody counts as away yet; 50m without it."
    )
    accuracy_max: Length | None = Field(
        default=None, description="Positions that are vaguer than this say nothing; 200m without it."
    )
    silent_after: PositiveDuration | None = Field(
        default=None, description="How long after her newest position somebody counts as gone; 6h without it."
    )
    first: Literal["enters", "silent"] | None = Field(
        default=None,
        description="Whether somebody enters by the first position that is ever told of her (`enters`, which holds "
        "without it), or is inside without a word about it until she has left (`silent`).",
    )


class _PlaceDocument(PlaceRulesDocument):
    tags: tuple[str, ...] = Field(default=(), description="Words by which conditions find it, as `event.tags`.")
    attributes: dict[Annotated[str, Field(min_length=1, max_length=100)], Scalar] = Field(
        default_factory=dict, description="What is known of it: texts, numbers, true or false, as `event.attributes`."
    )


class CirclePlaceDocument(_PlaceDocument):
    """A place that is a circle."""

    circle: tuple[Latitude, Longitude, Radius] = Field(
        description="Latitude and longitude of its middle in degrees (WGS 84), and its radius."
    )


class PolygonPlaceDocument(_PlaceDocument):
    """A place that is a polygon."""

    polygon: Annotated[tuple[Corner, ...], Field(min_length=3)] = Field(
        description="Its corners in order, each latitude and longitude; the last is joined to the first."
    )
    holes: tuple[Annotated[tuple[Corner, ...], Field(min_length=3)], ...] = Field(
        default=(), description="What is left out of it, each with its corners."
    )


def _place_file(file: str) -> str:
    check_within(file, "a file of places lies")
    return file


class PlaceFileDocument(_PlaceDocument):
    """A file of places: each of its polygons is one, and each of its points with a radius."""

    file: Annotated[str, AfterValidator(_place_file)] = Field(
        description="A file of GeoJSON, a FeatureCollection of Polygon, MultiPolygon or Point."
    )
    name: Annotated[str, Field(pattern=PATH_PATTERN)] = Field(
        description="Where in a feature the name of its place stands, such as properties.code."
    )
    radius: Radius | None = Field(default=None, description="The radius of the circles around points.")
    geojson: str | None = Field(
        default=None, description="What the file holds, for places that are made in Python; else it is read."
    )


PlaceForm: TypeAlias = Annotated[
    Annotated[CirclePlaceDocument, Tag("<circle>")]
    | Annotated[PolygonPlaceDocument, Tag("<polygon>")]
    | Annotated[PlaceFileDocument, Tag("<file>")],
    Discriminator(
        chooser("circle", "polygon", "file"),
        custom_error_type="place",
        custom_error_message="a place has a 'circle' or a 'polygon', or stands in a 'file'",
    ),
]


class PlacesDocument(Document):
    """places.yaml: the places that people enter and leave."""

    defaults: PlaceRulesDocument = Field(
        default_factory=PlaceRulesDocument, description="The rules of all places that have none of their own."
    )
    places: dict[Name, PlaceForm] = Field(default_factory=dict, description="The places by name.")


class PlacesKeptDocument(Document):
    """What is kept of where people are, besides the places that they enter and leave."""

    record: bool = Field(
        default=False,
        description="Whether facts and exports have positions, which are personal: as properties of the events that "
        "tell them.",
    )


class LocationDocument(Document):
    """Where an event tells that its person is, and how exactly."""

    lat: ExpressionText = Field(description="Degrees north of the equator, from the event.")
    lon: ExpressionText = Field(description="Degrees east of Greenwich, from the event.")
    accuracy: ExpressionText | None = Field(
        default=None, description="Within how many metres of that she probably is, from the event."
    )


class CrossingDocument(Document):
    """Into or out of which place an event tells that its person went, as her phone has found out by itself."""

    place: ExpressionText = Field(description="The name of the place, from the event.")
    way: ExpressionText = Field(description="What she did, from the event: `enter` or `exit`.")
