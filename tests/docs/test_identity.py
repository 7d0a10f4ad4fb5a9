"""Does the page on names and merging say what is so? Its blocks run, and its reasons are all there are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.config import Settings
from parcours.core.fact import NotMergedReason

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "identity.md"


def test_the_code_and_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    defined: dict[str, Any] = {"__name__": "identity"}
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"python", "shell"}

    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, PAGE.name, "exec"), defined)
            continue
        for command in text.splitlines():
            result = CliRunner().invoke(build(), command.split()[1:])
            assert result.exit_code == 0, (command, result.output)


def test_the_page_has_every_reason_for_which_nobody_is_merged() -> None:
    _, _, table = PAGE.read_text().partition("| reason | when |")

    named = re.findall(r"^\| `(\w+)` \|", table.partition("\n## ")[0], re.MULTILINE)

    assert set(named) == {reason for reason in get_args(NotMergedReason) if reason}


def test_the_settings_of_the_page_are_settings() -> None:
    named = set(re.findall(r"`(\w+_(?:max|ms|s))`", PAGE.read_text()))

    assert {"later_max_s", "identity_memory_ms", "identities_max"} <= named <= set(Settings.model_fields)
