"""The commands of sources, against a door that is really served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
        row = next(line for line in listed.splitlines() if partition["partition"] in line)
        assert row.split() == [partition["partition"], "over", "34", "not", "known"]

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
