"""Expressions: the values that they have, and the reasons why a condition does not hold."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.expression.expression import (
    MISSING,
    ExpressionError,
    Missing,
    Names,
    Scope,
    compile_expression,
    to_json,
)

CART: dict[str, object] = {
    "cart": {"total": 80, "items": [{"price": 3}, {"price": 7}, {"price": None}]},
    "code": "80",
    "nothing": None,
    "ok": True,
    "when": "2026-03-02T09:00:00+01:00",
    "many": list(range(1_001)),
}

SCOPE = Scope(
    event=CART,
    entry={"cart_id": "c1"},
    profile={"city": "Atlanta", "birth_year": 1990},
    run={"id": 1, "entered_at": 0, "correlation": "c1", "step": "remind"},
    now_ms=86_400_000,
)

VALUES = [
    # comparisons: numbers of both kinds, one kind only, nothing with what is missing
    ("event.cart.total > 50", True),
    ("event.cart.total == 80.0", True),
    ("event.code > 50", False),
    ("event.code != 50", False),
    ("event.code == '80'", True),
    ("event.ok == 1", False),
    ("true == true", True),
    ("event.absent > 1", False),
    ("event.absent != 1", False),
    ("event.nothing == 1", False),
    ("event.nothing != 1", False),
    ("event.cart.total.deeper == 1", False),
    ("[1, 'a'] == [1.0, 'a']", True),
    ("[1] == [true]", False),
    ("{'a': 1} == {'a': 1.0}", True),
    ("{'a': 1} != {'a': 2}", True),
    ("'a' < 'b' && false < true", True),
    # in
    ("profile.city in ['Atlanta', 'Seattle']", True),
    ("profile.absent in ['Atlanta']", False),
    ("80 in [80.0]", True),
    ("'total' in event.cart", True),
    ("'x' in 'xyz'", False),
    # logic
    ("!event.absent", True),
    ("!(event.absent == 1)", True),
    ("event.absent || event.ok", True),
    ("event.absent && event.ok", False),
    ("event.ok && event.ok && event.code", False),
    ("event.absent ? 1 : 2", 2),
    ("event.ok ? 'yes' : 'no'", "yes"),
    # arithmetic: missing stays missing, 64 bits, no division by zero
    ("event.cart.total + 1", 81),
    ("event.cart.total * 1.5", 120.0),
    ("event.absent + 1", MISSING),
    ("'a' + 'b'", "ab"),
    ("[1] + [2]", [1, 2]),
    ("'a' + 1", MISSING),
    ("7 / 2", 3),
    ("-7 / 2", -3),
    ("-7 % 3", -1),
    ("7.0 / 2", 3.5),
    ("1 / 0", MISSING),
    ("1.0 / 0.0", MISSING),
    ("1 % 0", MISSING),
    ("9223372036854775807 + 1", MISSING),
    ("-event.cart.total", -80),
    ("2.0 * 1e308", MISSING),
    # has
    ("has(event.cart.total)", True),
    ("has(event.nothing)", False),
    ("has(event.absent.deeper)", False),
    # texts
    ("event.code.startsWith('8') && event.code.endsWith('0') && event.code.contains('80')", True),
    ("event.code.matches('^[0-9]+$')", True),
    ("matches('abc', event.code)", False),
    ("event.code.matches(event.absent)", MISSING),
    ("'('.matches('a' + '(')", MISSING),
    ("size(event.code) == 2 && event.many.size() == 1001", True),
    ("' A '.trim().lower()", "a"),
    ("'Ä'.lowerAscii()", "Ä"),
    ("event.cart.total.startsWith('8')", MISSING),
    (r"'a\tb' + r'\d' + '\x41' + '\''", "a\tb\\dA'"),
    # conversions
    ("int('12') + int(3.9)", 15),
    ("int('twelve')", MISSING),
    ("double('1.5')", 1.5),
    ("string(event.cart.total)", "80"),
    ("string(true)", "true"),
    ("bool('false')", False),
    # times
    ("now", datetime(1970, 1, 2, tzinfo=UTC)),
    ("timestamp(event.when)", datetime(2026, 3, 2, 8, tzinfo=UTC)),
    ("timestamp('soon')", MISSING),
    ("now + duration('1d12h')", datetime(1970, 1, 3, 12, tzinfo=UTC)),
    ("now - timestamp('1970-01-01T00:00:00Z')", timedelta(days=1)),
    ("now - run.entered_at == duration('24h')", True),
    ("now + duration('999999999d')", MISSING),
    ("timestamp(event.when).getHours()", 8),
    ("timestamp(event.when).getHours('Europe/Paris')", 9),
    ("timestamp(event.when).getDayOfWeek()", 1),
    ("timestamp(event.when).getMonth()", 2),
    ("timestamp(event.when).getHours('Nowhere/At_All')", MISSING),
    ("duration('90m').getHours()", 1),
    ("timestamp(1772438400)", datetime(2026, 3, 2, 8, tzinfo=UTC)),  # a whole number is Unix seconds
    ("timestamp(int(timestamp(event.when))) == timestamp(event.when)", True),
    ("timestamp(1.5)", MISSING),
    ("timestamp(9223372036854775807)", MISSING),
    # default
    ("default(event.cart.total, 0)", 80),
    ("default(event.absent, 0) + 1", 1),
    ("default(event.nothing, event.code)", "80"),
    ("default(event.cart.total + event.absent, 5)", 5),
    ("default(event.absent, event.gone)", MISSING),
    ("default(event.absent == 1, true)", False),
    ("default(event.absent, null)", MISSING),
    # lists and objects
    ("event.cart.items[1].price", 7),
    ("event.cart.items[9].price", MISSING),
    ("event['cart']['total']", 80),
    ("{'a': {'b': 5}}.a.b", 5),
    ("[event.absent]", [None]),
    # macros
    ("event.cart.items.exists(i, i.price > 5)", True),
    ("event.cart.items.all(i, i.price > 1)", False),
    ("event.cart.items.exists_one(i, i.price == 3)", True),
    ("event.cart.items.filter(i, i.price > 5).map(i, i.price)", [7]),
    ("event.cart.items.map(i, i.price > 5, i.price * 2)", [14]),
    ("[[1, 2], [3]].exists(row, row.exists(cell, cell == 3))", True),
    ("event.many.exists(i, i == 1)", MISSING),
    ("event.cart.exists(key, key == 'total')", True),
    ("event.absent.all(i, true)", MISSING),
]


@pytest.mark.parametrize("text,expected", VALUES, ids=[text for text, _ in VALUES])
def test_an_expression_has_the_value_that_its_data_gives(text: str, expected: object) -> None:
    value = compile_expression(text).value(SCOPE)
    assert value == expected
    assert type(value) is type(expected)


def test_only_true_itself_makes_a_condition_hold() -> None:
    assert compile_expression("event.ok").holds(SCOPE)
    assert not compile_expression("event.cart.total").holds(SCOPE)
    assert not compile_expression("event.absent").holds(SCOPE)


NAMES = Names(
    profile={"city": "string", "born": "timestamp", "score": "number", "tags": "list", "extra": "object"},
    event={"cart.total": "number", "cart.items": "integer"},
)

REFUSED = [
    ("", 1, "the expression is empty"),
    ("event.cart.total >", 19, "the expression ends too early"),
    ("event.cart.total = 5", 18, "a single '=' compares nothing, write '=='"),
    ("event.cart.total ==== 5", 20, "it cannot be read from '== 5' on"),
    ("event.cart.totl > 1", 1, "unknown name event.cart.totl, did you mean 'event.cart.total'?"),
    ("true && profile.cty == 'x'", 9, "unknown name profile.cty, did you mean 'profile.city'?"),
    ("profile.city.name == 'x'", 1, "unknown name profile.city.name, did you mean 'profile.city'?"),
    ("evnt.cart.total > 1", 1, "unknown name evnt, did you mean 'event'?"),
    ("x > 1", 1, "unknown name x, a name begins with event, entry, profile or run"),
    ("entry.cart.total > 1", 1, "'entry' has no meaning here"),
    ("event", 1, "'event' alone is no value, name what is in it as in event.name"),
    ("profile.city.startWith('A')", 1, "unknown function startWith(), did you mean 'startsWith'?"),
    ("profile.city.matches('(')", 22, "'(' is no RE2 pattern: missing ): ("),
    ("size()", 1, "size() takes 1 argument(s), not 0"),
    ("has(true)", 1, "has() asks for one name, as in has(profile.city)"),
    ("[1].all(1, true)", 1, "all() is written as list.all(x, condition on x)"),
    ("[1].all(a, [1].all(b, [1].all(c, true)))", 23, "macros nest at most 2 deep"),
    ("count('Order Completed', '90d') > 1", 1, "count() has no meaning here"),
    ("consent('email', 'cart')", 1, "consent() has no meaning here"),
    (r"profile.city == '\d'", 17, r"the text '\d' holds an escape that CEL does not know"),
    ("b'x' == b'x'", 1, "bytes are not supported, write a text"),
    ("Thing{a: 1}", 1, "'Thing{a: 1}' is a form of CEL that is not supported"),
    ("1" + " + 1" * 1_000, 1, "the expression is nested too deeply"),
    ("'" + "\\" * 4_000, 1, f"it cannot be read from {chr(39) + chr(92) * 19!r} on"),  # at once, although it never ends
    ("'" + "x" * 5_000 + "'", 4_096, "the expression is longer than 4096 characters"),
]


@pytest.mark.parametrize("text,column,message", REFUSED, ids=[text[:40] for text, _, _ in REFUSED])
def test_what_cannot_be_compiled_is_refused_with_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, NAMES)
    assert caught.value.message == message
    assert caught.value.column == column
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


CAUTIONED = [
    ("profile.city == null", "a comparison with null is never true, ask has(...) or !has(...) instead"),
    ("profile.city > 5", "profile.city is a string and 5 a number, so it is never true"),
    ("!profile.city", "profile.city is a string, and so never true as a condition"),
    ("5 in profile.city", "'in' looks into a list or an object, and profile.city is a string"),
]


@pytest.mark.parametrize("text,caution", CAUTIONED)
def test_a_condition_that_can_never_be_true_is_cautioned(text: str, caution: str) -> None:
    assert compile_expression(text, NAMES).cautions == (caution,)


def test_declared_kinds_shape_the_value() -> None:
    scope = Scope(event={"cart": {"total": 81, "items": 7}}, profile={"born": "1980-05-01"})
    assert compile_expression("event.cart.total / 2", NAMES).value(scope) == 40.5
    assert compile_expression("event.cart.items / 2", NAMES).value(scope) == 3
    assert compile_expression("profile.born", NAMES).value(scope) == datetime(1980, 5, 1, tzinfo=UTC)
    assert compile_expression("profile.born < now", NAMES).holds(Scope(profile={"born": "1960-01-01"}))
    assert compile_expression("profile.extra.what.ever == 1", NAMES).paths == {"profile.extra.what.ever"}


def test_the_paths_are_whole_names_and_nothing_between() -> None:
    text = "event.cart.total > 50 && profile.tags.exists(t, t == profile.city) && now > timestamp('2026-01-01')"
    assert compile_expression(text, NAMES).paths == {"event.cart.total", "profile.tags", "profile.city"}


def test_an_expression_is_immutable_and_equal_to_its_twin() -> None:
    first, second = compile_expression("event.cart.total > 1", NAMES), compile_expression("event.cart.total > 1", NAMES)
    assert first == second and hash(first) == hash(second)
    assert first != compile_expression("event.cart.total > 2", NAMES)
    with pytest.raises(AttributeError):
        first.text = "true"  # type: ignore[misc]  # it is frozen, which is what this shows


def test_missing_stays_itself_through_pickling_and_has_no_json() -> None:
    assert pickle.loads(pickle.dumps(MISSING)) is Missing.MISSING
    assert to_json(MISSING) is None
    assert to_json([datetime(2026, 1, 1, tzinfo=UTC), timedelta(seconds=90)]) == ["2026-01-01T00:00:00.000Z", "90s"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
PROPERTIES = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)

EVERYTHING = [
    compile_expression(text.replace("event.cart", "event.a").replace("event.code", "event.b")) for text, _ in VALUES
]
ON_ANYTHING = [
    compile_expression(
        text, Names(profile={"a": "timestamp", "b": "number", "c": "any"}, event={"a": "any", "b": "any"})
    )
    for text in (
        "event.a < event.b",
        "event.a == event.b || event.a != event.b",
        "event.a + event.b",
        "event.a - event.b * 2 / profile.b % 3",
        "event.a in event.b",
        "event.a[event.b]",
        "event.a.matches(event.b)",
        "event.a.map(x, x.c + 1)",
        "profile.a + duration(event.a)",
        "profile.a.getHours(event.b)",
        "int(event.a) + double(event.b)",
        "string(event.a) + string(profile.a)",
        "timestamp(event.a) - timestamp(event.b)",
        "-event.a",
        "size(event.a) > event.b",
    )
]


@given(event=PROPERTIES, profile=PROPERTIES, now_ms=st.integers())
def test_no_data_whatever_makes_an_expression_raise(
    event: dict[str, object], profile: dict[str, object], now_ms: int
) -> None:
    scope = Scope(event=event, entry=event, profile=profile, run=profile, now_ms=now_ms)
    for expression in (*EVERYTHING, *ON_ANYTHING):
        assert expression.holds(scope) is (expression.value(scope) is True)
        assert expression.unmet(scope)


@given(left=JSON, right=JSON)
def test_a_comparison_is_never_both_equal_and_unequal(left: object, right: object) -> None:
    scope = Scope(event={"a": left, "b": right})
    equal = compile_expression("event.a == event.b").holds(scope)
    assert not (equal and compile_expression("event.a != event.b").holds(scope))
    assert equal == compile_expression("event.b == event.a").holds(scope)


class Noted:
    """Limits that note which expressions were given up."""

    macro_steps_max = 1_000

    def __init__(self) -> None:
        self.texts: list[str] = []

    def exceeded(self, text: str) -> None:
        self.texts.append(text)


SQUARE = "event.a.all(x, event.a.exists(y, x == y))"


@pytest.mark.parametrize(
    "text, count, value",
    [
        ("event.a.all(x, x >= 0)", 1_000, True),
        (SQUARE, 20, True),  # 20 * 21 / 2 + 20 steps
        (SQUARE, 60, MISSING),
        (f"!({SQUARE})", 60, MISSING),
        (" || ".join(["event.a.exists(x, x < 0)"] * 3), 300, False),
        (" || ".join(["event.a.exists(x, x < 0)"] * 4), 300, MISSING),  # all macros of one expression count together
        ("event.a.map(x, x > 0, x * 2).size()", 501, MISSING),  # and all their bodies
    ],
)
def test_the_macros_of_one_evaluation_take_a_bounded_number_of_steps(text: str, count: int, value: object) -> None:
    limits, condition = Noted(), compile_expression(text)
    scope = Scope(event={"a": list(range(count))}, limits=limits)

    assert condition.value(scope) is value if value is MISSING else condition.value(scope) == value
    assert limits.texts == ([text] if value is MISSING else [])
    assert condition.holds(scope) is (value is True), "each evaluation has its own"
    if value is MISSING and not text.startswith("!"):
        assert condition.unmet(scope) == "it takes more than macro_steps_max steps"


@pytest.mark.parametrize(
    "value, text",
    [
        ("1980-05-04", "1980-05-04"),
        ("1980-05-04T22:00:00Z", "1980-05-04"),
        ("19800504", "1980-05-04"),
        ("soon", MISSING),
    ],
)
def test_a_date_is_the_text_of_its_day(value: str, text: object) -> None:
    names = Names(profile={"birthday": "date"})

    assert compile_expression("profile.birthday", names).value(Scope(profile={"birthday": value})) == text


def test_dates_are_compared_with_texts() -> None:
    condition = compile_expression('profile.birthday < "1990-01-01"', Names(profile={"birthday": "date"}))

    assert condition.cautions == ()
    assert condition.holds(Scope(profile={"birthday": "1980-05-04"}))
    assert condition.unmet(Scope(profile={"birthday": "soon"})) == "profile.birthday is a string that is no date"


@pytest.mark.parametrize(
    "text, complaint",
    [
        ("timestamp('soon') < now", "'soon' is no time such as"),
        ("now - profile.at > duration('3 days')", "'3 days' is no duration such as 90m"),
        ("now.getHours('Europe/Pariss') > 9", "'Europe/Pariss' is no time zone, did you mean 'Europe/Paris'?"),
        ("profile.city.matches('[')", "is no"),
    ],
)
def test_a_written_time_duration_zone_or_pattern_that_is_none_is_an_error_at_load(text: str, complaint: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, Names(profile={"city": "string", "at": "timestamp"}))

    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "condition, told", [(">= 1001", True), ("> 1000", True), ("== 1001", True), (">= 1000", False), ("< 2000", False)]
)
def test_a_count_beyond_what_a_history_keeps_is_told_at_load(condition: str, told: bool) -> None:
    cautions = compile_expression(f'count("Seen", "90d") {condition}').cautions

    assert any("series_entries_max" in each for each in cautions) == told
