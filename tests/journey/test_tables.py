"""The checker names everything that is wrong with a table, in its document and in its files."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from shutil import copytree

import pytest
from ruamel.yaml import YAML

from parcours.errors import ExtraMissing
from parcours.journey.project import Project

CELLAR = Path(__file__).parent / "wishlist"

MISTAKES = YAML(typ="safe").load(Path(__file__).with_name("table_mistakes.yaml"))

OTHERS = "  u: {sql: select * from t, columns: {customer: string}}\n"
"""A query over the table, so that it may read itself in a circle."""


class Reader:
    """What libraries would say of the only Parquet file, and of queries."""

    def columns_of(self, path: Path) -> Mapping[str, str | None]:
        assert path.name == "columns.parquet"
        return {"town": "string", "n": "string", "price": "decimal(4)", "sum": "integer"}

    def fault_of(self, sql: str, sources: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]) -> str | None:
        return f"seen over {sorted(sources)}" if "faulty" in sql else None


class Missing:
    """An installation without the libraries."""

    def columns_of(self, path: Path) -> Mapping[str, str | None]:
        raise ExtraMissing.of("reading Parquet", "campaigns")

    def fault_of(self, sql: str, sources: Mapping[str, Mapping[str, str]], columns: Mapping[str, str]) -> str | None:
        raise ExtraMissing.of("reading queries", "campaigns")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the sample project without the campaign."""
    folder = tmp_path / "changed"
    copytree(CELLAR, folder)
    (folder / "campaigns/autumn.yaml").unlink()
    (folder / "messages/autumn.yaml").unlink()
    (folder / "data/broken.ndjson").write_text("[1]\n")
    (folder / "data/empty.csv").write_text("")
    (folder / "data/columns.parquet").write_bytes(b"PAR1")
    return folder


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case["table"])
def test_each_mistake_is_told_where_it_is(folder: Path, case: Mapping[str, object]) -> None:
    others = OTHERS if "from u" in str(case["table"]) else ""
    bills = (
        '  bills: {file: "data/bills-*.csv", columns: {customer: string, amount: decimal(2)}, person: customer,'
        " match: userId, many: true}\n"
    )
    (folder / "tables.yaml").write_text(f"tables:\n  t: {case['table']}\n{others}{bills}")

    said = [str(each).removeprefix("tables.yaml:") for each in Project.check(folder, reader=Reader())]

    assert [re.sub(r" \(found ['{\[].*\)$", "", each) for each in said] == case["said"]


def test_what_is_missing_in_files_keeps_a_project_from_being_published_alone(folder: Path) -> None:
    (folder / "data/shops.ndjson").unlink()

    assert [each.severity for each in Project.check(folder)] == ["draft"]
    assert Project.load(folder).program.tables["shops"].file == "data/shops.ndjson"


def test_packed_files_are_looked_into(folder: Path) -> None:
    packed = gzip.compress(b"place,phone\nTours,+33\n")
    (folder / "data/shops.csv.gz").write_bytes(packed)
    text = (folder / "tables.yaml").read_text()
    (folder / "tables.yaml").write_text(text.replace("data/shops.ndjson", "data/shops.csv.gz"))

    assert list(map(str, Project.check(folder))) == [
        "tables.yaml:16: tables.shops.columns.town: data/shops.csv.gz has no column 'town'"
    ]


def test_a_file_that_leads_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("town,phone\n")
    (folder / "data/shops.ndjson").unlink()
    (folder / "data/shops.csv").symlink_to(tmp_path / "secret.csv")
    text = (folder / "tables.yaml").read_text()
    (folder / "tables.yaml").write_text(text.replace("data/shops.ndjson", "data/shops.csv"))

    assert list(map(str, Project.check(folder))) == [
        "tables.yaml:16: tables.shops.file: the file lies outside the project folder"
    ]


def test_a_query_is_looked_at_with_the_tables_that_it_names(folder: Path) -> None:
    text = (folder / "tables.yaml").read_text()
    (folder / "tables.yaml").write_text(text.replace("from bills group", "as faulty from bills group"))

    assert [re.sub(r" \(found .*$", "", str(each)) for each in Project.check(folder, reader=Reader())] == [
        "tables.yaml:18: tables.regulars.sql: seen over ['bills']"
    ]


def test_no_query_is_looked_at_where_tables_could_not_be_read(folder: Path) -> None:
    text = (folder / "tables.yaml").read_text()
    faulty = text.replace("from bills group", "as faulty from bills group").replace("vintage: integer", "vintage: year")
    (folder / "tables.yaml").write_text(faulty)

    assert not any("seen over" in str(each) for each in Project.check(folder, reader=Reader()))


def test_a_library_that_is_missing_is_one_warning_for_all_that_it_would_read(folder: Path) -> None:
    parquet = "  p: {file: data/columns.parquet, columns: {town: string}, join: row.town == profile.city}\n"
    (folder / "tables.yaml").write_text((folder / "tables.yaml").read_text() + parquet)

    (finding,) = Project.check(folder, reader=Missing())

    assert (finding.severity, finding.line) == ("warning", 18)
    assert "needs the extra [campaigns]: pip install 'parcours[campaigns]'" in str(finding)
