"""Does the page on exported facts say what is so? Its Python reads what an exporter has written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from tests.docs.blocks import blocks
from typer.testing import CliRunner

from parcours.cli import build
from parcours.config import DAY_MS, HOUR_MS, Settings
from parcours.core.fact import Fact, Moved
from parcours.core.fact_block import encode_facts
from parcours.insight.exporter.opening import open_upkeep
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.rows import Telling
from parcours.insight.exporter.tables import COLUMNS, TABLES
from parcours.journey.model.insight import InsightDocument
from parcours.journey.starter import write_starter
from parcours.shard.messages import ExportRange, ExportRecord, ExportSlice

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "insight.md"
DAY = 20_000


def export(store: Path, record: int, day: int) -> None:
    facts: list[Fact] = [
        Moved(day * DAY_MS, who, "cart", 1, 1, "wait", "reached") for who in ("sarah", "paul", f"p{record}")
    ]
    files = ParquetRange(store, Telling(0, frozenset()), ExportRange(record, record))
    files.add(ExportSlice([ExportRecord(record, day * DAY_MS, encode_facts(facts))]))
    files.finish()


def test_the_code_of_the_page_reads_what_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Path("var/shop")
    for record, day in enumerate([DAY - 9, DAY, DAY, DAY + 1, DAY + 1], start=1):
        export(store, record, day)
    insight = InsightDocument.model_validate({"facts_for": "5d"})
    while open_upkeep(store, Settings()).step(insight, (DAY + 3) * DAY_MS):  # one day is cut, one is compacted
        pass
    (store / "facts/moves/day=2024-10-04/0-000000000007-000000000008.parquet").write_bytes(b"left by a crash")
    write_starter("shop")
    (experiment,) = (block for block in blocks(PAGE, "yaml") if block.startswith("journey:"))
    Path("shop/journeys/discount.yaml").write_text(experiment)
    with Path("shop/parcours.yaml").open("a") as parcours:
        (holdouts,) = re.findall(r"`(holdouts: .*)` in parcours.yaml", PAGE.read_text())
        parcours.write(f"{holdouts}\n")
    shown: dict[str, list[str]] = {}
    for command in "".join(blocks(PAGE, "shell")).splitlines():
        result = CliRunner(env={"COLUMNS": "80"}).invoke(build(), shlex.split(command)[1:])
        assert result.exit_code == 0, (command, result.output)
        shown[command] = [line.rstrip() for line in result.stdout.splitlines()]
    (first, *_) = (lines for command, lines in shown.items() if command.startswith("parcours funnel"))
    assert [first] == [text.splitlines() for text in blocks(PAGE, "text")]
    defined: dict[str, Any] = {"__name__": "insight"}

    exec(compile("\n".join(blocks(PAGE, "python")), PAGE.name, "exec"), defined)

    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told] == ["2024-10-04", "2024-10-04", "2024-10-05", "2024-10-05"]
    assert len(defined["files_of"]("var/shop", "moves")) == 3
    assert not open_upkeep(store, Settings()).step(insight, (DAY + 3) * DAY_MS + HOUR_MS)
    assert len(defined["files_of"]("var/shop", "moves")) == 3


def test_the_page_has_every_column_of_every_table() -> None:
    named = re.findall(r"^\| `(\w+)` \| [^|]* \| (`(?:time|taken)`.*) \|$", PAGE.read_text(), re.MULTILINE)

    assert {table: re.findall(r"`(\w+)`", columns) for table, columns in named} == {
        table: [column.name for column in COLUMNS[table][:-3]] for table in TABLES
    }


def test_the_settings_of_the_page_are_settings() -> None:
    text = blocks(PAGE, "yaml")[-1]

    document = InsightDocument.model_validate(YAML(typ="safe", pure=True).load(text)["insight"])

    assert [document.kept_for(table) for table in ("moves", "events", "publications")] == [
        90 * DAY_MS, 30 * DAY_MS, None,
    ]  # fmt: skip
    assert set(re.findall(r"`((?:export|compact)_\w+)`", PAGE.read_text())) <= set(Settings.model_fields)
