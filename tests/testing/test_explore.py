"""Made-up traffic reaches every step, is the same for the same seed, and shows a breach with few events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from parcours import Project
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.instants import floor_ms
from parcours.testing.cases.moment import parse_instant
from parcours.testing.clocks import PersonClocks, in_window
from parcours.testing.explore.explore import exploration_lines, explore
from parcours.testing.explore.parts import parts_of
from parcours.testing.explore.properties import PROPERTIES, World
from parcours.testing.explore.traffic import Traffic


def test_the_example_keeps_all_properties_and_every_step_is_reached(luma: Project) -> None:
    exploration = explore(luma, 2_000, seed=1)

    assert exploration.violations == ()
    assert exploration.refused == ()
    assert exploration.unreached == ()
    assert exploration.deliveries > 100
    assert next(exploration_lines(exploration)).startswith("Seed 1: 2,000 events of 200 people")


def test_a_step_of_a_campaign_to_which_nobody_comes_is_told(wishlist: Project) -> None:
    (campaign,) = wishlist.program.campaigns
    once = replace(campaign, ends_ms=campaign.schedule.at_ms + 1) if campaign.schedule else campaign
    project = Project(wishlist.documents, replace(wishlist.program, campaigns=(once,)), wishlist.folder)

    exploration = explore(project, 20, seed=1)

    assert "wishlist.note" in exploration.unreached
    assert "wishlist.mail" not in exploration.unreached


def test_a_template_that_fails_for_somebody_is_warned_of(luma_copy: Path) -> None:
    message = luma_copy / "messages" / "purchase-thanks.yaml"
    message.write_text("{message: purchase-thanks, push: {title: '{{ 1 | divided_by: 0 }}'}}")

    lines = list(exploration_lines(explore(Project.load(luma_copy), 500, seed=1)))

    (warned,) = (line for line in lines if "divided_by" in line)
    assert warned.startswith("warning: push purchase-thanks failed ")
    assert warned.endswith("times: render: divided_by: can't divide by 0 -> '{{ 1 | divided_by: 0 }}' 1:7")


def test_the_same_seed_makes_up_the_same_traffic(luma: Project) -> None:
    one, same, other = (Traffic(luma, seed).acts(50) for seed in (1, 1, 2))

    assert one == same
    assert one != other
    assert sum(act.call["type"] == "track" for act in one) == 50


def test_more_events_do_not_change_those_of_the_first_people(luma: Project) -> None:
    few, many = Traffic(luma, 7).acts(10), Traffic(luma, 7).acts(20)

    assert many[: len(few)] == few


def test_a_project_is_searched_for_what_it_turns_on(luma: Project) -> None:
    parts = parts_of(luma.program)

    assert parts.constants["event.cart.total"] == (50,)
    assert set(parts.constants["profile.city"]) == {"Atlanta", "San Francisco", "Seattle"}
    assert {20_000, 3_600_000, 7 * 86_400_000} <= set(parts.lengths_ms)
    assert parts.meeting["event.cart.total"] == (51,)
    assert parts.addresses["event.email"] == "email"
    assert "opened" in parts.reactions
    assert len(parts.instants_ms) == 1
    assert parts.quiet_minutes == ()


def moved(at: int, what: Any, step: str | None = "s", run: int = 1, left: str | None = None) -> Moved:
    return Moved(at, "p", "checkout", 1, run, step, what, None, left)


def delivered(at: int, outcome: Any, key: str = "k", message: str = "cart-reminder") -> DeliveryReached:
    return DeliveryReached(
        at, "p", "checkout", 1, 1, "s", "sms", message, "+3361", outcome, None, key, None, None,
        1, "marketing", "cart", 1, None,
    )  # fmt: skip


def clock(clocks: PersonClocks, at: int) -> datetime:
    """What the clock of `p` shows."""
    ((_, local),) = clocks.along([delivered(at, "sent")])
    assert local is not None
    return local


BEGUN = [moved(0, "entered", None), moved(0, "reached")]
MATCHED = [*BEGUN, moved(1, "matched")]
ENDED = moved(2, "ended")
GONE_ON = moved(1, "reached", "t", left="s")
ENDED_THERE = moved(2, "ended", "t")
HOUR = 3_600_000
THURSDAY = {"quiet_hours": [{"from": "00:00", "until": "24:00", "days": ["thu"], "then": "hold"}]}
QUIET = {"quiet_hours": [{"channels": ["sms"], "from": "22:00", "until": "08:00", "then": "hold"}]}
CAP = {"caps": [{"channels": ["sms"], "class": "marketing", "max": 1, "per": "1d"}]}


@pytest.mark.parametrize(
    "policies, facts, broken",
    [
        ({}, [*BEGUN, moved(1, "matched"), moved(1, "ended")], []),
        ({}, [delivered(1, "sent"), delivered(2, "sent")], ["one delivery per key"]),
        ({}, [*MATCHED, moved(2, "timed_out"), ENDED], ["nobody both matched and timed out"]),
        ({}, [*MATCHED, GONE_ON, moved(2, "timed_out"), ENDED_THERE], ["nobody both matched and timed out"]),
        ({}, [*MATCHED, moved(1, "reached", left="s"), moved(2, "timed_out"), ENDED], []),  # it came there again
        ({}, [*MATCHED, GONE_ON, moved(2, "timed_out", "t"), ENDED_THERE], []),
        ({}, [*MATCHED, moved(1, "reached", "t", left="u"), ENDED_THERE], ["everyone is accounted for"]),  # it was at s
        ({}, [*MATCHED, moved(1, "reached", "t"), ENDED_THERE], ["everyone is accounted for"]),
        ({}, [*MATCHED, GONE_ON, ENDED], ["everyone is accounted for"]),  # it was at t
        ({}, [*BEGUN, moved(1, "ended"), moved(2, "waiting")], ["a run begins, and ends once"]),
        ({}, [*BEGUN, moved(1, "ended"), moved(2, "goal")], []),
        ({}, [moved(0, "entered", None)], ["everyone is accounted for"]),
        ({}, BEGUN, ["everyone is accounted for"]),  # and neither waits nor has ended
        ({}, [*BEGUN, moved(0, "waiting")], []),
        ({}, [*BEGUN, moved(0, "parked")], []),
        (QUIET, [delivered(22 * HOUR - 1, "sent")], []),
        (QUIET, [delivered(22 * HOUR, "sent")], ["no delivery in quiet hours"]),
        (QUIET, [delivered(32 * HOUR - 1, "sent")], ["no delivery in quiet hours"]),
        (QUIET, [delivered(32 * HOUR, "sent")], []),  # the end is exclusive
        (QUIET, [delivered(23 * HOUR, "sent", message="order-confirmation")], []),  # transactional
        (THURSDAY, [delivered(0, "sent")], ["no delivery in quiet hours"]),
        (THURSDAY, [delivered(24 * HOUR - 1, "sent")], ["no delivery in quiet hours"]),
        (THURSDAY, [delivered(24 * HOUR, "sent")], []),
        (CAP, [delivered(0, "sent", "a"), delivered(24 * HOUR, "sent", "b")], []),
        (CAP, [delivered(0, "sent", "a"), delivered(24 * HOUR - 1, "sent", "b")], ["no cap exceeded"]),
        (CAP, [delivered(0, "refused", "a"), delivered(1, "sent", "b")], []),
    ],
)  # fmt: skip
def test_each_property_is_broken_by_its_breach_alone(
    policies: dict[str, Any], facts: Sequence[Fact], broken: list[str], luma: Project
) -> None:
    clocks = PersonClocks(luma.program, [(0, "p", {"timezone": "UTC"})])
    world = World(luma.program, clocks, policies)

    assert [name for name, holds in PROPERTIES.items() if list(holds(world, facts))] == broken


NIGHT = {"quiet_hours": [{"channels": ["sms"], "from": "22:00", "until": "02:30", "then": "hold"}]}


@pytest.mark.parametrize(
    "at, shown, broken",
    [
        ("2026-10-25T00:29:59Z", "02:29 +0200", True),
        ("2026-10-25T00:30:00Z", "02:30 +0200", False),  # the end of the window, the first time
        ("2026-10-25T01:10:00Z", "02:10 +0100", False),  # an hour that the window has behind it comes again
        ("2026-03-29T00:59:59Z", "01:59 +0100", True),
        ("2026-03-29T01:00:00Z", "03:00 +0200", False),  # half past two does not come
    ],
)
def test_quiet_hours_end_once_in_the_night_in_which_the_clocks_change(
    at: str, shown: str, broken: bool, luma: Project
) -> None:
    at_ms = floor_ms(parse_instant(at))
    clocks = PersonClocks(luma.program, [(0, "p", {"timezone": "Europe/Paris"})])

    breaches = PROPERTIES["no delivery in quiet hours"](World(luma.program, clocks, NIGHT), [delivered(at_ms, "sent")])

    assert f"{clock(clocks, at_ms):%H:%M %z}" == shown
    assert bool(list(breaches)) is broken


def test_a_whole_quiet_day_is_quiet_also_while_an_hour_of_it_comes_again(luma: Project) -> None:
    sunday = {"quiet_hours": [{"from": "00:00", "until": "24:00", "days": ["sun"], "then": "hold"}]}
    at_ms = floor_ms(parse_instant("2026-10-25T01:10:00Z"))
    world = World(luma.program, PersonClocks(luma.program, [(0, "p", {"timezone": "Europe/Paris"})]), sunday)

    assert len(list(PROPERTIES["no delivery in quiet hours"](world, [delivered(at_ms, "sent")]))) == 1


def test_a_zone_counts_from_when_it_became_known(luma: Project) -> None:
    known: list[Any] = [(0, "p", {"timezone": "Asia/Kathmandu"}), (HOUR, "p", {"timezone": "Europe/Paris"})]
    clocks = PersonClocks(luma.program, known)

    assert [f"{clock(clocks, at):%H:%M}" for at in (HOUR - 60_000, HOUR)] == ["06:29", "02:00"]
    assert clock(PersonClocks(luma.program, []), 0).tzname() == "EST"  # the project's own zone


@pytest.mark.parametrize(
    "at, is_open",
    [
        (22, True),  # Thursday evening, the epoch's day
        (21, False),
        (24, True),
        (32, False),
        (46, False),  # Friday evening: the window is Thursday's only
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_starts(at: int, is_open: bool, luma: Project) -> None:
    local = clock(PersonClocks(luma.program, [(0, "p", {"timezone": "UTC"})]), at * HOUR)

    assert in_window(local, 22 * 60, 8 * 60, [3]) is is_open
