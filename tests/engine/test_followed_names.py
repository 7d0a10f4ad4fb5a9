"""Whoever asks for somebody by a name that was merged into a person is told of that person, wherever both live."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine.test_dead_letters import suspect
from tests.projects import write_texts

from parcours.core.fact import Fact, Looked, Merged, Moved
from parcours.core.identity import SlotMap
from parcours.core.time_text import time_text
from parcours.insight.explain_text import explanation_text
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.stored_record import stored_facts, stored_record
from parcours.shard.messages import Look

FILES = {
    "parcours.yaml": "{{project: shop, policies: {{consent: {{default: opt_out}}}}, anonymous_history: {history}}}",
    "profile.yaml": "traits: {email: string, city: string}",
    "events.yaml": "events: {Started: {properties: {cart: string}}, Bought: {}, Toured: {}}",
    "messages/offer.yaml": "{message: offer, card: {title: 'Cart {{ entry.cart }}'}}",
    "messages/mail.yaml": "{message: mail, email: {subject: Hello, text: 'Cart {{ entry.cart }}'}}",
    "journeys/cart.yaml": """
journey: cart
entry: {event: Started}
steps:
  - {id: offer, send: offer}
  - {id: mail, send: mail}
  - {id: buys, wait_for: [{event: Bought, next: done}], timeout: 2d}
  - {id: done, end: true}
""",
    "journeys/tour.yaml": "{journey: tour, entry: {event: Toured}, reentry: never, steps: [{id: end, end: true}]}",
}

CALL_CENTRE = Look("care", "GET /people/{id}")
ANN = "ann"


def visitor_of(shards: int) -> str:
    """The id of a visitor whose name lives with another shard than Ann's, where there is another one."""
    home = SlotMap(shards).shard
    return next(
        each for each in map(str, range(7_000, 8_000)) if shards == 1 or home(f"@anonymous/{each}") != home(ANN)
    )


class Shop:
    """A shop of so many shards that can be opened and closed."""

    def __init__(self, folder: Path, shards: int, history: str) -> None:
        texts = {name: text.format(history=history) if "{history}" in text else text for name, text in FILES.items()}
        write_texts(folder / "shop", texts)
        self.project = Project.load(folder / "shop")
        self.folder = folder / "shop"
        self.store = f"sqlite:///{folder}/store"
        self.shards = shards
        self.id = visitor_of(shards)
        self.visitor = f"@anonymous/{self.id}"

    def open(self) -> Engine:
        return Engine.open(self.project, self.store, shards=self.shards, runtime="local", records=["email"])

    def log_in(self, engine: Engine) -> None:
        """A visitor with an open and an ended run turns out to be Ann, who has been known and has had one, too."""
        engine.identify(None, {"city": "Lille", "email": "visitor@shop.example"}, anonymous_id=self.id).result(30)
        engine.track(None, "Toured", anonymous_id=self.id).result(30)
        engine.track(None, "Started", {"cart": "secret-7"}, anonymous_id=self.id).result(30)
        engine.track(ANN, "Toured").result(30)
        engine.drain(30)
        engine.identify(ANN, {"email": "ann@shop.example"}, anonymous_id=self.id).result(30)
        engine.drain(30)


@pytest.fixture(params=[1, 2], ids=["one shard", "two shards"])
def new_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Shop]:
    return lambda history: Shop(tmp_path, request.param, history)


@pytest.fixture
def shop(new_shop: Callable[[str], Shop]) -> Shop:
    return new_shop("used")


@pytest.fixture
def engine(shop: Shop) -> Iterator[Engine]:
    with shop.open() as opened:
        shop.log_in(opened)
        yield opened


def merged_at(facts: list[Fact]) -> int:
    return next(fact.at for fact in facts if isinstance(fact, Merged))


def looks(engine: Engine, person: str) -> list[str]:
    return [fact.route for fact in engine.facts(person) if isinstance(fact, Looked)]


def test_a_profile_is_that_of_whom_the_name_was_merged_into_and_says_by_what_it_was_asked_for(
    engine: Engine, shop: Shop
) -> None:
    asked, own = engine.profile(shop.visitor), engine.profile(ANN)

    assert asked is not None and own is not None
    assert (asked.name, asked.names, asked.asked_for) == (ANN, (shop.visitor,), shop.visitor)
    assert (own.name, own.names, own.asked_for) == (ANN, (shop.visitor,), ANN)
    assert dict(asked.traits) == dict(own.traits) == {"email": "ann@shop.example", "city": "Lille"}
    assert [(run.journey, run.number) for run in asked.runs] == [("cart", 1)]
    assert engine.owner(shop.visitor) == engine.owner(ANN) == ANN and engine.owner("nobody") == "nobody"


def test_an_inbox_is_hers_under_each_of_her_names(engine: Engine, shop: Shop) -> None:
    (item,) = engine.inbox(shop.visitor)

    assert engine.inbox(ANN) == [item] and dict(item.content)["title"] == "Cart secret-7"
    assert engine.fetch_inbox(shop.visitor) == [item], "and what is told of it reaches her"
    engine.react_to(item.key, "opened").result(30)
    assert [each.seen for each in engine.inbox(ANN)] == [True]


def test_looks_are_noted_where_she_lives_whatever_name_was_asked_for(engine: Engine, shop: Shop) -> None:
    engine.profile(shop.visitor, look=CALL_CENTRE)
    engine.explain(shop.visitor, look=Look("care", "explain"))
    engine.facts(shop.visitor, look=Look("care", "facts"))
    engine.record(shop.visitor, look=Look("care", "export"))

    assert looks(engine, ANN) == ["GET /people/{id}", "explain", "facts", "export"]
    assert {fact.person for fact in engine.facts(ANN) if isinstance(fact, Looked)} == {ANN}


def test_whoever_is_looked_for_by_an_address_is_found_under_her_own_name(engine: Engine) -> None:
    assert engine.find("email", "ann@shop.example", look=CALL_CENTRE) == [ANN]
    assert engine.find("email", "visitor@shop.example", look=CALL_CENTRE) == [], "her own address holds"
    assert looks(engine, ANN) == ["GET /people/{id}"]


def test_facts_from_before_have_the_name_that_held_then_and_stand_in_the_order_of_time(
    engine: Engine, shop: Shop
) -> None:
    facts = engine.facts(shop.visitor)

    assert facts == engine.facts(ANN)
    since = merged_at(facts)
    before = [fact for fact in facts if fact.person == shop.visitor]
    assert before and all(fact.at <= since for fact in before)
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    entered = [(each.person, each.journey) for each in facts if isinstance(each, Moved) and each.what == "entered"]
    assert entered == [(shop.visitor, "tour"), (shop.visitor, "cart"), (ANN, "tour")]


def test_an_explanation_says_whose_the_name_is_and_tells_what_she_did_under_it(engine: Engine, shop: Shop) -> None:
    engine.track(ANN, "Bought").result(30)
    explanation = engine.explain(shop.visitor)
    facts = engine.facts(ANN)

    since = merged_at(facts)
    assert explanation.person == ANN and explanation.asked_for is not None
    told = explanation.asked_for
    assert (told.name, told.since, told.call) == (shop.visitor, since, "identify")
    (cart,) = [run for story in explanation.journeys if story.journey == "cart" for run in story.runs]
    assert (cart.run, cart.name, cart.state) == (1, None, "ended")
    assert [(move.what, move.name) for move in cart.moves if move.what in ("entered", "merged", "matched")] == [
        ("entered", shop.visitor), ("merged", None), ("matched", None),
    ]  # fmt: skip
    tours = [run for story in explanation.journeys if story.journey == "tour" for run in story.runs]
    assert [(run.run, run.name) for run in tours] == [(1, shop.visitor), (1, None)]
    lines = explanation_text(explanation).splitlines()
    assert lines[:3] == [
        f"asked for as {shop.visitor}, which is ann since {time_text(since)}, by identify", "", "ann",
    ]  # fmt: skip
    assert any(line.endswith(f"  {shop.visitor}: entered by Started") for line in lines)
    assert any(line.endswith(f"buys: goes on as hers, and was {shop.visitor} run 1 before") for line in lines)
    assert f"  run 1 of {shop.visitor}, version 1" in lines
    note = f"{shop.visitor} was merged into her by identify; goes on in cart (run 1 is her run 1 now)"
    assert (since, note) in explanation.notes
    assert explanation_text(engine.explain(ANN)).splitlines() == lines[2:]


def test_where_the_history_before_does_not_count_nothing_of_it_is_told(new_shop: Callable[[str], Shop]) -> None:
    shop = new_shop("unused")
    with shop.open() as engine:
        shop.log_in(engine)
        explanation, facts = engine.explain(shop.visitor), engine.facts(shop.visitor)

        assert {fact.person for fact in facts} == {ANN}
        assert "secret-7" not in explanation_text(explanation) + repr(facts)
        (note,) = [note for _, note in explanation.notes]
        assert note == (
            f"{shop.visitor} was merged into her by identify; "
            "1 open run ended, for what was before the merge is not used"
        )
        assert [len(story.runs) for story in explanation.journeys if story.journey == "cart"] == [0]
    assert {fact.person for fact in stored_facts(shop.store, shop.visitor, used=False).facts} == {ANN}


def test_a_closed_store_is_asked_by_each_of_her_names_likewise(new_shop: Callable[[str], Shop]) -> None:
    shop = new_shop("used")
    with shop.open() as engine:
        shop.log_in(engine)
        live, explained = engine.record(ANN), engine.facts(ANN)
        assert live is not None

    told = stored_facts(shop.store, shop.visitor, used=True)
    assert (told.owner, [*told.names], told.facts) == (ANN, [shop.visitor], explained)
    by_name, by_id = stored_record(shop.store, shop.visitor), stored_record(shop.store, ANN)
    assert [*by_name.document()] == [*by_id.document()] == [*live.document()]
    document = json.loads(b"".join(by_id.document()))
    assert (document["person"], document["names"]) == (ANN, [shop.visitor])
    assert {each.get("under", ANN) for each in document["facts"]} == {ANN, shop.visitor}


def test_a_name_that_was_cut_loose_is_a_person_of_her_own_and_what_it_brought_stays_told(
    engine: Engine, shop: Shop
) -> None:
    before = [fact for fact in engine.facts(ANN) if fact.person == shop.visitor]
    engine.identify("bob", {}, anonymous_id=shop.id).result(30)
    engine.drain(30)
    engine.track(None, "Started", {"cart": "of somebody else"}, anonymous_id=shop.id).result(30)
    engine.drain(30)

    visitor, ann = engine.profile(shop.visitor), engine.profile(ANN)
    assert visitor is not None and ann is not None
    assert (visitor.name, ann.names) == (shop.visitor, ())
    assert engine.inbox(ANN) != engine.inbox(shop.visitor) != []
    assert [fact for fact in engine.facts(ANN) if fact.person == shop.visitor] == before
    assert engine.explain(shop.visitor).asked_for is None
    assert any("bob" not in note and "another person" in note for _, note in engine.explain("bob").notes)


def test_whoever_is_erased_is_told_of_under_none_of_her_names(engine: Engine, shop: Shop) -> None:
    engine.erase(shop.visitor)
    engine.drain(30)

    for name in (ANN, shop.visitor):
        assert engine.profile(name) is None and engine.record(name) is None
        assert engine.facts(name) == [] and engine.inbox(name) == []
        assert engine.explain(name).notes == ()
    assert engine.find("email", "ann@shop.example") == []
    engine.track(None, "Started", {"cart": "new"}, anonymous_id=shop.id).result(30)
    assert engine.owner(shop.visitor) == shop.visitor and engine.profile(ANN) is None


@pytest.mark.parametrize("again", ["once", "twice"])
def test_what_was_set_aside_before_a_log_in_is_applied_once_where_she_has_moved_to(shop: Shop, again: str) -> None:
    shop.open().close()
    number = SlotMap(shop.shards).shard(shop.visitor)
    suspect(shop.store, shop.visitor, "m1", number)

    with shop.open() as engine:
        first = engine.track(None, "Toured", anonymous_id=shop.id, message_id="m1").result(30)
        engine.identify(ANN, {}, anonymous_id=shop.id).result(30)
        engine.drain(30)
        (letter,) = engine.dead_letters()
        applied = engine.resend([letter.id, letter.id] if again == "twice" else [letter.id])

        profile = engine.profile(ANN)
        assert (len(first.rejected), letter.id, applied) == (1, f"{number}.1", 1)
        assert engine.dead_letters() == []
        assert profile is not None and profile.counts == {"tour": 1}
