"""Do the file, the webhook, the engine and the recording agree, and was every order applied once?"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.cli.streams_demo import figures, open_door, told
from parcours.clock import SystemClock
from parcours.config import Settings
from parcours.demo.advertiser import members_told
from parcours.demo.streams import StreamsDemo, divided, run_streams_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> StreamsDemo:
    folder, clock = tmp_path_factory.mktemp("streams"), SystemClock(Settings().clock_jump_max_ms)
    return asyncio.run(run_streams_demo(folder, clock, open_door, shards=2))


def test_everybody_has_the_same_members(demo: StreamsDemo) -> None:
    assert len(demo.expected) == 109
    assert demo.file == demo.webhook == demo.members == demo.expected
    assert demo.agree


def test_every_order_was_applied_once_though_the_engine_was_closed_in_between(demo: StreamsDemo) -> None:
    assert sum(demo.ordered.values()) == demo.orders == 470
    assert demo.confirmed == demo.ordered
    assert demo.each_once


def test_it_says_so(demo: StreamsDemo) -> None:
    assert told(demo) == [
        "Over HTTP came 8,197 clicks of 600 people.",
        "From Kafka came 470 orders: 470 accepted.",
        "The engine was closed when half of them had come, and opened again. Then a week went by.",
        "Orders that were applied: 470; every one of them once.",
        f"All members were told at once as of {demo.snapshot}.",
        "Lapsed buyers: 109 by the recording, 109 in the file, 109 at the webhook, 109 by the engine.",
        "They are the same people.",
    ]
    assert json.loads(figures(demo)) == {
        "clicks": 8197, "people": 600, "orders": 470, "outcomes": {"accepted": 470}, "applied": 470,
        "each_once": True, "lapsed": 109, "agree": True,
    }  # fmt: skip


def test_it_says_what_is_not_so(demo: StreamsDemo) -> None:
    name = min(demo.expected)
    without = dataclasses.replace(demo, webhook=demo.webhook - {name})
    twice = dataclasses.replace(demo, confirmed={**demo.confirmed, name: 2})

    assert told(without)[-1] == "They are NOT the same people."
    assert told(twice)[3] == "Orders that were applied: 471; NOT every one of them once."


def test_all_that_the_example_declares_is_divided_among_two_ways() -> None:
    streams = divided()

    assert (len(streams.people), len(streams.clicks), len(streams.orders)) == (600, 8197, 470)
    assert len({each["number"] for each in streams.orders}) == 470
    assert set(streams.orders[0]) == {"number", "customer", "total", "placed_at"}


MEMBERS: dict[str, tuple[list[tuple[str, str, str]], set[str]]] = {
    # what is told of whom and when, and who is a member then
    "who has left is none": ([("a", "1", "entered"), ("b", "1", "entered"), ("a", "2", "left")], {"b"}),
    "who has come back is one": ([("a", "1", "entered"), ("a", "2", "left"), ("a", "3", "entered")], {"a"}),
    "whom a snapshot does not name is none": ([("a", "1", "entered"), ("b", "2", "member")], {"b"}),
    "what is later than a snapshot holds": ([("a", "3", "entered"), ("b", "2", "member"), ("b", "4", "left")], {"a"}),
}


@pytest.mark.parametrize("case", MEMBERS)
def test_an_advertiser_keeps_the_rules_of_destinations(case: str) -> None:
    changes, members = MEMBERS[case]
    lines: list[dict[str, Any]] = [
        {"key": key, "at": at, "change": change, **({"snapshot": at} if change == "member" else {})}
        for key, at, change in changes
    ]

    assert members_told(lines) == members


def test_it_leaves_no_folder() -> None:
    done = CliRunner().invoke(build(), ["demo", "streams", "--out", "x"])

    assert done.exit_code == 2
    assert not Path("x").exists()
