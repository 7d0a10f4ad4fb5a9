"""Columns that sets of a run have of linked tables, the joins and queries behind them, and the files they go to."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.campaigns.order_shop import ALL, READ, TEXTS, numbers, orders, shop
from tests.campaigns.run_world import AT, DAY_MS, World, adds_up, names, ref_of, rows
from tests.projects import write_texts

from parcours.core.profile import Profile
from parcours.errors import TableRefused


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


def test_conditions_on_rows_ask_for_audiences_of_whose_they_are(tmp_path: Path) -> None:
    steps = f"""
{ALL}
- {{id: chosen, filter: 'in_audience("viewers")'}}
- id: more
  from: all
  enrich:
    some: {{table: orders, where: 'row.paid && in_audience("viewers")', count: true}}
    every: {{table: orders, where: row.paid, count: true}}
- {{id: both, filter: 'row.every > 0 && !in_audience("viewers")'}}
- {{id: none, from: more, filter: 'in_audience("best") && run.id != ""'}}
"""
    world = shop(tmp_path, steps, orders())
    run = world.run()

    world.made(run)

    assert names(run, "chosen") == ["ann"]
    counts = {person: (row["some"], row["every"]) for person, row in rows(run, "more", ["some", "every"])}
    assert {person: each for person, each in counts.items() if any(each)} == {"ann": (3, 3), "ben": (0, 2)}
    assert names(run, "both") == ["ben"]
    assert names(run, "none") == []


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
