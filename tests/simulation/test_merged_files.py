"""A run that goes on as another person's has a line in the transitions, which tells who had it before."""

from __future__ import annotations

from pathlib import Path

import msgspec

from parcours.core.fact import Merged, RunMerged
from parcours.insight.summary import Summary
from parcours.simulation.result_files import ResultFiles


def test_each_run_that_goes_on_has_a_line_with_the_name_and_number_of_before(tmp_path: Path) -> None:
    runs = (RunMerged("cart", 1, 1, 4, None, "rest"), RunMerged("tour", 1, 2, None, "already_in", "rest"))

    with ResultFiles(tmp_path) as files:
        files.add([Merged(1, "u1", "@anonymous/7f3a", "identify", runs)])
        files.write(Summary())

    (line,) = map(msgspec.json.decode, (tmp_path / "transitions.ndjson").read_bytes().splitlines())
    assert (line["run"], line["what"], line["why"]) == (4, "merged", "@anonymous/7f3a run 1")
