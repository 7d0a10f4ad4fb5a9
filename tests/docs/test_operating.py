"""Does the page for operators say what is so? Its Python runs, and its commands do what they are there for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from parcours.cli import build
from parcours.journey.starter import write_starter

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "operating.md"


def test_the_code_and_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_starter("shop")
    defined: dict[str, Any] = {"__name__": "operating"}
    blocks = re.findall(r"^```(python|shell)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert {kind for kind, _ in blocks} == {"python", "shell"}

    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, PAGE.name, "exec"), defined)
            continue
        for command in text.splitlines():
            result = CliRunner().invoke(build(), command.split()[1:])
            assert result.exit_code == 0, (command, result.output)


def test_the_errors_that_the_page_names_are_those_that_there_are() -> None:
    said = "".join(path.read_text() for path in (PAGE.parents[1] / "parcours" / "store").glob("*.py"))
    said = re.sub(r'"\s+f?"', "", said)  # texts that go on in the next line
    _, _, page = PAGE.read_text().partition("| the error says |")
    named = re.findall(r"^\| `(.*?)` \|", page.partition("\n## ")[0], re.MULTILINE)
    assert len(named) == 8

    for error in named:
        for part in re.split(r"\.\.\.|: |layout\.json|manifest", error):
            assert part.strip() in said, error
