"""Does a store for another number of shards hold the same as the one it was made of, and go on as that would have?

All of it is asked of stores on disk and in PostgreSQL, made of either kind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.postgres import by_hand, drop, new_address, schema_of
from typer.testing import CliRunner

from parcours.cli import build
from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.totals import Totals
from parcours.errors import SettingInvalid, StoreBroken, StoreBusy
from parcours.insight.explain_text import explanation_text
from parcours.journey.model.document import AudiencesDocument, JourneyDocument, ProfileDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.service import Service
from parcours.shard.closed_letters import list_letters
from parcours.shard.closed_store import own_of, read_shards, sum_of
from parcours.shard.dead_letters import DeadLetter, entry_of
from parcours.shard.ids.key import PARTS
from parcours.shard.ids.moving import StoredMessages
from parcours.shard.ids.seen import SeenIds
from parcours.shard.imaging import Imaging
from parcours.shard.published import STANDING, Standing
from parcours.shard.recovery import recover
from parcours.shard.requests import AwaitScan
from parcours.shard.resharding import reshard
from parcours.shard.retention import DAYS
from parcours.shard.scans import AWAITED, PeopleAsked, Scan
from parcours.shard.slots import OWN, Slots
from parcours.shard.totals import ShardTotals
from parcours.store.address import layout_at, open_store
from parcours.store.backup import check_shard_at
from parcours.store.place import shown_address
from parcours.store.store import Record, SlotImage

NewShop = Callable[..., Project]

SHARDS = 3
PEOPLE = 60
SETTINGS = Settings(journal_bytes_max=20_000)
"""So that there are images, and records behind them."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000_000)


@pytest.fixture
def project(new_shop: NewShop) -> Project:
    """The shop, whose mail server is not there: mails stay in the outbox."""
    return new_shop(email={"host": "127.0.0.1", "port": 1, "sender": "shop@shop.example"})


KINDS = [("sqlite", "sqlite"), ("sqlite", "postgres"), ("postgres", "sqlite"), ("postgres", "postgres")]


class Stores:
    """Addresses of stores that there are not yet: of the old one, and of those made of it."""

    def __init__(self, folder: Path, url: str, old: str, new: str) -> None:
        self.old = self._address(folder, url, old, "old")
        self.url = url
        self._folder = folder
        self._kind = new

    def new(self, name: str = "new") -> str:
        return self._address(self._folder, self.url, self._kind, name)

    def _address(self, folder: Path, url: str, kind: str, name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{folder / name}"
        return f"{new_address(url)}&files={folder / name}"


@pytest.fixture(params=KINDS, ids="-to-".join)
def stores(request: pytest.FixtureRequest, tmp_path: Path, postgres_url: str) -> Iterator[Stores]:
    made = list[str]()

    class Dropped(Stores):
        def _address(self, folder: Path, url: str, kind: str, name: str) -> str:
            made.append(super()._address(folder, url, kind, name))
            return made[-1]

    yield Dropped(tmp_path, postgres_url, *request.param)
    for address in made:
        if not address.startswith("sqlite"):
            drop(postgres_url, address)


@pytest.fixture
def used(stores: Stores, project: Project, clock: ManualClock) -> str:
    """The address of a store in which people wait, have been reminded in vain, and have bought."""
    return use(stores.old, project, clock)


def use(address: str, project: Project, clock: ManualClock) -> str:
    with open_at(address, project, clock, SHARDS) as engine:
        for person in range(PEOPLE):
            engine.identify(f"u{person}", {"email": f"u{person}@mail.example"}).result()
        engine.ingest([started(person) for person in range(PEOPLE)]).result()
        clock.move_to(clock.now_ms() + 50)
        bought = [{**started(each, "b"), "event": "Bought"} for each in range(0, PEOPLE, 3)]
        engine.ingest(bought).result()
        engine.pause_journey("visits")
        clock.move_to(clock.now_ms() + 60)
        engine.ingest([started(person, "again") for person in range(1, PEOPLE, 3)]).result()
    return address


def started(person: int, message: str = "a") -> dict[str, object]:
    return {
        "type": "track", "event": "Started", "userId": f"u{person}", "messageId": f"{message}-{person}",
        "properties": {"cart": "c" if message != "again" else "d"},
    }  # fmt: skip


def open_at(address: str, project: Project, clock: ManualClock, shards: int) -> Engine:
    records = [] if "email" in project.channels else ["email"]
    return Engine.open(
        project, address, shards=shards, runtime="local", records=records, clock=clock, settings=SETTINGS
    )


def slots_of(address: str, shards: int) -> dict[int, tuple[SlotImage, list[bytes]]]:
    """Whatever each hash slot holds, however it lies in the files."""
    found: dict[int, tuple[SlotImage, list[bytes]]] = {}
    for number in range(shards):
        slots, totals = Slots(number, SlotMap(shards)), ShardTotals(SETTINGS)
        with closing(open_store(address, number)) as store:
            seen = SeenIds(slots.own, store, SETTINGS)
            recover(store, slots, seen, totals, Imaging(slots, totals, store, SETTINGS))
            messages = StoredMessages(store, own_of(store))
            messages.check()
            ids = [entry for part in range(PARTS) for entry in messages.entries(part)]
        for slot in slots.owned:
            of_slot = sorted(entry for entry in ids if int.from_bytes(entry[:2], "little") % SLOTS == slot)
            found[slot] = slots.image(slot, 0), of_slot
    assert sorted(found) == list(range(SLOTS))
    return found


def totals_of(address: str) -> Totals:
    return sum_of(read_shards(address))


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_each_slot_holds_the_same_in_another_shard(used: str, stores: Stores, shards: int) -> None:
    new = stores.new()
    reshard(used, new, shards)

    slots = slots_of(used, SHARDS)
    assert slots_of(new, shards) == slots
    for shard in range(shards):  # facts are kept for as long as they would have been
        with closing(open_store(new, shard)) as store:
            own = store.image(OWN)
            assert own is not None and msgspec.msgpack.decode(own.profiles[DAYS]) == [[0, 1]]
    images = [image for image, _ in slots.values()]
    assert sum(len(image.profiles) for image in images) == PEOPLE
    assert sum(len(image.outbox) for image in images) > PEOPLE / 2
    assert sum(len(ids) for _, ids in slots.values()) == 2 * PEOPLE + 2 * PEOPLE / 3
    assert any(file_names(used, shard) for shard in range(SHARDS)), "some of them lie in files"
    assert totals_of(new) == totals_of(used)
    assert [check_shard_at(new, shard).wrong for shard in range(shards)] == [None] * shards


def test_there_and_back_again_is_the_same(used: str, stores: Stores) -> None:
    five, back = stores.new("five"), stores.new("back")
    reshard(used, five, 5)
    reshard(five, back, SHARDS)

    assert slots_of(back, SHARDS) == slots_of(used, SHARDS)
    assert totals_of(back) == totals_of(used)


def test_it_goes_on_as_the_old_one_would_have(
    stores: Stores, new_shop: NewShop, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    project = new_shop()  # what is sent is recorded, at once
    used, new = use(stores.old, project, clock), stores.new()
    reshard(used, new, 4)

    def go_on(address: str, shards: int) -> list[Any]:
        at = ManualClock(clock.now_ms())
        with open_at(address, project, at, shards) as engine:
            before = [explanation_text(engine.explain(f"u{person}")) for person in range(0, PEOPLE, 10)]
            again = engine.ingest([started(person) for person in range(PEOPLE)]).result()
            at.move_to(at.now_ms() + 1_000)
            for person in range(PEOPLE):  # what is due fires before anything else happens to her
                engine.identify(f"u{person}", {"city": "Oslo"}).result()
            people = [engine.profile(f"u{person}") for person in range(PEOPLE)]
            return [before, again, people, engine.journeys()]

    assert go_on(new, 4) == go_on(used, SHARDS)
    assert "totals of a shard were wrong" not in caplog.text


def test_dead_letters_go_with_their_people(used: str, stores: Stores) -> None:
    letters = [DeadLetter(each, 7_000 - each, f"u{each}", b"{}", "it failed", b"mark%d" % each) for each in range(1, 9)]
    with closing(open_store(used, 1)) as store:
        newest = max(record.sequence for record in store.records())
        own = [(OWN, name, data) for name, data in map(entry_of, letters)]
        store.append(Record(newest + 1, store.acquire(None), 2_000_000, [], own, [], b""))

    new = stores.new()
    reshard(used, new, 5)

    found = list_letters(new)
    assert Counter((each.person, each.at, each.mark) for each in found.values()) == Counter(
        (each.person, each.at, each.mark) for each in letters
    )
    owners = SlotMap(5)
    assert all(name == f"{owners.shard(each.person)}.{each.number}" for name, each in found.items())


def test_an_audience_that_was_read_is_not_read_again(stores: Stores) -> None:
    at_ms = 1_767_225_600_000
    clock = ManualClock(at_ms - 20)
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
        people = [engine.profile(f"u{person}") for person in range(9)]
        return [person.counts.get("letter", 0) if person else 0 for person in people]

    with open_at(stores.old, project, clock, SHARDS) as engine:
        for person in range(9):
            engine.identify(f"u{person}", {"city": "Oslo"}).result()
        clock.move_to(at_ms)
        while letters(engine) != [1] * 9:
            clock.move_to(clock.now_ms() + 1)  # each look goes through the engine, which goes on meanwhile
            assert clock.now_ms() < at_ms + 100_000, "nobody has entered"
        engine.drain(30)

    new = stores.new()
    reshard(stores.old, new, 5)

    with open_at(new, project, clock, 5) as engine:
        clock.move_to(clock.now_ms() + 1_000)
        engine.identify("u0", {"city": "Rome"}).result()
        engine.drain(30)
        assert letters(engine) == [1] * 9


def named_files(address: str, shard: int) -> list[str]:
    """The files of message ids that there have to be: one that was begun last is nobody's until a commit names it."""
    with closing(open_store(address, shard)) as store:
        return [info.name for info in StoredMessages(store, own_of(store)).stored.infos()]


def file_names(address: str, shard: int) -> set[str]:
    with closing(open_store(address, shard)) as store:
        return store.file_names()


def harm_file(stores: Stores, shard: int, name: str, harm: str) -> None:
    """Lose a file of the old store, or change a byte of it."""
    if stores.old.startswith("sqlite"):
        path = Path(stores.old.removeprefix("sqlite:///")) / f"shard-{shard:04}.files" / name
        data = path.read_bytes()
        path.unlink()
        if harm == "changed":
            path.write_bytes(bytes([data[0] ^ 4]) + data[1:])
        return
    pieces = f"{schema_of(stores.old)}.file_pieces"
    which = f"WHERE shard = {shard} AND name = '{name}'"
    if harm == "lost":
        by_hand(stores.url, f"DELETE FROM {pieces} {which}")
    else:
        changed = "set_byte(data, 0, get_byte(data, 0) # 4)"
        by_hand(stores.url, f"UPDATE {pieces} SET data = {changed} {which} AND start = 0")


@pytest.mark.parametrize("harm", ["lost", "changed"])
def test_a_file_of_message_ids_that_is_not_whole_is_found(
    used: str, stores: Stores, project: Project, clock: ManualClock, harm: str
) -> None:
    for number in range(100):
        if names := named_files(used, 1):
            break
        with open_at(used, project, clock, SHARDS) as engine:
            engine.ingest([started(person, f"more {number}") for person in range(PEOPLE)]).result()
    assert names
    for name in names:
        harm_file(stores, 1, name, harm)

    checked = CliRunner().invoke(build(), ["store", "check", "--store", used])

    assert checked.exit_code == 1
    shards = [line for line in checked.stdout.splitlines() if line.startswith("shard ")]
    assert [line.startswith(f"shard {shard}: ") for shard, line in enumerate(shards)] == [True] * 3
    assert "is damaged" in shards[1] and any(name in shards[1] for name in names)
    new = stores.new()
    with pytest.raises(StoreBroken, match="is damaged"):
        reshard(used, new, 2)
    assert is_nowhere(stores, new)


def is_nowhere(stores: Stores, address: str) -> bool:
    """Whether there is neither a store nor, in PostgreSQL, the beginning of one."""
    if not address.startswith("sqlite"):
        schema = schema_of(address)
        return not by_hand(stores.url, f"SELECT FROM pg_namespace WHERE nspname LIKE '{schema}%'")
    return layout_at(address) is None


def test_a_change_that_only_some_shards_know_has_to_be_finished_first(used: str, stores: Stores) -> None:
    with closing(open_store(used, 1)) as store:
        newest, held = 0, b""
        for record in store.records():
            newest = record.sequence
            held = next((data for slot, name, data in record.profiles if (slot, name) == (OWN, STANDING)), held)
        standing = msgspec.msgpack.decode(held, type=Standing)
        own = (OWN, STANDING, msgspec.msgpack.encode(msgspec.structs.replace(standing, held=True)))
        store.append(Record(newest + 1, store.acquire(None), 2_000_000, [], [own], [], b""))

    new = stores.new()
    with pytest.raises(StoreBroken, match="begun in it and not finished: open it once with its engine"):
        reshard(used, new, 5)

    assert is_nowhere(stores, new)


def test_what_cannot_be_shared_out_is_refused(used: str, stores: Stores) -> None:
    with pytest.raises(SettingInvalid, match="there is no store "):
        reshard(stores.new("nowhere"), stores.new(), 5)
    with pytest.raises(SettingInvalid, match="old is not empty|there is a schema .* already: name another one"):
        reshard(used, used, 5)
    with closing(open_store(used, 1)), pytest.raises(StoreBusy, match="in use"):
        reshard(used, stores.new(), 5)


def test_the_command_makes_a_new_store_and_leaves_the_old_one(
    used: str, stores: Stores, project: Project, clock: ManualClock
) -> None:
    before, new = slots_of(used, SHARDS), stores.new()

    made, wrong = (
        CliRunner().invoke(build(), ["store", "reshard", "--store", used, "--shards", shards, "--to", new])
        for shards in ("2", "0")
    )

    assert (made.exit_code, wrong.exit_code) == (0, 1)
    assert f"{shown_address(new)} is the store for 2 shards: open it with shards=2" in made.stdout
    assert slots_of(used, SHARDS) == before
    with open_at(new, project, clock, 2) as engine:
        assert engine.ingest([started(person) for person in range(PEOPLE)]).result().duplicate == PEOPLE


def test_a_scan_that_nobody_has_collected_is_left_out(stores: Stores, project: Project, clock: ManualClock) -> None:
    source, target = stores.old, stores.new()

    async def leave(service: Service) -> None:
        await service.identify("anna", {"city": "Lille"})
        await service._host.ports[0].ask(AwaitScan(None, (Scan("left", clock.now_ms(), PeopleAsked(())),)))

    with Engine.open(project, source, shards=1, runtime="local", clock=clock) as engine:
        engine.submit(leave(engine.service)).result()
    with closing(open_store(source, 0)) as store:
        assert AWAITED in own_of(store)

    reshard(source, target, SHARDS)

    for shard in range(SHARDS):
        with closing(open_store(target, shard)) as store:
            assert AWAITED not in own_of(store)
    with Engine.open(project, target, shards=SHARDS, runtime="local", clock=clock) as engine:
        assert engine.profile("anna") is not None
