"""What an engine does for its callers, the same on every runtime.

A suite for each runtime derives from `EngineBehaviour` and says how an engine is opened. What becomes of journeys
that are published, closed, stopped and paused is in life_behaviour.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest

from parcours.channel import CALL
from parcours.config import Settings
from parcours.errors import CallerError, EngineClosed, SettingInvalid
from parcours.insight.explain_text import explanation_text
from parcours.journey.project import Project
from parcours.runtime.runtimes import RuntimeName
from parcours.service.acknowledgement import Ingested
from parcours.service.engine import Engine
from parcours.testing.doubles import HttpReply, SmtpServer

if TYPE_CHECKING:
    from tests.engine.conftest import Desk

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


def outcomes(engine: Engine, person: str) -> list[tuple[str, str, str | None]]:
    """How each delivery of the person stands last, and the gate, by what explains it."""
    runs = [run for story in engine.explain(person).journeys for run in story.runs]
    deliveries = [delivery for run in runs for delivery in run.deliveries]
    return [(each.channel, each.states[-1].outcome, each.states[-1].gate) for each in deliveries]


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Ask until it is so. Each question goes through the engine, which is pause enough."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"{what} did not happen within {PATIENCE_S} s"


def wait_for_opinion(engine: Engine, person: str) -> None:
    """Let the person see something, and the call about it come to its end."""
    engine.identify(person, {"email": f"{person}@mail.example"}).result(PATIENCE_S)
    engine.ingest([seen(person)]).result(PATIENCE_S)
    eventually(lambda: states(engine, person) in (["sent"], ["failed"]), "the call")


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


class Behaviour:
    """Fill in `runtime`, and how many shards are worth their start."""

    runtime: RuntimeName
    shards: int

    @pytest.fixture
    def opening(self, tmp_path: Path) -> Iterator[Opening]:
        opening = Opening(self.runtime, tmp_path, self.shards)
        yield opening
        opening.close()

    @pytest.fixture(scope="class")
    @classmethod
    def shared(cls, shop: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
        """One engine on the shop for all tests that only bring people of their own."""
        opening = Opening(cls.runtime, tmp_path_factory.mktemp("shared"), cls.shards)
        yield opening(shop, store="memory:")
        opening.close()


class Lives(NamedTuple):
    """Two engines on one store; the second was opened once the first was closed.

    told  how the first one explained what became of people
    """

    store: str
    first: Engine
    second: Engine
    told: dict[str, bytes]


def begin(engine: Engine) -> dict[str, bytes]:
    """The first life: people, runs, ids, messages, and a timer that falls due while nobody is there."""
    engine.identify("carl", {"email": "carl@mail.example"}).result(PATIENCE_S)
    for person in ("carl", "dora"):
        engine.track(person, "Started", {"cart": "c1"}).result(PATIENCE_S)
    eventually(lambda: [states(engine, who) for who in ("carl", "dora")] == [["sent"], ["refused"]], "the reminders")
    told = {who: msgspec.json.encode(engine.explain(who)) for who in ("carl", "dora", "emma")}
    engine.track("bert", "Seen").result(PATIENCE_S)
    engine.identify("anna", {"city": "Oslo", "email": "anna@mail.example"}).result(PATIENCE_S)
    engine.track("anna", "Seen", message_id="m1").result(PATIENCE_S)
    engine.track("anna", "Started", {"cart": "c1"}).result(PATIENCE_S)
    return told


class EngineBehaviour(Behaviour):
    """What has nothing to do with the life of a journey."""

    @pytest.fixture(scope="class")
    @classmethod
    def lives(cls, shop: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
        """For all tests that look at what a life has left to the next one, each at a person of its own."""
        with closing(Opening(cls.runtime, tmp_path_factory.mktemp("lives"), cls.shards)) as opening:
            first = opening(shop)
            told = begin(first)
            first.close()
            yield Lives(opening.store, first, opening(shop), told)

    def test_calls_are_counted_by_what_became_of_them(self, shared: Engine) -> None:
        calls: list[dict[str, object]] = [
            seen("anna", "m1"), seen("anna", "m1"), {"type": "track", "event": "Seen"}, seen("bert", event="Danced"),
            {"type": "identify", "userId": "anna", "traits": {"city": "Oslo"}}, seen("bert"),
        ]  # fmt: skip
        block = b"\n".join([*map(msgspec.json.encode, [seen("anna", "m1"), seen("carl")]), b"", b"rubbish", b""])

        first, second, third = shared.ingest(calls), shared.ingest(block), shared.ingest([])

        counted = first.result(PATIENCE_S)
        assert (counted.accepted, counted.duplicate, counted.undeclared) == (4, 1, 1)
        assert [place for place, _ in counted.rejected] == [2]
        counted = second.result(PATIENCE_S)
        assert (counted.accepted, counted.duplicate) == (1, 1)
        assert [place for place, _ in counted.rejected] == [3], "a place is that of the line as an editor counts it"
        assert third.result(PATIENCE_S) == Ingested(0, 0, (), 0)
        assert [visits(shared, person) for person in ("anna", "bert", "carl", "dora")] == [1, 1, 1, 0]

    def test_an_acknowledgement_can_be_awaited_on_the_caller_s_own_loop(self, shared: Engine) -> None:
        async def caller() -> list[Ingested]:
            asked = shared.identify("emma", {"city": "Oslo"})
            return [await asked, await asked, await shared.track("emma", "Seen", message_id="m2")]

        assert asyncio.run(caller()) == [Ingested(1, 0, (), 0)] * 3
        profile = shared.profile("emma")
        assert profile is not None and profile.traits == {"city": "Oslo"}

    def test_everything_is_there_when_the_store_is_opened_again(self, lives: Lives) -> None:
        engine = lives.second

        # nothing is missing, nothing counts twice, and what was due happens
        assert engine.track("anna", "Seen", message_id="m1").result(PATIENCE_S).duplicate == 1
        assert visits(engine, "anna") == 1
        profile = engine.profile("anna")
        assert profile is not None and profile.traits["city"] == "Oslo"
        eventually(lambda: states(engine, "anna") == ["sent"], "the reminder")

    def test_a_call_without_a_message_id_counts_in_every_life_of_the_engine(self, lives: Lives) -> None:
        assert visits(lives.second, "bert") == 1
        assert lives.second.track("bert", "Seen").result(PATIENCE_S).accepted == 1
        assert visits(lives.second, "bert") == 2

    def test_why_somebody_got_a_message_is_told_in_every_life_of_the_engine(self, lives: Lives) -> None:
        engine = lives.second
        assert outcomes(engine, "carl") == [("email", "sent", None)]
        assert outcomes(engine, "dora") == [("email", "refused", "address")]
        assert outcomes(engine, "emma") == []
        text = explanation_text(engine.explain("carl"))
        assert "remind: email reminder to carl@mail.example sent" in text
        assert "not entered: nothing of this happened while it could start it: Seen" in text

        assert {who: msgspec.json.encode(engine.explain(who)) for who in lives.told} == lives.told

    def test_a_store_is_for_the_number_of_shards_that_it_was_made_for(
        self, opening: Opening, lives: Lives, shop: Project
    ) -> None:
        with pytest.raises(SettingInvalid, match=f"open it with shards={self.shards}"):
            opening(shop, store=lives.store, shards=self.shards + 1)

    def test_a_closed_engine_says_so(self, lives: Lives) -> None:
        engine = lives.first
        engine.close()

        for call in (lambda: engine.track("a", "Seen"), lambda: engine.profile("a"), engine.drain):
            with pytest.raises(EngineClosed):
                call()

    def test_what_has_been_acknowledged_can_be_explained_at_once(self, shared: Engine) -> None:
        for number in range(20):
            shared.track("fred", "Seen").result(PATIENCE_S)
            assert len(shared.explain("fred").journeys[1].runs) == number + 1

    def test_only_a_text_or_a_whole_number_can_be_somebody_to_explain(self, shared: Engine) -> None:
        with pytest.raises(CallerError, match=r"explain\(1.5\): a person's id is a text or a whole number"):
            shared.explain(1.5)  # type: ignore[arg-type]  # what a caller without types may do

    def test_timers_fire_by_themselves_and_recorded_deliveries_are_settled(self, shared: Engine) -> None:
        shared.identify("gina", {"email": "gina@mail.example"}).result(PATIENCE_S)

        shared.track("gina", "Started", {"cart": "c1"}).result(PATIENCE_S)

        eventually(lambda: states(shared, "gina") == ["sent"], "the reminder after 100 ms")

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

    def test_the_first_calls_are_made_and_their_answers_move_runs(
        self, opening: Opening, new_shop: NewShop, asking_shop: Callable[[str], Project], desk: Desk
    ) -> None:
        engine = opening(new_shop(), store="memory:")
        engine.publish(asking_shop(f"{desk.url}/rate"))
        wait_for_opinion(engine, "anna")
        desk.next(HttpReply(404))
        wait_for_opinion(engine, "bert")
        engine.drain(PATIENCE_S)

        anna, bert = engine.profile("anna"), engine.profile("bert")
        assert anna is not None and bert is not None
        assert (states(engine, "anna"), states(engine, "bert")) == (["sent"], ["failed"])
        assert (anna.traits.get("city"), bert.traits.get("city")) == ("Oslo", None)
        assert (len(anna.runs), len(bert.runs)) == (0, 0)
        ((key, body),) = desk.asked
        assert msgspec.json.decode(body) == {"who": "anna@mail.example", "page": "p"}
        assert key in {delivery.key for run in anna.past for delivery in run.deliveries}
        engine.close()

    def test_calls_can_be_recorded(self, opening: Opening, asking_shop: Callable[[str], Project], desk: Desk) -> None:
        engine = opening(asking_shop(desk.url), store="memory:", records=("email", CALL))

        engine.ingest([seen("anna")]).result(PATIENCE_S)

        assert states(engine, "anna") == ["sent"]
        assert desk.asked == []

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

    def test_a_backup_of_a_running_engine_is_a_store(self, opening: Opening, shop: Project, tmp_path: Path) -> None:
        engine = opening(shop)
        engine.ingest([seen(f"{number}", f"m{number}") for number in range(20)]).result(PATIENCE_S)
        engine.backup(tmp_path / "backup")
        with pytest.raises(SettingInvalid, match="backup is not empty"):
            engine.backup(tmp_path / "backup")
        engine.ingest([seen(f"{number}", f"m{number}") for number in range(20, 30)]).result(PATIENCE_S)
        engine.close()

        restored = opening(shop, store=f"sqlite:///{tmp_path / 'backup'}")
        again = restored.ingest([seen(f"{number}", f"m{number}") for number in range(30)]).result(PATIENCE_S)

        assert (again.duplicate, again.accepted) == (20, 10)

    def test_an_engine_in_order_has_no_troubles(self, shared: Engine) -> None:
        assert shared.troubles() == []

    def test_a_channel_that_is_neither_configured_nor_recorded_is_named(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        with pytest.raises(SettingInvalid, match=r"channels\.email; configure it, or open the engine with records="):
            opening(new_shop(), records=())

    def test_wrong_settings_of_a_channel_are_an_error_at_the_start(self, opening: Opening, new_shop: NewShop) -> None:
        with pytest.raises(SettingInvalid, match=r"^channels\.email: .*sender"):
            opening(new_shop(email={"host": "localhost"}), store="memory:", records=())
