"""S2: a campaign with every kind of operator, against the same computed by hand in plain Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import pytest
from tests.campaigns.run_world import AT, DAY_MS, World, adds_up, in_order, names, ref_of, rows, viewed

from parcours.campaigns.run_sets import RunSets
from parcours.core.identity import shard_of, slot_of
from parcours.core.profile import Profile

CAMPAIGN = """\
campaign: wishlist
steps:
  - {id: visitors, read: equipment-visitors}
  - id: unique
    dedupe: {by: [profile.email], order: [{by: 'profile.score', highest: true}]}
  - id: risk
    split:
      - {name: low, when: profile.churnprop < 0.3}
      - {name: medium, when: profile.churnprop < 0.7}
      - {name: high, otherwise: true}
  - {id: at-risk, from: risk.high, save: churn-high, key: profile.email}
  - {id: gentle, union: [risk.low, risk.medium]}
  - id: wishes
    enrich:
      wishlist:
        table: wishlist
        take: 3
        order: [{by: row.added_at, latest: true}]
        columns: [description, priceref, imageurl]
      spent: {table: orders, where: row.status == "paid", sum: row.total}
  - {id: mail, send: wishlist-mail, channels: [email], rate: 500/s}
  - {id: clicked, reacted: {of: mail, reaction: clicked, within: 3d}}
  - {id: half, split: {even: [sms, push]}}
  - {id: text, from: half.sms, send: wishlist-nudge, channels: [sms]}
  - {id: note, from: half.push, send: wishlist-nudge, channels: [push]}
"""

TEXTS = {
    "campaigns/wishlist.yaml": CAMPAIGN,
    "profile.yaml": "traits: {email: string, score: number, churnprop: number, phone: string, push_token: string}\n",
    "events.yaml": "events:\n  Product Viewed: {properties: {category: string}}\n",
    "audiences.yaml": """\
        audiences:
          equipment-visitors: 'count("Product Viewed", "30d") > 0'
          churn-high: {saved: true, label: High risk of leaving}
        """,
    "messages/wishlist-mail.yaml": """\
        message: wishlist-mail
        email: {subject: "Your wishes", text: "{{ row.wishlist[0].description }} for {{ row.wishlist[0].priceref }}"}
        """,
    "messages/wishlist-nudge.yaml": """\
        message: wishlist-nudge
        sms: {text: Still there}
        push: {title: Still there, body: Look}
        """,
    "tables.yaml": """\
        tables:
          wishlist:
            file: data/wishlist.csv
            person: row.email
            match: email
            columns: {email: string, description: string, priceref: decimal(2), imageurl: string, added_at: timestamp}
            many: true
            key: [description, added_at]
          orders:
            file: "data/orders-*.csv"
            person: row.customer
            match: userId
            columns: {customer: string, number: string, total: decimal(2), status: string}
            many: true
            key: [number]
        """,
}  # fmt: skip


@dataclass
class Shopper:
    email: str | None
    score: float | None
    churn: float | None
    viewed: list[float]


@dataclass
class Wish:
    email: str
    description: str
    price: Decimal | None
    image: str
    added: str


@dataclass
class Order:
    customer: str
    number: str
    total: Decimal
    status: str


class Shop:
    """Three hundred people, their wishes and orders; some have no address, some share one, scores are equal."""

    def __init__(self, seed: int = 7) -> None:
        chance = random.Random(seed)
        initials = ["a", "B", "é", "ß", "\U0001f600", "o'", "z"]
        self.people: dict[str, Shopper] = {}
        for number in range(300):
            name = f"{chance.choice(initials)}{number:03}"
            email = chance.choice([f"{number // 2}@luma.example", f"{number}@luma.example", "", None])
            self.people[name] = Shopper(
                email,
                chance.choice([None, 1, 2, 2.0, 2.5, 7]),
                chance.choice([None, 0.1, 0.29, 0.3, 0.5, 0.69, 0.7, 0.9]),
                [chance.choice([0, 1, 29.9, 30, 31, 60]) for _ in range(chance.randrange(3))],
            )
        emails = sorted({each.email for each in self.people.values() if each.email})
        self.wishes = [
            Wish(
                chance.choice([*emails, "nobody@luma.example"]),
                f"wish, {number}",
                chance.choice([None, Decimal(chance.randrange(100, 20_000)) / 100]),
                f"https://luma.example/{number}.png",
                f"2026-0{chance.randrange(1, 9)}-01T00:00:00Z",
            )
            for number in range(350)
        ]
        self.orders = [
            Order(
                chance.choice([*self.people, "stranger"]),
                f"o{number}",
                Decimal(chance.randrange(1, 100_000)) / 100,
                chance.choice(["paid", "open"]),
            )
            for number in range(800)
        ]

    def profiles(self) -> dict[str, Profile]:
        return {
            name: Profile(
                traits={
                    key: value
                    for key, value in (("email", each.email), ("score", each.score), ("churnprop", each.churn))
                    if value is not None
                },
                series=viewed(*each.viewed) if each.viewed else {},
            )
            for name, each in self.people.items()
        }

    def files(self, seed: int | None = None) -> dict[str, str]:
        """The tables; with a seed their lines are shuffled, over the files too."""
        wishes, orders = list(self.wishes), list(self.orders)
        if seed is not None:
            random.Random(seed).shuffle(wishes)
            random.Random(seed).shuffle(orders)
        lines = [
            f'{w.email},"{w.description}",{"" if w.price is None else w.price},{w.image},{w.added}' for w in wishes
        ]
        header = "email,description,priceref,imageurl,added_at"
        files = {"data/wishlist.csv": "\n".join([header, *lines, ""])}
        for part in range(2):
            lines = [f"{o.customer},{o.number},{o.total},{o.status}" for o in orders[part::2]]
            files[f"data/orders-{part}.csv"] = "\n".join(["customer,number,total,status", *lines, ""])
        return files


def expected_unique(shop: Shop) -> list[str]:
    inside = [name for name, each in shop.people.items() if any(0 <= days < 30 for days in each.viewed)]
    best: dict[str, str] = {}
    for name in in_order(inside):
        email = shop.people[name].email
        if email:
            score, other = (shop.people[n].score for n in (name, best.setdefault(email, name)))
            if score is not None and (other is None or score > other):
                best[email] = name
    return [
        name for name in in_order(inside) if not shop.people[name].email or best[shop.people[name].email or ""] == name
    ]


def expected_risk(shop: Shop) -> dict[str, list[str]]:
    low, medium, high = list[str](), list[str](), list[str]()
    for name in expected_unique(shop):
        churn = shop.people[name].churn
        part = low if churn is not None and churn < 0.3 else medium if churn is not None and churn < 0.7 else high
        part.append(name)
    return {"low": low, "medium": medium, "high": high}


def expected_row(shop: Shop, name: str) -> dict[str, object]:
    email = shop.people[name].email
    wishes = [each for each in shop.wishes if email and each.email == email]
    wishes.sort(key=lambda each: f'["{each.description}","{each.added}"]'.encode())
    wishes.sort(key=lambda each: each.added, reverse=True)
    listed = [
        {"description": each.description, "imageurl": each.image}
        | ({} if each.price is None else {"priceref": float(each.price)})
        for each in wishes[:3]
    ]
    paid = [each.total for each in shop.orders if each.customer == name and each.status == "paid"]
    return {"wishlist": listed} | ({"spent": float(sum(paid))} if paid else {})


def even(people: Sequence[str]) -> tuple[list[str], list[str]]:
    def lot(person: str) -> bytes:
        return blake2b(b"wishlist\x001\x00half\x00" + person.encode()).digest()[:8]

    drawn = sorted(people, key=lambda person: (lot(person), person.encode()))
    most = -(-len(drawn) // 2)
    return in_order(drawn[:most]), in_order(drawn[most:])


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


def whole_run(world: World, run: RunSets, shards: int = 1) -> dict[str, object]:
    """Every set of the run, with shards telling of people one after the other, and every third having clicked."""
    told = world.told(0, AT)
    told.sort(key=lambda row: (shard_of(slot_of(row[0]), shards), slot_of(row[0])))
    run.collect(0, AT, told)
    made = {step: run.make(step, AT) for step in world.campaign.stages[0].steps}
    assert all(adds_up(each, [name for name in each.outputs if name != "refused"]) for each in made.values())
    later = AT + 3 * DAY_MS
    run.make("clicked", later)
    clicked = names(run, "mail")[::3]
    made["clicked"] = run.choose("clicked", "main", reversed(clicked), rest="rest")
    for step in ("half", "text", "note"):
        made[step] = run.make(step, later)
    paths = {"wishes": ["wishlist", "spent"], "mail": ["wishlist.description"]}
    return {
        f"{step}.{output}": rows(run, f"{step}.{output}", paths.get(step, []))
        for step, each in made.items()
        for output in each.outputs
    }


def test_the_sets_are_those_that_are_computed_by_hand(shop: Shop, tmp_path: Path) -> None:
    world = World(tmp_path, TEXTS | shop.files(), shop.profiles())
    run = world.run()

    sets = whole_run(world, run)

    unique, risk = expected_unique(shop), expected_risk(shop)
    assert names(run, "unique") == unique
    for part, people in risk.items():
        assert len(people) > 5 and names(run, f"risk.{part}") == people
    saved = [name for name in risk["high"] if shop.people[name].email]
    assert names(run, "at-risk") == saved
    assert run.make("at-risk", AT).dropped == {"no_key": len(risk["high"]) - len(saved)}
    gentle = in_order([*risk["low"], *risk["medium"]])
    assert names(run, "gentle") == gentle
    enriched = [(name, expected_row(shop, name)) for name in gentle]
    assert sets["wishes.main"] == enriched
    assert {len(row["wishlist"]) for _, row in enriched if isinstance(row["wishlist"], list)} == {0, 1, 2, 3}
    described = [
        (name, {"wishlist": [{"description": each["description"]} for each in row["wishlist"]]})  # type: ignore[attr-defined]
        for name, row in enriched
    ]
    assert sets["mail.main"] == described
    assert names(run, "clicked") == gentle[::3]
    assert names(run, "clicked.rest") == [name for number, name in enumerate(gentle) if number % 3]
    assert (names(run, "half.sms"), names(run, "half.push")) == even(gentle[::3])
    assert run.size(ref_of("note")) == len(gentle[::3]) // 2


@pytest.mark.parametrize("shards", [2, 8])
def test_the_sets_are_the_same_bytes_however_many_shards_tell_of_people(
    shop: Shop, tmp_path: Path, shards: int
) -> None:
    world = World(tmp_path, TEXTS | shop.files(), shop.profiles())
    runs = {count: world.run(f"run{count}", threads=threads) for count, threads in ((1, 1), (shards, 2))}

    first, other = (whole_run(world, run, count) for count, run in runs.items())

    assert first == other
    refs = [ref_of(ref) for ref in first]
    assert [runs[1].hash(ref) for ref in refs] == [runs[shards].hash(ref) for ref in refs]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_sets_are_the_same_bytes_in_whatever_order_lines_of_tables_are(
    shop: Shop, tmp_path: Path, seed: int
) -> None:
    first, other = (
        World(tmp_path / name, TEXTS | shop.files(order), shop.profiles()) for name, order in (("a", None), ("b", seed))
    )
    runs = first.run(), other.run()

    sets = [whole_run(world, run) for world, run in zip((first, other), runs, strict=True)]

    assert sets[0] == sets[1]
    assert len({run.hash(ref_of("wishes")) for run in runs}) == 1


def test_what_is_made_is_not_made_again(shop: Shop, tmp_path: Path) -> None:
    world = World(tmp_path, TEXTS | shop.files(), shop.profiles())
    sets = whole_run(world, world.run())
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}

    assert whole_run(world, world.run()) == sets
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
