"""Is a project refused that asks for what no engine carries out yet?"""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours import Project, simulate
from parcours.cli import build
from parcours.errors import ProjectInvalid
from parcours.journey.starter import write_starter


@pytest.fixture
def calling(tmp_path: Path) -> Path:
    """The starter project with an outbound call in it."""
    folder = tmp_path / "shop"
    write_starter(folder)
    (folder / "actions.yaml").write_text('actions: {note: {url: "https://crm.luma.example/notes"}}\n')
    (folder / "journeys" / "noted.yaml").write_text(
        "journey: noted\nentry: {event: Checkout Started}\nsteps:\n  - {id: note, call: note}\n"
    )
    return folder


def test_the_checker_says_so(calling: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build()(["check", str(calling)])

    assert ended.value.code == 1
    assert "journey 'noted', step 'note': outbound calls are not available" in capsys.readouterr().out


def test_the_engine_does_not_run_it(calling: Path) -> None:
    with pytest.raises(ProjectInvalid, match="outbound calls"):
        simulate(Project.load(calling), [])
