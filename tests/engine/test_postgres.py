"""An engine whose store is in PostgreSQL: the common behaviour, and what only such a store can show."""

from __future__ import annotations

import importlib.util
import signal
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from tests.engine.conftest import write_shop
from tests.engine.test_total_caps import PEOPLE, START
from tests.engine.test_total_caps import SETTINGS as PATIENT
from tests.engine.test_total_caps import SHOP as OFFERS_SHOP
from tests.postgres import a_server, new_address
from tests.projects import write_texts

from parcours.clock import ManualClock
from parcours.errors import ExtraMissing, SettingInvalid, StoreBroken, StoreBusy
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.service.engine import Engine
from parcours.store.address import known_address, prepare
from parcours.store.erasure_log import LOG

if TYPE_CHECKING:
    from tests.engine.behaviour import EngineBehaviour, Lives, Opening, begin, seen, visits
    from tests.engine.life_behaviour import LifeBehaviour
else:
    spec = importlib.util.spec_from_file_location("engine_behaviour", Path(__file__).with_name("behaviour.py"))
    behaviour = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(behaviour)
    EngineBehaviour, Lives, Opening = behaviour.EngineBehaviour, behaviour.Lives, behaviour.Opening
    begin, seen, visits = behaviour.begin, behaviour.seen, behaviour.visits
    spec = importlib.util.spec_from_file_location("life_behaviour", Path(__file__).with_name("life_behaviour.py"))
    life_behaviour = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(life_behaviour)
    LifeBehaviour = life_behaviour.LifeBehaviour

ACKNOWLEDGER = Path(__file__).with_name("acknowledge_until_stopped.py")

NewShop = Callable[..., Project]


def an_opening(url: str, folder: Path) -> Opening:
    opening = Opening("local", folder, 2)
    opening.store = f"{new_address(url)}&files={folder / 'files'}"
    return opening


class TestEngineOnPostgres(EngineBehaviour):
    runtime = "local"
    shards = 2

    @pytest.fixture
    def opening(self, tmp_path: Path, postgres_url: str) -> Iterator[Opening]:
        with closing(an_opening(postgres_url, tmp_path)) as opening:
            yield opening

    @pytest.fixture(scope="class")
    @classmethod
    def lives(cls, shop: Project, tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Lives]:
        with closing(an_opening(postgres_url, tmp_path_factory.mktemp("lives"))) as opening:
            first = opening(shop)
            told = begin(first)
            first.close()
            yield Lives(opening.store, first, opening(shop), told)


class TestLifeOnPostgres(LifeBehaviour):
    runtime = "local"
    shards = 2

    @pytest.fixture
    def opening(self, tmp_path: Path, postgres_url: str) -> Iterator[Opening]:
        with closing(an_opening(postgres_url, tmp_path)) as opening:
            yield opening


@pytest.fixture
def other_shop(tmp_path: Path) -> Project:
    """The shop under another project's name."""
    folder = write_shop(tmp_path / "kiosk", {})
    settings = msgspec.json.decode((folder / "parcours.yaml").read_bytes())
    (folder / "parcours.yaml").write_bytes(msgspec.json.encode({**settings, "project": "kiosk"}))
    return Project.load(folder)


def open_on(project: Project, store: str, **options: object) -> Engine:
    return Engine.open(project, store, runtime="local", records=["email"], **options)  # type: ignore[arg-type]  # by name


def test_a_second_engine_is_told_who_has_the_store(new_shop: NewShop, postgres_address: str) -> None:
    in_use = r"in use by parcours shard 0, process \d+ on .*close the engine"

    with open_on(new_shop(), postgres_address), pytest.raises(StoreBusy, match=in_use):
        open_on(new_shop(), postgres_address)


def test_the_store_remembers_where_its_files_are(new_shop: NewShop, postgres_address: str, tmp_path: Path) -> None:
    files = tmp_path / "files"
    with open_on(new_shop(), postgres_address, files=files) as engine:
        engine.track("anna", "Seen").result(30)

    assert known_address(postgres_address) == f"{postgres_address}&files={files}"
    with open_on(new_shop(), postgres_address) as engine:
        assert visits(engine, "anna") == 1
        engine.erase("anna")
    assert (files / LOG).is_file(), "she is noted there, though the second opening did not name it"


def test_what_everybody_together_got_is_counted_there_over_lives(postgres_address: str, tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", OFFERS_SHOP)
    project, got = Project.load(tmp_path / "shop"), Counter[str]()
    for names in (PEOPLE[:4], PEOPLE[4:]):
        options = {"files": tmp_path / "files", "settings": PATIENT, "clock": ManualClock(START)}
        with open_on(project, postgres_address, **options) as engine:
            asked = [engine.decide(name, "best", placement="agent") for name in names]
            got.update(each.result(60).offers[0].name for each in asked)

    assert got == {"few": 5, "some": 6, "rest": 1}


def test_files_are_of_a_store_in_postgres_only(new_shop: NewShop, tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="only a store in PostgreSQL has its files in a folder of its own"):
        open_on(new_shop(), f"sqlite:///{tmp_path}/store", files=tmp_path)


def test_two_projects_share_a_database_in_schemas_of_their_own(
    new_shop: NewShop, other_shop: Project, postgres_url: str, postgres_address: str
) -> None:
    other = new_address(postgres_url)
    with open_on(new_shop(), postgres_address) as one, open_on(other_shop, other) as two:
        one.track("anna", "Seen").result(30)

        assert (visits(one, "anna"), visits(two, "anna")) == (1, 0)
    with pytest.raises(SettingInvalid, match="belongs to project 'shop', not to 'kiosk': name another schema"):
        open_on(other_shop, postgres_address)


@pytest.mark.parametrize(
    ("documents", "needs"),
    [
        ({"insight": {"inputs": True}}, "insight: {inputs: true}` keeps them in files"),
        ({"insight": {"events": "all"}}, "insight: {events: ...}` keeps them in files"),
    ],
)
def test_what_needs_files_is_refused_without_a_folder_for_them(
    tmp_path: Path, postgres_address: str, documents: dict[str, object], needs: str
) -> None:
    folder = write_shop(tmp_path / "shop", {})
    settings = msgspec.json.decode((folder / "parcours.yaml").read_bytes())
    (folder / "parcours.yaml").write_bytes(msgspec.json.encode({**settings, **documents}))
    project = Project.load(folder)

    with pytest.raises(SettingInvalid) as refused:
        open_on(project, postgres_address)

    assert needs in str(refused.value) and "setting `files`" in str(refused.value)
    with open_on(project, postgres_address, files=tmp_path / "files") as engine:
        engine.track("anna", "Seen").result(30)


def test_a_password_is_nowhere_to_be_seen(new_shop: NewShop) -> None:
    wrong = "postgresql://luma:s3cr%40t@127.0.0.1:1/luma?sslpassword=s3cret"

    with pytest.raises(StoreBroken) as refused:
        open_on(new_shop(), wrong)

    told = "".join(traceback.format_exception(refused.value)) + repr(Plan(new_shop(), 1, wrong))
    assert "postgresql://luma:***@127.0.0.1:1/luma" in told
    assert not any(secret in told for secret in ("s3cr%40t", "s3cr@t", "s3cret"))


def test_without_the_driver_the_extra_is_named(
    new_shop: NewShop, monkeypatch: pytest.MonkeyPatch, postgres_address: str
) -> None:
    monkeypatch.delitem(sys.modules, "parcours.store.postgres.opening", raising=False)
    monkeypatch.delattr("parcours.store.postgres.opening", raising=False)
    monkeypatch.setitem(sys.modules, "parcours.store.postgres.session", None)

    with pytest.raises(ExtraMissing, match=r"A store in PostgreSQL needs the extra \[postgres\]"):
        open_on(new_shop(), postgres_address)


@pytest.mark.parametrize("killed_after", [1, 120])
def test_every_acknowledged_event_is_there_once_after_a_killed_process(
    shop_folder: Path, postgres_address: str, killed_after: int
) -> None:
    command = [sys.executable, str(ACKNOWLEDGER), str(shop_folder), postgres_address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().split() for _ in range(killed_after)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [line.split() for line in process.stdout.read().splitlines() if line.endswith(".")]

    with open_on(Project.load(shop_folder), postgres_address) as engine:
        applied = {person: visits(engine, person) for person, _, _ in acknowledged}
        assert len(acknowledged) <= sum(applied.values()) <= len(acknowledged) + 1
        calls = [seen(person, message_id) for person, message_id, _ in acknowledged]
        again = engine.ingest(calls).result(30)
        assert (again.accepted, again.duplicate) == (0, len(acknowledged))


def test_an_engine_takes_a_store_over_from_one_that_is_frozen(
    shop_folder: Path, postgres_address: str, caplog: pytest.LogCaptureFixture
) -> None:
    command = [sys.executable, str(ACKNOWLEDGER), str(shop_folder), postgres_address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            acknowledged = [process.stdout.readline().split() for _ in range(20)]
            process.send_signal(signal.SIGSTOP)

            with open_on(Project.load(shop_folder), postgres_address) as engine:
                again = engine.ingest([seen(person, message_id) for person, message_id, _ in acknowledged]).result(30)
                assert (again.accepted, again.duplicate) == (0, len(acknowledged))
                process.send_signal(signal.SIGCONT)
                assert engine.ingest([seen("anna", "later")]).result(30).accepted == 1
            assert "a session is ended, which is that of a frozen process" in caplog.text
        finally:
            process.kill()


def test_an_engine_goes_on_when_its_server_has_come_back(new_shop: NewShop) -> None:
    with a_server() as server:
        address = new_address(server.url)
        prepare(address, "shop", 2)
        with open_on(new_shop(), address) as engine:
            for number in range(20):
                engine.ingest([seen(f"u{number % 4}", f"m{number}")]).result(30)
            server.kill(signal.SIGQUIT)
            waiting = engine.ingest([seen("u0", "m20")])
            assert not waiting.done()

            server.start_again()

            assert waiting.result(60).accepted == 1
            assert [visits(engine, f"u{number}") for number in range(4)] == [6, 5, 5, 5]
            again = engine.ingest([seen(f"u{number % 4}", f"m{number}") for number in range(21)]).result(30)
            assert (again.accepted, again.duplicate) == (0, 21)
