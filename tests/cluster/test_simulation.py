"""A simulation on Ray writes the same bytes as one in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import msgspec
import pytest

from parcours.campaigns.campaign_line import CampaignLine
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.journey.model.document import (
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.runtime.runtimes import RuntimeName
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import simulate

RUNTIMES: Final[tuple[tuple[RuntimeName, int], ...]] = (("local", 1), ("ray", 3))

NAMES = ("deliveries.ndjson", "transitions.ndjson", "summary.json")


def traffic() -> Iterator[bytes]:
    """60 people who start carts; every third buys at the last moment, every fourth has no address."""
    for number in range(60):
        person, base_ms = f"u{number}", number * 11
        if number % 4:
            yield line("identify", person, base_ms, traits={"email": f"{person}@mail.example"})
        yield line("track", person, base_ms + 1, event="Started", properties={"cart": "c1"})
        if number % 3 == 0:
            yield line("track", person, base_ms + 101, event="Bought", properties={"cart": "c1"})


def opinions() -> Iterator[bytes]:
    """40 people who see something; the calls about three in four are answered, or fail."""
    for number in range(40):
        person, base_ms = f"u{number}", number * 11
        yield line("track", person, base_ms, event="Seen", properties={"page": "p"})
        about = {"journey": "opinion", "step": "ask", "channel": "call"}
        if number % 4 == 1:
            yield line("reaction", person, base_ms + 7, reaction="failed", **about)
        elif number % 4:
            yield line("reaction", person, base_ms + 7, reaction="answered", answer={"rank": number % 7}, **about)


def line(kind: str, person: str, after_ms: int, **fields: object) -> bytes:
    timestamp = f"2026-01-01T10:00:00.{after_ms:03d}Z"
    return msgspec.json.encode({"type": kind, "userId": person, "timestamp": timestamp, **fields})


@pytest.mark.ray
@pytest.mark.parametrize("shards", [1, 7])  # with two, see the next test
def test_the_files_are_those_of_one_process(shards: int, tmp_path: Path, asking_shop: Callable[[str], Project]) -> None:
    compare(asking_shop("https://desk.shop.example/rate"), [*traffic(), *opinions()], shards, tmp_path)


@pytest.mark.ray
def test_people_who_become_one_are_simulated_side_by_side_on_ray_too(
    tmp_path: Path, asking_shop: Callable[[str], Project]
) -> None:
    visits = [
        line("track", "", number, anonymousId=f"a{number}", event="Started", properties={"cart": "c1"})
        for number in range(60)
    ]
    log_ins = [line("identify", f"u{number}", 100 + number, anonymousId=f"a{number % 50}") for number in range(60)]

    compare(asking_shop("https://desk.shop.example/rate"), [*visits, *log_ins, *traffic()], 7, tmp_path)

    ends = (tmp_path / "there" / "transitions.ndjson").read_text().count('"why":"merged: unused"')
    assert 40 < ends <= 50, "those of who was still at it, once for each"


@pytest.mark.ray
def test_what_cannot_be_rendered_fails_on_ray_too(tmp_path: Path) -> None:
    share = {"subject": "Share", "text": "{{ 12 | divided_by: profile.visits }}"}
    shop = Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate({"traits": {"email": "string", "visits": "integer"}}),
        EventsDocument.model_validate({"events": {"Seen": {}}}),
        messages=[MessageDocument.model_validate({"message": "share", "email": share})],
        journeys=[
            JourneyDocument.model_validate(
                {"journey": "share", "entry": {"event": "Seen"}, "steps": [{"id": "share", "send": "share"}]}
            )
        ],
    )
    lines = [line("identify", f"u{n}", n, traits={"email": "u@mail.example", "visits": n % 2}) for n in range(20)]
    lines += [line("track", f"u{n}", 50 + n, event="Seen") for n in range(20)]

    compare(shop, lines, 2, tmp_path, RecordedRendering.of(shop))

    assert (tmp_path / "there" / "deliveries.ndjson").read_text().count('"outcome":"failed"') == 10


@pytest.mark.ray
def test_what_channels_remark_is_counted_on_ray_as_in_one_process(tmp_path: Path) -> None:
    greeting = {"text": "Hello {{ profile.name }}"}
    shop = Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate(
            {"traits": {"name": "string", "phone": "string"}, "addresses": {"sms": "profile.phone"}}
        ),
        EventsDocument.model_validate({"events": {"Seen": {}}}),
        messages=[MessageDocument.model_validate({"message": "greeting", "sms": greeting})],
        journeys=[
            JourneyDocument.model_validate(
                {"journey": "greet", "entry": {"event": "Seen"}, "steps": [{"id": "greet", "send": "greeting"}]}
            )
        ],
    )
    names = ("Anna", "Zoë " * 20, "Anna " * 40, "Chloê")
    lines = [line("identify", f"u{n}", n, traits={"phone": f"+3361234{n:04}", "name": names[n % 4]}) for n in range(40)]
    lines += [line("track", f"u{n}", 50 + n, event="Seen") for n in range(40)]

    compare(shop, lines, 2, tmp_path, RecordedRendering.of(shop))

    assert json.loads((tmp_path / "there" / "summary.json").read_bytes())["remarks"] == {
        "greet": {
            "greet": {
                "sms": {
                    "the text leaves as 1 segment in UCS-2": 10,
                    "the text leaves as 2 segments in GSM-7": 10,
                    "the text leaves as 2 segments in UCS-2": 10,
                }
            }
        }
    }


@pytest.mark.ray
def test_a_campaign_makes_the_same_sets_on_ray() -> None:
    with as_file(files("parcours.examples") / "wishlist") as folder:
        project, lines = Project.load(folder), (folder / "events.ndjson").read_bytes().splitlines()
    until_ms = 1_794_100_000_000  # 2026-11-08, before the second Monday
    told: dict[str, list[CampaignLine]] = {"local": [], "ray": []}

    results = {
        runtime: simulate(
            project,
            lines,
            until_ms=until_ms,
            runtime=runtime,
            shards=shards,
            campaigns=CampaignsAsked(told=told[runtime].append),
        )
        for runtime, shards in RUNTIMES
    }

    assert len(told["local"]) > 15
    assert told["ray"] == told["local"]
    assert results["ray"].summary == results["local"].summary


def compare(
    project: Project, lines: list[bytes], shards: int, tmp_path: Path, rendering: RecordedRendering | None = None
) -> None:
    """Simulate in this process and on Ray; the files have to be the same."""
    here = simulate(project, lines, rendering=rendering)
    there = simulate(project, lines, runtime="ray", shards=shards, rendering=rendering)
    assert there.remarks == here.remarks
    write_results(tmp_path / "here", here.facts, here.summary)
    write_results(tmp_path / "there", there.facts, there.summary)

    for name in NAMES:
        expected = (tmp_path / "here" / name).read_bytes()
        assert expected
        assert (tmp_path / "there" / name).read_bytes() == expected
