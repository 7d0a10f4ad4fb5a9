"""What a running engine tells of a person, and by whom it was asked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.projects import write_texts

from parcours.config import Settings
from parcours.core.fact import Changed, Looked
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.person_record import fact_told
from parcours.shard.messages import Look
from parcours.shard.request import Request
from parcours.shard.requests import (
    FindPeople,
    GetHeld,
    GetInbox,
    GetOffers,
    GetProfile,
    Locate,
    NoteLook,
    RecallFacts,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from parcours.shard.resharding import reshard
from parcours.testing.virtual_project import VirtualProject

FILES = {
    "parcours.yaml": """
project: shop
policies: {consent: {default: opt_in, channels: {email: opt_out}}}
insight: {events: all, inputs: true}
""",
    "profile.yaml": "traits: {email: string, phone: string, city: string}",
    "events.yaml": "events: {Started: {properties: {cart: string}}, Bought: {}}",
    "audiences.yaml": "audiences: {northern: 'profile.city == \"Lille\"'}",
    "messages/cart.yaml": """
message: cart
purpose: cart
email: {subject: "Your cart", text: "It waits."}
sms: {text: "Your cart waits."}
""",
    "journeys/cart.yaml": """
journey: cart
entry: {event: Started}
steps:
  - {id: remind, send: cart}
  - id: buys
    wait_for: [{event: Bought, next: done}, {reaction: opened, of: remind, channel: email, next: done}]
    timeout: 2d
  - {id: done, end: true}
""",
}

CALL_CENTRE = Look("care", "GET /people/{id}")


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", FILES)
    return Project.load(tmp_path / "shop")


@pytest.fixture
def engine(shop: Project, tmp_path: Path) -> Iterator[Engine]:
    with Engine.open(
        shop,
        store=f"sqlite:///{tmp_path}/store",
        runtime="local",
        records=["email", "sms"],
        settings=Settings(export_every_ms=100),
    ) as opened:
        yield opened


def looks(engine: Engine, person: str) -> list[tuple[str, str]]:
    return [(fact.key, fact.route) for fact in engine.facts(person) if isinstance(fact, Looked)]


def test_a_run_tells_where_it_stands_since_when_for_what_and_until_when(shop: Project) -> None:
    with VirtualProject(shop) as project:
        project.identify("ann", {"email": "ann@shop.example"})
        project.advance(hours=1)
        at = project.now_ms()
        project.track("ann", "Started", {"cart": "c1"})
        ann = project.profile("ann")

        assert ann is not None
        (run,) = ann.runs
        assert (run.step, run.since, run.entered_at) == ("buys", at, at)
        assert run.waits_for == ("Bought", "opened of remind on email")
        assert run.until == at + timedelta(days=2) // timedelta(milliseconds=1)
        told = [(of.number, each.channel, each.at) for of, each in ann.newest_deliveries(20)]
        assert told == [(1, "sms", at), (1, "email", at)] and len(ann.newest_deliveries(1)) == 1

        project.track("ann", "Bought")
        ann = project.profile("ann")
        assert ann is not None and [(past.step, past.since, past.until) for past in ann.past] == [(None, None, None)]


def test_what_holds_of_consent_is_told_beside_what_was_said(engine: Engine) -> None:
    engine.identify("ann", {"city": "Lille"}).result(30)
    engine.consent("ann", "email", purpose="cart", granted=False).result(30)

    ann = engine.profile("ann")

    assert ann is not None and dict(ann.consents) == {("email", "cart"): False}
    assert dict(ann.in_force) == {
        ("email", None): True, ("email", "cart"): False, ("sms", None): False, ("sms", "cart"): False,
    }  # fmt: skip
    assert ann.audiences == {"northern"}


def test_an_address_is_suppressed_and_lifted_by_hand_and_a_repetition_changes_nothing(engine: Engine) -> None:
    engine.identify("ann", {"email": "ann@shop.example"}).result(30)
    first = engine.suppress("ann", "email", "ann@shop.example", message_id="by-hand-1").result(30)
    again = engine.suppress("ann", "email", "ann@shop.example", message_id="by-hand-1").result(30)
    ann = engine.profile("ann")
    assert (first.accepted, again.duplicate) == (1, 1)
    assert ann is not None and dict(ann.suppressed) == {"email": ("ann@shop.example",)}

    engine.suppress("ann", "email", "ann@shop.example", suppressed=False).result(30)

    ann = engine.profile("ann")
    assert ann is not None and not ann.suppressed
    with pytest.raises(CallerError, match="suppressed='yes': True or False is expected"):
        engine.suppress("ann", "email", "ann@shop.example", suppressed="yes")  # type: ignore[arg-type]


def test_people_are_found_by_the_address_they_have_and_by_one_at_which_something_has_arrived(engine: Engine) -> None:
    engine.identify("ann", {"email": "ann@shop.example", "phone": "+33612345678"}).result(30)
    engine.identify("bob", {"email": "home@shop.example"}).result(30)
    engine.identify("eve", {"email": "home@shop.example"}).result(30)

    assert engine.find("email", "ann@shop.example", look=CALL_CENTRE) == ["ann"]
    assert engine.find("phone", "+33612345678") == ["ann"]
    assert engine.find("email", "home@shop.example") == ["bob", "eve"]
    assert engine.find("email", "none@shop.example", look=CALL_CENTRE) == []
    assert looks(engine, "ann") == [("care", "GET /people/{id}")] and looks(engine, "bob") == []
    with pytest.raises(CallerError, match="find\\('fax'\\): email or phone is expected"):
        engine.find("fax", "1")  # type: ignore[arg-type]


def test_each_look_is_a_fact_of_hers_and_a_name_that_nobody_has_is_kept_nowhere(engine: Engine) -> None:
    engine.identify("ann", {"email": "ann@shop.example"}).result(30)
    engine.profile("ann", look=CALL_CENTRE)
    engine.explain("ann", look=Look("care", "GET /people/{id}/explain"))
    engine.profile("ann")
    assert engine.profile("nobody", look=CALL_CENTRE) is None
    engine.explain("nobody", look=CALL_CENTRE)

    assert looks(engine, "ann") == [("care", "GET /people/{id}"), ("care", "GET /people/{id}/explain")]
    assert engine.facts("nobody") == [] and engine.record("nobody", look=CALL_CENTRE) is None


def test_a_look_outlives_the_engine_that_told_of_it(shop: Project, tmp_path: Path) -> None:
    for _ in range(2):
        with Engine.open(shop, f"sqlite:///{tmp_path}/store", runtime="local", records=["email", "sms"]) as engine:
            engine.identify("ann", {"city": "Lille"}).result(30)
            assert engine.profile("ann", look=CALL_CENTRE) is not None
    with Engine.open(shop, f"sqlite:///{tmp_path}/store", runtime="local", records=["email", "sms"]) as engine:
        assert looks(engine, "ann") == [("care", "GET /people/{id}")] * 2


def test_everything_that_is_held_of_a_person_is_one_document(engine: Engine) -> None:
    engine.identify("ann", {"email": "ann@shop.example", "city": "Lille"}).result(30)
    engine.track("ann", "Started", {"cart": "c1"}, message_id="m1").result(30)
    engine.identify("bob", {"email": "bob@shop.example"}).result(30)
    patience = time.monotonic() + 60
    told: dict[str, Any] = {"events": []}
    while not told["events"]:  # the same document, whether the exporter has been there already or not
        assert time.monotonic() < patience, "nothing is exported"
        record = engine.record("ann")
        assert record is not None
        told = json.loads(b"".join(record.document()))
        assert told["profile"]["traits"] == {"email": "ann@shop.example", "city": "Lille"}
        assert [run["journey"] for run in told["profile"]["runs"]] == ["cart"]
        assert told["profile"]["audiences"] == {"northern": True}
        assert [line["line"]["type"] for line in told["lines"]] == ["identify", "track"]
        assert "bob" not in json.dumps(told)
    (event,) = told["events"]
    assert (event["event"], event["message_id"], event["properties"]) == ("Started", "m1", {"cart": "c1"})
    assert told["facts"] == json.loads(json.dumps([fact_told(fact, "ann") for fact in engine.facts("ann")]))
    assert {"fact": "changed", "what": "trait", "name": "city", "value": None}.items() <= told["facts"][1].items()
    assert any(isinstance(fact, Changed) for fact in engine.facts("ann"))


def test_people_are_found_in_a_store_that_was_shared_out_anew(shop: Project, tmp_path: Path) -> None:
    people = ("ann", "bob", "eve")
    with Engine.open(shop, f"sqlite:///{tmp_path}/one", shards=1, runtime="local", records=["email", "sms"]) as engine:
        for person in people:
            engine.identify(person, {"email": f"{person}@shop.example"}).result(30)
    reshard(f"sqlite:///{tmp_path}/one", f"sqlite:///{tmp_path}/four", 4)

    with Engine.open(shop, f"sqlite:///{tmp_path}/four", shards=4, runtime="local", records=["email", "sms"]) as engine:
        assert [engine.find("email", f"{person}@shop.example") for person in people] == [[each] for each in people]


def test_what_a_shard_holds_of_a_person_is_the_same_across_processes(engine: Engine) -> None:
    engine.identify("ann", {"email": "ann@shop.example", "city": "Lille"}).result(30)
    engine.track("ann", "Started", {"cart": "c1"}).result(30)
    port = engine.service._host.port_of("ann")
    asked: tuple[Request[Any], ...] = (
        GetProfile("ann", CALL_CENTRE), GetHeld("ann"), RecallFacts(["ann"], lines=True),
        FindPeople("email", "ann@shop.example"), NoteLook(["ann"], CALL_CENTRE), Locate("ann"), GetInbox("ann"),
        GetOffers("ann", "r1"),
    )  # fmt: skip

    for request in asked:
        answer = engine.submit(port.ask(decode_request(encode_request(request)))).result(30)
        assert decode_answer(request, encode_answer(answer)) == answer
