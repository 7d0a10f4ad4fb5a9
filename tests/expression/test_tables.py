"""Are the parser's tables computed once, and never taken from a file that is not good for them?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PARSED = """
from lark.parsers.lalr_analysis import LALR_Analyzer
computed = []
compute = LALR_Analyzer.compute_lalr
LALR_Analyzer.compute_lalr = lambda analyzer: computed.append(analyzer) or compute(analyzer)
from parcours.expression.syntax import parse
tree = repr(parse('has(profile.x) && true ? "a\\\\n" : [1, "b"][0]'))
print(__import__("json").dumps([tree, len(computed)]))
"""


def parsed(kept_in: Path, **environment: str) -> tuple[str, bool]:
    """What a new process makes of an expression, and whether it computed tables for that."""
    given = {**os.environ, "PYTHONPYCACHEPREFIX": str(kept_in), "PYTHONDONTWRITEBYTECODE": "", **environment}
    done = subprocess.run([sys.executable, "-c", PARSED], capture_output=True, text=True, check=True, env=given)
    assert done.stderr == ""
    tree, computed = json.loads(done.stdout)
    return tree, computed > 0


def test_a_second_process_finds_the_tables_of_the_first(tmp_path: Path) -> None:
    first, computed = parsed(tmp_path)
    assert computed
    assert parsed(tmp_path) == (first, False)


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    first, _ = parsed(tmp_path)
    (tables,) = tmp_path.rglob("*.lalr")
    whole = tables.read_bytes()

    for damaged in (whole[:1_000], b"x" + whole[1:]):
        tables.write_bytes(damaged)
        assert parsed(tmp_path) == (first, True)
        assert parsed(tmp_path) == (first, False)


def test_nothing_is_kept_where_python_keeps_nothing(tmp_path: Path) -> None:
    assert parsed(tmp_path, PYTHONDONTWRITEBYTECODE="1")[1]
    assert list(tmp_path.rglob("*")) == []


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.touch()

    assert parsed(nowhere / "below")[1]
