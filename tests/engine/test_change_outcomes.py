"""What does a change of what is published come to, before it is made and after?"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from parcours import ChangeOutcome, Engine, LedgerOutdated, Project, PublishRefused, RunsConcerned, ShardUnavailable
from parcours.clock import ManualClock
from parcours.core.fact import DeliveryReached, Fact, LedgerChanged, Moved
from parcours.errors import CallerError
from parcours.journey.publish.publications import Publications
from parcours.service.change_outcome import Order
from parcours.service.journey_control import JourneyControl
from parcours.shard.requests import NewestFacts

NewShop = Callable[..., Project]

DAY = 20_000 * 86_400_000
"""Midnight in UTC."""

QUIET = {"channels": ["email"], "from": "00:00", "until": "12:00", "then": "hold"}

PEOPLE = [f"p{number}" for number in range(6)]


def altered(project: Project, alter: Callable[[dict[str, Any]], object]) -> Project:
    """The project as it would be after somebody has changed its documents."""
    documents = msgspec.json.decode(project.to_json())
    alter(documents)
    return Project.from_json(msgspec.json.encode(documents))


def cart_of(documents: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in documents["journeys"] if each["journey"] == "cart")
    return found


def patient(documents: dict[str, Any]) -> None:
    """The cart waits for an hour; reminders are held until noon."""
    cart_of(documents)["steps"][0]["timeout"] = "1h"
    documents["settings"]["policies"]["quiet_hours"] = [QUIET]


def described(text: str) -> Callable[[dict[str, Any]], object]:
    return lambda documents: cart_of(documents).update(description=text)


@pytest.fixture
def shop(new_shop: NewShop) -> Project:
    return altered(new_shop(), patient)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(DAY)


@pytest.fixture
def engine(shop: Project, clock: ManualClock) -> Iterator[Engine]:
    with Engine.open(shop, "memory:", shards=3, runtime="local", records=["email", "call"], clock=clock) as engine:
        for person in PEOPLE:
            engine.identify(person, {"email": f"{person}@shop.example"}).result()
            engine.track(person, "Started", {"cart": "c1"}).result()
        yield engine


def facts(engine: Engine) -> list[Fact]:
    """The newest ones of all shards."""

    async def ask() -> list[Fact]:
        ports = engine.service._host.ports
        return [fact for port in ports for fact in (await port.ask(NewestFacts(0))).facts]

    return engine.submit(ask()).result()


def told(engine: Engine) -> list[LedgerChanged]:
    """The changes among them."""
    return [fact for fact in facts(engine) if isinstance(fact, LedgerChanged)]


def test_what_a_stop_would_do_is_what_it_then_does(engine: Engine, clock: ManualClock) -> None:
    clock.move_to(DAY + 2 * 3_600_000)
    engine.track("p0", "Started", {"cart": "c2"}).result()
    engine.drain(30)  # the others are reminded, and the reminders are held

    expected = ChangeOutcome(
        ledger=1,
        dry=True,
        runs=RunsConcerned(end=7),
        deliveries_cancelled=6,
        changes=("all runs of 'cart' end where they are, nothing more is sent for them, and nobody enters any more",),
    )
    assert engine.stop_journey("cart", dry=True) == expected
    assert engine.journeys()[0].state == "open"
    assert told(engine) == []

    done = engine.stop_journey("cart", ledger=1, by="ada")
    stopped_ms = clock.now_ms()

    assert done == msgspec.structs.replace(expected, ledger=2, dry=False)
    clock.move_to(stopped_ms + 1)  # people go through a change as time passes
    engine.drain(30)
    assert engine.journeys()[0].state == "stopped"
    found = [fact for fact in facts(engine) if isinstance(fact, Moved | DeliveryReached)]
    happened = Counter(fact.outcome if isinstance(fact, DeliveryReached) else fact.why for fact in found)
    assert (happened["cancelled"], happened["stopped"]) == (6, 7)
    assert told(engine) == [LedgerChanged(stopped_ms, "", "stop", "cart", 2, "ada")]
    assert engine.stop_journey("cart") == ChangeOutcome(ledger=2), "it is so already"


def test_a_pause_keeps_runs_and_a_resume_tells_who_has_missed_something(engine: Engine, clock: ManualClock) -> None:
    paused = engine.pause_journey("cart", by="ada")
    assert (paused.ledger, paused.runs) == (2, RunsConcerned(stay=6))
    for person in PEOPLE[:2]:
        engine.track(person, "Bought", {"cart": "c1"}).result()
    engine.track("p2", "Bought", {"cart": "another"}).result()

    assert engine.resume_journey("cart", dry=True).runs == RunsConcerned(stay=4, make_up=2)
    resumed = engine.resume_journey("cart")

    assert (resumed.ledger, resumed.dry, resumed.runs) == (3, False, RunsConcerned(stay=4, make_up=2))
    clock.move_to(DAY + 1)  # people go through a change as time passes
    engine.drain(30)
    assert [each.runs for each in engine.journeys() if each.journey == "cart"] == [{1: 4}]


def test_overdue_timers_are_made_up_for_too(engine: Engine, clock: ManualClock) -> None:
    engine.pause_journey("cart")
    clock.move_to(DAY + 2 * 3_600_000)
    engine.drain(30)

    assert engine.resume_journey("cart", dry=True).runs == RunsConcerned(make_up=6)


def test_a_publication_tells_what_changes_and_fills(engine: Engine, shop: Project) -> None:
    def alter(documents: dict[str, Any]) -> None:
        described("Another one.")(documents)
        documents["audiences"]["audiences"] = {"parisians": 'profile.city == "Paris"'}
        documents["profile"]["traits"]["loyal"] = "boolean"
        documents["journeys"] = [each for each in documents["journeys"] if each["journey"] != "visits"]

    changed = altered(shop, alter)

    dry = engine.publish(changed, dry=True)

    assert dry == ChangeOutcome(
        ledger=1,
        dry=True,
        runs=RunsConcerned(stay=6),
        audiences_filled=("parisians",),
        changes=(
            "the journey 'cart' has changed: version 2 takes the entries, and who is in it stays in her version",
            "the journey 'visits' is closed, for the project does not have it any more: who is in it goes on",
            "the audience 'parisians' is new",
            "profile.yaml has changed: traits",
        ),
    )
    assert [each.version for each in engine.journeys()] == [1, 1]
    assert engine.publish(changed, by="ada") == msgspec.structs.replace(dry, ledger=2, dry=False)
    assert [(each.version, each.state) for each in engine.journeys()] == [(2, "open"), (1, "closed")]
    assert engine.publish(changed) == ChangeOutcome(ledger=2)
    (change,) = told(engine)
    assert (change.verb, change.journey, change.ledger, change.by) == ("publish", "", 2, "ada")
    assert engine.publish(shop).changes[1] == "the journey 'visits' is open again"


def test_what_was_only_looked_at_leaves_nothing_behind(engine: Engine, shop: Project) -> None:
    engine.publish(altered(shop, described("Looked at.")), dry=True)

    engine.publish(altered(shop, described("Published.")))

    assert engine.service._control.current.journey("cart", 2) is not None
    versions = engine.service._control.publications.ledger.journeys["cart"].versions
    assert [each.number for each in versions] == [1, 2]


def test_one_journey_is_published_unless_anything_else_would_change(engine: Engine, shop: Project) -> None:
    engine.close_journey("visits")
    only_cart = altered(shop, described("Another one."))

    def alter(documents: dict[str, Any]) -> None:
        described("Another one.")(documents)
        documents["messages"][0]["email"]["subject"] = "Hello"  # of the cart
        documents["profile"]["traits"]["loyal"] = "boolean"

    refused = engine.publish(altered(shop, alter), journey="cart", dry=True)
    assert refused == ChangeOutcome(ledger=2, dry=True, refused=("profile.yaml has changed: traits",))
    with pytest.raises(PublishRefused, match="profile.yaml has changed: traits"):
        engine.publish(altered(shop, alter), journey="cart")
    with pytest.raises(PublishRefused, match="the project has no journey 'basket'"):
        engine.publish(only_cart, journey="basket")

    done = engine.publish(only_cart, journey="cart")

    assert done.changes == (
        "the journey 'cart' has changed: version 2 takes the entries, and who is in it stays in her version",
    )
    assert [each.state for each in engine.journeys()] == ["open", "closed"], "the other one stays as it is"


def test_what_is_refused_is_told_dry_and_raised_otherwise(engine: Engine, shop: Project) -> None:
    def alter(documents: dict[str, Any]) -> None:
        documents["messages"][0]["status"] = "draft"
        documents["settings"]["project"] = "other"

    draft = altered(shop, lambda documents: None)
    object.__setattr__(draft, "_documents", _drafted(draft))
    refused = engine.publish(draft, dry=True)

    assert refused == ChangeOutcome(
        ledger=1, dry=True, refused=("the message 'reminder' is a draft, set its status to ready",)
    )
    with pytest.raises(PublishRefused, match="is a draft"):
        engine.publish(draft)
    engine.stop_journey("cart")
    assert engine.pause_journey("cart", dry=True).refused == (
        "the journey 'cart' is stopped: nobody is in it, and nobody enters",
    )
    with pytest.raises(CallerError, match="is stopped"):
        engine.pause_journey("cart")
    with pytest.raises(CallerError, match="there is no journey 'crat', did you mean 'cart'"):
        engine.pause_journey("crat", dry=True)


def _drafted(project: Project) -> Any:
    from dataclasses import replace

    messages = tuple(
        each.model_copy(update={"status": "draft"}) if each.message == "reminder" else each
        for each in project.documents.messages
    )
    return replace(project.documents, messages=messages)


def test_whoever_knows_an_older_state_changes_nothing(engine: Engine, shop: Project) -> None:
    engine.pause_journey("cart")

    for ledger in (1, 3):  # of the future, too
        with pytest.raises(LedgerOutdated, match=f"the newest change has the number 2, and not {ledger}: look at"):
            engine.resume_journey("cart", ledger=ledger)
        with pytest.raises(LedgerOutdated):
            engine.publish(shop, ledger=ledger, dry=True)
    assert engine.resume_journey("cart", ledger=2).ledger == 3


@pytest.mark.parametrize("wrong", [{"dry": 1}, {"ledger": True}, {"ledger": "2"}, {"by": 3}])
def test_what_no_order_can_be_is_told(engine: Engine, wrong: dict[str, Any]) -> None:
    with pytest.raises(CallerError, match=next(iter(wrong))):
        engine.pause_journey("cart", **wrong)


class _Deaf:
    """A port to a shard that answers nothing as long as it is deaf."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self.is_deaf = True

    async def ask(self, request: Any) -> Any:
        if self.is_deaf:
            raise ShardUnavailable("it does not hear")
        return await self._port.ask(request)


def test_a_shard_that_holds_a_change_up_is_named_and_nothing_has_changed(shop: Project, clock: ManualClock) -> None:
    async def scenario() -> None:
        from parcours.service.service import Service

        service = Service.open(shop, "memory:", shards=3, runtime="local", records=["email", "call"], clock=clock)
        async with service:
            deaf = _Deaf(service._host.ports[1])

            class Runtime:
                ports = [service._host.ports[0], deaf, service._host.ports[2]]

                async def publish(self, publications: Publications) -> None: ...

                async def keep_back(self, journey: str) -> None:
                    heard.append(f"keep back {journey}")

                async def let_go(self, journey: str) -> None:
                    heard.append(f"let go {journey}")

            heard: list[str] = []
            control = JourneyControl(shop, ("email", "call"), Runtime(), clock, _renewed, wait_s=2)  # type: ignore[arg-type]  # it is not started
            control.publications = service._control.publications

            with pytest.raises(ShardUnavailable, match="shard 1 has not answered within change_wait_s=2"):
                await control.change("stop", "cart")
            assert heard == ["keep back cart", "let go cart"], "what has been kept back leaves again"
            with pytest.raises(ShardUnavailable, match="shard 1"):
                await control.change("pause", "cart", Order(by="ada"))

            deaf.is_deaf = False  # and whoever was made to stand still goes on
            assert (await control.change("pause", "cart")).ledger == 2
            await control.finish(5)

    asyncio.run(scenario())


async def _renewed(program: object) -> None:
    """Nobody has to know."""


def test_a_change_does_not_wait_for_another_one_for_ever(shop: Project, clock: ManualClock) -> None:
    async def scenario() -> None:
        control = JourneyControl(shop, ("email", "call"), None, clock, _renewed, wait_s=0.05)  # type: ignore[arg-type]  # nobody is asked
        async with control.undisturbed():
            with pytest.raises(ShardUnavailable, match="another change, a read or a backup is under way"):
                await control.change("stop", "cart")

    asyncio.run(scenario())
