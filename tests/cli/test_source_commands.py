"""The commands of sources, against a door that is really served."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.cli.conftest import Ask
from tests.ingress.served import Served, served, until
from tests.projects import write_texts

SHOP = {
    "parcours.yaml": "{project: shop, timezone: UTC}",
    "profile.yaml": "traits: {email: string}",
    "events.yaml": "events: {Bought: {properties: {total: number}}}",
    "journeys/carts.yaml": "{journey: carts, entry: {event: Bought}, steps: [{id: done, end: true}]}",
    "sources.yaml": """sources: {orders: {files: "in/*.csv", map: {event: '"Bought"', userId: value.customer}}}""",
    "in/one.csv": "customer,total\nanna,80\nanna,20\n,5\n",
}


@contextmanager
def shop(tmp_path: Path) -> Iterator[Served]:
    """A door that reads the orders."""
    if not (tmp_path / "shop").exists():
        write_texts(tmp_path / "shop", SHOP)
    with served(tmp_path / "shop", f"sqlite:///{tmp_path}/store", folder=tmp_path) as door:
        yield door


def sources(ask: Ask, door: Served) -> dict[str, Any]:
    """The one source, as `list --json` tells it."""
    told = ask("source", "list", "--url", door.address, "--json")
    assert told.exit_code == 0, told.output
    (source,) = json.loads(told.stdout)["sources"]
    return dict(source)


def test_sources_are_listed_and_a_pause_holds_until_they_are_resumed(ask: Ask, tmp_path: Path) -> None:
    with shop(tmp_path) as door:
        url = ["--url", door.address]
        until(lambda: sum(sources(ask, door)["outcomes"].values()) == 3, "all lines are read")
        (partition,) = sources(ask, door)["partitions"]
        listed = ask("source", "list", *url).stdout
        assert listed.startswith("orders: 2 accepted, 1 set_aside since the door began\n")
        row = next(line for line in listed.splitlines() if "one.csv" in line)
        assert partition["name"] == "one.csv" != partition["partition"]
        assert row.split() == ["one.csv", "over", "34", "not", "known"]

        assert ask("source", "pause", "orders", *url).stdout == "orders is paused.\n"
        assert ask("source", "list", *url).stdout.startswith("orders is paused: ")
        assert door.stop() == 0

    (tmp_path / "shop" / "in" / "two.csv").write_text("customer,total\nbert,10\n")
    with shop(tmp_path) as door:
        url = ["--url", door.address]
        until(lambda: len(sources(ask, door)["partitions"]) == 2, "the new file is found")
        told = sources(ask, door)
        assert (told["paused"], told["outcomes"]) == (True, {})

        resumed = json.loads(ask("source", "resume", "orders", *url, "--json").stdout)
        assert resumed == {"name": "orders", "paused": False}
        until(lambda: sources(ask, door)["outcomes"].get("accepted") == 1, "the new file is read")
        assert not sources(ask, door)["paused"]

        unknown = ask("source", "pause", "order", *url)
        assert (unknown.exit_code, unknown.stderr) == (1, "No source 'order' is read, did you mean 'orders'?\n")
        assert door.stop() == 0


def test_a_door_without_sources_says_so(ask: Ask, tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", {name: text for name, text in SHOP.items() if name != "sources.yaml"})
    with shop(tmp_path) as door:
        assert ask("source", "list", "--url", door.address).stdout == "This door reads no sources.\n"


def test_a_source_is_read_again_once_it_has_been_told_what_comes_of_it(ask: Ask, tmp_path: Path) -> None:
    with shop(tmp_path) as door:
        rewind = ["source", "rewind", "orders", "--url", door.address, "--to"]
        until(lambda: sum(sources(ask, door)["outcomes"].values()) == 3, "all lines are read")

        told = ask(*rewind, "earliest")
        assert told.exit_code == 0, told.output
        row = next(line for line in told.stdout.splitlines() if " 34 " in line)
        assert row.split() == ["one.csv", "0", "34", "0", "2", "1", "0"]
        token = re.search(r"Nothing has been done; --token (\w{16}) does it", told.stdout)
        assert token is not None
        assert sources(ask, door)["outcomes"].get("duplicate", 0) == 0

        done = ask(*rewind, "earliest", "--token", token[1])
        assert (done.exit_code, done.stdout) == (0, "Reading of orders goes on there, in 1 partition.\n")
        until(lambda: sources(ask, door)["outcomes"]["duplicate"] == 2, "the lines are recognised")

        late = ask(*rewind, "earliest", "--token", token[1])
        assert (late.exit_code, late.stderr.startswith("Something else has been rewound or published")) == (1, True)
        at_once = json.loads(ask(*rewind, "22", "--partition", "one.csv", "--yes", "--json").stdout)
        assert (at_once["dry"], at_once["partitions"][0]["position"]) == (False, 22)
        for to, words in (("99", "nothing has been read"), ("2026-01-01T10:00:00Z", "cannot tell where a time is")):
            refused = ask(*rewind, to)
            assert (refused.exit_code, words in refused.stderr.lower()) == (1, True), refused.stderr
        assert ask(*rewind, "yesterday").exit_code == 1
        assert ask(*rewind, "0", "--yes", "--token", "x").exit_code == 2
        path = f"{door.address}/sources"
        assert httpx.post(f"{path}/orders/rewind", json={"to": 0}).status_code == 400
        assert httpx.post(f"{path}/others/rewind", json={"to": 0, "dry": True}).status_code == 404
