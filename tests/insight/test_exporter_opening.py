"""Does an engine without the extra go on, and say in a line what to install?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from parcours.config import Settings
from parcours.errors import ExtraMissing
from parcours.insight.exporter import opening
from parcours.insight.exporter.facts import Exported
from parcours.journey.model.document import EventsDocument, ProjectDocument
from parcours.journey.project import Project
from parcours.shard.messages import ExportRange


def test_importing_the_exporter_imports_no_arrow() -> None:
    code = "import sys, parcours, parcours.insight.exporter.opening; print('pyarrow' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "False\n"


@pytest.mark.parametrize("library", ["pyarrow", "zstandard"])
def test_a_missing_library_is_one_line_that_names_the_extra(
    library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert opening.recall_exported(tmp_path, "sarah") == Exported([], {}), "nothing is exported"
    (tmp_path / "facts" / "_done").mkdir(parents=True)
    for begin in (
        lambda: opening.range_opener(tmp_path, None),
        lambda: opening.open_upkeep(tmp_path, Settings()),
        lambda: opening.recall_exported(tmp_path, "sarah"),
    ):
        with pytest.raises(ExtraMissing) as error:
            begin()

        assert str(error.value) == f"{opening.EXPORT} needs the extra [insight]: pip install 'parcours[insight]'"


def test_what_is_opened_writes_by_the_program_that_it_is_given(tmp_path: Path) -> None:
    document = ProjectDocument.model_validate({"project": "shop", "insight": {"secret": "env:SALT"}})
    program = Project.of(document, events=EventsDocument(events={})).program
    files = opening.range_opener(tmp_path, "salt")(2, ExportRange(1, 4), program)
    files.finish()

    assert opening.recall_exported(tmp_path, "sarah").through == {2: 4}
    assert not opening.open_upkeep(tmp_path, Settings()).step(program.insight, 0)
