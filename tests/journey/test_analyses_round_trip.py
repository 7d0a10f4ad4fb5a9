"""Whatever analyses a project has come back from JSON as they were, and formulas from their text."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parcours.expression.duration import format_duration
from parcours.journey.analyses import Arithmetic, FormulaNode, MetricOf, Number
from parcours.journey.compile.analyses.formula import (
    DEPTH_MAX,
    FORMULA_CHARACTERS_MAX,
    FormulaError,
    metrics_in,
    parse_formula,
)
from parcours.journey.model.analyses import AnalysesDocument
from parcours.journey.project import Project

LOADED = Project.load(Path(__file__).parent / "yoga")

NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,8}", fullmatch=True)
DURATIONS = st.integers(1, 10**10).map(format_duration)


def keys(needed: dict[str, Any], more: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=more)


TOTAL = st.sampled_from(["event.total > 3", "event.coupon == 'x'", True])
EVENTS = st.one_of(
    st.sampled_from(["Page Viewed", "Order Completed", "Large Order"]),
    keys({"event": st.just("Order Completed")}, {"when": TOTAL}),
)
SEGMENT = {"segment": st.sampled_from(["old", "seen"])}
UNIT = st.sampled_from(["person", "visit", "run"])

METRICS = st.one_of(
    keys({"sum": st.just("event.total"), "of": st.just("Order Completed")}, {"where": TOTAL, **SEGMENT}),
    keys({"people": st.just("Order Completed")}, {"where": TOTAL, **SEGMENT}),
    keys({"count": st.sampled_from(["Large Order", "deliveries.clicked"])}, SEGMENT),
    keys({"formula": st.one_of(st.integers(0, 9), st.just("(1 + 2) / 3"))}, {}),
)
SPLITS = st.sampled_from(
    [
        "profile.city",
        {"audience": "locals"},
        {"experiment": "cart.test"},
        {"segments": ["old", "seen"]},
    ]
)
FUNNELS = keys(
    {"steps": st.lists(EVENTS, min_size=2, max_size=4)},
    {
        "within": DURATIONS,
        "order": st.sampled_from(["strict", "next"]),
        "by": UNIT,
        "exclude": st.lists(EVENTS, max_size=2),
        "step_within": st.dictionaries(st.just("2"), DURATIONS),
        "split": SPLITS,
        **SEGMENT,
    },
)
FLOWS = keys(
    {"anchor": EVENTS, "before": st.integers(1, 5), "after": st.integers(0, 5)},
    {
        "by": UNIT,
        "which": st.sampled_from(["first", "last", "every"]),
        "key": st.just("event.category"),
        "most": st.integers(1, 20),
        "collapse": st.booleans(),
        "ignore": st.just(["Support Contacted"]),
        **SEGMENT,
    },
)
SHARES = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda two: [two[0], 100 - sum(two), two[1]])
MODELS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["first", "same", "u", "inverse-j", "decay", "markov", "shapley"]),
    st.builds(dict, custom=SHARES),
    st.builds(dict, decay=DURATIONS),
    st.builds(dict, markov=st.integers(1, 3)),
)
ATTRIBUTIONS = keys(
    {
        "conversion": EVENTS,
        "touches": st.sampled_from([{"deliveries": "clicked"}, {"events": ["Page Viewed", "Product Viewed"]}]),
    },
    {
        "lookback": DURATIONS,
        "since_last": st.booleans(),
        "models": st.lists(MODELS, min_size=1, max_size=3, unique_by=str),
        **SEGMENT,
    },
)
COHORTS = keys(
    {"starts": EVENTS, "returns": EVENTS},
    {"unit": st.sampled_from(["day", "week", "month"]), "periods": st.integers(1, 20), **SEGMENT},
)
DOCUMENTS = keys(
    {"segments": st.just({"old": "profile.age > 60", "seen": {"event": "Page Viewed"}})},
    {
        "metrics": st.dictionaries(NAMES, METRICS, max_size=3),
        "funnels": st.dictionaries(NAMES, FUNNELS, max_size=2),
        "flows": st.dictionaries(NAMES, FLOWS, max_size=2),
        "attributions": st.dictionaries(NAMES, ATTRIBUTIONS, max_size=2),
        "cohorts": st.dictionaries(NAMES, COHORTS, max_size=2),
    },
)


@settings(deadline=None, max_examples=60)
@given(DOCUMENTS)
def test_analyses_come_back_from_json(data: dict[str, Any]) -> None:
    documents = LOADED.documents
    project = Project.of(
        documents.settings,
        documents.profile,
        documents.events,
        documents.audiences,
        documents.messages,
        documents.journeys,
        insight=[AnalysesDocument.model_validate(data)],
    )

    back = Project.from_json(project.to_json())

    assert back.documents.insight == project.documents.insight
    assert back.program.analyses == project.program.analyses
    assert back.to_json() == project.to_json()


FORMULAS: st.SearchStrategy[FormulaNode] = st.recursive(
    st.one_of(
        NAMES.filter(lambda name: not name.isdigit()).map(MetricOf),
        st.integers(0, 10**6).map(lambda number: Number(number / 100)),
    ),
    lambda below: st.builds(Arithmetic, st.sampled_from(["+", "-", "*", "/"]), below, below),
    max_leaves=8,
)


def written(node: FormulaNode) -> str:
    match node:
        case Number():
            return f"{Decimal(repr(node.value)):f}"
        case MetricOf():
            return node.name
        case Arithmetic():
            return f"({written(node.left)} {node.operator} {written(node.right)})"


@given(FORMULAS)
def test_a_formula_is_read_as_it_is_meant(node: FormulaNode) -> None:
    assert parse_formula(written(node)) == node


A, B, C = MetricOf("a"), MetricOf("b"), MetricOf("c")


@pytest.mark.parametrize(
    "text, meant",
    [
        ("a - b - c", Arithmetic("-", Arithmetic("-", A, B), C)),  # from the left
        ("a + b * c", Arithmetic("+", A, Arithmetic("*", B, C))),
        ("(a + b)*c", Arithmetic("*", Arithmetic("+", A, B), C)),
        ("a-b", MetricOf("a-b")),
        ("a -b", Arithmetic("-", A, B)),
        ("2 / 1.5", Arithmetic("/", Number(2), Number(1.5))),
        ("2nd", MetricOf("2nd")),
    ],
)
def test_formulas_are_read(text: str, meant: FormulaNode) -> None:
    assert parse_formula(text) == meant


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "a metric, a number or '(' is expected, and the formula ends (column 1)"),
        ("-a", "a metric, a number or '(' is expected, and not '-' (column 1)"),
        ("a = b", "'=' has no meaning in a formula (column 3)"),
        ("a)", "a sign or the end is expected, and not ')' (column 2)"),
        ("9" * 400, "this number is too large"),
        ("a" * (FORMULA_CHARACTERS_MAX + 1), "a formula has 1000 characters at most"),
        ("(" * 60 + "a" + ")" * 60, "parentheses are nested 50 deep at most (column 51)"),
        ("a+" * 60 + "a", "a formula has 50 signs of one rank in a row at most"),
    ],
)
def test_what_is_no_formula_is_refused(text: str, said: str) -> None:
    with pytest.raises(FormulaError) as raised:
        parse_formula(text)

    assert str(raised.value).startswith(said)


def test_as_many_signs_and_parentheses_as_are_allowed_are_read() -> None:
    assert len(list(metrics_in(parse_formula("a+" * DEPTH_MAX + "a")))) == DEPTH_MAX + 1
    assert parse_formula("(" * DEPTH_MAX + "a" + ")" * DEPTH_MAX) == A


@given(st.text(alphabet="ab1.+-*/() ", max_size=40))
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        root = parse_formula(text)
    except FormulaError:
        return
    assert all(name in text for name in metrics_in(root))
    assert parse_formula(written(root)) == root
