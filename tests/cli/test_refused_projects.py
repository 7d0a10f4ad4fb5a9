"""A project that `parcours check` refuses is refused by every command, in the same words."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.cli.conftest import Ask

from parcours.dispatch.judgement import load_project
from parcours.errors import ProjectInvalid
from parcours.journey.starter import write_starter
from parcours.testing.virtual_project import VirtualProject

MESSAGES = {
    "an unknown key": "email: {foo: 1}\n",
    "an unknown element": (
        "email: {subject: Hello, mjml: '<mjml><mj-body><mj-nothing>x</mj-nothing></mj-body></mjml>'}\n"
    ),
    "an unknown channel": "pigeon: {text: coo}\n",
}


@pytest.fixture(params=list(MESSAGES.values()), ids=list(MESSAGES))
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    write_starter(folder)
    (folder / "messages" / "wrong.yaml").write_text(f"message: wrong\n{request.param}")
    return folder


def test_what_check_refuses_no_command_takes(shop: Path, ask: Ask, tmp_path: Path) -> None:
    events = shop / "events.ndjson"
    checked = ask("check", shop)
    errors = [line for line in checked.stdout.splitlines() if "warning: " not in line]
    commands = [
        ("simulate", shop, "--events", events, "--out", tmp_path / "out"),
        ("test", shop),
        ("test", shop, "--explore", "10"),
        ("graph", shop, "abandoned-cart"),
        ("explain", shop, "sarah", "--events", events),
        ("diff", shop, shop, "--events", events),
    ]

    results = [ask(*command) for command in commands]

    assert checked.exit_code == 1 and errors
    assert [(each.exit_code, each.stderr.splitlines()) for each in results] == [(1, errors)] * len(commands)
    assert not (tmp_path / "out" / "summary.json").exists()


def test_a_folder_that_check_refuses_is_not_published_under_virtual_time(shop: Path, tmp_path: Path) -> None:
    write_starter(tmp_path / "sound")

    with (
        VirtualProject(load_project(tmp_path / "sound"), start=datetime(2026, 3, 2, tzinfo=UTC)) as virtual,
        pytest.raises(ProjectInvalid, match="wrong.yaml"),
    ):
        virtual.publish(shop)
