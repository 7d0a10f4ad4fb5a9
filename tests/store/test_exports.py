"""Does a copy of what is exported have what its shards know of, whatever goes on meanwhile?"""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.store import exports
from parcours.store.exports import copy_exports

RANGES = ["0-000000000001-000000000010", "0-000000000011-000000000020"]


def written(store: Path, *names: str, text: str = "rows") -> None:
    for name in names:
        day, document = store / f"facts/moves/day=2026-03-02/{name}.parquet", store / f"facts/_done/{name}.json"
        for path in (day, document):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def names(store: Path) -> list[str]:
    return sorted(path.name for path in store.rglob("*") if path.is_file())


def test_what_a_shard_does_not_know_of_is_not_copied_nor_what_was_compacted_with_it(tmp_path: Path) -> None:
    written(tmp_path / "a", *RANGES, f"{RANGES[0]}.20260302", "0-000000000001-000000000020.20260302")
    (tmp_path / "a/facts/_done/0.cut.json").write_text("{}")
    (tmp_path / "a/facts/_done/0-000000000001-000000000009.20260302.json.unfinished").write_text("{")

    copy_exports(tmp_path / "a", tmp_path / "b", {0: 10})

    assert names(tmp_path / "b") == [
        f"{RANGES[0]}.20260302.json", f"{RANGES[0]}.20260302.parquet", f"{RANGES[0]}.json", f"{RANGES[0]}.parquet",
        "0.cut.json",
    ]  # fmt: skip


def test_what_shards_have_exported_that_the_store_had_before_goes_along(tmp_path: Path) -> None:
    former = "3-000000000001-000000000020"
    written(tmp_path / "a", *RANGES, former)

    copy_exports(tmp_path / "a", tmp_path / "b", {0: 10, 1: 0})

    assert names(tmp_path / "b") == sorted(
        f"{name}.{kind}" for name in (RANGES[0], former) for kind in ("json", "parquet")
    )


def test_files_that_go_while_a_copy_is_made_are_looked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "a", *RANGES)
    (tmp_path / "a/facts/_done/0.cut.json").write_text("old")
    copy = exports.copy_file

    def swept(path: Path, target: Path) -> None:
        if RANGES[1] in path.name and path.exists():
            written(tmp_path / "a", f"{RANGES[1]}.20260302")
            for each in (tmp_path / "a").rglob(f"{RANGES[1]}.[pj]*"):
                each.unlink()
            (tmp_path / "a/facts/_done/0.cut.json").write_text("new")
        copy(path, target)

    monkeypatch.setattr(exports, "copy_file", swept)
    copy_exports(tmp_path / "a", tmp_path / "b", {0: 20})

    assert names(tmp_path / "b") == names(tmp_path / "a")
    assert (tmp_path / "b/facts/_done/0.cut.json").read_text() == "new"
