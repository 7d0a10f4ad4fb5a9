"""Is the author told of what can never have a value, and never of what may have one?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Final

import pytest

from parcours.expression import operators
from parcours.expression.cautions import of_arithmetic, of_call, of_comparison, of_index, of_macro, of_negation
from parcours.expression.closures import always
from parcours.expression.expression import compile_expression
from parcours.expression.functions import FUNCTIONS, METHODS, Signature
from parcours.expression.macros import MACROS
from parcours.expression.names import Names, Past
from parcours.expression.operand import Operand
from parcours.expression.values import MISSING, Scope, kind_of

NAMES = Names(
    profile={"email": "string", "n": "number", "i": "integer", "b": "boolean", "birthday": "date", "ts": "timestamp",
             "l": "list", "o": "object", "x": "any"},
    event={"x": "number", "s": "string", "d": "date"},
    past=Past({"A": {"x": "number", "s": "string", "d": "date"}}, frozenset({"email"}), frozenset({"m"})),
)  # fmt: skip

NEVER: Final = " never has a value, for "

CAUTIONED = [
    (
        "profile.birthday.getMonth() == 3",
        f"profile.birthday.getMonth(){NEVER}profile.birthday is a date; write timestamp(profile.birthday).getMonth()",
    ),
    ("event.d.getMonth() == 1", f"event.d.getMonth(){NEVER}event.d is a date; write timestamp(event.d).getMonth()"),
    ("event.s.getHours() == 1", f"event.s.getHours(){NEVER}event.s is a string; write timestamp(event.s).getHours()"),
    ("profile.n.getHours() == 1", f"profile.n.getHours(){NEVER}profile.n is a number"),
    ("now.getMonth(profile.n) == 1", f"now.getMonth(profile.n){NEVER}profile.n is a number"),
    ("profile.n.upper() == 'A'", f"profile.n.upper(){NEVER}profile.n is a number"),
    ("profile.n.size() > 1", f"profile.n.size(){NEVER}profile.n is a number"),
    ("size(profile.i) > 1", f"size(profile.i){NEVER}profile.i is a number"),
    ("profile.ts.startsWith('2026')", f"profile.ts.startsWith('2026'){NEVER}profile.ts is a timestamp"),
    ("profile.email.contains(5)", f"profile.email.contains(5){NEVER}5 is a number"),
    ("matches(profile.o, 'a')", f"matches(profile.o, 'a'){NEVER}profile.o is an object"),
    ("duration(profile.n) > duration('1d')", f"duration(profile.n){NEVER}profile.n is a number"),
    ("profile.b + 1 > 1", f"profile.b + 1{NEVER}profile.b is a boolean"),
    ("profile.x + profile.b > 1", f"profile.x + profile.b{NEVER}profile.b is a boolean"),
    ("profile.email - 1 > 1", f"profile.email - 1{NEVER}profile.email is a string"),
    ("profile.email + 1 == 'a1'", f"profile.email + 1{NEVER}profile.email is a string and 1 a number"),
    ("-profile.email > 1", f"-profile.email{NEVER}profile.email is a string"),
    (
        "profile.birthday + duration('1d') < now",
        (
            f"profile.birthday + duration('1d'){NEVER}profile.birthday is a date and duration('1d') a duration;"
            " its midnight in UTC is timestamp(profile.birthday)"
        ),
    ),
    (
        "now - event.d > duration('1d')",
        f"now - event.d{NEVER}event.d is a date; its midnight in UTC is timestamp(event.d)",
    ),
    ("duration('1d') + 1 > duration('1d')", f"duration('1d') + 1{NEVER}duration('1d') is a duration and 1 a number"),
    ("duration('1d') * 2 > duration('1d')", f"duration('1d') * 2{NEVER}duration('1d') is a duration"),
    ("null + 1 > 1", f"null + 1{NEVER}null has no kind"),
    ("profile.n[0] == 1", f"profile.n[0]{NEVER}profile.n is a number"),
    ("[1]['a'] == 1", f"[1]['a']{NEVER}'a' is a string"),
    ("profile.o[0] == 1", f"profile.o[0]{NEVER}0 is a number"),
    ("profile.email.exists(x, x == 1)", f"profile.email.exists(x, x == 1){NEVER}profile.email is a string"),
    ("profile.n in profile.o", "the keys of an object are texts, and profile.n is a number, so it is never true"),
    ("profile.l < profile.l", "profile.l is a list, which has no order, so it is never true"),
    (
        "count('A', '9d', 'event.x.upper() == profile.email') > 0",
        f"in the condition 'event.x.upper() == profile.email': event.x.upper(){NEVER}event.x is a number",
    ),
]  # fmt: skip


@pytest.mark.parametrize("text, caution", CAUTIONED)
def test_what_never_has_a_value_by_its_declared_kinds_is_cautioned(text: str, caution: str) -> None:
    assert compile_expression(text, NAMES).cautions == (caution,)


@pytest.mark.parametrize(
    "text",
    [
        "timestamp(profile.birthday).getMonth() == 3",
        "profile.birthday.startsWith('1990') && profile.birthday + 'x' > 'a' && size(profile.birthday) == 10",
        "profile.ts.getHours() == 1 && (now - profile.ts).getHours() > 3 && timestamp(profile.i) < now",
        "profile.x.upper() == 'A' && profile.x + 1 > 1 && -profile.x < 0 && profile.x[0] == 1 && profile.l[0] > 1",
        "profile.l.exists(e, e.upper() == 'A' && e + 1 > 2) && profile.o['k'] == 1 && 'k' in profile.o",
        "now - duration('1d') > profile.ts && duration('1d') + duration('2d') > duration('1d')",
        "profile.n * 2 % 3 > 1 && int(profile.email) + 1 > 2 && string(profile.n).size() > 1",
        "count('A', '9d', 'event.s.upper() == profile.email') > 0",
    ],
)
def test_what_may_have_one_is_not(text: str) -> None:
    assert compile_expression(text, NAMES).cautions == ()


# A date is a text, so that its value is among those of a string.
VALUES: Final[tuple[object, ...]] = (
    "5", "true", "90m", "2026-03-01T00:00:00Z", "UTC", 5, 2.5, True, datetime(2026, 3, 1, tzinfo=UTC),
    timedelta(hours=2), [1], ["UTC"], {"UTC": 1}, {},
)  # fmt: skip


def given(value: object) -> Operand:
    return Operand(always(value), "given", kind_of(value))


@pytest.mark.parametrize(
    "name, signature", [*FUNCTIONS.items(), *((f".{name}", each) for name, each in METHODS.items())]
)
def test_no_function_is_cautioned_that_has_a_value(name: str, signature: Signature) -> None:
    valued = 0
    for count in range(1, len(signature.takes) + 1):
        for values in product(VALUES, repeat=count):
            if count - name.startswith(".") < signature.fewest or signature.function(*values) is MISSING:
                continue
            valued += 1
            assert list(of_call("", name.lstrip("."), signature, list(map(given, values)))) == [], values

    assert valued > 0
    kinds = {kind_of(value) for value in VALUES}
    for place, taken in enumerate(signature.takes):
        assert taken < kinds, place


def test_no_operator_is_cautioned_that_has_a_value() -> None:
    for left, right in product(VALUES, VALUES):
        for sign in "+-*/%":
            if operators.ARITHMETIC[sign](left, right) is not MISSING:
                assert list(of_arithmetic("", sign, given(left), given(right))) == [], (left, sign, right)
        for sign, compare in operators.COMPARISONS.items():
            if compare(left, right):
                assert list(of_comparison(sign, given(left), given(right))) == [], (left, sign, right)
        if operators.index(left, right) is not MISSING:
            assert list(of_index("", given(left), given(right))) == [], (left, right)
    for value in VALUES:
        if operators.negate(value) is not MISSING:
            assert list(of_negation("", given(value))) == [], value


@pytest.mark.parametrize("macro", MACROS)
def test_no_macro_is_cautioned_that_has_a_value(macro: str) -> None:
    for value in VALUES:
        has_value = compile_expression(f"profile.x.{macro}(e, true)").value(Scope(profile={"x": value})) is not MISSING
        assert has_value == (list(of_macro("", given(value))) == []), value
