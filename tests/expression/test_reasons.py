"""The reasons why a condition does not hold: its failing parts and no others."""

from __future__ import annotations

import pytest

from parcours.expression.expression import Names, Scope, compile_expression

SCOPE = Scope(
    event={"total": 30, "code": "80", "ok": False, "tags": ["a"], "items": [{"price": 3}], "many": list(range(1_001))},
    profile={"city": "Atlanta", "vip": True},
)

UNMET = [
    # a comparison, a trait, a call: what is missing or of unlike kinds, else that it is false
    ("event.total > 100", "event.total > 100 is false"),
    ("event.absent > 100", "event.absent is missing"),
    ("event.code > 5", "event.code is a string and 5 a number"),
    ("event.absent + event.gone > 100", "event.absent is missing; event.gone is missing"),
    ("event.ok", "event.ok is false"),
    ("event.total", "event.total is a number and no boolean"),
    ("event.total.contains('3')", "event.total.contains('3') has no value"),
    ("has(event.absent)", "event.absent is missing"),
    ("'b' in event.tags", "'b' in event.tags is false"),
    ("event.absent in event.tags", "event.absent is missing"),
    ("event.items.exists(item, item.price > 5)", "event.items.exists(item, item.price > 5) is false"),
    ("event.items.exists(item, item.price > event.absent)", "event.absent is missing"),
    ("event.many.all(each, each < 5 && each > 1)", "event.many.all(each, each < 5 && each > 1) has no value"),
    ('count("Order", "3d") > 1', 'count("Order", "3d") > 1 is false'),
    # what default() has a value for is no reason
    ("default(event.absent, 5) > 10", "default(event.absent, 5) > 10 is false"),
    ("default(event.absent, event.gone) > 10", "event.gone is missing"),
    # a negation fails only where what it negates holds, and so nothing in it is missing
    ("!(event.total == 30)", "!(event.total == 30) is false"),
    ("!(event.absent == 1 || event.total == 30)", "!(event.absent == 1 || event.total == 30) is false"),
    ("!has(profile.city)", "!has(profile.city) is false"),
    # of && what does not hold
    ("event.total > 50 && !(profile.staff == true)", "event.total > 50 is false"),
    ("event.total > 10 && event.absent > 5", "event.absent is missing"),
    ("event.absent > 100 && profile.absent", "event.absent is missing; profile.absent is missing"),
    ("event.absent > 1 && event.absent < 9", "event.absent is missing"),
    ("(event.absent == 1 || event.total == 30) && event.ok == true", "event.ok == true is false"),
    # of || all of it
    ("event.total > 50 || event.absent == 1", "event.total > 50 is false; event.absent is missing"),
    (
        "event.absent == 1 || (profile.city == 'Atlanta' && event.total > 50)",
        "event.absent is missing; event.total > 50 is false",
    ),
    # of a choice the side taken, and why it was not the other
    ("profile.vip ? event.total > 50 : event.absent > 1", "event.total > 50 is false"),
    ("profile.absent ? event.total > 10 : event.total > 50", "profile.absent is missing; event.total > 50 is false"),
    ("(profile.vip ? event.total : event.absent) > 50", "(profile.vip ? event.total : event.absent) > 50 is false"),
]


@pytest.mark.parametrize("text,reason", UNMET)
def test_the_reason_tells_only_what_kept_the_condition_from_holding(text: str, reason: str) -> None:
    condition = compile_expression(text)

    assert not condition.holds(SCOPE)
    assert condition.unmet(SCOPE) == reason


@pytest.mark.parametrize(
    "when, reason",
    [
        (None, "event.when is missing"),
        (5, "event.when is a number and no timestamp"),
        ({"at": "2026-01-01"}, "event.when is an object and no timestamp"),
        ("soon", "event.when is a string that is no timestamp"),
        ("9999-12-31T23:59:59-10:00", "event.when is a string that is no timestamp"),  # beyond the last year in UTC
        ("2026-01-01T00:00:00Z", "event.when > now is false"),
    ],
)
def test_what_is_declared_a_timestamp_and_is_none_is_named_for_what_it_is(when: object, reason: str) -> None:
    condition = compile_expression("event.when > now", Names(event={"when": "timestamp"}))

    assert condition.unmet(Scope(event={"when": when}, now_ms=1_800_000_000_000)) == reason
