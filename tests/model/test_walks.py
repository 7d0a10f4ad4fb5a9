"""The rules of places tell of made-up walks what an independent program tells, to the millisecond."""

from __future__ import annotations

from random import Random

import pytest
from tests.model.reference.whereabouts import Heard, Spot, Told, told_of
from tests.model.walks import spots, walk

from parcours.core.places.state import Whereabouts
from parcours.core.places.visits import Crossing, Fix, next_due, take_crossing, take_fix, tell
from parcours.geography.shapes import Circle, Polygon, Shape
from parcours.journey.places import Place, PlaceRules, Places

NEVER = 10**18
ROOM = 200


def places_of(spots: list[Spot]) -> Places:
    return Places.of(
        Place(
            spot.name,
            _shape(spot),
            PlaceRules(
                spot.enter_after,
                spot.leave_after,
                spot.margin,
                spot.accuracy_max,
                spot.silent_after,
                spot.first == "silent",
            ),
        )
        for spot in spots
    )


def _shape(spot: Spot) -> Shape:
    if spot.shape[0] == "circle":
        return Circle(*spot.shape[1:])
    return Polygon((tuple(tuple(ring) for ring in spot.shape[1]),))


def lived(spots: list[Spot], heard: list[Heard]) -> list[Told]:
    """What the engine's rules tell, timers first and those of an instant after all that is heard at it."""
    here, places, told = Whereabouts(), places_of(spots), list[Told]()
    for each in [*heard, None]:
        before = NEVER if each is None else each.at
        while (due := next_due(here)) is not None and due < before:
            while (change := tell(here, due)) is not None:
                told.append(Told(due, ("left", "entered").index(change.way), change.place, change.why, change.dwell_s))
        if each is not None and each.what[0] == "fix":
            take_fix(here, places, Fix(each.at, each.told_at, *each.what[1:]), ROOM)
        elif each is not None:
            take_crossing(here, places, Crossing(each.at, each.told_at, *each.what[1:]), ROOM)
    return told


@pytest.mark.parametrize("block", range(8))
def test_a_walk_is_told_as_an_independent_program_tells_it(block: int) -> None:
    told_in_all = 0
    for seed in range(block * 50, block * 50 + 50):
        chance = Random(seed)
        places = spots(chance)
        heard = walk(chance, places)

        expected = told_of(places, heard)

        assert lived(places, heard) == expected, f"seed {seed}"
        told_in_all += len(expected)
    assert told_in_all > 100
