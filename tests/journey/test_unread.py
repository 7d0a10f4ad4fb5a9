"""Authors are warned of files that lie where nothing reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from parcours.journey.project import Project

Change = Callable[[dict[str, str]], Path]


@pytest.mark.parametrize(
    "file, hint",
    [
        ("event.yaml", ", did you mean 'events.yaml'?"),
        ("events.yml", ", did you mean 'events.yaml'?"),
        ("events.YAML", ", did you mean 'events.yaml'?"),
        ("Events.Yml", ", did you mean 'events.yaml'?"),
        ("Journeys/welcome.yaml", ", did you mean 'journeys/welcome.yaml'?"),
        ("journeys/sub/x.yaml", ", did you mean 'journeys/x.yaml'?"),
        ("message/hello.yml", ", did you mean 'messages/hello.yaml'?"),
        ("xyz-9.yaml", ""),
    ],
)
def test_a_file_that_nothing_reads_is_a_doubt_with_the_nearest_name(
    file: str, hint: str, luma: Path, changed: Change
) -> None:
    folder = changed({})
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text("a: 1\n")

    found = Project.check(folder)

    assert [str(finding) for finding in found] == [f"{file}: warning: nothing reads this file{hint}"]
    assert Project.load(folder).name == Project.load(luma).name


@pytest.mark.parametrize("folder", ["messages", "journeys"])
@pytest.mark.parametrize("suffix", [".yml", ".YAML", ".Yaml", ".YML"])
def test_every_other_spelling_of_the_suffix_is_refused(folder: str, suffix: str, changed: Change) -> None:
    project = changed({})
    (project / folder / f"k{suffix}").write_text("a: 1\n")

    found = Project.check(project)

    assert [str(finding) for finding in found] == [f"{folder}/k{suffix}: documents end in .yaml, rename it"]


@pytest.mark.parametrize("file", ["tests/a.yaml", "tests/sub/b.yml", ".github/workflows/ci.yaml", "notes.md"])
def test_what_belongs_to_tools_is_passed_over(file: str, changed: Change) -> None:
    folder = changed({})
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text("a: 1\n")

    assert Project.check(folder) == []


@pytest.mark.parametrize("entry", ["{}", "{evnt: Checkout Started}", "3"])
def test_an_entry_that_cannot_be_read_is_said_once(entry: str, changed: Change) -> None:
    text = f"journey: second\nentry: {entry}\nsteps: [{{id: a, end: true}}]\n"

    found = Project.check(changed({"journeys/second.yaml": text}))

    assert len(found) == 1
    assert found[0].path == "entry"
