"""Which walk does a seed stand for? Places of all kinds with rules of their own, and positions around their edges."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.model.reference.whereabouts import DAY, SPHERE, Heard, Spot

MINUTE = 60_000
HOUR = 60 * MINUTE
START = 1_772_442_000_000
"""2 March 2026, 09:00 UTC."""

CIRCLES = ((33.749, -84.388), (33.7505, -84.388), (0.0, 179.9995), (0.0, -179.999), (89.9995, 20.0), (-89.9999, 0.0))
"""Middles: two near to each other, two on either side of the 180th meridian, and one near each pole."""

SQUARE = [(33.84, -84.36), (33.84, -84.35), (33.85, -84.35), (33.85, -84.36)]
HOLE = [(33.843, -84.357), (33.843, -84.353), (33.847, -84.353), (33.847, -84.357)]
STEP = [(0.0, 179.99), (0.0, 180.0), (0.01, 180.0), (0.005, 179.995), (0.01, 179.99)]


def spots(chance: Random) -> list[Spot]:
    """Some places."""
    shapes: list[tuple[Any, ...]] = [("circle", *chance.choice(CIRCLES), chance.choice((60.0, 120.0, 250.0)))]
    shapes += [("circle", *middle, 150.0) for middle in CIRCLES if chance.random() < 0.3]
    shapes += [("polygon", rings) for rings in ([SQUARE, HOLE], [STEP]) if chance.random() < 0.4]
    return [
        Spot(
            name,
            shape,
            enter_after=chance.choice((0, 0, MINUTE, 7 * MINUTE)),
            leave_after=chance.choice((0, 2 * MINUTE, 2 * MINUTE, 90 * MINUTE)),
            margin=chance.choice((0.0, 50.0, 50.0, 400.0)),
            accuracy_max=chance.choice((50.0, 200.0, 200.0)),
            silent_after=chance.choice((20 * MINUTE, HOUR, 6 * HOUR, 30 * HOUR)),
            first=chance.choice(("enters", "enters", "silent")),
        )
        for name, shape in zip(chance.sample("abcdefghijk", len(shapes)), shapes, strict=True)
    ]


def walk(chance: Random, places: list[Spot]) -> list[Heard]:
    """What is heard of somebody who stays around these places, by the time at which it is heard."""
    at, told, heard = START, START, list[Heard]()
    for _ in range(chance.randint(2, 40)):
        at += chance.choice((0, 1, 20_000, MINUTE, MINUTE, 2 * MINUTE, 5 * MINUTE, HOUR, 6 * HOUR - 1, DAY))
        told = at - chance.choice((0, 0, 0, 0, 3 * MINUTE))
        spot = chance.choice(places)
        if chance.random() < 0.12:
            heard.append(Heard(at, told, ("phone", chance.choice((spot.name, spot.name, "?")), _way(chance))))
        else:
            accuracy: Any = chance.choice((5, 5, 5, 80.5, 250, -1, "?")) if chance.random() < 0.3 else 5
            lat, lon = _around(chance, spot)
            heard.append(Heard(at, told, ("fix", "?" if chance.random() < 0.02 else lat, lon, accuracy)))
    return heard


def _way(chance: Random) -> str:
    return chance.choice(("enter", "enter", "exit", "exit", "?"))


def _around(chance: Random, spot: Spot) -> tuple[float, float]:
    """A point inside, near the edge or the end of the margin, or far away; never so near that rounding would matter."""
    if spot.shape[0] == "polygon":
        corners = spot.shape[1][0]
        lat, lon = chance.choice(corners)
        wide = chance.choice((0.0003, 0.004, 0.011))
        lon += chance.uniform(-wide, wide)
        return lat + chance.uniform(-wide, wide), lon - 360 if lon > 180 else lon
    _, lat, lon, metres = spot.shape
    away = chance.choice((0, metres / 2, metres - 1, metres + 1, metres + spot.margin + 1, 5_000))
    if spot.margin > 2:
        away = chance.choice((away, metres + spot.margin - 1))
    end = SPHERE.Direct(lat, lon, chance.uniform(0, 360), away)
    return float(end["lat2"]), float(end["lon2"])
