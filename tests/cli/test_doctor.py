"""Does `doctor` say what is not in order, of the machine and of the settings?"""

from __future__ import annotations

import socket
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

from tests.cli.conftest import Ask

from parcours.clock import SystemClock
from parcours.config import DAY_MS, HOUR_MS
from parcours.store.address import prepare
from parcours.store.door_note import door_at, door_noted
from parcours.store.node_notes import KEPT_MS, NOTES_MAX, NodeNote, leave_note

HASH = "a" * 64

LONG_AGO = "2020-01-01T00:00:00Z"


def test_a_machine_in_order_is_told_line_by_line(ask: Ask, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("port: 0\n")

    told = ask("doctor", "--config", config, "--store", f"sqlite:///{tmp_path}/store")

    assert told.exit_code == 0, told.output
    assert {line.split()[1].rstrip(":") for line in told.stdout.splitlines()} >= {
        "ray", "port", "files", "store", "disk", "clock", "keys", "identity_verification", "signing_keys",
        "unsubscribe",
    }  # fmt: skip
    assert "List-Unsubscribe-Post: the DKIM signature has to cover both" in told.stdout
    assert "warn  identity_verification: it is off" in told.stdout
    assert f"note  store: there is none in {tmp_path}/store yet" in told.stdout


def test_what_will_not_work_ends_with_exit_code_1(ask: Ask, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("host: 192.0.2.1\n")  # of no machine

    told = ask("doctor", "--config", config)

    assert told.exit_code == 1
    assert "wrong port: nobody can listen at 192.0.2.1:8080" in told.stdout


def test_a_port_in_use_may_be_that_of_the_door_itself(ask: Ask, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config.write_text(f"port: {taken.getsockname()[1]}\n")
        told = ask("doctor", "--config", config)

    assert told.exit_code == 0
    assert "is in use already" in told.stdout


def test_fewer_files_than_connections_are_told(ask: Ask, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    most, ceiling = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (1_000, ceiling))
    try:
        told = []
        for connections in (488, 489):
            config.write_text(f"port: 0\nconnections_max: {connections}\n")
            told.append(ask("doctor", "--config", config))
    finally:
        setrlimit(RLIMIT_NOFILE, (most, ceiling))

    assert [each.exit_code for each in told] == [0, 0]
    assert "fine  files: connections_max is 488, and a process may have 1,000 open" in told[0].stdout
    assert "warn  files: connections_max is 489, and a process started from here may have 1,000" in told[1].stdout
    assert "allow it 1,001 (ulimit -n" in told[1].stdout


def test_what_the_settings_leave_open_is_told(ask: Ask, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text(
        "host: 0.0.0.0\nport: 0\npublic_url: http://journeys.example\nunsubscribe: elsewhere\nkeys:\n"
        f"  - {{name: old, sha256: {HASH}, scopes: [ingest], expires: {LONG_AGO!r}}}\n"
        f"  - {{name: page, sha256: {'b' * 64}, scopes: [ingest], public: true, origins: ['https://shop.example']}}\n"
    )

    told = ask("doctor", "--config", config)

    assert told.exit_code == 1, "it does not open without signing keys"
    for line in (
        "warn  keys: 'old' has expired",
        "warn  identity_verification: it is off, and pages hold the key 'page'",
        "wrong signing_keys: there are none",
        "warn  public_url: http://journeys.example is not encrypted",
        "warn  unsubscribe: elsewhere",
        "warn  forwarded_allow: no proxy is named",
    ):
        assert line in told.stdout, told.stdout


def test_settings_that_cannot_be_are_told_in_a_sentence(ask: Ask, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("hots: x\n")

    told = ask("doctor", "--config", config)

    assert (told.exit_code, "unknown key" in told.stderr) == (1, True)


def test_a_note_counts_as_long_as_its_door_is_open(tmp_path: Path) -> None:
    assert door_at(tmp_path) is None
    with door_noted(tmp_path, "http://127.0.0.1:9"):
        assert door_at(tmp_path) == "http://127.0.0.1:9"
    assert door_at(tmp_path) is None

    (tmp_path / "door").write_text("http://127.0.0.1:9")  # as a crash leaves it
    assert door_at(tmp_path) is None


def test_the_server_of_a_store_and_the_folder_of_its_files_are_looked_at(
    ask: Ask, tmp_path: Path, postgres_address: str
) -> None:
    files = tmp_path / "files"
    config = tmp_path / "serve.yaml"
    config.write_text(f"port: 0\nfiles: {files}\n")

    before = ask("doctor", "--config", config, "--store", postgres_address)
    prepare(postgres_address, "luma", 4)
    after = ask("doctor", "--config", config, "--store", postgres_address)

    assert (before.exit_code, after.exit_code) == (0, 0), before.output + after.output
    assert "note  store: there is none at postgresql://" in before.stdout
    for line in (
        "fine  server: PostgreSQL 1",
        " server: a commit takes ",
        f"fine  files: {files} takes files and gives them back on this machine, {socket.gethostname()}",
        "note  files: doctor has been run there on no other machine: run it on each",
    ):
        assert line in after.stdout, after.stdout
    assert "is that of 'luma', 4 shards" in after.stdout
    assert [each.name for each in files.iterdir()] == [f".node-{socket.gethostname()}"]


def test_each_machine_is_told_on_which_others_the_folder_is_seen(ask: Ask, tmp_path: Path) -> None:
    files = tmp_path / "files"
    now_ms = SystemClock(1_000).now_ms()
    leave_note(files, NodeNote(now_ms - 3 * HOUR_MS - 1, "node 2"))
    leave_note(files, NodeNote(now_ms + HOUR_MS, "node/3"))
    config = tmp_path / "serve.yaml"
    config.write_text("port: 0\n")

    told = ask("doctor", "--config", config, "--files", files)
    again = leave_note(files, NodeNote(now_ms, "node 2"))

    assert told.exit_code == 0, told.output
    assert "fine  files: doctor has been run there on node/3 (0 s ago), node 2 (3 h ago)" in told.stdout
    assert "warn  clock: the clock of node/3 was 3,6" in told.stdout
    assert [each.node for each in again] == ["node/3", socket.gethostname()]


def test_notes_of_machines_that_are_gone_go(tmp_path: Path) -> None:
    leave_note(tmp_path, NodeNote(DAY_MS, "gone"))
    for number in range(NOTES_MAX + 5):
        leave_note(tmp_path, NodeNote(KEPT_MS + number, f"node-{number}"))
    (tmp_path / ".node-half").write_bytes(b"")

    others = leave_note(tmp_path, NodeNote(KEPT_MS + DAY_MS + 1, "here"))

    assert [each.node for each in others[:2]] == ["half", f"node-{NOTES_MAX + 4}"]
    assert len(others) + 1 == len(list(tmp_path.iterdir())) == NOTES_MAX
    assert leave_note(tmp_path, NodeNote(3 * KEPT_MS, "here"))[1:] == []


def test_a_folder_that_takes_no_files_is_told(ask: Ask, tmp_path: Path, postgres_address: str) -> None:
    (tmp_path / "files").write_text("no folder")
    config = tmp_path / "serve.yaml"
    config.write_text(f"port: 0\nfiles: {tmp_path}/files/of-luma\n")

    told = ask("doctor", "--config", config, "--store", postgres_address)

    assert (told.exit_code, "wrong files: nothing can be kept in" in told.stdout) == (1, True), told.output


def test_a_server_that_cannot_be_reached_is_told_without_the_password(ask: Ask, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("port: 0\n")

    told = ask("doctor", "--config", config, "--store", "postgresql://luma:s3cret@127.0.0.1:1/luma")

    assert told.exit_code == 1
    assert "wrong store: the store postgresql://luma:***@127.0.0.1:1/luma cannot be used" in told.stdout
    assert "s3cret" not in told.output
