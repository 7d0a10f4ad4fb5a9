"""Do the commands that ask a closed store answer the same of one in PostgreSQL as of one on disk?"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from tests.cli.conftest import Ask
from tests.postgres import by_hand, drop, new_address, schema_of

from parcours import Engine, Project, Settings
from parcours.store.address import known_address
from parcours.store.layout import Layout
from parcours.store.making import new_store
from parcours.store.place import shown_address

RECORDS = ["email", "sms", "push"]
SARAH = {"type": "identify", "userId": "sarah", "traits": {"email": "s@luma.example"}}
CART = {"type": "track", "userId": "sarah", "event": "Product Added", "properties": {"cart": {"total": 80}}}


class Lived:
    """A project, and the stores of two engines that have lived alike: one on disk, one in PostgreSQL."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.project = folder / "luma"
        self.on_disk = f"sqlite:///{folder / 'store'}"
        self.in_postgres = new_address(url)
        self.files = folder / "files"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Lived]:
    lived = Lived(tmp_path_factory.mktemp("lived"), postgres_url)
    shutil.copytree(str(files("parcours.demo") / "luma"), lived.project)
    live(lived.project, lived.on_disk, lived.folder / "store")
    live(lived.project, lived.in_postgres, lived.files, lived.files)
    yield lived
    drop(postgres_url, lived.in_postgres)


def live(project: Path, store: str, facts: Path, files: Path | None = None) -> None:
    """A life of an engine, in which people are heard of and something is exported."""
    others = [{**SARAH, "userId": f"u{number}"} for number in range(8)]
    settings = Settings(export_every_ms=100)
    with Engine.open(
        Project.load(str(project)), store, runtime="local", records=RECORDS, settings=settings, files=files
    ) as engine:
        assert engine.ingest([SARAH, CART, *others]).result().accepted == 10
        patience = time.monotonic() + 60
        while not all(list(facts.glob(f"facts/_done/{shard}-*.json")) for shard in range(2)):
            assert time.monotonic() < patience, "no shard has exported anything"
            time.sleep(0.01)


ASKED = (
    ["report"],
    ["report", "journey"],
    ["explain", "PROJECT", "sarah"],
    ["dead", "list"],
    ["insight", "sql", "select person, what from moves order by person, what"],
)


@pytest.mark.parametrize("asked", ASKED, ids=" ".join)
def test_a_question_has_the_same_answer(ask: Ask, lived: Lived, asked: list[str]) -> None:
    arguments = [str(lived.project) if each == "PROJECT" else each for each in asked]

    told = [ask(*arguments, "--store", store) for store in (lived.on_disk, lived.in_postgres)]

    assert [each.exit_code for each in told] == [0, 0], told[1].output
    told_of = [[line.partition(" 20")[0] for line in each.stdout.splitlines() if "20" not in line] for each in told]
    assert told_of[0] == told_of[1] and told_of[0], "but for instants, which are those of two lives"


def test_all_that_is_held_of_a_person_is_exported(ask: Ask, lived: Lived, tmp_path: Path) -> None:
    told = ask("person", "export", "sarah", "--store", lived.in_postgres, "--out", tmp_path / "sarah.json")

    assert told.exit_code == 0, told.output
    assert "s@luma.example" in (tmp_path / "sarah.json").read_text()


def test_a_store_is_checked(ask: Ask, lived: Lived) -> None:
    checked = ask("store", "check", "--store", lived.in_postgres)

    assert checked.exit_code == 0, checked.output
    lines = checked.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "shard 0", "shard 1", "exports of shard 0", "exports of shard 1",
    ]  # fmt: skip
    assert all(line.endswith("all in order") for line in lines)


def test_a_backup_becomes_a_store_of_either_kind_again(
    ask: Ask, lived: Lived, tmp_path: Path, postgres_url: str
) -> None:
    anew = f"{new_address(postgres_url)}&files={tmp_path / 'files'}"
    on_disk = f"sqlite:///{tmp_path / 'restored'}"

    backed_up = ask("store", "backup", "--store", lived.in_postgres, "--out", tmp_path / "backup")
    restored = [ask("store", "restore", "--from", tmp_path / "backup", "--store", store) for store in (on_disk, anew)]
    again = ask("store", "restore", "--from", tmp_path / "backup", "--store", anew)

    assert backed_up.stdout == f"{tmp_path / 'backup'} is a backup of 'luma', 2 shards.\n", backed_up.output
    assert [each.exit_code for each in restored] == [0, 0], restored[1].output
    assert restored[1].stdout == f"{shown_address(anew)} is the store of 'luma': open it with shards=2.\n"
    assert again.exit_code == 1 and "already: name another one" in again.stderr
    for store in (on_disk, anew):
        assert ask("store", "check", "--store", store).exit_code == 0
        sql = ("insight", "sql", "select count(*) from moves", "--format", "json", "--store")
        assert ask(*sql, store).stdout == ask(*sql, lived.in_postgres).stdout
        with Engine.open(Project.load(str(lived.project)), store, runtime="local", records=RECORDS) as engine:
            profile = engine.profile("sarah")
            assert profile is not None and profile.traits["email"] == "s@luma.example"
            assert engine.ingest([{**SARAH, "userId": "new"}]).result().accepted == 1
    drop(postgres_url, anew)


def test_a_backup_with_files_is_not_restored_to_where_there_is_no_folder_for_them(
    ask: Ask, lived: Lived, tmp_path: Path, postgres_address: str
) -> None:
    ask("store", "backup", "--store", lived.on_disk, "--out", tmp_path / "backup")

    told = ask("store", "restore", "--from", tmp_path / "backup", "--store", postgres_address)

    assert told.exit_code == 1
    assert "has no folder for files" in told.stderr and "files=FOLDER in its address" in told.stderr


def test_a_running_engine_makes_a_backup_of_its_store(lived: Lived, ask: Ask, tmp_path: Path) -> None:
    with Engine.open(Project.load(str(lived.project)), lived.in_postgres, runtime="local", records=RECORDS) as engine:
        engine.backup(tmp_path / "backup")

        checked = ask("store", "check", "--store", f"sqlite:///{tmp_path / 'backup'}")
    assert checked.exit_code == 0, checked.output


def test_a_store_in_use_is_left_alone(lived: Lived, ask: Ask) -> None:
    with Engine.open(Project.load(str(lived.project)), lived.in_postgres, runtime="local", records=RECORDS):
        told = ask("report", "--store", lived.in_postgres)

    assert (told.exit_code, "is in use by parcours shard 0" in told.stderr) == (1, True), told.output


@pytest.mark.parametrize("to", ["sqlite", "postgres"])
def test_a_store_for_another_number_of_shards_has_the_files_too(
    lived: Lived, ask: Ask, tmp_path: Path, postgres_url: str, to: str
) -> None:
    anew = f"{new_address(postgres_url)}&files={tmp_path / 'new'}" if to == "postgres" else f"sqlite:///{tmp_path}/new"

    made = ask("store", "reshard", "--store", lived.in_postgres, "--shards", "3", "--to", anew)
    again = ask("store", "reshard", "--store", lived.in_postgres, "--shards", "3", "--to", anew)

    shown = shown_address(anew), shown_address(known_address(lived.in_postgres))
    told = f"{shown[0]} is the store for 3 shards: open it with shards=3, and {shown[1]} no more.\n"
    assert (made.exit_code, made.stdout) == (0, told), made.output
    assert again.exit_code == 1 and ("already: name another" in again.stderr or "is not empty" in again.stderr)
    assert ask("store", "check", "--store", anew).exit_code == 0
    moves = ("insight", "sql", "select person, what from moves order by person, what", "--store")
    assert ask(*moves, anew).stdout == ask(*moves, lived.in_postgres).stdout
    with Engine.open(Project.load(str(lived.project)), anew, runtime="local", records=RECORDS, shards=3) as engine:
        assert engine.ingest([{**SARAH, "userId": "new"}]).result().accepted == 1
        assert engine.facts("sarah")
    if to == "postgres":
        drop(postgres_url, anew)


@pytest.mark.parametrize("source", ["on_disk", "in_postgres"])
def test_a_store_with_files_is_not_shared_out_to_where_there_is_no_folder_for_them(
    lived: Lived, ask: Ask, postgres_address: str, source: str
) -> None:
    told = ask("store", "reshard", "--store", getattr(lived, source), "--shards", "3", "--to", postgres_address)

    assert (told.exit_code, "has no folder for files" in told.stderr) == (1, True), told.output


@pytest.mark.parametrize("command", ["reshard", "restore"])
def test_a_new_store_does_not_take_the_files_of_another(
    lived: Lived, ask: Ask, tmp_path: Path, postgres_url: str, postgres_address: str, command: str
) -> None:
    there = f"{postgres_address}&files={lived.files}"
    if command == "reshard":
        told = ask("store", "reshard", "--store", lived.in_postgres, "--shards", "3", "--to", there)
    else:
        ask("store", "backup", "--store", lived.on_disk, "--out", tmp_path / "backup")
        told = ask("store", "restore", "--from", tmp_path / "backup", "--store", there)

    assert told.exit_code == 1
    assert f"{lived.files / 'facts'} is of another store, or of one that was not finished" in told.stderr
    schemas = f"SELECT FROM pg_namespace WHERE nspname LIKE '{schema_of(postgres_address)}%'"
    assert by_hand(postgres_url, schemas) == []


def test_what_a_making_that_was_cut_off_has_left_is_nobody_s(
    lived: Lived, ask: Ask, tmp_path: Path, postgres_url: str, postgres_address: str
) -> None:
    unfinished = f"{schema_of(postgres_address)}_unfinished"
    by_hand(postgres_url, f"CREATE SCHEMA {unfinished}; CREATE TABLE {unfinished}.journal (half text)")
    anew = f"{postgres_address}&files={tmp_path / 'files'}"

    found = ask("store", "check", "--store", postgres_address)
    made = ask("store", "reshard", "--store", lived.in_postgres, "--shards", "1", "--to", anew)

    assert "there is no store" in found.stderr
    assert made.exit_code == 0, made.output
    assert ask("store", "check", "--store", postgres_address).exit_code == 0, "it remembers where its files are"
    assert by_hand(postgres_url, f"SELECT FROM pg_namespace WHERE nspname = '{unfinished}'") == []


def test_a_store_that_is_being_made_is_not_made_by_somebody_else_as_well(
    lived: Lived, ask: Ask, tmp_path: Path, postgres_address: str
) -> None:
    anew = f"{postgres_address}&files={tmp_path / 'files'}"
    with new_store(postgres_address, Layout("luma", 1)):
        told = ask("store", "reshard", "--store", lived.in_postgres, "--shards", "3", "--to", anew)

    assert (told.exit_code, "is being made by another process" in told.stderr) == (1, True), told.output
    assert ask("store", "check", "--store", postgres_address).exit_code == 0, "the first one has made it"
