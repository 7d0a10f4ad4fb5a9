"""An engine in this process: the common behaviour, and what only one process can show."""

from __future__ import annotations

import importlib.util
import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parcours.clock import ManualClock
from parcours.config import DURATION_MAX_MS, Settings
from parcours.errors import Overloaded, ShardUnavailable, StoreBusy
from parcours.journey.channels import channels_used
from parcours.journey.model.document import AudiencesDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.service.engine import Engine

if TYPE_CHECKING:
    from tests.engine.behaviour import EngineBehaviour
    from tests.engine.life_behaviour import LifeBehaviour
else:
    spec = importlib.util.spec_from_file_location("engine_behaviour", Path(__file__).with_name("behaviour.py"))
    behaviour = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(behaviour)
    EngineBehaviour = behaviour.EngineBehaviour
    spec = importlib.util.spec_from_file_location("life_behaviour", Path(__file__).with_name("life_behaviour.py"))
    life_behaviour = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(life_behaviour)
    LifeBehaviour = life_behaviour.LifeBehaviour

NewShop = Callable[..., Project]

ACKNOWLEDGER = Path(__file__).with_name("acknowledge_until_stopped.py")


class TestLocalEngine(EngineBehaviour):
    runtime = "local"
    shards = 2


class TestLifeInThisProcess(LifeBehaviour):
    runtime = "local"
    shards = 2


def open_local(project: Project, store: str, **options: object) -> Engine:
    return Engine.open(project, store, runtime="local", records=channels_used(project.program), **options)  # type: ignore[arg-type]  # by name


def test_a_store_has_one_engine_at_a_time(tmp_path: Path, new_shop: NewShop) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    with open_local(new_shop(), store), pytest.raises(StoreBusy):
        open_local(new_shop(), store)

    open_local(new_shop(), store).close()


def test_timers_follow_the_clock_that_the_engine_is_given(new_shop: NewShop) -> None:
    clock = ManualClock(1_000_000)
    with open_local(new_shop(), "memory:", clock=clock, shards=1) as engine:
        engine.identify("anna", {"email": "anna@mail.example"}).result()
        engine.track("anna", "Started", {"cart": "c1"}).result()

        # at the time-out exactly, an event still goes before it
        clock.move_to(1_000_100)
        engine.track("anna", "Bought", {"cart": "c1"}).result()
        engine.drain(30)
        engine.track("anna", "Started", {"cart": "c2"}).result()
        clock.move_to(1_000_201)
        engine.track("anna", "Bought", {"cart": "c2"}).result()
        engine.drain(30)

        profile = engine.profile("anna")
        assert profile is not None
        sent = {run.correlation: [delivery.step for delivery in run.deliveries] for run in profile.past}
        assert sent == {'"c1': ["thank"], '"c2': ["remind"]}


def test_a_clock_that_jumps_far_ahead_leaves_nobody_asleep(new_shop: NewShop) -> None:
    clock = ManualClock(1_000_000)
    documents = json.loads(new_shop().to_json())
    (cart,) = (each for each in documents["journeys"] if each["journey"] == "cart")
    (bought,) = (each for each in cart["steps"] if each["id"] == "bought")
    bought["timeout"] = "30d"
    with open_local(Project.from_json(json.dumps(documents).encode()), "memory:", clock=clock) as engine:
        engine.identify("anna", {"email": "anna@mail.example"}).result()
        engine.track("anna", "Started", {"cart": "c1"}).result()

        clock.move_to(1_000_000 + 31 * 86_400_000)
        engine.drain(30)

        profile = engine.profile("anna")
        assert profile is not None
        assert [each.step for run in profile.past for each in run.deliveries] == ["remind"]


def test_an_audience_is_read_at_its_time_and_once_only(tmp_path: Path) -> None:
    at_ms = 1_767_225_600_000
    clock, store = ManualClock(at_ms - 20), f"sqlite:///{tmp_path / 'store'}"
    letter = {
        "journey": "letter",
        "entry": {"read": "oslo", "at": "2026-01-01T00:00:00Z"},
        "steps": [{"id": "done", "end": True}],
    }
    project = Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(traits={"city": "string"}),
        audiences=AudiencesDocument(audiences={"oslo": 'profile.city == "Oslo"'}),
        journeys=[JourneyDocument.model_validate(letter)],
    )

    def letters(engine: Engine) -> list[int]:
        profiles = [engine.profile(person) for person in ("anna", "bert", "carl")]
        return [profile.counts.get("letter", 0) if profile else 0 for profile in profiles]

    with open_local(project, store, clock=clock) as engine:
        for person, city in (("anna", "Oslo"), ("bert", "Rome"), ("carl", "Oslo")):
            engine.identify(person, {"city": city}).result()
        assert letters(engine) == [0, 0, 0]
        clock.move_to(at_ms)
        deadline_ms = at_ms + 100_000
        while letters(engine) != [1, 0, 1]:
            clock.move_to(clock.now_ms() + 1)  # each look goes through the engine, which goes on meanwhile
            assert clock.now_ms() < deadline_ms, "nobody has entered"
    with open_local(project, store, clock=clock) as engine:
        engine.drain(30)
        assert letters(engine) == [1, 0, 1]


@contextmanager
def full_disk(file: Path) -> Iterator[None]:
    """No file of this process may grow beyond the size that this one has."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_audiences_are_read_again_once_a_full_disk_has_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    letter = {
        "journey": "letter",
        "entry": {"read": "oslo", "at": "2026-01-01T00:00:00Z", "rule": "FREQ=MINUTELY"},
        "steps": [{"id": "done", "end": True}],
    }
    project = Project.of(
        ProjectDocument(project="shop"),
        ProfileDocument(traits={"city": "string"}),
        audiences=AudiencesDocument(audiences={"oslo": 'profile.city == "Oslo"'}),
        journeys=[JourneyDocument.model_validate(letter)],
    )
    clock = ManualClock(1_782_864_000_000)

    with open_local(project, f"sqlite:///{tmp_path / 'store'}", clock=clock, shards=1) as engine:
        engine.identify("anna", {"city": "Oslo"}).result()
        with full_disk(max(tmp_path.rglob("*"), key=lambda path: path.stat().st_size)):
            move_until(engine.troubles, clock)  # with each minute a read is due

        assert engine.troubles()[0].startswith("shard 0 has stopped and is opened again: ")
        assert engine.troubles()[0] in caplog.text
        move_until(lambda: entries(engine, "anna"), clock)


def test_a_shard_whose_disk_was_full_goes_on_with_its_timers_and_whoever_waits(
    tmp_path: Path, new_shop: NewShop
) -> None:
    clock = ManualClock(1_782_864_000_000)
    patient = Settings(export_lag_max_ms=DURATION_MAX_MS)  # the clock runs ahead of any exporter
    store = f"sqlite:///{tmp_path / 'store'}"
    with open_local(new_shop(), store, clock=clock, shards=1, settings=patient) as engine:
        engine.identify("anna", {"email": "anna@shop.example"}).result()
        engine.track("anna", "Started", {"cart": "c1"}).result()
        with full_disk(max(tmp_path.rglob("*"), key=lambda path: path.stat().st_size)):
            asked = []
            while not engine.troubles():
                asked.append(engine.track("bert", "Seen"))
            clock.move_to(clock.now_ms() + 60_000)  # anna's patience is over
            asked.append(engine.track("bert", "Seen"))

        assert [each.result(60).accepted for each in asked] == [1] * len(asked)
        move_until(lambda: entries(engine, "anna"), clock)
        engine.drain(60)
        assert engine.profile("bert").counts == {"visits": len(asked)}  # type: ignore[union-attr]  # he is known
        (run,) = engine.profile("anna").past  # type: ignore[union-attr]  # so is she
        assert [(each.step, each.state) for each in run.deliveries] == [("remind", "sent")]
        move_until(lambda: not engine.troubles(), clock)


def move_until(condition: Callable[[], object], clock: ManualClock) -> None:
    """Let minutes pass until something is so."""
    deadline_s = time.monotonic() + 60
    while not condition():
        clock.move_to(clock.now_ms() + 60_000)
        assert time.monotonic() < deadline_s, "it is not so"


def entries(engine: Engine, person: str) -> int:
    """How often she has entered; nobody knows while the shard is not open."""
    try:
        profile = engine.profile(person)
    except ShardUnavailable:
        return 0
    return sum(profile.counts.values()) if profile else 0


def test_an_engine_that_cannot_keep_up_says_so_to_those_beyond_the_queue(new_shop: NewShop) -> None:
    settings = Settings(batch_events_max=1, batches_in_flight_max=1, waiting_calls_max=2)
    block = b"\n".join([b'{"type":"track","event":"Seen","userId":"anna"}'] * 50)
    with open_local(new_shop(), "memory:", settings=settings) as engine:
        outcomes = [engine.ingest(block) for _ in range(10)]
        errors = [outcome_of(outcome.result) for outcome in outcomes]
        engine.drain(30)

    assert any(isinstance(error, Overloaded) for error in errors)
    assert errors[0] is None


def test_closing_answers_everybody_who_still_waits(new_shop: NewShop) -> None:
    settings = Settings(batch_events_max=1, batches_in_flight_max=1)
    block = b"\n".join([b'{"type":"track","event":"Seen","userId":"anna"}'] * 5_000)
    engine = open_local(new_shop(), "memory:", settings=settings)
    waiting = [engine.ingest(block) for _ in range(5)]
    drained: Future[None] = Future()
    drainer = threading.Thread(target=lambda: drained.set_exception(outcome_of(engine.drain) or AssertionError()))
    drainer.start()

    engine.close()
    drainer.join(30)

    assert drained.done()
    for outcome in waiting:
        assert outcome.done()
        assert isinstance(outcome_of(outcome.result), ShardUnavailable | type(None))


def test_a_channel_that_only_an_older_version_uses_is_missed(tmp_path: Path, new_shop: NewShop) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    with open_local(texting(new_shop()), store) as engine:
        engine.track("anna", "Started", {"cart": "c1"}).result()
        assert engine.troubles() == []

    with open_local(new_shop(), store) as engine:
        (trouble,) = engine.troubles()

    assert trouble == "version 1 of 'cart' sends on 'sms', which the engine was not opened with"


def texting(project: Project) -> Project:
    """The shop, which also sends the receipt as a text message."""
    documents = json.loads(project.to_json())
    documents["profile"]["traits"]["phone"] = "string"
    (receipt,) = (each for each in documents["messages"] if each["message"] == "receipt")
    receipt["sms"] = {"text": "Thank you"}
    return Project.from_json(json.dumps(documents).encode())


def test_a_channel_that_only_an_older_version_uses_can_be_named_and_sends(tmp_path: Path, new_shop: NewShop) -> None:
    clock, store = ManualClock(1_000_000), f"sqlite:///{tmp_path / 'store'}"
    with open_local(texting(new_shop()), store, clock=clock) as engine:
        engine.identify("anna", {"email": "anna@mail.example", "phone": "+33612345678"}).result()
        engine.track("anna", "Started", {"cart": "c1"}).result()

    with Engine.open(new_shop(), store, runtime="local", records=["email", "sms"], clock=clock) as engine:
        assert engine.troubles() == []
        engine.track("anna", "Bought", {"cart": "c1"}).result()
        engine.drain(30)
        profile = engine.profile("anna")

    assert profile is not None
    sent = [(each.channel, each.state) for run in profile.past for each in run.deliveries if each.step == "thank"]
    assert sent == [("email", "sent"), ("sms", "sent")]


def outcome_of(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except BaseException as error:  # noqa: BLE001  # whatever it is, the test looks at it
        return error
    return None


@pytest.mark.parametrize("killed_after", [1, 25])
def test_whatever_was_acknowledged_is_there_after_the_process_was_killed(
    killed_after: int, tmp_path: Path, shop_folder: Path
) -> None:
    # given a process that acknowledges events until it is killed in the middle
    store = f"sqlite:///{tmp_path / 'store'}"
    command = [sys.executable, str(ACKNOWLEDGER), str(shop_folder), store]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().split() for _ in range(killed_after)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [line.split() for line in process.stdout.read().splitlines() if line.endswith(".")]
    by_person: dict[str, int] = {}
    for person, _, _ in acknowledged:
        by_person[person] = by_person.get(person, 0) + 1
    assert len(acknowledged) >= killed_after

    # when the store is opened again
    with open_local(Project.load(shop_folder), store) as engine:
        # then every event is there, and at most the one under way besides
        applied = {person: visits(engine, person) for person in by_person}
        assert all(applied[person] >= count for person, count in by_person.items())
        assert sum(applied.values()) <= len(acknowledged) + 1

        # and each is recognised when it comes again
        calls = [
            {"type": "track", "event": "Seen", "userId": person, "messageId": message_id}
            for person, message_id, _ in acknowledged
        ]
        again = engine.ingest(calls).result()
        assert (again.accepted, again.duplicate) == (0, len(acknowledged))
        assert {person: visits(engine, person) for person in by_person} == applied


def visits(engine: Engine, person: str) -> int:
    profile = engine.profile(person)
    return 0 if profile is None else profile.counts.get("visits", 0)
