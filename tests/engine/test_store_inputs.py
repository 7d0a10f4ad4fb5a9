"""Is the simulation of a store's inputs its twin: the same facts of everybody, whatever happened around them?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.projects import write_documents
from typer.testing import CliRunner

from parcours.cli import build
from parcours.clock import ManualClock
from parcours.config import DAY_MS, HOUR_MS, MINUTE_MS, Settings
from parcours.core.fact import Changed, DeliveryReached, Fact, Moved, Published
from parcours.core.time_text import time_text
from parcours.errors import CallerError, InputsMissing
from parcours.insight.exporter.done import inputs_folder
from parcours.insight.exporter.inputs import KeptLine
from parcours.insight.exporter.opening import recall_exported
from parcours.insight.exporter.tables import INPUT_TABLES
from parcours.insight.exporter.upkeep import Upkeep
from parcours.journey.model.insight import InsightDocument
from parcours.journey.project import Project
from parcours.segment.told import merge_line
from parcours.service.engine import Engine
from parcours.shard.closed_person import read_all_of
from parcours.shard.in_hand import InHand, change_mark
from parcours.shard.resharding import reshard
from parcours.simulation.simulation import simulate
from parcours.simulation.store_inputs import _Findings, timed_line, write_inputs
from parcours.store.address import open_store
from parcours.testing.doubles import TwilioServer

BEGIN_MS = 1_767_258_000_000
"""2026-01-01T09:00Z."""

NUMBERS = {f"u{number}": f"+3361234567{number}" for number in range(8)}
EVERYBODY = (*NUMBERS, "")
"""And what concerns nobody."""

PUBLISHED = 2
"""The number of the change that follows a beginning."""

RESUMED = 3
"""The number of the change that follows a beginning and a pause."""

LOST = NUMBERS["u3"]
"""A number that its provider does not take."""

DOCUMENTS: dict[str, dict[str, Any]] = {
    "profile": {"traits": {"phone": "string", "email": "string", "city": "string"}},
    "events": {"events": {"Started": {"properties": {"cart": "string"}}, "Bought": {}}},
    "audiences": {"audiences": {"oslo": 'profile.city == "Oslo"'}},
    "messages/remind": {"message": "remind", "sms": {"text": "Still there?"}},
    "messages/letter": {"message": "letter", "email": {"subject": "News", "text": "Of {{ profile.city }}."}},
    "journeys/cart": {
        "journey": "cart",
        "entry": {"event": "Started"},
        "correlation": "event.cart",
        "steps": [
            {"id": "wait", "wait_for": [{"event": "Bought", "next": "done"}], "timeout": "2h"},
            {"id": "remind", "send": "remind"},
            {
                "id": "heard",
                "wait_for": [{"reaction": "delivered", "of": "remind", "next": "glad"}],
                "timeout": "1d",
            },
            {"id": "glad", "update": {"city": '"Oslo"'}},
            {"id": "done", "end": True},
        ],
    },
    "journeys/news": {
        "journey": "news",
        "entry": {"read": "oslo", "at": time_text(BEGIN_MS + DAY_MS), "rule": "FREQ=DAILY;COUNT=3", "rate": "1/s"},
        "steps": [{"id": "write", "send": "letter"}],
    },
}


class Shop:
    """A shop in a folder, on a clock of the test, with a text provider that refuses one number."""

    def __init__(self, folder: Path, provider: TwilioServer, insight: dict[str, Any]) -> None:
        self.folder = folder / "shop"
        self.store = f"sqlite:///{folder / 'store'}"
        self.clock = ManualClock(BEGIN_MS)
        self.provider = provider
        sms = {"account": provider.account, "token": provider.token, "sender": "+33600000000"}
        self.settings: dict[str, Any] = {
            "project": "shop",
            "channels": {"sms": {**sms, "base_url": provider.url, "public_url": "https://shop.example/webhooks/sms"}},
            "policies": {"consent": {"default": "opt_out"}},
            "insight": insight,
        }
        self.documents = DOCUMENTS

    def project(self) -> Project:
        write_documents(self.folder, {"parcours": self.settings, **self.documents})
        return Project.load(self.folder)

    @contextmanager
    def open(self, shards: int = 2, **more: Any) -> Iterator[Engine]:
        settings = Settings(export_every_ms=50, export_records=5, export_lag_max_ms=30 * DAY_MS)
        arguments = {"records": ["email"], "settings": settings, **more}
        with Engine.open(
            self.project(), self.store, shards=shards, runtime="local", clock=self.clock, **arguments
        ) as engine:
            yield engine

    def pass_time(self, engine: Engine, duration_ms: int, step_ms: int = 20 * MINUTE_MS) -> None:
        end_ms = self.clock.now_ms() + duration_ms
        while (now_ms := self.clock.now_ms()) < end_ms:
            self.clock.move_to(min(now_ms + step_ms, end_ms))
            engine.drain(30)

    def facts(self) -> dict[str, list[Fact]]:
        """Of everybody, from the export and the journal: without what an export does not have."""
        folder = Path(self.store.removeprefix("sqlite:///"))
        told = {}
        for person in EVERYBODY:
            exported = recall_exported(folder, person)
            told[person] = [*exported.facts, *read_all_of(self.store, [person], exported.through).facts]
        return {person: comparable(facts) for person, facts in told.items()}


def comparable(facts: list[Fact]) -> list[Fact]:
    """Without what an export leaves out, and what is of the machine."""
    return [as_exported(fact) for fact in facts if fact.person or isinstance(fact, Published)]


def as_exported(fact: Fact) -> Fact:
    if isinstance(fact, Moved):
        return msgspec.structs.replace(fact, left=None)
    return msgspec.structs.replace(fact, to=None) if isinstance(fact, DeliveryReached) else fact


def twin_of(project: Project, lines: list[bytes], shards: int = 1) -> dict[str, list[Fact]]:
    rejected: list[tuple[int, str]] = []
    facts = simulate(project, lines, shards=shards, rejected=lambda number, why: rejected.append((number, why))).facts
    assert rejected == []
    return {person: comparable([fact for fact in facts if fact.person == person]) for person in EVERYBODY}


def calls_of(person: str, *calls: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps({"userId": person, **call}).encode() for call in calls)


def arrive(engine: Engine, people: Iterator[str] | list[str]) -> None:
    for person in people:
        calls = (
            {"type": "identify", "traits": {"phone": NUMBERS[person], "city": "Oslo" if person < "u4" else "Rome"}},
            {"type": "identify", "traits": {"email": f"{person}@mail.example"}, "effectiveAt": "1999-01-01T00:00:00Z"},
            {"type": "track", "event": "Started", "properties": {"cart": "c"}, "messageId": f"s-{person}"},
            {"type": "track", "event": "Started", "properties": {"cart": "c"}, "messageId": f"s-{person}"},
            {"type": "track", "event": "Seen", "timestamp": "2025-12-31T23:59:59Z"},
        )
        assert engine.ingest(calls_of(person, *calls)).result(30).duplicate == 1


def live(shop: Shop) -> None:
    """Some days, with everything that is decided outside of people: receipts, reports, reads, changes, a new engine."""
    with shop.open() as engine:
        arrive(engine, [f"u{number}" for number in range(6)])
        shop.pass_time(engine, HOUR_MS)
        engine.track("u0", "Bought").result(30)
        shop.pass_time(engine, 2 * HOUR_MS)
        for message in shop.provider.messages[:3]:
            engine.feedback("sms", shop.provider.status_callback(message, "delivered")).result(30)
        engine.pause_journey("cart")
        arrive(engine, ["u6"])
        shop.pass_time(engine, HOUR_MS)
        engine.resume_journey("cart")
        shop.pass_time(engine, DAY_MS, 2 * HOUR_MS)
    shop.clock.move_to(shop.clock.now_ms() + 5 * HOUR_MS)
    cart = DOCUMENTS["journeys/cart"]
    steps = [{**cart["steps"][0], "timeout": "30m"}, *cart["steps"][1:]]
    with shop.open() as engine:
        shop.documents = {**DOCUMENTS, "journeys/cart": {**cart, "steps": steps}}
        engine.publish(shop.project())
        arrive(engine, ["u7"])
        engine.identify("u7", {"city": "Oslo"}).result(30)
        shop.pass_time(engine, 2 * DAY_MS, 3 * HOUR_MS)
        engine.consent("u1", "sms", granted=False).result(30)
        engine.stop_journey("cart")
        shop.pass_time(engine, HOUR_MS)
    shop.documents = DOCUMENTS


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with TwilioServer(refuses=lambda number: 21211 if number == LOST else None) as provider:
        yield Shop(tmp_path, provider, {"inputs": True})


def test_what_happened_to_somebody_without_a_user_id_is_hers_in_the_twin_too(shop: Shop, tmp_path: Path) -> None:
    with shop.open() as engine:
        traits = {"type": "identify", "anonymousId": "7f3a", "traits": {"phone": NUMBERS["u0"], "city": "Oslo"}}
        started = {"type": "track", "anonymousId": "7f3a", "event": "Started", "properties": {"cart": "c"}}
        assert (
            engine.ingest(b"\n".join(json.dumps(each).encode() for each in (traits, started))).result(30).accepted == 2
        )
        shop.pass_time(engine, 3 * HOUR_MS)
    out = tmp_path / "inputs.ndjson"
    assert CliRunner().invoke(build(), ["store", "inputs", "--store", shop.store, "--out", str(out)]).exit_code == 0

    facts = simulate(shop.project(), out.read_bytes().splitlines()).facts

    outcomes = {fact.outcome for fact in facts if isinstance(fact, DeliveryReached)}
    assert {fact.person for fact in facts if fact.person} == {"@anonymous/7f3a"}
    assert {"claimed", "sent"} <= outcomes


def test_the_simulation_of_a_stores_inputs_is_its_twin(shop: Shop, tmp_path: Path) -> None:
    live(shop)
    out = tmp_path / "inputs.ndjson"

    done = CliRunner().invoke(build(), ["store", "inputs", "--store", shop.store, "--out", str(out)])

    assert done.exit_code == 0, done.output
    facts, lines = shop.facts(), out.read_bytes().splitlines()
    what = {fact.what for told in facts.values() for fact in told if isinstance(fact, Moved)}
    assert {"timed_out", "matched", "updated", "ended"} <= what
    outcomes = {fact.outcome for told in facts.values() for fact in told if isinstance(fact, DeliveryReached)}
    assert {"sent", "delivered", "failed"} <= outcomes
    assert {fact.journey for told in facts.values() for fact in told if isinstance(fact, Moved)} == {"cart", "news"}
    for shards in (1, 3):
        twin = twin_of(shop.project(), lines, shards)
        for person, told in facts.items():
            assert twin[person] == told, person


def blame(shop: Shop, mark: bytes) -> None:
    """Let the process have ended with this change in hand."""
    store, in_hand = open_store(shop.store, 0), InHand()
    in_hand.restore(store.scratch())
    in_hand.change(mark)
    in_hand.blame(ZeroDivisionError("a mistake of ours"))
    store.close()


def test_a_change_that_was_set_aside_for_somebody_is_so_in_the_twin(shop: Shop, tmp_path: Path) -> None:
    with shop.open(shards=1) as engine:
        arrive(engine, ["u0", "u1"])
        engine.pause_journey("cart")
        shop.pass_time(engine, 3 * HOUR_MS)
    blame(shop, change_mark("u0", RESUMED))
    with shop.open(shards=1) as engine:
        engine.resume_journey("cart")
        shop.pass_time(engine, DAY_MS, 2 * HOUR_MS)
    write_inputs(shop.store, tmp_path / "inputs.ndjson")

    facts = shop.facts()

    moves = {fact.what for fact in facts["u0"] if isinstance(fact, Moved) and fact.journey == "cart"}
    assert "parked" in moves and "timed_out" not in moves
    assert "timed_out" in {fact.what for fact in facts["u1"] if isinstance(fact, Moved)}
    for shards in (1, 2):
        twin = twin_of(shop.project(), (tmp_path / "inputs.ndjson").read_bytes().splitlines(), shards)
        assert (twin["u0"], twin["u1"]) == (facts["u0"], facts["u1"])


def test_audiences_that_could_not_be_filled_for_somebody_are_filled_with_her_next_event_as_in_the_twin(
    shop: Shop, tmp_path: Path
) -> None:
    shop.documents = {**DOCUMENTS, "audiences": {"audiences": {"reached": 'consent("sms", "marketing")'}}}
    del shop.documents["journeys/news"]
    shop.settings["policies"] = {"consent": {"default": "opt_in"}}
    first = shop.project()
    with shop.open(shards=1) as engine:
        arrive(engine, ["u0", "u1"])
    blame(shop, change_mark("u0", PUBLISHED))
    shop.settings["policies"] = {"consent": {"default": "opt_out"}}
    with shop.open(shards=1) as engine:
        engine.publish(shop.project())
        shop.pass_time(engine, HOUR_MS)
        assert [letter.person for letter in engine.dead_letters()] == ["u0"]
        for person in ("u0", "u1"):
            engine.track(person, "Bought").result(30)
            found = engine.profile(person)
            assert found is not None and found.audiences == {"reached"}
    write_inputs(shop.store, tmp_path / "inputs.ndjson")

    facts = shop.facts()

    assert not any(isinstance(fact, Changed) and fact.what == "audience" for fact in (*facts["u0"], *facts["u1"]))
    twin = twin_of(first, (tmp_path / "inputs.ndjson").read_bytes().splitlines())
    assert (twin["u0"], twin["u1"]) == (facts["u0"], facts["u1"])


def test_the_inputs_of_a_store_that_was_shared_out_anew_are_all_there(shop: Shop, tmp_path: Path) -> None:
    live(shop)
    write_inputs(shop.store, tmp_path / "before.ndjson")

    reshard(shop.store, f"sqlite:///{tmp_path / 'three'}", 3)
    write_inputs(f"sqlite:///{tmp_path / 'three'}", tmp_path / "after.ndjson")

    before = twin_of(shop.project(), (tmp_path / "before.ndjson").read_bytes().splitlines())
    assert twin_of(shop.project(), (tmp_path / "after.ndjson").read_bytes().splitlines()) == before


def test_a_store_that_keeps_no_inputs_says_so(shop: Shop, tmp_path: Path) -> None:
    shop.settings["insight"] = {}
    with shop.open() as engine:
        arrive(engine, ["u0"])

    with pytest.raises(InputsMissing, match="insight: {inputs: true}"):
        write_inputs(shop.store, tmp_path / "inputs.ndjson")

    assert not (tmp_path / "inputs.ndjson").exists()


def test_what_was_kept_for_long_enough_is_missed_and_the_rest_is_there(shop: Shop, tmp_path: Path) -> None:
    insight = InsightDocument.model_validate({"inputs": True, "facts_for": "2d"})
    with shop.open() as engine:
        for number in range(5):
            arrive(engine, [f"u{number}"])
            shop.pass_time(engine, DAY_MS, 4 * HOUR_MS)
        patience = time.monotonic() + 60
        while not list((tmp_path / "store/inputs/lines").glob(f"day={time_text(shop.clock.now_ms() - DAY_MS)[:10]}/*")):
            assert time.monotonic() < patience, "nothing is exported"
            time.sleep(0.01)
    begun_ms = shop.clock.now_ms() // DAY_MS * DAY_MS - 2 * DAY_MS
    Upkeep(tmp_path / "store", Settings(), of=inputs_folder, tables=INPUT_TABLES).step(insight, shop.clock.now_ms())
    out = tmp_path / "inputs.ndjson"

    with pytest.raises(InputsMissing, match=time_text(begun_ms)):
        write_inputs(shop.store, out)
    write_inputs(shop.store, out, begun_ms)

    first, *lines = out.read_bytes().splitlines()
    assert json.loads(first)["records"] == ["email"]
    assert twin_of(shop.project(), [first, *lines])["u4"] == shop.facts()["u4"] != []


def test_a_store_that_keeps_no_inputs_any_more_says_so(shop: Shop, tmp_path: Path) -> None:
    with shop.open() as engine:
        arrive(engine, ["u0"])
        shop.settings["insight"] = {}
        engine.publish(shop.project())
        arrive(engine, ["u1"])

    with pytest.raises(InputsMissing, match="the newest inputs are missing"):
        write_inputs(shop.store, tmp_path / "inputs.ndjson")


def test_inputs_that_were_left_out_until_the_end_are_missed(shop: Shop, tmp_path: Path) -> None:
    settings = Settings(export_every_ms=DAY_MS, export_lag_max_ms=HOUR_MS)
    with shop.open(settings=settings) as engine:
        arrive(engine, ["u0"])
        shop.pass_time(engine, 3 * HOUR_MS)
        arrive(engine, ["u1"])

    with pytest.raises(InputsMissing, match="its exporter was behind `export_lag_max_ms` at last"):
        write_inputs(shop.store, tmp_path / "inputs.ndjson")


def test_inputs_are_given_from_the_instant_on_from_which_all_of_them_are_kept(shop: Shop, tmp_path: Path) -> None:
    shop.settings["insight"] = {"inputs": False}
    with shop.open() as engine:
        arrive(engine, ["u0"])
        shop.pass_time(engine, HOUR_MS)
        shop.settings["insight"] = {"inputs": True}
        engine.publish(shop.project())
        begun_ms = shop.clock.now_ms()
        shop.pass_time(engine, HOUR_MS)
        arrive(engine, ["u1"])
        shop.pass_time(engine, 3 * HOUR_MS)
    out = tmp_path / "inputs.ndjson"

    with pytest.raises(InputsMissing, match=time_text(begun_ms)):
        write_inputs(shop.store, out)
    write_inputs(shop.store, out, begun_ms)

    facts = shop.facts()
    assert twin_of(shop.project(), out.read_bytes().splitlines())["u1"] == facts["u1"] != []


def test_no_twin_records_on_other_channels_in_its_life(shop: Shop, tmp_path: Path) -> None:
    with shop.open() as engine:
        arrive(engine, ["u0"])
    with shop.open(records=["email", "sms"]) as engine:
        arrive(engine, ["u1"])

    with pytest.raises(InputsMissing, match="email and then email, sms"):
        write_inputs(shop.store, tmp_path / "inputs.ndjson")


def test_inputs_are_of_the_project_with_which_the_store_has_begun(shop: Shop, tmp_path: Path) -> None:
    with shop.open() as engine:
        arrive(engine, ["u0"])
    write_inputs(shop.store, tmp_path / "inputs.ndjson")
    lines = (tmp_path / "inputs.ndjson").read_bytes().splitlines()
    shop.documents = {**DOCUMENTS, "audiences": {"audiences": {"oslo": 'profile.city == "Bergen"'}}}

    with pytest.raises(CallerError, match="begun with another project"):
        simulate(shop.project(), lines)


@pytest.mark.parametrize(
    ("line", "timed"),
    [
        (b'{"type":"track"}', b'{"type":"track","effectiveAt":"1970-01-01T00:00:00.001Z"}\n'),
        (b' {"type":"track" } ', b'{"type":"track","effectiveAt":"1970-01-01T00:00:00.001Z"}\n'),
        (b'{"effectiveAt":5,"type":"page"}', b'{"type":"page","effectiveAt":"1970-01-01T00:00:00.001Z"}\n'),
    ],
)
def test_a_line_gets_its_effective_time(line: bytes, timed: bytes) -> None:
    assert timed_line(line, 1) == timed


def test_whoever_comes_from_another_shard_goes_first_at_the_instant_of_the_merge() -> None:
    visitor = "@anonymous/7f3a"
    lines = [
        KeptLine(5, 1, 0, 0, b"before", "u"),
        KeptLine(5, 1, 0, 1, b"identify", "u"),
        KeptLine(5, 1, 0, 2, merge_line("u", visitor, 5), "u"),
        KeptLine(5, 1, 0, 3, b"hers, as u's", visitor),
        KeptLine(5, 7, 1, 0, b"somebody else", "v"),
        KeptLine(5, 7, 1, 1, b"her last", visitor),
        KeptLine(6, 2, 1, 0, b"later", visitor),
    ]
    found = _Findings(0)
    assert all(map(found.is_line, lines))

    ordered = [kept.line for kept in found.in_order(sorted(lines))]

    assert ordered == [
        b"her last", b"before", b"identify", merge_line("u", visitor, 5), b"hers, as u's", b"somebody else", b"later"
    ]  # fmt: skip
