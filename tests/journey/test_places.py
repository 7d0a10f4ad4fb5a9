"""Places as authors write them: what they compile to, and what the checker says of mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from parcours.geography.shapes import Circle, Polygon
from parcours.journey.compile.places.rings import fault_of, without_repetitions
from parcours.journey.model.places import POLYGON_POINTS_MAX
from parcours.journey.places import Place
from parcours.journey.project import Project
from parcours.journey.read.project_files import project_texts

EVENTS = """
Location Updated:
  properties: {lat: number, lon: number, accuracy: number}
  location: {lat: event.lat, lon: event.lon, accuracy: event.accuracy}
Region Crossed:
  properties: {region: string, way: string}
  crossing: {place: event.region, way: event.way}
"""

PLACES = """
defaults: {margin: 70m, silent_after: 4h}
places:
  studio: {circle: [33.7490, -84.3880, 120m], tags: [yoga], attributes: {city: Atlanta, beds: 2}, enter_after: 1m}
  mall: {polygon: [[33.84, -84.36], [33.85, -84.36], [33.85, -84.35]], attributes: {beds: many}, first: silent}
  stores: {file: stores.geojson, name: properties.code, radius: 0.1km, tags: [shop]}
"""

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]

JOURNEY = """
journey: welcome
entry: {event: Place Entered, when: event.place == "studio" && event.attributes.city == "Atlanta"}
exit: [{event: Place Left, when: event.dwell < 60}]
steps: [{id: done, end: true}]
"""


def feature(name: object, kind: str, coordinates: object) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": {"code": name, "floor": 1}, "geometry": geometry}


def geojson(*features: object) -> str:
    return json.dumps({"type": "FeatureCollection", "features": features})


STORES = geojson(
    feature("north", "Polygon", [SQUARE, HOLE]),
    feature(7, "Point", [10, 50]),
    feature("isles", "MultiPolygon", [[SQUARE], [[[x + 10, y] for x, y in SQUARE]]]),
)


def folder_of(folder: Path, places: str = PLACES, stores: str = STORES, **files: str) -> Path:
    indented = "".join(f"  {line}\n" for line in files.pop("events", EVENTS).splitlines())
    texts = {
        "parcours.yaml": "project: yoga\n",
        "events.yaml": f"events:\n{indented}",
        "places.yaml": places,
        "stores.geojson": stores,
        "journeys/welcome.yaml": files.pop("journey", JOURNEY),
    }
    (folder / "journeys").mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


def places_of(folder: Path) -> dict[str, Place]:
    return dict(Project.load(folder).program.places.by_name)


def test_places_are_circles_polygons_and_features_of_files(tmp_path: Path) -> None:
    places = places_of(folder_of(tmp_path))

    assert list(places) == ["studio", "mall", "north", "7", "isles"]
    assert places["studio"].shape == Circle(33.749, -84.388, 120.0)
    triangle = ((33.84, -84.36), (33.85, -84.36), (33.85, -84.35))
    assert places["mall"].shape == Polygon(((triangle,),))
    assert places["7"].shape == Circle(50.0, 10.0, 100.0)  # GeoJSON has the longitude first
    assert places["north"].shape.holds(0.5, 0.5)
    assert not places["north"].shape.holds(1.5, 1.5)  # the hole
    assert [places["isles"].shape.holds(2, lon) for lon in (2, 7, 12)] == [True, False, True]


def test_a_place_has_its_own_rules_and_the_usual_ones(tmp_path: Path) -> None:
    places = places_of(folder_of(tmp_path))

    studio, mall = places["studio"], places["mall"]
    assert (studio.rules.enter_after_ms, studio.rules.leave_after_ms) == (60_000, 120_000)
    assert (studio.rules.margin_m, studio.rules.accuracy_max_m) == (70.0, 200.0)
    assert (studio.rules.silent_after_ms, studio.rules.is_first_quiet) == (4 * 3_600_000, False)
    assert mall.rules.is_first_quiet
    assert (studio.tags, studio.attributes) == (("yoga",), {"city": "Atlanta", "beds": 2})
    assert places["north"].attributes == {"code": "north", "floor": 1}


def test_a_project_with_places_travels_whole(tmp_path: Path) -> None:
    project = Project.load(folder_of(tmp_path))

    assert Project.from_json(project.to_json()).program.places == project.program.places
    assert "stores.geojson" in project_texts(tmp_path)


def test_events_that_tell_where_somebody_is_concern_everybody(tmp_path: Path) -> None:
    program = Project.load(folder_of(tmp_path)).program

    assert {"Location Updated", "Region Crossed"} <= program.moving & program.entering
    assert {"Place Entered", "Place Left"} <= program.events.keys()


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ("a: {circle: [33.7, -84.3, 120]}", None),  # a number of metres, as Python gives it
        ("a: {circle: [33.7, -84.3, 0m]}", "places.a.circle[2]: a length that is more than nothing is expected"),
        ("a: {circle: [33.7, -84.3, 20s]}", "places.a.circle[2]: a length is written like 50m or 1.5km"),
        ("a: {circle: [91, 0, 1m]}", "places.a.circle[0]: input should be less than or equal to 90"),
        ("a: {circle: [0, 0, 30000km]}", "places.a.circle[2]: no two points are farther apart than 20,015 km"),
        ("a: {square: 1}", "places.a: a place has a 'circle' or a 'polygon', or stands in a 'file'"),
        ("a: {polygon: [[0, 0], [4, 4], [4, 0], [0, 4]]}", "places.a.polygon: it crosses or touches itself near"),
        ("a: {polygon: [[0, 0], [0, 4], [0, 2]]}", "places.a.polygon: it crosses or touches itself near"),
        ("a: {polygon: [[0, 0], [0, 0], [4, 4]]}", "a polygon has three different corners at least"),
        ("a: {polygon: [[0, 170], [0, -170], [4, -170], [4, 170]]}", "it crosses the 180th meridian between"),
        ("a: {polygon: [[0, 0], [0, 4], [4, 4]], holes: [[[9, 9], [9, 8], [8, 8]]]}", "lies outside of the polygon"),
        ("a: {circle: [0, 0, 1m], enter_after: 6h}", "enter_after has to be shorter than silent_after"),
        ("a: {file: stores.geojson, name: properties.code}", "feature 2: '7' is a point: say how wide"),
        ("a: {file: stores.geojson, name: properties.kode, radius: 1m}", "feature 1: there is no name of a place"),
        ("a: {file: nowhere.geojson, name: properties.code}", "places.a.file: the file is missing"),
        ("a: {file: ../x.geojson, name: properties.code}", "a file of places lies within the project's folder"),
        ("a: {file: parcours.yaml, name: properties.code}", "places.a.file: the file is not JSON"),
        ("north: {circle: [0, 0, 1m]}\n  f: {file: stores.geojson, name: properties.code, radius: 1m}", "already a"),
    ],
)
def test_a_mistake_is_told_where_it_is(tmp_path: Path, places: str, told: str | None) -> None:
    folder = folder_of(
        tmp_path, f"places:\n  {places}\n", journey=JOURNEY.replace("when: event.place ==", "when: event.why ==")
    )

    findings = [str(each) for each in Project.check(folder) if each.file == "places.yaml"]

    assert findings == [] if told is None else any(told in each for each in findings), findings


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"events": EVENTS.replace("event.lat,", "event.lad,")}, "location.lat: unknown"),
        ({"events": EVENTS.replace("lat: event.lat,", "lat: '\"north\"',")}, "a position is a number of degrees"),
        ({"events": EVENTS + "\nPlace Left: {}\n"}, "places.yaml makes 'Place Left' known"),
        (
            {"events": EVENTS + "\nNear: {of: Location Updated, rule: 'true', location: {lat: 1, lon: 2}}\n"},
            "give that",
        ),
        ({"journey": JOURNEY.replace("event.place", "event.plaice")}, "event.plaice"),
        ({"journey": JOURNEY.replace("attributes.city", "attributes.town")}, "attributes.town"),
    ],
)
def test_events_of_places_are_checked_as_any(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    findings = [str(each) for each in Project.check(folder_of(tmp_path, **changes))]

    assert any(told in each for each in findings), findings


def test_without_places_nothing_is_known_of_their_events(tmp_path: Path) -> None:
    findings = [str(each) for each in Project.check(folder_of(tmp_path, "places: {}\n"))]

    assert any("unknown event 'Place Entered'" in each for each in findings), findings


def test_a_polygon_has_so_many_points_at_most() -> None:
    many = tuple((at / 1000, float(at % 2)) for at in range(POLYGON_POINTS_MAX))

    assert (
        fault_of((((-1.0, -1.0), *many),))
        == f"these are {POLYGON_POINTS_MAX + 1} points, and a polygon has 1000 at most"
    )


@given(st.lists(st.tuples(st.integers(0, 4).map(float), st.integers(0, 4).map(float)), min_size=3, max_size=7))
def test_what_shapely_takes_for_a_polygon_is_one(corners: list[tuple[float, float]]) -> None:
    ring = without_repetitions(corners)

    theirs = len(ring) >= 3 and shapely.Polygon([(lon, lat) for lat, lon in ring]).is_valid

    assert (fault_of((ring,)) is None) == theirs


@given(st.lists(st.tuples(st.integers(0, 6).map(float), st.integers(0, 6).map(float)), min_size=3, max_size=5))
def test_what_shapely_takes_for_a_hole_is_one(corners: list[tuple[float, float]]) -> None:
    outer, hole = ((1.0, 1.0), (1.0, 5.0), (5.0, 5.0), (5.0, 1.0)), without_repetitions(corners)

    ring = len(hole) >= 3 and shapely.Polygon(hole).is_valid
    theirs = ring and shapely.Polygon(outer).covers(shapely.Polygon(hole))

    if theirs and not shapely.Polygon(outer, [hole]).is_valid:
        return  # it only is two polygons, or has an edge in common: said of one of them by the other test
    assert (fault_of((outer, hole)) is None) == theirs


STEPS = "steps: [{id: done, end: true}]\n"
ANY = 'event.place in ["studio", "mall"]'


def left(when: str) -> str:
    """The journey, which is left by this condition."""
    return JOURNEY.replace("event.dwell < 60", json.dumps(when))


def warnings_of(folder: Path) -> list[str]:
    return [str(each) for each in Project.check(folder) if each.severity == "warning"]


@pytest.mark.parametrize(
    ("journey", "told"),
    [
        (JOURNEY.replace('"studio"', '"stuido"'), "journeys/welcome.yaml:3: entry.when: unknown place 'stuido'"),
        (left('"gym" == event.place'), "exit[0].when: unknown place 'gym'"),
        (left('event.place in ["7", "gym"]'), "exit[0].when: unknown place 'gym'"),
        (left("count('Place Left', '9d', \"event.place == 'gym'\") > 1"), "exit[0].when: unknown place 'gym'"),
        (JOURNEY.replace("id: done, end: true", "id: b, branch: [{when: 'entry.place != \"gym\"'}]"), "unknown place"),
    ],
)
def test_a_place_that_somebody_names_is_one(tmp_path: Path, journey: str, told: str) -> None:
    findings = [str(each) for each in Project.check(folder_of(tmp_path, journey=journey))]

    assert [each for each in findings if "unknown place" in each and told in each], findings


def test_an_offer_asks_who_was_in_a_place_that_is_one(tmp_path: Path) -> None:
    idle = "journey: welcome\nentry: {event: Region Crossed}\nsteps: [{id: d, end: true}]\n"
    folder = folder_of(tmp_path, journey=idle)
    asked = "eligible: \"count('Place Entered', '9d', \\\"event.place == 'PLACE'\\\") > 1\""
    offer = "placements: {box: {channel: web, format: text}}\noffers: {one: {content: {box: {text: Hello}}, ASKED}}\n"

    told = []
    for name in ("gym", "studio"):
        (folder / "offers.yaml").write_text(offer.replace("ASKED", asked.replace("PLACE", name)))
        told.append([str(each).partition(" (found")[0] for each in Project.check(folder)])

    assert "offers.yaml:2: offers.one.eligible: unknown place 'gym'" in told[0]
    assert told[1] == ["places.yaml:5: warning: places.mall: nothing asks who is in this place"]


def test_a_name_is_that_of_no_place_only_where_all_places_are_known(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "places: {studio: {circle: [91, 0, 1m]}, hall: {circle: [1, 0, 1m]}}\n")

    assert not [each for each in Project.check(folder) if "unknown place" in str(each)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"journey": "journey: welcome\nentry: {event: Region Crossed}\nsteps: [{id: d, end: true}]\n"},
            "nothing asks who",
        ),
        (
            {"journey": JOURNEY.partition("exit")[0] + "steps: [{id: d, end: true}]\n"},
            "places.mall: nothing asks who is",
        ),
        ({"journey": JOURNEY.replace("event.dwell < 60", f"'{ANY}'")}, None),
        ({"journey": JOURNEY}, None),  # left they may be wherever they are
        ({"events": "Seen: {}\n"}, "no event tells where anybody is"),
        ({"places": "places: {}\n"}, "events.Location Updated.location: nobody is ever in a place by it"),
        ({"places": "places: {}\n"}, "events.Region Crossed.crossing: nobody is ever in a place by it"),
    ],
)
def test_places_and_positions_that_come_to_nothing_are_warned_of(
    tmp_path: Path, changes: dict[str, str], told: str | None
) -> None:
    found = warnings_of(folder_of(tmp_path, **changes))

    assert found == [] if told is None else any(told in each for each in found), found


def test_whoever_asks_facts_for_an_event_of_places_is_told_that_there_are_none(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "insight").mkdir()
    (folder / "insight" / "visits.yaml").write_text("metrics: {visits: {count: Place Entered}}\n")

    assert any("visits.yaml" in each and "no event 'Place Entered' is kept" in each for each in warnings_of(folder))
