"""What is wrong with one key of insight/*.yaml hides nothing else, and is told once: not wherever it is used."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from shutil import copytree

import pytest
from tests.journey.test_analyses import YOGA, faults_of
from tests.journey.test_many_mistakes import around_of, findings_elsewhere, parts_of

from parcours.journey.read.finding import written
from parcours.journey.read.source import read_text

MUTATED = [
    "insight/yoga.yaml", "insight/more.yaml", "events.yaml", "profile.yaml", "audiences.yaml", "journeys/cart.yaml"
]  # fmt: skip


@pytest.mark.parametrize("file", MUTATED)
def test_a_faulty_part_has_no_finding_elsewhere(file: str, tmp_path: Path) -> None:
    data = read_text((YOGA / file).read_text(), "any", file, []).data
    folder = copytree(YOGA, tmp_path / "changed")
    for path in parts_of(data):
        mutated = deepcopy(data)
        around_of(mutated, path)[path[-1]] = [[]]
        (folder / file).write_text(json.dumps(mutated))

        assert findings_elsewhere(faults_of(folder), file, written(path)) == [], path


@pytest.mark.parametrize("file", MUTATED)
def test_a_misspelt_key_has_no_finding_elsewhere(file: str, tmp_path: Path) -> None:
    data = read_text((YOGA / file).read_text(), "any", file, []).data
    folder = copytree(YOGA, tmp_path / "changed")
    for path in (each for each in parts_of(data) if isinstance(each[-1], str)):
        mutated = deepcopy(data)
        around = around_of(mutated, path)
        around[f"{path[-1]}zz"] = around.pop(path[-1])
        (folder / file).write_text(json.dumps(mutated))

        found = faults_of(folder)

        if any(each.message.startswith("unknown key") for each in found):  # others are names of the author's own
            assert findings_elsewhere(found, file, written(path)) == [], path


TOGETHER = """\
metrics:
  a: {sum: [1], of: Nowhere}
  b: {formula: a + c}
segments:
  s: {event: [1], whre: event.x}
funnels:
  f: {steps: [[], {event: Product Added, when: event.pric > 1}], within: 3, exclude: [Nobody]}
attributions:
  t: {conversion: Order Completed, touches: {deliveries: snt}, key: mesage, value: event.totl}
"""


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    folder = copytree(YOGA, tmp_path / "changed")
    (folder / "insight" / "wrong.yaml").write_text(TOGETHER)

    assert [f"{each.line} {each.path}" for each in faults_of(folder)] == [
        "2 metrics.a.of",
        "2 metrics.a.sum",
        "3 metrics.b.formula",
        "5 segments.s.event",
        "5 segments.s.whre",
        "7 funnels.f.exclude[0]",
        "7 funnels.f.steps[0]",
        "7 funnels.f.steps[1].when",
        "7 funnels.f.within",
        "9 attributions.t.touches.deliveries",
        "9 attributions.t.value",
    ]
