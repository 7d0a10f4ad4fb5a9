"""Where do visits begin, and which events are in a run?"""

from __future__ import annotations

import pytest
from tests.insight.analyses.made_up import happening, person

from parcours.insight.analyses.happenings import Events
from parcours.insight.analyses.units import VISIT_PAUSE_MS, OpenRun, runs, visits, visits_by


def shown(units: list[Events]) -> list[str]:
    """The units, each by its number and its events."""
    return [f"{unit.unit}: {' '.join(f'{each.event}{each.at}' for each in unit.happenings)}" for unit in units]


@pytest.mark.parametrize(
    "events, expected",
    [
        ("A0 B30 C60", ["1: A0 B30 C60"]),  # a pause of just so long
        ("A0 B31 C61", ["1: A0", "2: B31 C61"]),  # and of a millisecond more
        ("A0 B0 C99", ["1: A0 B0", "2: C99"]),
        ("", []),
    ],
)
def test_a_visit_ends_with_a_longer_pause(events: str, expected: list[str]) -> None:
    assert shown(list(visits(person(events), 30))) == expected


def test_the_pause_is_half_an_hour_unless_a_project_says_otherwise() -> None:
    assert VISIT_PAUSE_MS == 1_800_000
    assert shown(list(visits(person("A0 B1800000 C3600001")))) == ["1: A0 B1800000", "2: C3600001"]


@pytest.mark.parametrize(
    "events, expected",
    [
        ("A0:1 B5:1 C9:2 D9:1", ["1: A0 B5", "2: C9", "3: D9"]),
        ("A0 B1:1 C2 D3:1 E4", ["1: A0 B1 C2 D3 E4"]),  # events without the property belong to the visit at hand
        ("A0:1 B99999999:1", ["1: A0 B99999999"]),  # however long the pause
        ("A0 B1", ["1: A0 B1"]),
        ("", []),
    ],
)
def test_a_visit_ends_with_another_value_of_the_property(events: str, expected: list[str]) -> None:
    assert shown(list(visits_by(person(events), "n"))) == expected


def test_a_run_has_the_events_from_its_entry_to_its_end() -> None:
    opened = [OpenRun(1, 2, 4), OpenRun(2, 4, None), OpenRun(3, 50, 60)]

    found = list(runs(person("A0 B2 C3 D4 D4 E5 F70"), opened))

    assert shown(found) == ["1: B2 C3 D4 D4", "2: D4 D4 E5 F70"]
    assert found[0].person == "ana" and found[0].happenings[0] == happening("B2")
