"""Are the files of each operator the same bytes, whatever it may use of the machine?"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.duck import DuckSets
from parcours.campaigns.sets.engine import (
    Aggregated,
    AtRandom,
    ByValue,
    Enrichment,
    RowValues,
    Subset,
    TableColumn,
    Taken,
    Values,
)
from parcours.campaigns.sets.lots import seed_of
from parcours.campaigns.sets.values import value_column

PEOPLE, WISHES = 150_000, 250_000
"""More than a row group of what is written, and more objects than are made into lists at once."""

SEED = seed_of("autumn", 3, "half")

NAMES = ["anna", "é", "\uffee", "\U0001f600", "ß"]

ROOMY, SPARE = 2_000_000_000, 200_000_000


@dataclass
class World:
    people: Path
    half: Path
    mail: Values
    score: Values
    others: Values
    wishes: Path
    links: Path
    likes: RowValues


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder, chance = tmp_path_factory.mktemp("world"), random.Random(1)
    people = sorted((f"{chance.choice(NAMES)}{number}" for number in range(PEOPLE)), key=str.encode)
    cities = [chance.choice(["Bern", "Nîmes", None]) for _ in people]
    pq.write_table(pa.table({"person": people, "row_key": [""] * PEOPLE, "city": cities}), folder / "people.parquet")
    half = sorted({chance.choice(people) for _ in range(PEOPLE // 2)}, key=str.encode)
    pq.write_table(
        pa.table({"person": half, "row_key": [""] * len(half), "n": range(len(half))}), folder / "half.parquet"
    )

    def values(name: str, whose: list[str], draws: Iterable[object]) -> Values:
        shuffled = chance.sample(whose, len(whose))
        pq.write_table(pa.table({"person": shuffled, "v": value_column(draws)}), folder / f"{name}.parquet")
        return Values(folder / f"{name}.parquet", "v", by_row=False)

    numbers = range(1, WISHES + 1)
    cells = [
        {"name": chance.choice(NAMES), "price": Decimal(chance.randrange(10_000)) / 100, "weight": chance.random()}
        for _ in numbers
    ]
    kind = pa.struct([("name", pa.string()), ("price", pa.decimal128(38, 2)), ("weight", pa.float64())])
    table = {"row_number": pa.array(numbers, pa.int64()), "cells": pa.array(cells, kind)}
    pq.write_table(pa.table(table), folder / "wishes.parquet")
    likes = {"row_number": table["row_number"], "v": value_column(chance.choice([1, 2.0, 3, None]) for _ in numbers)}
    pq.write_table(pa.table(likes), folder / "likes.parquet")
    links = sorted(((chance.choice(people), number) for number in numbers), key=lambda pair: pair[0].encode())
    named = {"person": [person for person, _ in links], "row_number": pa.array([each for _, each in links], pa.int64())}
    pq.write_table(pa.table(named), folder / "links.parquet")
    return World(
        folder / "people.parquet",
        folder / "half.parquet",
        values("mail", people, (f"{chance.randrange(PEOPLE)}@x.example" for _ in people)),
        values("score", people, (chance.choice([1, 2.0, Decimal("2.5"), None]) for _ in people)),
        values("others", half, (f"{chance.randrange(PEOPLE)}@x.example" for _ in half)),
        folder / "wishes.parquet",
        folder / "links.parquet",
        RowValues(folder / "likes.parquet", "v", by_person=False),
    )


def make_all(sets: DuckSets, world: World, out: Path) -> None:
    """Each operator, once."""
    both = [world.people, world.half]
    by_mail = [[world.mail], [world.others]]
    sets.dedupe(world.people, [world.mail], 1, [ByValue(world.score, highest=True)], out / "dedupe")
    top = Subset("top", None, (AtRandom(SEED),), share=Decimal(30))
    sets.split(world.people, [top, Subset("others", None)], out / "split", overlap=False)
    sets.share(world.people, [("a", None), ("b", None)], SEED, out / "share")
    sets.union(both, [["person"], ["person"]], out / "union")
    sets.union(both, by_mail, out / "union-by-mail")
    sets.intersect(both, by_mail, out / "intersect")
    sets.exclude(both, by_mail, out / "exclude")
    first = Taken(3, False, (ByValue(world.likes, highest=True),), ("name", "price"))
    weight = Aggregated("sum", TableColumn("weight"))
    enrichments: dict[str, Taken | Aggregated] = {
        "first": first,
        "weight": weight,
        "dearest": Aggregated("max", TableColumn("price")),
    }
    told = [Enrichment(name, world.wishes, world.links, gives) for name, gives in enrichments.items()]
    sets.enrich(world.people, told, out / "enrich")


def test_any_number_of_threads_and_little_memory_give_the_same_bytes(world: World, tmp_path: Path) -> None:
    seen = set()
    for threads, memory_bytes in ((1, ROOMY), (2, SPARE), (4, SPARE)):
        out = tmp_path / f"out{threads}"
        make_all(DuckSets(Workspace(tmp_path / "spill", memory_bytes, threads)), world, out)
        files = sorted(out.glob("*/*.parquet"))
        seen.add(tuple((str(path.relative_to(out)), blake2b(path.read_bytes()).hexdigest()) for path in files))
        assert len(files) == 16
        assert not [path for path in files if "rest" not in path.name and not pq.read_metadata(path).num_rows]
    assert len(seen) == 1
