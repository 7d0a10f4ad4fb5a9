"""A shop with five people and a table of orders, and a campaign of the steps of a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.campaigns.run_world import World, rows, viewed

from parcours.core.profile import Identity, Profile

TEXTS = {
    "profile.yaml": """\
        traits: {email: string, city: string, member: integer, level: number}
        identities: {loyalty: {link: once}, mail: {link: once, caseless: true}}
        """,
    "events.yaml": "events:\n  Product Viewed: {properties: {product: string}}\n",
    "audiences.yaml": 'audiences: {best: {saved: true}, viewers: \'count("Product Viewed", "30d") > 0\'}\n',
}

ORDERS = """\
number,customer,total,paid,at,day
o1,ann,10.10,true,2026-03-01T10:00:00Z,2026-03-01
o2,ann,20.20,false,2026-03-02T10:00:00Z,2026-03-02
o3,ben,,true,,
o4,ben,5.00,true,2026-03-01T10:00:00.123456Z,2026-03-04
o5,stranger,7.00,true,2026-03-01T10:00:00Z,2026-03-01
o6,,8.00,true,2026-03-01T10:00:00Z,2026-03-01
o7,@anonymous/7f3a,9.00,true,2026-03-01T10:00:00Z,2026-03-01
o8,@loyalty/4711,11.00,true,2026-03-01T10:00:00Z,2026-03-01
o9,null,1.00,true,2026-03-01T10:00:00Z,2026-03-01
"""

ORDER_COLUMNS = "{number: string, customer: string, total: decimal(2), paid: boolean, at: timestamp, day: date}"

PEOPLE = {
    "ann": Profile(
        traits={"email": "Ann@Shop.example ", "city": "Paris", "level": 10},
        identity=Identity(names={"@anonymous/7f3a": 20_000, "@loyalty/4711": 20_000}),
        series=viewed(1, 2),
    ),
    "ben": Profile(traits={"email": "ben@shop.example", "city": "Tours", "member": 42, "level": 1.5}),
    "cleo": Profile(traits={"email": "ann@shop.example", "member": 42, "city": "Paris"}),
    "@loyalty/1": Profile(traits={"email": "", "level": 3}),
    "@mail/dan@shop.example": Profile(traits={"city": "Nantes", "level": 30}),
}


READ = "- {id: read, read: {table: orders}}"


ALL = "- {id: all, read: {where: 'true'}}"


def shop(
    folder: Path,
    steps: str,
    tables: Mapping[str, str],
    files: Mapping[str, str] | None = None,
    people: Mapping[str, Profile] = PEOPLE,
) -> World:
    texts = dict(TEXTS)
    texts["campaigns/c.yaml"] = "campaign: c\nsteps:\n" + "".join(f"  {line}\n" for line in steps.strip().splitlines())
    texts["tables.yaml"] = "tables:\n" + "".join(f"  {name}: {{{text}}}\n" for name, text in tables.items())
    return World(
        folder, texts | {f"data/{name}": text for name, text in (files or {"orders.csv": ORDERS}).items()}, people
    )


def orders(more: str = "person: customer, match: userId, many: true, key: [number]") -> dict[str, str]:
    return {"orders": f"file: data/orders.csv, columns: {ORDER_COLUMNS}, {more}"}


def numbers(world: World, ref: str) -> list[tuple[str, object]]:
    """Whose each row of a set is, and its number."""
    return [(person, row.get("number")) for person, row in rows(world.run(), ref, ["number"])]
