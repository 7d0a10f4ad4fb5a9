"""`row` is a root where a campaign asks of a row, and a name like any other everywhere else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from parcours.expression.expression import MISSING, ExpressionError, Scope, compile_expression
from parcours.expression.names import Names

ROW = {"city": "string", "Order Id": "string", "first.price": "number", "wishes": "list", "added": "timestamp"}
WISH = {"price": "number", "added": "timestamp", "until": "date"}
NAMES = Names({"city": "string", "tags": "list"}, row=ROW, lists={"wishes": WISH})

SCOPE = Scope(
    profile={"city": "Paris", "tags": ["a", "b"]},
    row={
        "city": "Paris",
        "Order Id": "o1",
        "first": {"price": 3},
        "wishes": [{"price": 2, "until": "2026-11-30"}, {"price": 5, "added": "2026-11-02T09:00:00Z"}],
        "added": "2026-11-02T09:00:00Z",
    },
)


@pytest.mark.parametrize(
    "text, value, paths",
    [
        ("row.city == profile.city", True, {"row.city", "profile.city"}),
        ('row["Order Id"]', "o1", {"row.Order Id"}),
        ("row.first.price + 1", 4, {"row.first.price"}),
        ("row.wishes[1].price", 5, {"row.wishes"}),
        ("row.wishes.exists(wish, wish.price > 4)", True, {"row.wishes"}),
        ('row.wishes[1].added + duration("1h")', datetime(2026, 11, 2, 10, tzinfo=UTC), {"row.wishes"}),
        ("row.wishes[0].added", MISSING, {"row.wishes"}),
        ("row.wishes[0]['until']", "2026-11-30", {"row.wishes"}),
        ("row.wishes.exists(wish, wish.added < row.added + duration('1s'))", True, {"row.wishes", "row.added"}),
        ("row.wishes.filter(wish, has(wish.added))[0].added == row.added", True, {"row.wishes", "row.added"}),
        ("row.wishes.map(row, row.price)", [2, 5], {"row.wishes"}),  # the macro's own name goes before
        ("profile.tags.filter(tag, tag == row.city)", [], {"profile.tags", "row.city"}),
        ("row.added", datetime(2026, 11, 2, 9, tzinfo=UTC), {"row.added"}),
        ("has(row.city) ? [row.city] : []", ["Paris"], {"row.city"}),
        ("-row.first.price", -3, {"row.first.price"}),
        ("!(row.city == 'x') && row.city.startsWith('P')", True, {"row.city"}),
    ],
)
def test_a_row_is_read_like_a_profile(text: str, value: object, paths: set[str]) -> None:
    compiled = compile_expression(text, NAMES)

    assert compiled.value(SCOPE) == value
    assert compiled.paths == paths


def test_what_a_row_does_not_have_is_missing() -> None:
    assert compile_expression("row.city", NAMES).value(Scope()) is MISSING
    assert compile_expression("row.city == 'x'", NAMES).unmet(Scope()) == "row.city is missing"


@pytest.mark.parametrize(
    "text, said",
    [
        ("row.cty", "unknown name row.cty, did you mean 'row.city'? (column 1)"),
        ("row == 3", "'row' alone is no value, name what is in it as in row.name (column 1)"),
        ("raw.city", "unknown name raw, did you mean 'row'? (column 1)"),
        ("x.city", "unknown name x, a name begins with event, entry, profile, run or row (column 1)"),
    ],
)
def test_names_are_checked_against_the_columns(text: str, said: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        compile_expression(text, NAMES)

    assert str(raised.value) == said


def test_elsewhere_it_is_no_root() -> None:
    with pytest.raises(ExpressionError, match="'row' has no meaning here"):
        compile_expression("row.city", Names())
    assert compile_expression("profile.tags.exists(row, row == 'a')", Names({"tags": "list"})).holds(SCOPE)


def test_sizes_of_sets_are_asked_for_where_there_are_sets() -> None:
    names = Names(sets=frozenset({"all", "risk.high"}))
    compiled = compile_expression('size() > 10 && size("risk.high") * 2 > size()', names)

    assert compiled.sets == ("", "risk.high")
    assert compiled.holds(Scope(sizes={"": 11, "risk.high": 6}))
    assert not compiled.holds(Scope(sizes={"": 11}))
    for text, said in (
        ('size("al")', "unknown set 'al', did you mean 'all'?"),
        ('size("all", "all")', r"size\(\) is written as size\(\), or as size"),
    ):
        with pytest.raises(ExpressionError, match=said):
            compile_expression(text, names)
    assert compile_expression('size("abc")', Names()).value(Scope()) == 3


def test_what_is_asked_of_the_past_is_told_call_by_call() -> None:
    compiled = compile_expression('count("Bought", "90d") > count("Bought", "30d") && consent("email", "news")')

    assert [(each.event, each.window_ms) for each in compiled.asked] == [
        ("Bought", 90 * 86_400_000),
        ("Bought", 30 * 86_400_000),
    ]
    assert compiled.consented == (("email", "news"),)
