"""Does the command line back up, restore and check a store that no engine uses?"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Ask

from parcours import Engine, Project, Settings
from parcours.insight.exporter import checking

CALL = {"type": "identify", "userId": "sarah", "traits": {"email": "s@luma.example"}}


@pytest.fixture
def store(luma_copy: Path, tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path / 'store'}"
    live(luma_copy, address)
    return address


def live(project: Path, store: str) -> None:
    """A life of an engine, in which somebody is heard of."""
    records = ["email", "sms", "push"]
    with Engine.open(Project.load(str(project)), store, shards=2, runtime="local", records=records) as engine:
        assert engine.ingest([CALL]).result().accepted == 1


def test_a_store_is_backed_up_restored_and_goes_on(ask: Ask, luma_copy: Path, store: str, tmp_path: Path) -> None:
    backed_up = ask("store", "backup", "--store", store, "--out", tmp_path / "backup")
    restored = ask("store", "restore", "--from", tmp_path / "backup", "--store", f"sqlite:///{tmp_path / 'new'}")

    assert (backed_up.exit_code, restored.exit_code) == (0, 0)
    assert backed_up.stdout == f"{tmp_path / 'backup'} is a backup of 'luma', 2 shards.\n"
    assert restored.stdout == f"sqlite:///{tmp_path / 'new'} is the store of 'luma': open it with shards=2.\n"
    live(luma_copy, f"sqlite:///{tmp_path / 'new'}")


def test_a_whole_store_is_in_order(ask: Ask, store: str) -> None:
    checked = ask("store", "check", "--store", store)

    assert checked.exit_code == 0
    lines = checked.stdout.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["shard 0", "shard 1"]
    assert all("records 1 to" in line and line.endswith("0 images; all in order") for line in lines)


def test_each_shard_is_told_of_and_anything_wrong_is_an_exit_code(
    ask: Ask, luma_copy: Path, store: str, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "store", tmp_path / "yesterday")
    live(luma_copy, store)
    shutil.copy(tmp_path / "yesterday" / "shard-0001.journal.sqlite3", tmp_path / "store")
    (tmp_path / "store" / "shard-0005.journal.sqlite3").write_bytes(b"")

    checked = ask("store", "check", "--store", store)

    assert checked.exit_code == 1
    first, second, third = checked.stdout.splitlines()
    assert first.startswith("shard 0: ") and first.endswith("all in order")
    assert second.startswith("shard 1: ") and "is an older copy" in second
    assert (
        third
        == f"{tmp_path / 'store' / 'shard-0005.journal.sqlite3'}: the store has 2 shards, and this is of none of them"
    )

    refused = ask("store", "restore", "--from", tmp_path / "store", "--store", f"sqlite:///{tmp_path / 'new'}")
    assert refused.exit_code == 1
    assert "is an older copy" in refused.stderr and "--accept-loss" in refused.stderr
    accepted = ask(
        "store", "restore", "--from", tmp_path / "store", "--store", f"sqlite:///{tmp_path / 'new'}", "--accept-loss"
    )
    assert accepted.exit_code == 0
    live(luma_copy, f"sqlite:///{tmp_path / 'new'}")


@pytest.fixture
def exported(luma_copy: Path, tmp_path: Path) -> Path:
    return export(luma_copy, tmp_path)


def export(luma_copy: Path, tmp_path: Path) -> Path:
    """The folder of a store of which each shard has exported something."""
    folder = tmp_path / "store"
    records, settings = ["email", "sms", "push"], Settings(export_every_ms=100)
    project, store = Project.load(str(luma_copy)), f"sqlite:///{folder}"
    people = [{**CALL, "userId": f"u{number}"} for number in range(8)]
    with Engine.open(project, store, shards=2, runtime="local", records=records, settings=settings) as engine:
        assert engine.ingest(people).result().accepted == len(people)
        patience = time.monotonic() + 60
        while not all(list(folder.glob(f"facts/_done/{shard}-*.json")) for shard in range(2)):
            assert time.monotonic() < patience, "no shard has exported anything"
            time.sleep(0.01)
    return folder


def test_what_is_exported_is_checked_too(ask: Ask, exported: Path) -> None:
    checked = ask("store", "check", "--store", f"sqlite:///{exported}")

    assert checked.exit_code == 0, checked.output
    lines = checked.stdout.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "shard 0", "shard 1", "exports of shard 0", "exports of shard 1",
    ]  # fmt: skip
    assert all(line.endswith("all in order") for line in lines)


def test_an_exported_file_that_is_missing_is_an_exit_code(ask: Ask, exported: Path) -> None:
    path = next(iter(sorted(exported.glob("facts/changes/*/1-*.parquet"))))
    path.unlink()

    checked = ask("store", "check", "--store", f"sqlite:///{exported}")

    assert checked.exit_code == 1
    assert checked.stdout.splitlines()[-1].startswith(f"exports of shard 1: {path} is named by ")
    assert "put it back from a backup" in checked.stdout


def test_inputs_that_are_kept_are_checked_too(ask: Ask, luma_copy: Path, tmp_path: Path) -> None:
    settings = luma_copy / "parcours.yaml"
    settings.write_text(settings.read_text() + "\ninsight: {inputs: true}\n")
    folder = export(luma_copy, tmp_path)

    lines = ask("store", "check", "--store", f"sqlite:///{folder}").stdout.splitlines()
    path = next(iter(sorted(folder.glob("inputs/lines/*/1-*.parquet"))))
    path.write_bytes(path.read_bytes()[:-1])
    damaged = ask("store", "check", "--store", f"sqlite:///{folder}")

    assert [line.partition(": ")[0] for line in lines[-2:]] == ["inputs of shard 0", "inputs of shard 1"]
    assert all(line.endswith("all in order") for line in lines)
    assert damaged.exit_code == 1
    assert damaged.stdout.splitlines()[-1].startswith(f"inputs of shard 1: {path} has ")


def test_without_the_extra_it_is_said_that_files_have_not_been_looked_into(
    ask: Ask, exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "ARROW", "a_library_that_there_is_not")

    checked = ask("store", "check", "--store", f"sqlite:///{exported}")

    assert checked.exit_code == 0
    assert checked.stdout.splitlines()[-1].startswith("exports: no file has been looked into, only for its size")


def test_a_store_in_use_is_left_to_its_engine(ask: Ask, luma_copy: Path, store: str, tmp_path: Path) -> None:
    records = ["email", "sms", "push"]
    with Engine.open(Project.load(str(luma_copy)), store, shards=2, runtime="local", records=records):
        for arguments in (["backup", "--out", tmp_path / "backup"], ["check"]):
            refused = ask("store", *arguments, "--store", store)

            assert refused.exit_code == 1
            assert "is in use: close the engine that has it" in refused.stderr
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["check", "--store", "sqlite:///{here}/none"], "there is no store sqlite:///{here}/none"),
        (["check", "--store", "memory:"], "lies in the memory of the process that uses it"),
        (["backup", "--store", "postgres", "--out", "{here}/out"], "store 'postgres': use sqlite:///FOLDER"),
        (["backup", "--store", "sqlite:///{here}/none", "--out", "{here}/out"], "there is no store in {here}/none"),
        (["restore", "--from", "{here}/luma", "--store", "sqlite:///{here}/new"], "there is no store in {here}/luma"),
        (["restore", "--from", "{here}/store", "--store", "sqlite:///{here}/luma"], "{here}/luma is not empty"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    ask: Ask, store: str, tmp_path: Path, arguments: list[str], said: str
) -> None:
    refused = ask("store", *(each.format(here=tmp_path) for each in arguments))

    assert store and refused.exit_code == 1
    assert said.format(here=tmp_path) in refused.stderr
