"""What metrics count, and what becomes of formulas where something is missing."""

from __future__ import annotations

import msgspec
import pytest
from tests.insight.analyses.made_up import person, trigger

from parcours.expression.expression import compile_expression
from parcours.insight.analyses.funnel_groups import by_person, by_property
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.analyses.metric import metric
from parcours.journey.analyses import (
    Arithmetic,
    DeliveryCount,
    EventCount,
    Formula,
    Metric,
    MetricOf,
    Number,
    People,
    Sum,
)

N = compile_expression("event.n")

METRICS: dict[str, Metric] = {
    "revenue": Sum(value=N, of=trigger("O")),
    "big": Sum(value=N, of=trigger("O event.n > 10")),
    "buyers": People(of=trigger("O")),
    "western": People(of=trigger("O"), segment="west"),
    "orders": EventCount(of=trigger("O")),
    "clicks": DeliveryCount(outcome="clicked"),
    "each": Formula("revenue / orders", Arithmetic("/", MetricOf("revenue"), MetricOf("orders"))),
    "never": Formula("revenue / big", Arithmetic("/", MetricOf("orders"), MetricOf("refunds"))),
    "refunds": EventCount(of=trigger("R")),
    "more": Formula("never + 1", Arithmetic("+", MetricOf("never"), Number(1))),
    "mixed": Formula(
        "clicks * 2 - each", Arithmetic("-", Arithmetic("*", MetricOf("clicks"), Number(2)), MetricOf("each"))
    ),
}

UNITS = [person("V0 O1:5 O2", "ana", 1), person("O9:20", "ana", 2), person("O3:7 V4", "ben"), person("V0", "cem")]

DELIVERIES = [
    Events("ana", 0, [Happening(1, "sent"), Happening(2, "clicked")]),
    Events("cem", 0, [Happening(1, "sent"), Happening(5, "clicked")]),
]


@pytest.mark.parametrize(
    "name, value",
    [
        ("revenue", 32),  # an order without the number adds nothing
        ("big", 20),
        ("buyers", 2),  # one of them in two visits
        ("western", 1),
        ("orders", 4),
        ("clicks", 2),
        ("each", 8),
        ("never", None),  # divided by nothing
        ("more", None),  # and what is made of that
        ("mixed", -4),
    ],
)
def test_a_metric_is_counted_over_all(name: str, value: float | None) -> None:
    assert metric(name, METRICS, UNITS, DELIVERIES, segments={"west": {"ben"}}).value == value


def test_a_metric_is_counted_by_group_and_a_formula_in_each_by_itself() -> None:
    by_city = by_person({"ana": "Oslo", "cem": "Rome"})

    result = metric("mixed", METRICS, UNITS, DELIVERIES, grouped=by_city)

    # Rome has clicks and no order, and nobody without a city has a click.
    assert msgspec.json.encode(result) == b'{"value":-4.0,"groups":{"Oslo":%b,"Rome":null,"(missing)":-7.0}}' % (
        msgspec.json.encode(2 - 25 / 3)
    )


def test_a_metric_may_be_grouped_by_a_property_of_each_event() -> None:
    result = metric("buyers", METRICS, UNITS, grouped=by_property("n"))

    assert msgspec.json.encode(result) == b'{"value":2,"groups":{"20":1,"5":1,"7":1,"(missing)":1}}'


@pytest.mark.parametrize(
    "numbers, total",
    [
        ([0.1] * 10, 1.0),  # rounded once
        ([1e16, 1, -1e16], 1.0),
        ([2**60, 1], 2**60 + 1),  # whole numbers exactly
        ([True, "3", None, [1], 2], 2),  # what is no number adds nothing
        ([1e308, 1e308], None),  # larger than a number can be
        ([], 0),
    ],
)
def test_a_sum_does_not_depend_on_the_order_of_its_numbers(numbers: list[object], total: float | None) -> None:
    for drawn in (numbers, numbers[::-1]):
        events = Events("ana", 0, [Happening(0, "O", msgspec.json.encode({"n": n}).decode()) for n in drawn])

        assert metric("revenue", METRICS, [events]).value == total
