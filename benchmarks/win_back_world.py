"""Who is taken to the campaign of win_back.py? People, their wishes and orders, as the example project has them."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pyarrow as pa
from sets import write_parts

from parcours import Project, examples

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
AT_MS = int(AT.timestamp() * 1_000)

name_of = "shopper-{:08}".format


class Person:
    """Made of the number alone, so that each process makes whom it needs."""

    def __init__(self, number: int) -> None:
        drawn = crc32(b"%d" % number)
        self.name = name_of(number)
        self.mail = f"m{number - (number % 10 == 9)}@luma.example"
        self.score = drawn % 1_000 / 10
        self.churnprop = drawn // 1_000 % 1_000 / 1_000

    @property
    def traits(self) -> dict[str, object]:
        return {"email": self.mail, "score": self.score, "churnprop": self.churnprop}

    def lines(self) -> Iterator[bytes]:
        yield msgspec.json.encode({"type": "identify", "userId": self.name, "traits": self.traits})
        looked_at = {"product": "bench", "category": "equipment"}
        yield msgspec.json.encode(
            {"type": "track", "event": "Product Viewed", "userId": self.name, "properties": looked_at}
        )


def project(folder: Path) -> Project:
    """The example, whose tables are Parquet here."""
    root = folder / "project"
    if not root.exists():
        shutil.copytree(Path(examples.__file__).parent / "wishlist", root)
        tables = root / "tables.yaml"
        texts = (
            tables.read_text().replace("wishlist.csv", "wishlist.parquet").replace("orders-*.ndjson", "orders.parquet")
        )
        tables.write_text(texts)
    return Project.load(root)


def make_tables(folder: Path, people: int) -> None:
    """The tables of the project, and `plain`, people with their values as columns."""
    chance = random.Random(1)
    data = folder / "project" / "data"

    def wishes(part: range) -> dict[str, Any]:
        owners = (Person(chance.randrange(people)) for _ in part)
        return {
            "email": [owner.mail for owner in owners],
            "item": [f"{number:09}" for number in part],
            "description": [f"Equipment number {chance.randrange(10_000)} for training" for _ in part],
            "priceref": money(chance.randrange(100_000) for _ in part),
            "imageurl": [f"https://luma.example/i/{chance.randrange(10_000)}.jpg" for _ in part],
            "added_at": pa.array(
                [AT - timedelta(seconds=chance.randrange(10**7)) for _ in part], pa.timestamp("us", tz="UTC")
            ),
        }

    def orders(part: range) -> dict[str, Any]:
        return {
            "order_id": [f"{number:09}" for number in part],
            "customer": [name_of(chance.randrange(people)) for _ in part],
            "total": money(chance.randrange(100_000) for _ in part),
            "status": [chance.choice(("paid", "returned")) for _ in part],
        }

    def plain(part: range) -> dict[str, Any]:
        made = [Person(number) for number in part]
        return {
            "person": [each.name for each in made],
            "email": [each.mail for each in made],
            "score": [each.score for each in made],
            "churnprop": [each.churnprop for each in made],
        }

    write_parts(data / "wishlist.parquet", 2 * people, wishes)
    write_parts(data / "orders.parquet", people, orders)
    write_parts(folder / "plain.parquet", people, plain)


def money(cents: Iterable[int]) -> Any:
    return pa.array([Decimal(each) / 100 for each in cents], pa.decimal128(38, 2))
