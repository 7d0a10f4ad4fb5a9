"""Destinations of facts of a live engine: what comes, through restarts, erasures and another number of shards."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from tests.ingress.served import until
from tests.projects import write_texts

from parcours import Engine, Project, Settings
from parcours.destination import GROUP
from parcours.dispatch import destinations as installed
from parcours.errors import DestinationUnknown, SettingInvalid, StoreBroken
from parcours.insight.exporter import fact_sender
from parcours.service import opening
from parcours.shard.resharding import reshard
from parcours.testing.doubles import FactStream

SHOP = {
    "parcours.yaml": "project: shop\nanonymous_history: used\npolicies: {consent: {default: opt_out}}\n",
    "profile.yaml": "traits: {email: string, city: string}\naddresses: {email: profile.email}\n",
    "events.yaml": "events: {Bought: {properties: {total: number}}, Looked: {}}\n",
    "messages/thanks.yaml": "message: thanks\nclass: transactional\nemail: {subject: Thank you, text: Bye}\n",
    "journeys/thank.yaml": (
        "journey: thank\nentry: {event: Bought}\nsteps:\n  - {id: thanks, send: thanks}\n  - {id: over, end: true}\n"
    ),
}

POINTS = [
    EntryPoint("stream", "parcours.testing.doubles.facts:FactStreamDestination", GROUP),
    EntryPoint("webhook", "parcours.destinations.webhook:WebhookDestination", GROUP),
    EntryPoint("file", "parcours.destinations.file:FileDestination", GROUP),
]


@pytest.fixture(autouse=True)
def stream_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "entry_points", lambda group: POINTS)
    monkeypatch.setattr(fact_sender, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(fact_sender, "PAUSE_S", 0.01)


@pytest.fixture
def stream() -> FactStream:
    return FactStream()


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Project]:
    def load(*destinations: str) -> Project:
        told = "".join(f"  {each}\n" for each in destinations)
        write_texts(tmp_path / "shop", {**SHOP, "destinations.yaml": f"destinations:\n{told}" if told else ""})
        return Project.load(tmp_path / "shop")

    return load


@pytest.fixture
def open_engine(tmp_path: Path) -> Callable[..., Engine]:
    def start(project: Project, **more: Any) -> Engine:
        given = {"records": ["email"], "shards": 2, **more}
        return Engine.open(project, f"sqlite:///{tmp_path}/store", runtime="local", **given)

    return start


def lake(stream: FactStream, tables: str = "moves, deliveries", name: str = "lake", more: str = "") -> str:
    return f"{name}: {{facts: [{tables}], to: {{plugin: {{name: stream, settings: {{stream: {stream.name}}}}}}}{more}}}"


def buy(engine: Engine, *people: str) -> None:
    for person in people:
        engine.identify(person, {"email": f"{person}@mail.example", "city": "Paris"}).result(20)
        engine.track(person, "Bought", {"total": 7}).result(20)
    engine.drain(20)


def rows(stream: FactStream) -> list[dict[str, Any]]:
    return [json.loads(each.body) for each in stream.once()]


def whats(stream: FactStream, person: str) -> list[str]:
    """What is told of a person's run and her delivery, in its order."""
    return [each.get("what") or each["outcome"] for each in rows(stream) if each["person"] == person]


def test_facts_arrive_while_the_engine_runs_and_all_of_them_before_it_has_closed(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], stream: FactStream
) -> None:
    with open_engine(shop(lake(stream))) as engine:
        buy(engine, "anna")
        until(lambda: bool(stream.facts), "a fact is there")
        buy(engine, "bert", "cleo")

    assert {each["table"] for each in rows(stream)} == {"moves", "deliveries"}
    first = whats(stream, "anna")
    assert first[0] == "entered" and first == whats(stream, "bert") == whats(stream, "cleo")
    assert all("address" not in each for each in rows(stream))


def test_after_a_restart_it_goes_on_where_it_was(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], stream: FactStream
) -> None:
    for person in ("anna", "bert"):
        with open_engine(shop(lake(stream))) as engine:
            buy(engine, person)

    assert len(stream.facts) == len(stream.once()), "nothing came again"
    assert whats(stream, "anna") == whats(stream, "bert")


def test_what_happens_while_the_other_side_is_away_is_told_later(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], stream: FactStream
) -> None:
    with stream.away():
        for person in ("anna", "bert"):
            with open_engine(shop(lake(stream)), settings=Settings(export_records=1, export_every_ms=1)) as engine:
                buy(engine, person)
                until(lambda: "does not take the facts" in " ".join(engine.troubles()), "a trouble")
    assert stream.facts == []

    with open_engine(shop(lake(stream))):
        pass

    assert whats(stream, "anna") == whats(stream, "bert") != []


def test_a_destination_that_is_new_gets_what_comes_next_and_one_that_has_gone_is_forgotten(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], stream: FactStream
) -> None:
    with open_engine(shop()) as engine:
        buy(engine, "anna")
    with open_engine(shop(lake(stream))) as engine:
        buy(engine, "bert")
    with open_engine(shop()) as engine:
        buy(engine, "cleo")
    with open_engine(shop(lake(stream))) as engine:
        buy(engine, "dora")

    assert {each["person"] for each in rows(stream)} == {"bert", "dora"}


def test_events_go_there_that_nothing_else_listens_to_and_that_no_exporter_takes(
    shop: Callable[..., Project],
    open_engine: Callable[..., Engine],
    stream: FactStream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "can_export", lambda store: False)
    with open_engine(shop(lake(stream, "events"))) as engine:
        for number in range(20):
            engine.track(f"u{number}", "Looked", {}).result(20)
        until(lambda: len(stream.once()) == 20, "all of them are told")

    assert {each["event"] for each in rows(stream)} == {"Looked"}


def test_events_go_there_too_without_personal_data_unless_that_is_named(
    shop: Callable[..., Project],
    open_engine: Callable[..., Engine],
    stream: FactStream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opening, "can_export", lambda store: False)
    told = lake(stream, "events"), lake(stream, "events, changes", "named", ", columns: [properties, value]")
    with open_engine(shop(*told)) as engine:
        buy(engine, "anna")

    without, named = (
        [json.loads(each.body) for each in stream.once() if each.id.startswith(f"shop/{name}/")]
        for name in ("lake", "named")
    )
    assert [each["event"] for each in without] == ["Bought"]
    assert "properties" not in without[0] and "Paris" not in json.dumps(without)
    assert [json.loads(each["properties"]) for each in named if each["table"] == "events"] == [{"total": 7}]
    assert all("value" in each for each in named if each["table"] == "changes")


def test_nothing_goes_to_one_that_is_only_recorded(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], stream: FactStream
) -> None:
    with open_engine(shop(lake(stream)), records=["email", "@lake"]) as engine:
        buy(engine, "anna")

    assert stream.facts == []


def test_what_takes_members_alone_is_refused_when_the_engine_opens(
    shop: Callable[..., Project], open_engine: Callable[..., Engine]
) -> None:
    hook = "hook: {facts: [moves], to: {plugin: {name: webhook, settings: {url: 'https://a.example'}}}}"
    with pytest.raises(SettingInvalid, match=r"destinations.hook.to: the destination 'webhook' takes members"):
        open_engine(shop(hook))
    with pytest.raises(DestinationUnknown, match="lakes"):
        open_engine(shop("hook: {facts: [moves], to: {plugin: {name: lakes}}}"))
    with pytest.raises(SettingInvalid, match=r"destinations.hook.to"):
        open_engine(shop("hook: {facts: [moves], to: {plugin: {name: stream, settings: {brook: b}}}}"))


def test_somebody_who_was_erased_is_not_told_of_any_more(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], stream: FactStream
) -> None:
    with stream.away(), open_engine(shop(lake(stream))) as engine:
        buy(engine, "anna", "bert")
        engine.erase("anna")

    with open_engine(shop(lake(stream))):
        pass

    assert {each["person"] for each in rows(stream)} == {"bert"}


def test_a_store_is_shared_out_anew_once_all_is_told_and_goes_on_under_numbers_of_its_own(
    shop: Callable[..., Project], open_engine: Callable[..., Engine], stream: FactStream, tmp_path: Path
) -> None:
    old, new = f"sqlite:///{tmp_path}/store", f"sqlite:///{tmp_path}/three"
    with stream.away(), open_engine(shop(lake(stream))) as engine:
        buy(engine, "anna")
    with pytest.raises(StoreBroken, match="the destination lake has not been told of everything"):
        reshard(old, new, 3)
    with open_engine(shop(lake(stream))):
        pass

    reshard(old, new, 3)
    with Engine.open(shop(lake(stream)), new, runtime="local", records=["email"], shards=3) as engine:
        buy(engine, "bert")

    assert len(stream.facts) == len(stream.once())
    assert whats(stream, "anna") == whats(stream, "bert") != []
    assert len({each.id for each in stream.facts}) == len(stream.facts)
