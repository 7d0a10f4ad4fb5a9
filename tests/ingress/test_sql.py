"""Facts in SQL at the door: who may ask, what is answered, and that it is known who has asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.ingress.test_people import CART, Desk, at_the_desk
from typer.testing import CliRunner

from parcours.cli import build
from parcours.cli.remote import Remote

EVENTS = "select person, event, time from events order by person"


def test_a_key_that_sees_people_is_answered_and_the_look_is_among_the_facts(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await desk.service.track("sarah", "Cart Left", CART)
        await desk.service.drain(30)

        told = await desk.post("/facts/sql", {"query": EVENTS}, by="eve")

        assert told.status_code == 200, told.text
        answer = told.json()
        ((person, event, time),) = answer["rows"]
        assert (person, event, answer["columns"], answer["more"]) == (
            "sarah", "Cart Left", ["person", "event", "time"], False,
        )  # fmt: skip
        assert time.endswith("Z") and time <= answer["as_of"]
        looks: list[list[str]] = []
        while ["", "eve", "POST /facts/sql"] not in looks:  # within a second
            found = await desk.post("/facts/sql", {"query": "select person, key, route from looks"}, by="eve")
            looks = found.json()["rows"]

    at_the_desk(tmp_path, visit)


@pytest.mark.parametrize(
    ("by", "body", "status"),
    [
        ("site", {"query": EVENTS}, 403),
        ("nobody", {"query": EVENTS}, 401),
        ("eve", {"query": "select * from read_text('/etc/passwd')"}, 409),
        ("eve", {"query": "drop view events"}, 409),
        ("eve", {"query": ""}, 409),
        ("eve", {"query": EVENTS, "file": "/etc/passwd"}, 400),
        ("eve", {}, 400),
    ],
)
def test_everything_else_is_refused(by: str, body: dict[str, str], status: int, tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        assert (await desk.post("/facts/sql", body, by=by)).status_code == status

    at_the_desk(tmp_path, visit)


def test_the_command_asks_the_door_and_says_where_rows_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"as_of": "2026-01-01T10:00:00.000Z", "columns": ["n"], "rows": [[1]], "more": True}
    asked: list[object] = []

    def post(_remote: Remote, *path: str, body: object = None) -> object:
        asked.append((path, body))
        return told

    monkeypatch.setattr(Remote, "post", post)
    command = ["insight", "sql", "select 1 as n", "--url", "http://127.0.0.1:9", "--format", "json", "--stitch", "all"]
    done = CliRunner().invoke(build(), command)

    assert asked == [(("facts", "sql"), {"query": "select 1 as n", "stitch": True, "exported": False})]
    assert json.loads(done.stdout) == {"as_of": "2026-01-01T10:00:00.000Z", "columns": ["n"], "rows": [[1]]}
    assert "more rows" in done.stderr
