"""`parcours check` tells what keeps a campaign from being published, by file and line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from parcours.cli import build


def check(folder: Path) -> Result:
    return CliRunner().invoke(build(), ["check", str(folder)])


@pytest.fixture
def wishlist(tmp_path: Path) -> Path:
    folder = tmp_path / "wishlist"
    assert CliRunner().invoke(build(), ["init", "--example", "wishlist", str(folder)]).exit_code == 0
    return folder


def line_of(file: Path, text: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


QUERY = '  regulars: {sql: "select mail from wishes", columns: {mail: string}, person: mail, match: email}\n'


def with_query(folder: Path, table: str) -> Path:
    tables = folder / "tables.yaml"
    tables.write_text(tables.read_text() + QUERY.replace("select mail from wishes", f"select email as mail {table}"))
    return tables


def test_a_schedule_that_is_past_and_has_no_rule_is_refused(wishlist: Path) -> None:
    (campaign,) = (wishlist / "campaigns").iterdir()
    rule = 'schedule: {at: 2026-11-02T09:00:00, rule: "FREQ=WEEKLY;BYDAY=MO"}'
    assert rule in campaign.read_text()
    once = campaign.read_text().replace(rule, "schedule: {at: 2020-03-02T09:00:00}").replace("starts:", "# starts:")
    campaign.write_text(once)

    result = check(wishlist)

    place = f"campaigns/{campaign.name}:{line_of(campaign, 'schedule:')}: schedule.at"
    assert result.exit_code == 1
    assert f"{place}: no run would begin: 2020-03-02T" in result.stdout
    assert "Drafts can be tested and simulated, but not published" in result.stderr


def test_a_query_that_names_no_table_is_refused(wishlist: Path) -> None:
    tables = with_query(wishlist, "from wishlist join wishlists using (email)")

    result = check(wishlist)

    assert result.exit_code == 1
    place = f"tables.yaml:{line_of(tables, 'regulars')}: tables.regulars.sql"
    assert f"{place}: Catalog Error: Table with name wishlists does not exist!" in result.stdout


def test_without_the_libraries_of_campaigns_queries_are_passed_over_with_a_word(
    wishlist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_query(wishlist, "from wishlist join wishlists using (email)")
    for module in [name for name in sys.modules if name.startswith("parcours.campaigns.sets.")]:
        monkeypatch.delitem(sys.modules, module)
    for library in ("duckdb", "pyarrow"):
        monkeypatch.setitem(sys.modules, library, None)

    result = check(wishlist)

    assert result.exit_code == 0
    warnings = [line for line in result.stdout.splitlines() if "[campaigns]" in line]
    assert len(warnings) == 1 and "pip install 'parcours[campaigns]'" in warnings[0]
