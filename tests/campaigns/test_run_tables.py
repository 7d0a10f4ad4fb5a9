"""Rows of tables that a run reads: whose they are, which of them are new, and who is made known by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.campaigns.order_shop import ORDERS, READ, numbers, orders, shop
from tests.campaigns.run_world import AT, SETTINGS, adds_up, keys, names, rows
from tests.projects import write_texts

from parcours.core.profile import Profile
from parcours.errors import TableRefused


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


@pytest.mark.parametrize(
    "more, complaint",
    [
        ("match: userId", "line 3, and data/orders.csv, line 4, are of one person, who may have several rows only"),
        ("match: userId, many: true, key: [number]", "line 3, and data/orders.csv, line 4, .* have the same key"),
    ],
)
def test_rows_of_whoever_is_made_known_are_as_few_as_those_of_others(tmp_path: Path, more: str, complaint: str) -> None:
    columns = "file: data/orders.csv, columns: {number: string, whose: string}, person: whose"
    steps = "- {id: read, read: {table: orders, unknown: create}}"
    files = {"orders.csv": "number,whose\n1,ann\n2,eva\n2,eva\n"}
    world = shop(tmp_path, steps, {"orders": f"{columns}, {more}"}, files)

    with pytest.raises(TableRefused, match=complaint):
        world.made(world.run())


def test_cells_that_do_not_fit_and_long_tables_that_are_joined_are_refused(tmp_path: Path) -> None:
    joined = shop(tmp_path / "joined", READ, orders("join: row.customer == profile.city, many: true"))
    with pytest.raises(TableRefused, match=r"it has 9 rows, and join_rows_max allows 8"):
        joined.made(joined.run(settings=SETTINGS.model_copy(update={"join_rows_max": 8})))

    bad = shop(tmp_path / "bad", READ, orders(), {"orders.csv": ORDERS.replace("20.20", "x")})
    with pytest.raises(TableRefused, match="1 of 8 cells of column 'total' do not fit"):
        bad.made(bad.run())
    made = bad.made(bad.run(settings=SETTINGS.model_copy(update={"table_bad_cells_max": 0.2})))
    assert made["read"].noted == {"orders.total": 1}
    assert len(numbers(bad, "read")) == 6
