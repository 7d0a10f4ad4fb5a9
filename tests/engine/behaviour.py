"""What an engine does for its callers, the same on every runtime.

A suite for each runtime derives from `EngineBehaviour` and says how an engine is opened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from parcours.acknowledgement import Ingested
from parcours.config import Settings
from parcours.engine import Engine
from parcours.errors import CallerError, EngineClosed, PublishRefused, SettingInvalid
from parcours.journey.project import Project
from parcours.shells import RuntimeName
from parcours.testing.doubles import SmtpServer

NewShop = Callable[..., Project]

PATIENCE_S = 30.0
"""Far longer than anything here takes; whoever waits longer waits in vain."""


def seen(person: str, message_id: str | None = None, event: str = "Seen") -> dict[str, object]:
    call: dict[str, object] = {"type": "track", "userId": person, "event": event, "properties": {"page": "p"}}
    return call | ({"messageId": message_id} if message_id else {})


def visits(engine: Engine, person: str) -> int:
    """How many events of the person have been applied."""
    profile = engine.profile(person)
    return 0 if profile is None else profile.counts.get("visits", 0)


def states(engine: Engine, person: str) -> list[str]:
    """The states of the person's deliveries."""
    profile = engine.profile(person)
    runs = [*profile.runs, *profile.past] if profile else []
    return [delivery.state for run in runs for delivery in run.deliveries]


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Ask until it is so. Each question goes through the engine, which is pause enough."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"{what} did not happen within {PATIENCE_S} s"


def patient(project: Project, **receipt: str) -> Project:
    """The shop, which waits a day for a purchase and says this in the receipt."""
    documents = msgspec.json.decode(project.to_json())
    (cart,) = (each for each in documents["journeys"] if each["journey"] == "cart")
    (bought,) = (each for each in cart["steps"] if each["id"] == "bought")
    bought["timeout"] = "1d"
    (message,) = (each for each in documents["messages"] if each["message"] == "receipt")
    message["email"].update(receipt)
    return Project.from_json(msgspec.json.encode(documents))


def shop_for(new_shop: NewShop, smtp: SmtpServer) -> Project:
    server = {"host": smtp.host, "port": smtp.port, "sender": "Shop <shop@shop.example>", "tls": "none"}
    return new_shop(email=server)


def begin(engine: Engine, person: str) -> None:
    """The person becomes known and starts a cart."""
    engine.identify(person, {"email": f"{person}@mail.example"}).result(PATIENCE_S)
    engine.track(person, "Started", {"cart": "c1"}).result(PATIENCE_S)


def subjects(smtp: SmtpServer) -> dict[str, str]:
    """The subject of each mail, by address."""
    headers = {mail.to: mail.raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for mail in smtp.mailbox}
    return dict(sorted(headers.items()))


def standing(engine: Engine, journey: str = "cart") -> tuple[str, int, dict[int, int]]:
    (found,) = (each for each in engine.journeys() if each.journey == journey)
    return found.state, found.version, found.runs


class Opening:
    """Opens engines of one runtime, and closes them after the test."""

    def __init__(self, runtime: RuntimeName, folder: Path, shards: int) -> None:
        self.store = f"sqlite:///{folder / 'store'}"
        self._runtime = runtime
        self._shards = shards
        self._opened = ExitStack()

    def __call__(
        self,
        project: Project,
        *,
        store: str | None = None,
        shards: int | None = None,
        records: tuple[str, ...] = ("email",),
        settings: Settings | None = None,
    ) -> Engine:
        engine = Engine.open(
            project,
            store or self.store,
            shards=shards or self._shards,
            runtime=self._runtime,
            records=records,
            settings=settings,
        )
        return self._opened.enter_context(engine)

    def close(self) -> None:
        self._opened.close()


class EngineBehaviour:
    """Fill in `runtime`, and how many shards are worth their start."""

    runtime: RuntimeName
    shards: int

    @pytest.fixture
    def opening(self, tmp_path: Path) -> Iterator[Opening]:
        opening = Opening(self.runtime, tmp_path, self.shards)
        yield opening
        opening.close()

    def test_calls_are_counted_by_what_became_of_them(self, opening: Opening, new_shop: NewShop) -> None:
        engine = opening(new_shop())
        calls: list[dict[str, object]] = [
            seen("anna", "m1"), seen("anna", "m1"), {"type": "track", "event": "Seen"}, seen("bert", event="Danced"),
            {"type": "identify", "userId": "anna", "traits": {"city": "Oslo"}}, seen("bert"),
        ]  # fmt: skip
        block = b"\n".join([*map(msgspec.json.encode, [seen("anna", "m1"), seen("carl")]), b"", b"rubbish", b""])

        first, second, third = engine.ingest(calls), engine.ingest(block), engine.ingest([])

        counted = first.result(PATIENCE_S)
        assert (counted.accepted, counted.duplicate, counted.undeclared) == (4, 1, 1)
        assert [place for place, _ in counted.rejected] == [2]
        counted = second.result(PATIENCE_S)
        assert (counted.accepted, counted.duplicate) == (1, 1)
        assert [place for place, _ in counted.rejected] == [2], "empty lines are no lines"
        assert third.result(PATIENCE_S) == Ingested(0, 0, (), 0)
        assert [visits(engine, person) for person in ("anna", "bert", "carl", "dora")] == [1, 1, 1, 0]

    def test_an_acknowledgement_can_be_awaited_on_the_caller_s_own_loop(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        engine = opening(new_shop())

        async def caller() -> list[Ingested]:
            asked = engine.identify("anna", {"city": "Oslo"})
            return [await asked, await asked, await engine.track("anna", "Seen", message_id="m1")]

        assert asyncio.run(caller()) == [Ingested(1, 0, (), 0)] * 3
        profile = engine.profile("anna")
        assert profile is not None and profile.traits == {"city": "Oslo"}

    def test_everything_is_there_when_the_store_is_opened_again(self, opening: Opening, new_shop: NewShop) -> None:
        # given people, runs, ids and a timer that falls due while nobody is there
        engine = opening(new_shop())
        engine.identify("anna", {"city": "Oslo", "email": "anna@mail.example"}).result(PATIENCE_S)
        engine.track("anna", "Seen", message_id="m1").result(PATIENCE_S)
        engine.track("anna", "Started", {"cart": "c1"}).result(PATIENCE_S)
        engine.close()

        # when it is opened again
        engine = opening(new_shop())

        # then nothing is missing, nothing counts twice, and what was due happens
        assert engine.track("anna", "Seen", message_id="m1").result(PATIENCE_S).duplicate == 1
        assert visits(engine, "anna") == 1
        profile = engine.profile("anna")
        assert profile is not None and profile.traits["city"] == "Oslo"
        eventually(lambda: states(engine, "anna") == ["sent"], "the reminder")

    def test_a_call_without_a_message_id_counts_in_every_life_of_the_engine(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        for life in (1, 2):
            engine = opening(new_shop())
            assert engine.track("anna", "Seen").result(PATIENCE_S).accepted == 1
            assert visits(engine, "anna") == life
            engine.close()

    def test_a_closed_engine_says_so(self, opening: Opening, new_shop: NewShop) -> None:
        engine = opening(new_shop(), store="memory:")
        engine.close()
        engine.close()

        for call in (lambda: engine.track("a", "Seen"), lambda: engine.profile("a"), engine.drain):
            with pytest.raises(EngineClosed):
                call()

    def test_timers_fire_by_themselves_and_recorded_deliveries_are_settled(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        engine = opening(new_shop(), store="memory:")
        engine.identify("anna", {"email": "anna@mail.example"}).result(PATIENCE_S)

        engine.track("anna", "Started", {"cart": "c1"}).result(PATIENCE_S)

        eventually(lambda: states(engine, "anna") == ["sent"], "the reminder after 100 ms")

    def test_a_delivery_becomes_a_mail_in_the_mailbox(self, opening: Opening, new_shop: NewShop) -> None:
        with SmtpServer(refuses=lambda address: "550 5.1.1 Unknown" if address.startswith("gone") else None) as smtp:
            server = {"host": smtp.host, "port": smtp.port, "sender": "Shop <shop@shop.example>", "tls": "none"}
            engine = opening(new_shop(email=server), store="memory:", records=())
            for person in ("anna", "gone"):
                engine.identify(person, {"email": f"{person}@mail.example", "city": "Oslo"}).result(PATIENCE_S)
                engine.track(person, "Started", {"cart": "c1"}).result(PATIENCE_S)

            eventually(lambda: [states(engine, who) for who in ("anna", "gone")] == [["sent"], ["failed"]], "the mail")
            engine.drain(PATIENCE_S)

            (mail,) = smtp.mailbox
            assert mail.to == "anna@mail.example"
            assert b"Subject: Still there, Oslo?" in mail.raw
            engine.close()

    def test_a_store_is_for_the_number_of_shards_that_it_was_made_for(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        opening(new_shop()).close()

        with pytest.raises(SettingInvalid, match=f"open it with shards={self.shards}"):
            opening(new_shop(), shards=self.shards + 1)

    def test_a_channel_that_does_not_start_is_told_to_whoever_asks_or_waits(
        self, opening: Opening, new_shop: NewShop, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        nowhere = {"host": "mail.example", "sender": "s@shop.example", "ca_file": str(tmp_path / "nowhere.pem")}
        engine = opening(new_shop(email=nowhere), store="memory:", records=())
        engine.identify("anna", {"email": "anna@mail.example"}).result(PATIENCE_S)
        engine.track("anna", "Started", {"cart": "c1"}).result(PATIENCE_S)
        trouble = "the channel 'email' does not start"
        eventually(lambda: any(trouble in each for each in engine.troubles()), "the trouble")
        eventually(lambda: states(engine, "anna") == ["queued"], "the reminder, ready to leave")
        eventually(lambda: trouble in caplog.text, "the warning")

        with pytest.raises(TimeoutError) as caught:
            engine.drain(0.2)

        assert "deliveries that wait for channel 'email': 1" in str(caught.value)
        assert trouble in str(caught.value)
        assert {(record.name, record.levelname) for record in caplog.records if trouble in record.message} == {
            ("parcours", "WARNING")
        }

    def test_an_engine_in_order_has_no_troubles(self, opening: Opening, new_shop: NewShop) -> None:
        assert opening(new_shop(), store="memory:").troubles() == []

    def test_a_channel_that_is_neither_configured_nor_recorded_is_named(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        with pytest.raises(SettingInvalid, match=r"channels\.email; configure it, or open the engine with records="):
            opening(new_shop(), records=())

    def test_wrong_settings_of_a_channel_are_an_error_at_the_start(self, opening: Opening, new_shop: NewShop) -> None:
        with pytest.raises(SettingInvalid, match=r"^channels\.email: .*sender"):
            opening(new_shop(email={"host": "localhost"}), store="memory:", records=())

    def test_a_run_drains_in_its_version_and_the_next_one_has_the_new_version(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        with SmtpServer() as smtp:
            shop = shop_for(new_shop, smtp)
            engine = opening(patient(shop), store="memory:", records=())
            begin(engine, "anna")

            engine.publish(patient(shop, subject="Thanks a lot"))
            begin(engine, "bert")

            assert standing(engine) == ("open", 2, {1: 1, 2: 1})
            assert standing(engine, "visits") == ("open", 1, {})
            for person in ("anna", "bert"):
                engine.track(person, "Bought", {"cart": "c1"}).result(PATIENCE_S)
            engine.drain(PATIENCE_S)
            assert subjects(smtp) == {"anna@mail.example": "Thank you", "bert@mail.example": "Thanks a lot"}
            engine.close()

    def test_opening_a_changed_project_publishes_it_and_an_unchanged_one_changes_nothing(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        with SmtpServer() as smtp:
            shop = shop_for(new_shop, smtp)
            engine = opening(patient(shop), records=())
            begin(engine, "anna")
            engine.stop_journey("visits")
            engine.close()

            for _ in range(2):
                engine = opening(patient(shop, subject="Thanks a lot"), records=())
                assert standing(engine) == ("open", 2, {1: 1})
                assert standing(engine, "visits") == ("stopped", 1, {}), "it has not changed"
                engine.close()

            engine = opening(patient(shop, subject="Thanks a lot"), records=())
            engine.track("anna", "Bought", {"cart": "c1"}).result(PATIENCE_S)
            engine.drain(PATIENCE_S)
            assert subjects(smtp) == {"anna@mail.example": "Thank you"}, "as it was when she entered"
            engine.close()

    def test_a_journey_is_closed_stopped_and_published_again(self, opening: Opening, new_shop: NewShop) -> None:
        engine = opening(patient(new_shop()), store="memory:")
        begin(engine, "anna")

        engine.close_journey("cart")
        begin(engine, "bert")
        assert standing(engine) == ("closed", 1, {1: 1})

        engine.stop_journey("cart")
        engine.drain(PATIENCE_S)
        assert standing(engine) == ("stopped", 1, {})

        engine.publish(patient(new_shop()))
        begin(engine, "bert")
        assert standing(engine) == ("open", 1, {1: 1})

    def test_a_paused_journey_stands_still_and_makes_up_for_it(self, opening: Opening, new_shop: NewShop) -> None:
        engine = opening(patient(new_shop()))
        begin(engine, "anna")
        engine.pause_journey("cart")
        engine.close()

        engine = opening(patient(new_shop()))
        engine.track("anna", "Bought", {"cart": "c1"}).result(PATIENCE_S)
        begin(engine, "bert")
        engine.drain(PATIENCE_S)
        assert standing(engine) == ("paused", 1, {1: 1})
        assert states(engine, "anna") == []

        engine.resume_journey("cart")
        eventually(lambda: states(engine, "anna") == ["sent"], "the receipt")
        assert standing(engine) == ("open", 1, {})

    def test_a_project_that_cannot_be_published_is_refused_with_every_reason(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        engine = opening(patient(new_shop()), store="memory:")
        documents = msgspec.json.decode(patient(new_shop()).to_json())
        documents["settings"]["project"] = "other"
        documents["profile"]["traits"]["phone"] = "string"
        documents["messages"][0]["sms"] = {"text": "hi"}

        with pytest.raises(PublishRefused) as caught:
            engine.publish(Project.from_json(msgspec.json.encode(documents)))

        assert [reason.split(":")[0] for reason in caught.value.reasons] == [
            "the messages use the channel 'sms', which the engine was not opened with",
            "the store belongs to project 'shop', not to 'other'",
        ]
        assert standing(engine) == ("open", 1, {})

    def test_a_journey_that_there_is_not_is_an_error_of_the_caller(self, opening: Opening, new_shop: NewShop) -> None:
        engine = opening(new_shop(), store="memory:")

        with pytest.raises(CallerError, match="there is no journey 'card', did you mean 'cart'"):
            engine.pause_journey("card")

        engine.track("anna", "Seen").result(PATIENCE_S)
        assert visits(engine, "anna") == 1, "nobody stands still because of it"
