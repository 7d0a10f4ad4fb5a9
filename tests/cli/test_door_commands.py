"""The commands with `--url` against a door that is really served, as a user types them."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from tests.cli.conftest import Ask
from tests.ingress.served import Served, served

from parcours.examples import write_example

RECORDING = [each for name in ("email", "sms", "push") for each in ("--record", name)]

CART = {"cart": {"total": 80, "currency": "EUR", "items": 1}, "shipping": {"country": "FR"}}

JOURNEY = "abandoned-cart"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_example(folder, "abandoned-cart")
    return folder


@pytest.fixture
def keys(ask: Ask, tmp_path: Path) -> dict[str, str]:
    """A key that operates, one that only looks, one for events, and one for people; serve.yaml has them."""
    made, entries = {}, []
    for name, scope in (("ada", "operate"), ("eve", "operate:read"), ("shop", "ingest"), ("care", "people:read")):
        told = ask("keys", "new", name, "--scope", scope)
        assert told.exit_code == 0, told.output
        made[name] = re.search(r"\b[sw]k_\w{32}\b", told.stdout).group()  # type: ignore[union-attr]  # it is there
        entries.append(told.stdout.strip().splitlines()[-1])
    (tmp_path / "serve.yaml").write_text("\n".join(["notice_s: 0", "keys:", *entries, ""]))
    return made


@pytest.fixture
def door(project: Path, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("PARCOURS_KEY", keys["ada"])
    options = ["--config", str(tmp_path / "serve.yaml"), *RECORDING]
    with served(project, f"sqlite:///{tmp_path}/store", *options, folder=tmp_path) as door:
        yield door


def come(door: Served, key: str, *people: str) -> None:
    """These people leave their carts."""
    for person in people:
        for call in (
            {"type": "identify", "userId": person, "traits": {"email": f"{person}@shop.example"}},
            {"type": "track", "userId": person, "event": "Cart Left", "properties": CART},
        ):
            sent = httpx.post(f"{door.address}/v1/batch", json={"batch": [call]}, auth=(key, ""))
            assert sent.json()["accepted"] == 1, sent.text


def test_a_journey_is_published_paused_and_stopped_by_commands(
    door: Served, ask: Ask, project: Path, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = ["--url", door.address]
    come(door, keys["shop"], "sarah", "paul")

    # nothing changes dry
    paused = ask("pause", JOURNEY, *url, "--dry")
    assert paused.exit_code == 0
    assert "Open runs: 2 stay, 0 end, 0 make up" in paused.stdout
    assert "Nothing has been changed; the newest change is number 1." in paused.stdout

    # a changed journey is published, and nothing beside it
    document = project / "journeys" / f"{JOURNEY}.yaml"
    document.write_text(document.read_text().replace("Remind a shopper", "Tell a shopper"))
    assert "as number 2" in ask("publish", project, JOURNEY, *url, "--ledger", "1").stdout
    late = ask("publish", project, *url, "--ledger", "1")
    assert (late.exit_code, late.stderr.strip()) == (
        1, "The newest change has the number 2, and not 1: look at what is published, and ask again with that number."
    )  # fmt: skip
    misspelt = ask("publish", project, f"{JOURNEY}s", *url)
    assert misspelt.stderr.strip().endswith(f"did you mean {JOURNEY!r}?"), misspelt.stderr
    profile = project / "profile.yaml"
    profile.write_text(profile.read_text().replace("traits:", "traits:\n  loyal_since: date", 1))
    beside = ask("publish", project, JOURNEY, *url)
    assert beside.exit_code == 1
    assert "profile.yaml has changed: traits" in beside.stderr
    told = json.loads(ask("publish", project, *url, "--dry", "--json").stdout)
    assert (told["ledger"], told["dry"], told["refused"]) == (2, True, [])

    # its life goes on
    assert ask("pause", JOURNEY, *url).exit_code == 0
    assert "All of it is so already" in ask("pause", JOURNEY, *url).stdout
    assert ask("resume", JOURNEY, *url).exit_code == 0
    assert ask("close", JOURNEY, *url).exit_code == 0
    stopped = json.loads(ask("stop", JOURNEY, *url, "--json").stdout)
    assert (stopped["ledger"], stopped["runs"]) == (6, {"stay": 0, "end": 2, "make_up": 0})
    refused = ask("pause", JOURNEY, *url)
    assert (refused.exit_code, "is stopped: nobody is in it" in refused.stderr) == (1, True)
    assert ask("stop", "crat", *url).exit_code == 1

    # and is told
    report = ask("report", *url)
    assert report.exit_code == 0
    assert "abandoned-cart" in report.stdout and "version 2" in report.stdout
    assert ask("dead", "list", *url).stdout == "0 dead letters\n"
    assert ask("dead", "resend", *url).stdout == "0 events have been applied\n"
    assert ask("dead", "resend", "9.9", *url).exit_code == 1
    done = ask("store", "backup", *url, "--name", "monday")
    assert done.stdout == f"{tmp_path}/store/backups/monday is a backup, on the machine of the engine.\n"
    assert ask("store", "backup", *url, "--name", "monday").exit_code == 1

    # whoever finds the store locked is told where to ask
    locked = ask("report", "--store", f"sqlite:///{tmp_path}/store")
    assert locked.exit_code == 1
    assert f"is in use by the engine whose door is at {door.address}: ask it there" in " ".join(locked.stderr.split())

    # keys open what they are for
    monkeypatch.delenv("PARCOURS_KEY")
    monkeypatch.setenv("EVE", keys["eve"])
    (tmp_path / "ada.key").write_text(keys["ada"] + "\n")
    assert ask("report", *url, "--key", "env:EVE").exit_code == 0
    looking = ask("stop", JOURNEY, *url, "--key", "env:EVE")
    assert (looking.exit_code, "does not open 'operate'" in looking.stderr) == (1, True)
    assert ask("stop", JOURNEY, *url, "--key", f"file:{tmp_path}/ada.key").exit_code == 0
    for more in ((), ("--format", "html", "--out", tmp_path / "page.html")):
        without = ask("report", *url, *more)
        assert (without.exit_code, "PARCOURS_KEY" in without.stderr) == (1, True), without.stderr

    assert door.stop() == 0
    assert not (tmp_path / "store" / "door").exists()
    assert ask("report", "--store", f"sqlite:///{tmp_path}/store").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["stop", "cart", "--url", "ftp://here"], 2, "an address such as"),
        (["stop", "cart", "--url", "http://me:secret@here"], 2, "an address such as"),
        (["stop", "cart", "--url", "http://[::1"], 2, "an address such as"),
        (["stop", "cart", "--url", "http://127.0.0.1:1", "--key", "sk_secret"], 2, "env:NAME or file:PATH"),
        (["stop", "cart", "--url", "http://127.0.0.1:1", "--key", "env:NOT_SET_ANYWHERE"], 1, "is not set"),
        (["stop", "cart", "--url", "http://127.0.0.1:1"], 1, "does not answer"),
        (["stop", "cart"], 2, "--url"),
        (["dead", "list"], 2, "choose one of --store and --url"),
        (["report", "--store", "memory:", "--url", "http://127.0.0.1:1"], 2, "choose one of"),
        (["explain", "sarah"], 2, "choose one of"),
        (["explain", ".", "sarah", "--url", "http://127.0.0.1:1"], 2, "name the profile alone"),
        (["store", "backup", "--url", "http://127.0.0.1:1"], 2, "--name"),
        (["keys", "new", "ops", "--scope", "all"], 1, "scopes"),
        (["keys", "new", "page", "--scope", "operate", "--origin", "https://shop.example"], 1, "a public key opens"),
    ],
)
def test_what_cannot_be_asked_is_told_in_a_sentence(ask: Ask, arguments: list[str], code: int, told: str) -> None:
    result = ask(*arguments)

    assert result.exit_code == code, result.output
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output


class _Answers(BaseHTTPRequestHandler):
    """Answers as somebody at that address might."""

    def do_GET(self) -> None:
        place = self.path.partition("?")[0]
        if place == "/people/%40anonymous%2F7f3a/explain":
            accepted = self.headers["Accept"].encode()
            self._answer(200, b"asked for " + accepted)
        elif place == "/elsewhere/report":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/report")
            self.end_headers()
        elif place == "/odd/report":
            self._answer(200, b"<html>")
        else:
            self._answer(502, b"<html>")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def somebody() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_person_is_asked_for_by_her_name_in_results(ask: Ask, somebody: str) -> None:
    assert ask("explain", "@anonymous/7f3a", "--url", somebody).stdout == "asked for text/plain"
    assert ask("explain", "@anonymous/7f3a", "--url", somebody, "--json").stdout == "asked for application/json\n"


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("elsewhere", "answers with 302 and names http://127.0.0.1:1/report: it does not look like a door of Parcours"),
        ("gateway", "answers with 502: it does not look like a door of Parcours"),
        ("odd", "The report of the door cannot be read"),
    ],
)
def test_who_is_no_door_is_told_and_gets_no_key_passed_on(ask: Ask, somebody: str, place: str, told: str) -> None:
    result = ask("report", "--url", f"{somebody}/{place}")

    assert (result.exit_code, told in result.stderr) == (1, True), result.stderr


def test_the_table_of_people_is_written_whole_or_not_at_all(
    door: Served, ask: Ask, keys: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(door, keys["shop"], "sarah", "paul")
    monkeypatch.setenv("PARCOURS_KEY", keys["care"])
    out = tmp_path / "people.ndjson"

    told = ask("insight", "people", "--url", door.address, "--out", out)

    assert (told.exit_code, told.stdout) == (0, f"{out}: 2 people\n"), told.stderr
    written = out.read_bytes()
    assert sorted(json.loads(line)["person"] for line in written.splitlines()) == ["paul", "sarah"]
    refused = ask("insight", "people", "--url", f"{door.address}/nowhere", "--out", out)
    assert refused.exit_code == 1
    assert out.read_bytes() == written
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".unfinished")] == []


BROKEN_OFF = b"""HTTP/1.1 200 OK\r
Content-Type: application/x-ndjson\r
Transfer-Encoding: chunked\r
\r
12\r
{"person":"anna"}\n\r
"""
"""An answer whose end does not come."""


@pytest.mark.parametrize("told", [b"", BROKEN_OFF, BROKEN_OFF + b"12\r\n{"])
def test_a_table_that_breaks_off_is_no_table(ask: Ask, tmp_path: Path, told: bytes) -> None:
    out = tmp_path / "people.ndjson"
    out.write_text("of yesterday")

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(told)

        answering = Thread(target=answer)
        answering.start()
        refused = ask("insight", "people", "--url", f"http://127.0.0.1:{listening.getsockname()[1]}", "--out", out)
        answering.join()

    assert refused.exit_code == 1
    assert "does not answer" in refused.stderr
    assert out.read_text() == "of yesterday"
    assert [path.name for path in tmp_path.iterdir()] == ["people.ndjson"]


def test_a_table_is_not_written_where_there_is_no_folder(ask: Ask, tmp_path: Path) -> None:
    refused = ask("insight", "people", "--url", "http://127.0.0.1:9", "--out", tmp_path / "none" / "people.ndjson")

    assert refused.exit_code == 1
    assert "none" in refused.stderr and "Traceback" not in refused.stderr
