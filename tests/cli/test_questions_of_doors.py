"""Do reports, analyses and experiments say the same by a door, of the closed store, and of its simulation?"""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from ruamel.yaml import YAML
from tests.ingress.served import Served, served
from tests.projects import write_texts

from parcours.simulation.store_inputs import write_inputs

if TYPE_CHECKING:
    from tests.cli.conftest import Ask

SEEN, ADDED, BOUGHT = "Seen", "Added", "Order Completed"

SHOP = {
    "parcours.yaml": json.dumps(
        {
            "project": "shop",
            "insight": {"inputs": True, "people": "never"},
            "holdouts": {"program": {"percent": 30, "salt": "2026"}},
            "channels": {"email": {"host": "smtp.shop.example", "sender": "Shop <shop@shop.example>"}},
        }
    ),
    "profile.yaml": "{traits: {email: string, city: {type: string, insight: true}}, addresses: {email: profile.email}}",
    "events.yaml": """
events: {Seen: {properties: {page: string}}, Added: {}, Order Completed: {properties: {total: number}}}
""",
    "messages/reminder.yaml": "{message: reminder, class: transactional, email: {subject: Cart, text: Look}}",
    "journeys/cart.yaml": """
journey: cart
entry: {event: Added}
goal: {event: Order Completed}
steps:
  - id: test
    split: [{name: control, percent: 50, next: done}, {name: mailed, percent: 50, next: mail}]
    experiment: {goal: {event: Order Completed, within: 7d, value: event.total}, control: control}
  - {id: mail, send: reminder, channels: [email]}
  - {id: rest, wait: 5d}
  - {id: done, end: true}
""",
    "insight/shop.yaml": """
segments:
  northern: profile.city == 'Lille'
  buyers: {event: Order Completed, where: event.total > 3}
metrics: {revenue: {sum: event.total, of: Order Completed}, bought: {people: Order Completed}}
funnels: {to-order: {steps: [Seen, Added, Order Completed], value: event.total, split: {segments: [northern, buyers]}}}
""",
}

PEOPLE = 12

LILLE = {"city": "Lille"}

QUESTIONS = (
    ("funnel", "to-order"),
    ("funnel", f"{SEEN}[event.page == 'home'] > {BOUGHT}", "--within", "1h", "--split", "profile.city"),
    ("flow", ADDED, "--before", "1", "--after", "2"),
    ("attribution", BOUGHT, "--touches", f"events:{SEEN}", "--value", "event.total", "--models", "u,participation"),
    ("cohort", f"{SEEN} > {BOUGHT}", "--unit", "month", "--periods", "2"),
    ("metric", "revenue / bought", "--live"),
    ("metric", f"count {SEEN}", "--segment", "northern"),
    ("experiment", "cart.test", "--so-far"),
    ("experiment", "program", "--metric", "revenue"),
    ("report", "journey"),
    ("report", "journey", "cart", "--by", "northern,buyers", "--cohort", "moved"),
    ("report", "channel", "--by", "northern"),
    ("report", "message", "reminder", "--by", "buyers"),
    ("report", "event", "--by", "northern", "--live"),
)  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_texts(tmp_path / "shop", SHOP)
    return tmp_path / "shop"


@pytest.fixture
def door(project: Path, tmp_path: Path) -> Iterator[Served]:
    with served(project, f"sqlite:///{tmp_path}/store", "--record", "email", folder=tmp_path) as door:
        yield door


def come(door: Served, *numbers: int) -> None:
    """Some look at the shop, one in two puts something into her cart, one in three of all buys."""
    calls: list[dict[str, object]] = []
    for number in numbers:
        who, city = f"u{number}", LILLE if number % 3 else {}
        calls += [
            {"type": "identify", "userId": who, "traits": {"email": f"{who}@a.example", **city}},
            {"type": "track", "userId": who, "event": SEEN, "properties": {"page": "home" if number % 4 else "shoes"}},
        ]  # fmt: skip
        calls += [{"type": "track", "userId": who, "event": ADDED}] * (number % 2)
        calls += [{"type": "track", "userId": who, "event": BOUGHT, "properties": {"total": number}}] * (
            number % 3 == 0
        )
    for call in calls:
        sent = httpx.post(f"{door.address}/v1/batch", json={"batch": [call]})
        assert sent.json()["accepted"] == 1, sent.text


PAGES = (
    (),
    ("--live",),
    ("--to", "2026-01-01T00:00:00Z", "--cohort", "moved"),
    ("journey", "cart", "--by", "northern"),
    ("channel",),
)


def pages(ask: Ask, folder: Path, *source: str) -> list[str]:
    """The pages that are written, without what they say of instants."""
    told = []
    for number, words in enumerate(PAGES):
        file = folder / f"{number}.html"
        done = ask("report", *words, *source, "--format", "html", "--out", file)
        assert done.exit_code == 0, (words, done.output)
        told.append(re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", "then", file.read_text(encoding="utf-8")))
    return told


def answers(ask: Ask, out: list[str | Path], *source: str | Path) -> list[str]:
    """What is said to each question, each in another form, but for instants: each source knows up to another one."""
    told = []
    for number, (command, *words) in enumerate(QUESTIONS):
        form = ("table", "json", "csv")[number % 3]
        result = ask(command, *out, *words, *source, "--format", form)
        assert result.exit_code == 0, (command, words, result.output)
        told.append(re.sub(r"20\d\d-\d\d-\d\dT[\d:.]+Z", "then", result.stdout))
    return told


def test_by_a_door_of_a_store_and_of_its_simulation_the_same_is_said(
    ask: Ask, door: Served, project: Path, tmp_path: Path
) -> None:
    come(door, *range(PEOPLE))
    store = f"sqlite:///{tmp_path}/store"

    live = answers(ask, [], "--url", door.address)
    assert door.stop(signal.SIGTERM) == 0
    stored = answers(ask, [], "--store", store)
    assert write_inputs(store, tmp_path / "inputs.ndjson") > 0
    done = ask("simulate", project, "--events", tmp_path / "inputs.ndjson", "--out", tmp_path / "out", "--facts")
    assert done.exit_code == 0, done.output
    simulated = answers(ask, [tmp_path / "out"])

    for question, told in zip(QUESTIONS, zip(live, stored, simulated, strict=True), strict=True):
        assert told[0] == told[1] == told[2], question
    reached = json.loads(live[1])["steps"][0]["reached"]
    assert reached == len([number for number in range(PEOPLE) if number % 4])


def test_a_door_makes_the_pages_that_the_store_makes_once_it_is_closed(ask: Ask, door: Served, tmp_path: Path) -> None:
    come(door, *range(PEOPLE))

    live = pages(ask, tmp_path, "--url", door.address)
    looked = httpx.get(f"{door.address}/report", headers={"Accept": "text/html"})
    refused = ask("report", "event", "none", "--url", door.address, "--format", "html", "--out", tmp_path / "none")
    assert door.stop(signal.SIGTERM) == 0

    assert live == pages(ask, tmp_path, "--store", f"sqlite:///{tmp_path}/store")
    assert "<h1><bdi>Report of shop</bdi></h1>" in live[0] and "to-order" in live[0]
    assert looked.headers["content-type"] == "text/html; charset=utf-8"
    assert "style-src 'unsafe-inline'" in looked.headers["content-security-policy"]
    assert (refused.exit_code, refused.stderr) == (
        1,
        f"Facts tell of no event 'none'. There are: {ADDED}, {BOUGHT}, {SEEN}.\n",
    )
    assert not (tmp_path / "none").exists()


def test_a_document_is_answered_whole_as_each_of_its_analyses_alone(door: Served) -> None:
    come(door, *range(PEOPLE))

    def alone(kind: str, name: str) -> object:
        asked = httpx.post(f"{door.address}/facts/analyses", json={"kind": kind, "words": name})
        return asked.json()["result"]

    told = httpx.post(f"{door.address}/insight", json=YAML(typ="safe").load(SHOP["insight/shop.yaml"])).json()

    assert told["metrics"] == {name: alone("metric", name) for name in ("revenue", "bought")}
    assert told["funnels"] == {"to-order": alone("funnel", "to-order")}
    assert told["funnels"]["to-order"]["groups"]["northern"]["steps"][0]["reached"] > 0
    assert {"segments", "flows", "attributions", "cohorts"}.isdisjoint(told)


def test_a_running_engine_tells_what_is_not_exported_yet_unless_it_is_to_be_left_out(ask: Ask, door: Served) -> None:
    come(door, 1, 2)

    def counted(*options: str) -> float:
        result = ask("metric", f"count {SEEN}", "--url", door.address, "--format", "json", *options)
        assert result.exit_code == 0, result.output
        value: float = json.loads(result.stdout)["value"]
        return value

    assert counted() == 2
    come(door, 3)
    assert (counted(), counted("--exported")) == (3, 0)
    known = ask("report", "event", SEEN, "--url", door.address, "--exported")
    assert (known.exit_code, known.stderr) == (1, f"Facts tell of no event '{SEEN}'. There are: none.\n")


def test_what_is_asked_wrongly_is_said_by_a_door_as_of_facts(
    ask: Ask, door: Served, project: Path, tmp_path: Path
) -> None:
    come(door, 1)
    nothing = tmp_path / "none.ndjson"
    nothing.write_text("")
    assert ask("simulate", project, "--events", nothing, "--out", tmp_path / "out", "--facts").exit_code == 0

    for command, *words in (
        ("funnel", "to-ordr"),
        ("funnel", f"{SEEN}[event.pge == 'home'] > {BOUGHT}"),
        ("funnel", f"{SEEN} > {BOUGHT}", "--segment", "northen"),
        ("experiment", "cart.tst"),
        ("experiment", "program"),
        ("report", "event", "--by", "northen"),
        ("report", "campaign", "--by", "northern"),
        ("report", "message", "--by", "a,b,c,d,e"),
    ):
        local, remote = ask(command, tmp_path / "out", *words), ask(command, *words, "--url", door.address)
        assert (local.exit_code, remote.exit_code) == (1, 1), (command, words, local.output, remote.output)
        assert remote.stderr.lower().rstrip(".\n") == local.stderr.lower().rstrip(".\n")
    asked = httpx.post(f"{door.address}/facts/analyses", json={"kind": "funnel", "words": "to-ordr"})
    assert (asked.status_code, asked.json()["code"]) == (409, "refused")
    for body in (
        {"kind": "funel", "words": SEEN},
        {"kind": "funnel"},
        {"kind": "metric", "words": "revenue", "form": "table"},
    ):
        assert httpx.post(f"{door.address}/facts/analyses", json=body).status_code == 400
    since = {"kind": "metric", "words": "revenue", "from": "yesterday"}
    asked = httpx.post(f"{door.address}/facts/analyses", json=since)
    assert (asked.status_code, asked.json()["message"][:35]) == (409, "from: 'yesterday' is no time with a")
