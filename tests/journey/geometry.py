"""What is wrong with the places of a picture: overlaps, ways through boxes, arrows that end beside their borders."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from parcours.journey.picture.diagram import Diagram
from parcours.journey.picture.layout import Layout, Rectangle, Route, Stop

TOLERANCE = 0.11
"""Places are rounded to a tenth."""

PARTS = 12
"""Points looked at on each curve."""


def faults(diagram: Diagram, places: Layout) -> list[str]:
    """In words; empty where the picture can be read."""
    found = [f"{name} is nowhere" for name, value in numbers(places) if not math.isfinite(value)]
    rooms = [*places.boxes.items()]
    rooms += [(f"label {number}", each.label) for number, each in enumerate(places.routes) if each.label is not None]
    found += overlaps(rooms)
    found += [f"{name} is outside" for name, each in rooms if not inside_of(places, each)]
    owned = {f"label {number}": number for number in range(len(places.routes))}
    for number, (arrow, route) in enumerate(zip(diagram.arrows, places.routes, strict=True)):
        if not on_border(places.boxes[arrow.source], route.stops[0].x, route.stops[0].begin):
            found.append(f"arrow {number} does not begin at {arrow.source!r}")
        if not on_border(places.boxes[arrow.target], route.stops[-1].x, route.stops[-1].end):
            found.append(f"arrow {number} does not end at {arrow.target!r}")
        points = list(points_of(route))
        left, right = min(x for x, _ in points), max(x for x, _ in points)
        found += [
            f"arrow {number} runs through {name!r}"
            for name, each in rooms
            if each.x < right and left < each.x + each.width  # else it is beside all of the way
            if owned.get(name) != number and any(is_within(each, x, y) for x, y in points)
        ]
    return found


def numbers(places: Layout) -> Iterator[tuple[str, float]]:
    for name, each in places.boxes.items():
        yield from ((name, value) for value in (each.x, each.y, each.width, each.height))
    for number, route in enumerate(places.routes):
        yield from ((f"arrow {number}", value) for each in route.stops for value in (each.x, each.begin, each.end))


def overlaps(rooms: list[tuple[str, Rectangle]]) -> Iterator[str]:
    """Sorted by height, so that each is compared with those beside it only."""
    rooms = sorted(rooms, key=lambda each: each[1].y)
    for place, (name, one) in enumerate(rooms):
        for other_name, other in rooms[place + 1 :]:
            if other.y >= one.y + one.height - TOLERANCE:
                break
            if one.x + one.width > other.x + TOLERANCE and other.x + other.width > one.x + TOLERANCE:
                yield f"{name!r} and {other_name!r} overlap"


def inside_of(places: Layout, each: Rectangle) -> bool:
    right, bottom = each.x + each.width, each.y + each.height
    fits = right <= places.width + TOLERANCE and bottom <= places.height + TOLERANCE
    return each.x >= -TOLERANCE and each.y >= -TOLERANCE and fits


def on_border(box: Rectangle, x: float, y: float) -> bool:
    right, bottom = box.x + box.width, box.y + box.height
    at_height = min(abs(y - box.y), abs(y - bottom)) <= TOLERANCE and box.x - TOLERANCE <= x <= right + TOLERANCE
    at_side = min(abs(x - box.x), abs(x - right)) <= TOLERANCE and box.y - TOLERANCE <= y <= bottom + TOLERANCE
    return at_height or at_side


def is_within(box: Rectangle, x: float, y: float) -> bool:
    wide = box.x + TOLERANCE < x < box.x + box.width - TOLERANCE
    return wide and box.y + TOLERANCE < y < box.y + box.height - TOLERANCE


def points_of(route: Route) -> Iterator[tuple[float, float]]:
    """Points along the path that is drawn: straight at each stop, curved between them."""
    for stop in route.stops:
        yield from ((stop.x, stop.begin + (stop.end - stop.begin) * part / PARTS) for part in range(PARTS + 1))
    for before, after in pairwise(route.stops):
        if not route.loop:
            yield from ((x, y) for x, y in curve(before, after))


def curve(before: Stop, after: Stop) -> Iterator[tuple[float, float]]:
    middle = (before.end + after.begin) / 2
    for part in range(PARTS + 1):
        t = part / PARTS
        x = before.x + (after.x - before.x) * (3 * t**2 - 2 * t**3)
        yield x, (1 - t) ** 3 * before.end + 3 * t * (1 - t) * middle + t**3 * after.begin
