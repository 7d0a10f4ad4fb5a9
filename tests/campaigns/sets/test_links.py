"""Whose rows are those of a table, and what if a person has two?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.links import Links, linked_rows
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.sets.tables import copied_table
from parcours.campaigns.sets.whole_file import hash_of
from parcours.errors import TableRefused

MEMORY_BYTES = 200 * 1024 * 1024


def snapshot_of(folder: Path, rows: int) -> Snapshot:
    """A table of so many rows, in two files, the first of which has two."""
    for name, numbers in (("a.csv", range(min(rows, 2))), ("b.csv", range(2, rows))):
        (folder / name).write_text("n\n" + "".join(f"{number}\n" for number in numbers))
    return copied_table("wishes", folder, "*.csv", {"n": "integer"}, folder / "wishes.parquet")


def linked(
    folder: Path,
    values: Sequence[str | None],
    people: Sequence[tuple[str, str | None]],
    *,
    fold: bool = False,
    many: bool = True,
    threads: int = 2,
) -> Links:
    folder.mkdir(exist_ok=True)
    numbers = pa.array(range(1, len(values) + 1), pa.int64())
    pq.write_table(pa.table({"row_number": numbers, "value": pa.array(values, pa.string())}), folder / "values.parquet")
    columns = [pa.array([each[place] for each in people], pa.string()) for place in (0, 1)]
    pq.write_table(pa.table(columns, names=["person", "value"]), folder / "people.parquet")
    return linked_rows(
        snapshot_of(folder, len(values)),
        folder / "values.parquet",
        folder / "people.parquet",
        folder / "links.parquet",
        Workspace(folder / "spill", MEMORY_BYTES, threads),
        fold=fold,
        many=many,
    )


def pairs_of(links: Links) -> list[tuple[str, int]]:
    return [(row["person"], row["row_number"]) for row in pq.read_table(links.file).to_pylist()]


def test_equal_values_link_rows_to_people(tmp_path: Path) -> None:
    values = ["a@x.example", "A@x.example", " a@x.example", "b@x.example", None, "a@x.example"]
    people = [("zoe", "a@x.example"), ("ben", "b@x.example"), ("ida", None)]

    links = linked(tmp_path, values, people)

    assert pairs_of(links) == [("ben", 4), ("zoe", 1), ("zoe", 6)]
    assert (links.pairs, links.unlinked, links.hash) == (3, 3, hash_of(links.file))


def test_folded_values_differ_neither_by_case_nor_by_blanks_around_them(tmp_path: Path) -> None:
    values = [" STRASSE\t", "straße", "İ", "i̇", "ΣΑΣ", "a b", "ab"]
    people = [("ann", "Straße "), ("eda", "i̇"), ("ole", "σας"), ("pia", "A B")]

    links = linked(tmp_path, values, people, fold=True)

    assert pairs_of(links) == [("ann", 1), ("ann", 2), ("eda", 3), ("eda", 4), ("ole", 5), ("pia", 6)]
    assert links.unlinked == 1


def test_a_value_that_several_people_share_links_the_row_to_each_of_them(tmp_path: Path) -> None:
    people = [("zoe", "shared"), ("ann", "shared"), ("ann", "shared"), ("ann", "own")]

    links = linked(tmp_path, ["shared", "own"], people)

    assert pairs_of(links) == [("ann", 1), ("ann", 2), ("zoe", 1)]
    assert links.unlinked == 0


def test_whatever_stands_around_a_value_it_is_folded_as_unicode_does(tmp_path: Path) -> None:
    around = [chr(code) for code in range(1, 0x180)] + ["\u2003", "\u3000", "\ufeff"]
    values = [f"{each}aB{each}" for each in around]
    people = [(f"p{place:03}", value.strip().casefold()) for place, value in enumerate(values)]

    links = linked(tmp_path, values, people, fold=True)

    folded = [value.strip().casefold() for value in values]
    alike = [(who, row) for who, had in people for row, value in enumerate(folded, start=1) if value == had.strip()]
    assert pairs_of(links) == alike


def test_two_values_of_a_person_that_are_folded_into_one_link_once(tmp_path: Path) -> None:
    links = linked(tmp_path, ["x"], [("ann", "X"), ("ann", "x ")], fold=True)

    assert pairs_of(links) == [("ann", 1)]


@pytest.mark.parametrize("fold, nothing", [(False, ""), (True, ""), (True, " \t")])
def test_an_empty_value_links_nobody(tmp_path: Path, fold: bool, nothing: str) -> None:
    links = linked(tmp_path, [nothing, "x"], [("ann", nothing), ("ben", "x")], fold=fold)

    assert pairs_of(links) == [("ben", 2)]
    assert links.unlinked == 1


def test_people_come_in_the_order_of_their_names_as_bytes(tmp_path: Path) -> None:
    names = ["é", "Z", "a", "\U0001f600", "\uffee"]  # of the last two, UTF-16 has the other order

    links = linked(tmp_path, ["x"], [(name, "x") for name in names])

    assert [person for person, _ in pairs_of(links)] == sorted(names, key=str.encode)


def test_a_second_row_of_a_person_is_told_with_both_lines(tmp_path: Path) -> None:
    values = ["late", "one", "two", "late", "one", "late"]

    with pytest.raises(TableRefused) as refused:
        linked(tmp_path, values, [("ann", "one"), ("zoe", "late"), ("ben", "two")], many=False)

    assert str(refused.value) == (
        "table 'wishes': a.csv, line 2, and b.csv, line 3, are of one person, "
        "who may have several rows only where the table says many: true"
    )
    assert not (tmp_path / "links.parquet").exists()


def test_one_row_each_is_no_second_row(tmp_path: Path) -> None:
    links = linked(tmp_path, ["a", "b"], [("ann", "a"), ("ben", "b"), ("zoe", "b")], many=False)

    assert pairs_of(links) == [("ann", 1), ("ben", 2), ("zoe", 2)]


@pytest.mark.parametrize("seed", range(3))
def test_links_are_those_that_a_plain_comparison_finds_for_any_number_of_threads(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    texts = ["", " ", *(f"{case}{number}{blank}" for number in range(900) for case in "öÖ" for blank in ("", " "))]
    values = [chance.choice([None, *texts]) for _ in range(6_000)]
    people = [(f"pé{chance.randrange(3_000)}", chance.choice([None, *texts])) for _ in range(4_000)]
    owners: dict[str, set[str]] = {}
    for person, text in people:
        if text is not None and text.strip():
            owners.setdefault(text.strip().casefold(), set()).add(person)
    found = [
        (person, number)
        for number, text in enumerate(values, start=1)
        for person in (owners.get(text.strip().casefold(), ()) if text is not None else ())
    ]

    links = [linked(tmp_path / str(threads), values, people, fold=True, threads=threads) for threads in (1, 2, 4)]

    assert pairs_of(links[0]) == sorted(found, key=lambda pair: (pair[0].encode(), pair[1]))
    assert links[0].unlinked == len(values) - len({number for _, number in found})
    assert {each.hash for each in links} == {links[0].hash}
