"""What does a position cost among very many places? One person, on her way over a country or a city full of them.

The places are circles of 120 m with a margin of 50 m. `country` has them anywhere in an area as large as the United
States, `city` all in 200 by 200 km. Timed is what the core does with a position, by its grid and rules, without the
person's profile around it. Every hundredth answer is checked against all places. Prints one line of JSON last:
microseconds a position.
"""

from __future__ import annotations

import argparse
import json
import time
from random import Random

from parcours.core.places.state import Whereabouts
from parcours.core.places.visits import Fix, take_fix
from parcours.geography.shapes import Circle
from parcours.journey.places import Place, Places

AREAS = {"country": ((25.0, 49.0), (-124.0, -67.0)), "city": ((33.0, 34.8), (-85.4, -83.2))}

RADIUS_M = 120.0


def places_in(area: str, count: int, chance: Random) -> Places:
    latitudes, longitudes = AREAS[area]
    return Places.of(
        Place(f"p{number}", Circle(chance.uniform(*latitudes), chance.uniform(*longitudes), RADIUS_M))
        for number in range(count)
    )


def fixes_in(area: str, places: Places, count: int, chance: Random) -> list[Fix]:
    """Positions anywhere in the area, and every second one in a place."""
    latitudes, longitudes = AREAS[area]
    circles = [place.shape for place in places.by_name.values() if isinstance(place.shape, Circle)]
    found = []
    for number in range(count):
        circle = chance.choice(circles)
        inside = (circle.latitude + 0.0005, circle.longitude)
        where = inside if number % 2 else (chance.uniform(*latitudes), chance.uniform(*longitudes))
        found.append(Fix(number * 1000, number * 1000, *where, 10))
    return found


def check(here: Whereabouts, places: Places, fix: Fix) -> None:
    """She is in each place that holds the position, which all of them are asked."""
    assert isinstance(fix.latitude, float) and isinstance(fix.longitude, float)
    for name, place in places.by_name.items():
        assert name in here.visits or not place.shape.holds(fix.latitude, fix.longitude), name


def measured(area: str, count: int, fixes: int) -> tuple[float, float]:
    """Seconds to make the grid, and microseconds a position."""
    chance = Random(1)
    started = time.process_time()
    places = places_in(area, count, chance)
    made_s = time.process_time() - started
    taken_s = 0.0
    here = Whereabouts()
    for number, fix in enumerate(fixes_in(area, places, fixes, chance)):
        started = time.process_time()
        take_fix(here, places, fix, 200)
        taken_s += time.process_time() - started
        if number % 100 == 1:
            check(here, places, fix)
    return made_s, taken_s / fixes * 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--places", type=int, default=150_000)
    parser.add_argument("--fixes", type=int, default=20_000)
    arguments = parser.parse_args()
    found = {}
    for area in AREAS:
        made_s, fix_us = measured(area, arguments.places, arguments.fixes)
        print(f"{area}: {arguments.places:,} places, {made_s:.1f} s to make the grid, {fix_us:.1f} µs a position")
        found[area] = round(fix_us, 1)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
