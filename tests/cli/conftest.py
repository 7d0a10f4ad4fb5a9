"""What the tests of commands share: a copy of the example project, events in a file, and a way to run a command."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from parcours.cli import build

Ask = Callable[..., Result]


@pytest.fixture
def ask() -> Ask:
    """Run a command with these arguments."""

    def run(*arguments: str | Path, given: bytes | None = None) -> Result:
        return CliRunner(env={"COLUMNS": "100"}).invoke(build(), [str(each) for each in arguments], input=given)

    return run


@pytest.fixture
def luma_copy(tmp_path: Path) -> Path:
    """A copy of the Luma project, to be changed."""
    return Path(shutil.copytree(str(files("parcours.demo") / "luma"), tmp_path / "luma"))


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Sarah fills a cart and opens nothing."""
    calls = [
        {"type": "identify", "traits": {"email": "s@luma.example", "phone": "+33612345678"}},
        {"type": "track", "event": "Product Added", "properties": {"cart": {"total": 80}}},
    ]
    whole = [{**call, "userId": "sarah", "timestamp": "2026-03-02T09:00:00Z"} for call in calls]
    path = tmp_path / "events.ndjson"
    path.write_text("".join(json.dumps(call) + "\n" for call in whole))
    return path
