"""What is wrong with one key of a campaign or table hides nothing else, and is told once: not wherever it is used."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from shutil import copytree

import pytest
from tests.journey.test_many_mistakes import around_of, findings_elsewhere, parts_of

from parcours.journey.project import Project
from parcours.journey.read.finding import Finding, written
from parcours.journey.read.source import read_text

CELLAR = Path(__file__).parent / "wishlist"

MUTATED = ["campaigns/autumn.yaml", "tables.yaml", "audiences.yaml", "messages/autumn.yaml", "profile.yaml"]


def errors_in(folder: Path) -> list[Finding]:
    """What is wrong; a set that nobody takes any more may be told besides."""
    return [each for each in Project.check(folder) if each.severity != "warning"]


@pytest.mark.parametrize("file", MUTATED)
def test_a_faulty_part_has_no_finding_elsewhere(file: str, tmp_path: Path) -> None:
    data = read_text((CELLAR / file).read_text(), "any", file, []).data
    folder = copytree(CELLAR, tmp_path / "changed")
    for path in parts_of(data):
        mutated = deepcopy(data)
        around_of(mutated, path)[path[-1]] = [[]]
        (folder / file).write_text(json.dumps(mutated))

        assert findings_elsewhere(errors_in(folder), file, written(path)) == [], path


@pytest.mark.parametrize("file", MUTATED)
def test_a_misspelt_key_has_no_finding_elsewhere(file: str, tmp_path: Path) -> None:
    data = read_text((CELLAR / file).read_text(), "any", file, []).data
    folder = copytree(CELLAR, tmp_path / "changed")
    for path in (each for each in parts_of(data) if isinstance(each[-1], str)):
        mutated = deepcopy(data)
        around = around_of(mutated, path)
        around[f"{path[-1]}zz"] = around.pop(path[-1])
        (folder / file).write_text(json.dumps(mutated))

        found = errors_in(folder)

        if any(each.message.startswith("unknown key") for each in found):  # others are names of the author's own
            assert findings_elsewhere(found, file, written(path)) == [], path
