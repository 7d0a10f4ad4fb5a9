"""Tables in a run: whose their rows are, who is read and made known by them, and which columns they give."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.campaigns.run_world import AT, DAY_MS, SETTINGS, World, adds_up, keys, names, ref_of, rows, viewed
from tests.projects import write_texts

from parcours.core.profile import Identity, Profile
from parcours.errors import TableRefused

TEXTS = {
    "profile.yaml": """\
        traits: {email: string, city: string, member: integer, level: number}
        identities: {loyalty: {link: once}, mail: {link: once, caseless: true}}
        """,
    "events.yaml": "events:\n  Product Viewed: {properties: {product: string}}\n",
    "audiences.yaml": "audiences: {best: {saved: true}}\n",
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


READ = "- {id: read, read: {table: orders}}"


def test_rows_are_read_with_whose_they_are_by_user_ids_and_by_names_as_results_have_them(tmp_path: Path) -> None:
    world = shop(tmp_path, READ, orders())

    made = world.made(world.run())["read"]

    assert numbers(world, "read") == [
        ("ann", "o1"), ("ann", "o2"), ("ann", "o7"), ("ann", "o8"), ("ben", "o3"), ("ben", "o4"),
    ]  # fmt: skip
    assert made.dropped == {"unknown_person": 3} and adds_up(made)
    assert keys(tmp_path / "run", "read")[0] == ("ann", '["o1"]')
    assert rows(world.run(), "read", ["total", "paid", "at", "day"])[0] == (
        "ann",
        {"total": 10.1, "paid": True, "at": "2026-03-01T10:00:00.000Z", "day": "2026-03-01"},
    )
    assert rows(world.run(), "read", ["at", "total"])[5][1] == {"at": "2026-03-01T10:00:00.123456Z", "total": 5.0}


def test_without_a_key_rows_are_told_apart_by_file_and_line(tmp_path: Path) -> None:
    world = shop(tmp_path, READ, orders("person: customer, match: userId, many: true"))

    world.made(world.run())

    assert keys(tmp_path / "run", "read")[:2] == [
        ("ann", "data/orders.csv 000000000002"),
        ("ann", "data/orders.csv 000000000003"),
    ]


@pytest.mark.parametrize(
    "match, written, linked",
    [
        # Ids of a namespace: her own name and those that were merged into her.
        ("match: loyalty", ["4711", "1", "@loyalty/1", "0042", ""], [("@loyalty/1", 1), ("ann", 0)]),
        ("match: mail", ["DAN@shop.example", "dan@shop.example "], [("@mail/dan@shop.example", 0)]),
        ("match: mail, fold: true", ["dan@shop.example "], [("@mail/dan@shop.example", 0)]),
        ("match: anonymous", ["7f3a", "7F3A"], [("ann", 0)]),
        ("match: user", ["ann", "@anonymous/7f3a", "cleo"], [("ann", 0), ("cleo", 2)]),
        ("match: userId, fold: true", [" ANN", "Cleo "], [("ann", 0), ("cleo", 1)]),
        # A trait: as it is, or folded, and everybody who has it.
        ("match: email", ["ann@shop.example", "Ann@Shop.example ", ""], [("ann", 1), ("cleo", 0)]),
        ("match: email, fold: true", ["ANN@shop.example"], [("ann", 0), ("cleo", 0)]),
        ("match: member", ["42", "43"], []),  # a text is no number
    ],
)  # fmt: skip
def test_rows_are_linked_by_names_in_a_namespace_or_by_a_trait(
    tmp_path: Path, match: str, written: list[str], linked: list[tuple[str, int]]
) -> None:
    lines = "".join(f"{number},{text}\n" for number, text in enumerate(written))
    tables = {"orders": f"file: data/orders.csv, columns: {{number: integer, whose: string}}, person: whose, {match}, "
                        "many: true"}  # fmt: skip
    world = shop(tmp_path, READ, tables, {"orders.csv": f"number,whose\n{lines}"})

    made = world.made(world.run())["read"]

    assert numbers(world, "read") == linked
    assert made.dropped.get("unknown_person", 0) == len(written) - len({number for _, number in linked})


@pytest.mark.parametrize("kind", ["integer", "number", "decimal(2)"])
def test_numbers_that_are_equal_link_rows_to_people(tmp_path: Path, kind: str) -> None:
    tables = {"orders": f"file: data/orders.csv, columns: {{number: {kind}}}, person: number, match: level, many: true"}
    world = shop(tmp_path, READ, tables, {"orders.csv": "number\n10\n3\n\n"})

    world.made(world.run())

    assert numbers(world, "read") == [("@loyalty/1", 3), ("ann", 10)]


def test_a_condition_of_a_read_sees_the_row_and_its_person(tmp_path: Path) -> None:
    steps = """
- {id: rows, read: {table: orders, where: row.paid && row.total > 5}}
- {id: people, read: {table: orders, where: 'profile.city == "Paris"'}}
- {id: both, read: {table: orders, where: 'row.total > profile.level && count("Product Viewed", "3d") < row.total'}}
- {id: seen, read: {table: orders, where: 'row.total > 9 && row.at < now && row.day == "2026-03-01"'}}
- {id: all, read: {table: orders, where: now > timestamp("2020-01-01T00:00:00Z")}}
- {id: none, read: {table: orders, where: now < timestamp("2020-01-01T00:00:00Z")}}
"""
    world = shop(tmp_path, steps, orders())

    made = world.made(world.run())

    assert numbers(world, "rows") == [("ann", "o1"), ("ann", "o7"), ("ann", "o8")]
    assert made["rows"].dropped == {"unknown_person": 2}  # of o9 the total is too low
    assert [number for _, number in numbers(world, "people")] == ["o1", "o2", "o7", "o8"]
    assert made["people"].dropped == {}
    assert numbers(world, "both") == [("ann", "o1"), ("ann", "o2"), ("ann", "o8"), ("ben", "o4")]
    assert numbers(world, "seen") == [("ann", "o1"), ("ann", "o8")]
    assert len(numbers(world, "all")) == 6 and numbers(world, "none") == []
    assert made["none"].inflow == 0 and all(map(adds_up, made.values()))


def test_whoever_is_not_known_is_made_known_by_a_read(tmp_path: Path) -> None:
    steps = """
- {id: read, read: {table: orders, where: row.paid && row.total > 1, unknown: create}}
- {id: big, filter: row.total > 6}
"""
    world = shop(tmp_path, steps, orders())
    run = world.run()

    made = world.made(run)["read"]

    assert numbers(world, "read") == [
        ("ann", "o1"), ("ann", "o7"), ("ann", "o8"), ("ben", "o4"), ("stranger", "o5"),
    ]  # fmt: skip
    assert list(run.created("read")) == ["stranger"] and made.created == 1
    assert made.dropped == {"unknown_person": 1}  # o6 is nobody's; an id such as null would be everybody's
    assert run.needs_people(1) is False
    run.make("big", AT + 1)
    assert [number for _, number in numbers(world, "big")] == ["o1", "o7", "o8", "o5"]


def test_names_that_are_made_known_are_folded_and_caseless_as_ids_are(tmp_path: Path) -> None:
    steps = """
- {id: folded, read: {table: folded, unknown: create}}
- {id: mails, read: {table: mails, unknown: create}}
"""
    columns = "file: data/new.csv, columns: {number: string, whose: string}, person: whose, many: true"
    tables = {"folded": f"{columns}, match: userId, fold: true", "mails": f"{columns}, match: mail"}
    files = {"new.csv": "number,whose\n1,Zoé \n2,ZOÉ\n3,ann\n4,\n5,@x\n"}
    world = shop(tmp_path, steps, tables, files)
    run = world.run()

    world.made(run)

    assert list(run.created("folded")) == ["@user/@x", "ZOÉ"]
    assert numbers(world, "folded") == [("@user/@x", "5"), ("ZOÉ", "1"), ("ZOÉ", "2"), ("ann", "3")]
    assert list(run.created("mails")) == ["@mail/@x", "@mail/ann", "@mail/zoé", "@mail/zoé "]


def test_only_new_rows_and_people_are_read_whom_no_earlier_run_took(tmp_path: Path) -> None:
    steps = """
- {id: rows, read: {table: orders}, new: true}
- {id: people, read: {where: 'has(profile.city)'}, new: true}
"""
    world = shop(tmp_path, steps, orders())

    def taken(number: int, name: str) -> tuple[list[object], list[str]]:
        run = world.run(name, number)
        made = world.made(run)
        assert all(map(adds_up, made.values()))
        return [row["number"] for _, row in rows(run, "rows", ["number"])], names(run, "people")

    first = taken(1, "one")
    write_texts(world.root, {"data/orders.csv": ORDERS + "o10,ann,3.00,true,,\no11,cleo,4.00,true,,\n"})
    world.people["dora"] = Profile(traits={"city": "Paris"})
    second = taken(2, "two")

    assert first == (["o1", "o2", "o7", "o8", "o3", "o4"], ["@mail/dan@shop.example", "ann", "ben", "cleo"])
    assert second == (["o10", "o11"], ["dora"])
    assert taken(3, "three") == ([], [])
    assert taken(2, "two again") == second, "what later runs have taken changes nothing"


@pytest.mark.parametrize(
    "more, complaint",
    [
        ("person: customer, match: userId",
         "data/orders.csv, line 2, and data/orders.csv, line 3, are of one person, who may have several rows only"),
        ("person: customer, match: userId, many: true, key: [paid]",
         "data/orders.csv, line 2, and data/orders.csv, line 8, are of one person and have the same key"),
    ],
)  # fmt: skip
def test_rows_of_one_person_that_are_not_to_be_are_refused_with_both_lines(
    tmp_path: Path, more: str, complaint: str
) -> None:
    world = shop(tmp_path, READ, orders(more))

    with pytest.raises(TableRefused, match=complaint):
        world.made(world.run())


def test_cells_that_do_not_fit_and_long_tables_that_are_joined_are_refused(tmp_path: Path) -> None:
    joined = shop(tmp_path / "joined", READ, orders("join: row.customer == profile.city, many: true"))
    with pytest.raises(TableRefused, match=r"it has 9 rows, and join_rows_max allows 8"):
        joined.made(joined.run(settings=SETTINGS.model_copy(update={"join_rows_max": 8})))

    bad = shop(tmp_path / "bad", READ, orders(), {"orders.csv": ORDERS.replace("20.20", "x")})
    with pytest.raises(TableRefused, match="1 of 8 cells of column 'total' do not fit"):
        bad.made(bad.run())
    bad.made(bad.run(settings=SETTINGS.model_copy(update={"table_bad_cells_max": 0.2})))
    assert len(numbers(bad, "read")) == 6


ALL = "- {id: all, read: {where: 'true'}}"


def test_a_join_links_rows_to_whoever_they_fit(tmp_path: Path) -> None:
    steps = f"""
{ALL}
- id: near
  enrich:
    store: {{table: stores, take: first, order: [{{by: row.phone, highest: true}}]}}
    open: {{table: stores, count: true}}
    beyond: {{table: levels, take: 5, order: [{{by: row.least, lowest: true}}], columns: [name]}}
- {{id: called, filter: 'row.store.phone == "+1"'}}
- {{id: readers, read: {{table: stores}}}}
"""
    tables = {
        "stores": "file: data/stores.csv, columns: {city: string, phone: string}, join: row.city == profile.city, "
        "many: true",
        "levels": "file: data/levels.ndjson, columns: {name: string, least: number}, join: profile.level >= row.least, "
        "many: true",
    }
    files = {
        "stores.csv": "city,phone\nParis,+1\nTours,+2\nParis,\nOslo,+3\n",
        "levels.ndjson": '{"name": "low", "least": 1}\n{"name": "high", "least": 3.0}\n{"name": "top", "least": 10}\n',
    }
    world = shop(tmp_path, steps, tables, files)
    run = world.run()

    made = world.made(run)

    found = dict(rows(run, "near", ["store", "open", "beyond.name"]))
    low, high, top = ({"name": each} for each in ("low", "high", "top"))
    assert found == {
        "ann": {"store": {"city": "Paris", "phone": "+1"}, "open": 2, "beyond": [low, high, top]},
        "ben": {"store": {"city": "Tours", "phone": "+2"}, "open": 1, "beyond": [low]},
        "cleo": {"store": {"city": "Paris", "phone": "+1"}, "open": 2, "beyond": []},
        "@loyalty/1": {"open": 0, "beyond": [low, high]},
        "@mail/dan@shop.example": {"open": 0, "beyond": [low, high, top]},
    }
    assert names(run, "called") == ["ann", "cleo"]
    assert [(person, row["phone"]) for person, row in rows(run, "readers", ["phone"]) if row] == [
        ("ann", "+1"), ("ben", "+2"), ("cleo", "+1"),
    ]  # fmt: skip
    assert made["readers"].dropped == {"unknown_person": 1}


def test_an_enrichment_gives_values_about_rows_that_conditions_on_rows_and_people_choose(tmp_path: Path) -> None:
    steps = f"""
{ALL}
- id: more
  enrich:
    spent: {{table: orders, where: row.paid, sum: row.total}}
    mean: {{table: orders, avg: row.total}}
    twice: {{table: orders, sum: row.total * 2.0}}
    last: {{table: orders, max: row.at}}
    first: {{table: orders, min: row.day}}
    high: {{table: orders, max: row.number}}
    some: {{table: orders, count: row.total}}
    odd: {{table: orders, count: 'row.total > 10 ? row.total : null'}}
    beyond: {{table: orders, where: row.total > profile.level, count: true}}
    levels: {{table: orders, sum: 'row.total + profile.level'}}
    seen: {{table: orders, where: 'count("Product Viewed", "3d") > 0', take: 9, columns: [number],
            order: [{{prefer: [false], of: row.paid}}, {{filled: row.at}}, {{by: row.at, latest: true}}]}}
    kept: {{table: orders, where: 'row.number != "o3"', take: first,
            order: [{{by: profile.level - row.total, lowest: true}}]}}
- {{id: rich, filter: row.spent > 20 && row.last > timestamp("2026-01-01T00:00:00Z") && size(row.seen) > 1}}
- {{id: once, from: more, enrich: {{needed: {{table: orders, take: first, where: row.total > 10.5, required: true,
    columns: [number]}}}}}}
"""
    world = shop(tmp_path, steps, orders())
    run = world.run()

    made = world.made(run)

    columns = [
        "spent",
        "mean",
        "twice",
        "last",
        "first",
        "high",
        "some",
        "odd",
        "beyond",
        "levels",
        "seen",
        "kept.number",
    ]
    found = dict(rows(run, "more", columns))
    ann = [Decimal("10.10"), Decimal("20.20"), Decimal("9.00"), Decimal("11.00")]
    assert found["ann"] == {
        "spent": 30.1, "mean": float(sum(ann)) / 4, "twice": sum(float(each) * 2.0 for each in ann),
        "last": "2026-03-02T10:00:00.000Z", "first": "2026-03-01", "high": "o8", "some": 4, "odd": 3, "beyond": 3,
        "levels": sum(float(each) + 10 for each in ann),
        "seen": [{"number": each} for each in ("o2", "o1", "o7", "o8")],
        "kept": {"number": "o2"},
    }  # fmt: skip
    assert found["ben"] == {
        "spent": 5.0, "mean": 5.0, "twice": 10.0, "last": "2026-03-01T10:00:00.123456Z", "first": "2026-03-04",
        "high": "o4", "some": 1, "odd": 0, "beyond": 1, "levels": 6.5, "seen": [], "kept": {"number": "o4"},
    }  # fmt: skip
    assert found["cleo"] == {"some": 0, "odd": 0, "beyond": 0, "seen": []}
    assert names(run, "rich") == ["ann"]
    assert rows(run, "once", ["needed"]) == [("ann", {"needed": {"number": "o2"}})]
    assert names(run, "once.rest") == [name for name in names(run, "all") if name != "ann"]
    assert adds_up(made["once"])


def test_rows_are_kept_once_for_each_person_by_what_they_and_the_profile_have(tmp_path: Path) -> None:
    steps = """
- {id: read, read: {table: orders}}
- {id: dear, dedupe: {by: [person], order: [{by: row.total * profile.level, highest: true}]}}
- {id: days, from: read, dedupe: {by: [day, profile.city]}}
- {id: saved, from: dear, save: best, key: row.at}
- {id: both, union: [dear, days], by: [number]}
"""
    world = shop(tmp_path, steps, orders())
    run = world.run()

    made = world.made(run)

    assert numbers(world, "dear") == [("ann", "o2"), ("ben", "o4")]
    assert numbers(world, "days") == [("ann", "o1"), ("ann", "o2"), ("ben", "o3"), ("ben", "o4")]
    assert numbers(world, "both") == [("ann", "o2"), ("ann", "o1"), ("ben", "o4"), ("ben", "o3")]
    assert made["saved"].outputs == {"main": 2} and made["saved"].dropped == {}
    assert all(map(adds_up, made.values()))


def test_a_query_reads_tables_as_they_were_copied(tmp_path: Path) -> None:
    steps = f"""
{ALL}
- {{id: more, enrich: {{times: {{table: regulars, max: row.n}}, last: {{table: orders, max: row.number}}}}}}
"""
    regulars = "columns: {customer: string, n: integer}, person: customer, match: userId"
    named = {
        "regulars": f"{regulars}, "
        "sql: \"select customer, count(*) as n from orders where customer not like '@%' group by 1\""
    }
    world = shop(tmp_path / "named", steps, orders() | named)
    run = world.run()
    world.made(run)

    assert [row for _, row in rows(run, "more", ["times", "last"]) if row] == [
        {"times": 2, "last": "o8"},
        {"times": 2, "last": "o4"},
    ]

    merged = {"regulars": f'{regulars}, sql: "select customer, count(*) as n from orders group by 1"'}
    world = shop(tmp_path / "merged", steps, orders() | merged)
    with pytest.raises(TableRefused, match="row 2 and row 3 are of one person"):
        world.made(world.run())  # a name that was merged into ann is another customer there


def test_a_file_that_changes_between_two_stages_changes_nothing(tmp_path: Path) -> None:
    steps = f"""
{ALL}
- {{id: first, enrich: {{a: {{table: orders, count: true}}}}}}
- {{id: pause, wait: 1d}}
- {{id: second, enrich: {{b: {{table: orders, count: true}}}}}}
- {{id: list, export: {{file: "list-{{run}}.csv", columns: [person, a, b]}}}}
"""
    world = shop(tmp_path, steps, orders())
    run = world.run()
    world.made(run)
    run.choose("pause", "main", names(run, "first"), rest=None)
    write_texts(world.root, {"data/orders.csv": "number,customer,total,paid,at,day\n"})
    world.people["ben"] = Profile(traits={"city": "Oslo"})

    again = world.run()
    world.made(again, AT + DAY_MS, stage=1)

    assert {person: row for person, row in rows(again, "second", ["a", "b"]) if row["a"]} == {
        "ann": {"a": 4, "b": 4},
        "ben": {"a": 2, "b": 2},
    }


def test_a_person_whose_trait_changes_is_linked_as_of_each_stage(tmp_path: Path) -> None:
    steps = f"""
{ALL}
- {{id: first, enrich: {{a: {{table: cities, max: row.n}}}}}}
- {{id: pause, wait: 1d}}
- {{id: second, enrich: {{b: {{table: cities, max: row.n}}}}}}
"""
    tables = {"cities": "file: data/cities.csv, columns: {city: string, n: integer}, person: city, match: city"}
    world = shop(tmp_path, steps, tables, {"cities.csv": "city,n\nParis,1\nTours,2\n"})
    run = world.run()
    world.made(run)
    run.choose("pause", "main", names(run, "first"), rest=None)
    world.people["ben"] = Profile(traits={"city": "Paris"})

    world.made(run, AT + DAY_MS, stage=1)

    assert dict(rows(run, "second", ["a", "b"]))["ben"] == {"a": 2, "b": 1}


def exported(path: Path) -> Any:
    return pq.read_table(path).to_pylist() if path.suffix == ".parquet" else path.read_bytes().decode()


def test_an_export_writes_columns_of_the_set_and_values_of_expressions(tmp_path: Path) -> None:
    files = [("list-{run}.csv", "a"), ("list.ndjson", "b"), ("list-{run}.parquet", "c")]
    columns = "[person, spent, wishes, last, profile.city, profile.level, 'row.spent > 20', row.first.number]"
    steps = f"""
{ALL}
- id: more
  enrich:
    spent: {{table: orders, sum: row.total}}
    wishes: {{table: orders, take: 2, columns: [number, total]}}
    last: {{table: orders, max: row.at}}
    first: {{table: orders, take: first}}
- {{id: some, filter: 'profile.city == "Paris" || profile.city == "Tours"'}}
""" + "".join(f"- {{id: {step}, from: some, export: {{file: '{file}', columns: {columns}}}}}\n" for file, step in files)
    world = shop(tmp_path, steps, orders())
    run = world.run(number=7)
    world.made(run)
    out = tmp_path / "exports"

    for _, step in files:
        assert run.export(step, AT, out).outputs == {"main": 3}

    assert exported(out / "list-7.csv") == (
        "person,spent,wishes,last,profile.city,profile.level,row.spent > 20,row.first.number\r\n"
        'ann,50.30,"[{""number"":""o1"",""total"":""10.10""},{""number"":""o2"",""total"":""20.20""}]",'
        "2026-03-02T10:00:00.000Z,Paris,10,true,o1\r\n"
        'ben,5.00,"[{""number"":""o3"",""total"":null},{""number"":""o4"",""total"":""5.00""}]",'
        "2026-03-01T10:00:00.123456Z,Tours,1.5,false,o3\r\n"
        "cleo,,[],,Paris,,false,\r\n"
    )
    assert exported(out / "list.ndjson").splitlines()[0] == (
        '{"person":"ann","spent":"50.30","wishes":[{"number":"o1","total":"10.10"},{"number":"o2","total":"20.20"}],'
        '"last":"2026-03-02T10:00:00.000Z","profile.city":"Paris","profile.level":10,"row.spent > 20":true,'
        '"row.first.number":"o1"}'
    )
    ann = exported(out / "list-7.parquet")[0]
    assert ann["spent"] == Decimal("50.30") and ann["profile.level"] == 10.0 and ann["row.spent > 20"] is True
    before = (out / "list-7.csv").stat().st_mtime_ns
    run.export("a", AT, out)
    assert (out / "list-7.csv").stat().st_mtime_ns == before
    assert sorted(path.name for path in out.iterdir()) == ["list-7.csv", "list-7.parquet", "list.ndjson"]


def test_what_is_of_any_kind_is_exported_as_what_it_is(tmp_path: Path) -> None:
    big = 2**53 + 1
    values: list[object] = [3, "=x", True, 2.5, [1, "a", {"b": None}], {"c": 1}, big, -big, "", None]
    people = {f"p{number}": Profile(traits={"any": {"x": value}}) for number, value in enumerate(values)}
    texts = TEXTS | {
        "profile.yaml": "traits: {any: object}\n",
        "campaigns/c.yaml": f"""\
campaign: c
steps:
  {ALL}
  - {{id: b, export: {{file: b.ndjson, columns: [profile.any.x, 'duration("90s")', now, run.id]}}}}
  - {{id: c, from: all, export: {{file: c.parquet, columns: [person, profile.any.x]}}}}
""",
    }  # fmt: skip
    world = World(tmp_path, texts, people)
    run = world.run()
    world.made(run)

    run.export("b", AT, tmp_path)
    run.export("c", AT, tmp_path)

    lines = exported(tmp_path / "b.ndjson").splitlines()
    told = ["3", '"=x"', "true", "2.5", '[1,"a",{"b":null}]', '{"c":1}', str(big), str(-big), '""', "null"]
    assert [line.partition(":")[2].partition(',"duration')[0] for line in lines] == told
    assert lines[0].endswith('"90s","now":"2026-09-21T14:13:20.000Z","run.id":"p0/c/1"}')
    assert [row["profile.any.x"] for row in exported(tmp_path / "c.parquet")] == [
        "3", "=x", "true", "2.5", '[1,"a",{"b":null}]', '{"c":1}', str(big), str(-big), "", None,
    ]  # fmt: skip


def test_a_set_says_how_large_it_is_and_what_its_file_holds(tmp_path: Path) -> None:
    world = shop(tmp_path, READ, orders())
    run = world.run()
    world.made(run)

    assert run.size(ref_of("read")) == 6
    assert len(run.hash(ref_of("read"))) == 128
