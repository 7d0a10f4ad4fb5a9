"""The harness can fail: an engine that breaks a promise by a few words is found out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.mutants import MUTANTS, Mutant, copy_to

import parcours

ENGINE = Path(parcours.__file__).parents[1]

FULL = "PARCOURS_FAULTS_FULL" in os.environ
"""Whether all mutants are tried: each takes some seconds."""


@pytest.mark.parametrize("mutant", [each for each in MUTANTS if each.often or FULL], ids=lambda mutant: mutant.name)
def test_a_mutant_is_found(mutant: Mutant, tmp_path: Path) -> None:
    copy_to(tmp_path, ENGINE / "parcours")
    mutant.apply(tmp_path)

    seeds = ["--from", str(mutant.start), "--seeds", str(mutant.seeds)]
    done = subprocess.run(
        [sys.executable, "-m", "parcours.testing.faults", *seeds, "--first"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    assert " fails: " in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_still_fits_the_source(mutant: Mutant) -> None:
    assert (ENGINE / "parcours" / mutant.file).read_text().count(mutant.text) == 1
