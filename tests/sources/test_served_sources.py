"""Does `parcours serve` read what sources.yaml names, and does it say what is wrong before anything opens?"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from tests.ingress.served import served, until
from tests.projects import write_texts
from typer.testing import CliRunner

from parcours.cli import build

SHOP = {
    "parcours.yaml": "{project: shop, timezone: UTC}",
    "profile.yaml": "traits: {email: string}",
    "events.yaml": "events: {Bought: {properties: {total: number}}}",
    "journeys/carts.yaml": "{journey: carts, entry: {event: Bought}, steps: [{id: done, end: true}]}",
    "in/orders.csv": "customer,total\nanna,80\nanna,20\n,5\n",
}


def test_a_door_reads_the_sources_of_its_project(tmp_path: Path) -> None:
    sources = """sources: {orders: {files: "env:ORDERS", map: {event: '"Bought"', userId: value.customer}}}"""
    write_texts(tmp_path / "shop", {**SHOP, "sources.yaml": sources})
    environ = {"ORDERS": "in/*.csv"}

    with served(tmp_path / "shop", f"sqlite:///{tmp_path}/store", folder=tmp_path, environ=environ) as door:

        def counted(outcome: str) -> int:
            told = httpx.get(f"{door.address}/metrics").text
            found = re.search(rf'parcours_source_lines_total{{outcome="{outcome}",source="orders"}} (\d+)', told)
            return 0 if found is None else int(found[1])

        until(lambda: counted("accepted") + counted("set_aside") == 3, "all lines are read")
        assert (counted("accepted"), counted("set_aside")) == (2, 1)
        (letter,) = httpx.get(f"{door.address}/dead").json()["letters"]
        assert letter["id"]
        (source,) = httpx.get(f"{door.address}/sources").json()["sources"]
        ((partition,), told) = source.pop("partitions"), httpx.post(f"{door.address}/sources/orders/move", json={})
        assert source == {
            "name": "orders",
            "paused": False,
            "outcomes": {"accepted": 2, "duplicate": 0, "set_aside": 1, "undeclared": 0},
            "trouble": None,
        }
        assert (partition["state"], partition["position"], told.status_code) == ("over", 34, 400)
        moved = {"partition": partition["partition"], "position": 0}
        assert httpx.post(f"{door.address}/sources/orders/move", json=moved).json() == moved
        assert httpx.post(f"{door.address}/sources/others/move", json=moved).status_code == 404
        until(lambda: counted("duplicate") == 2, "the file is read again, and its lines are known for a day")
        assert door.stop() == 0


def test_a_source_that_cannot_be_read_keeps_the_door_closed(tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", {**SHOP, "sources.yaml": "sources: {orders: {files: env:NOT_SET_ANYWHERE}}"})

    done = CliRunner().invoke(build(), ["serve", str(tmp_path / "shop"), "--store", f"sqlite:///{tmp_path}/store"])

    assert done.exit_code != 0
    assert "sources.orders.files refers to the environment variable NOT_SET_ANYWHERE, which is not set" in re.sub(
        r"\s+", " ", f"{done.output} {done.exception}"
    )
    assert not (tmp_path / "store").exists()
