"""Expressions over a person's history, and the change times of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parcours.expression.expression import ExpressionError, Names, Scope, compile_expression
from parcours.expression.names import Past
from parcours.expression.values import Limits, Scored

DAY_MS = 86_400_000

EVENTS = {
    "Order Completed": {"total": "number", "items": "integer", "store": "string", "cart.total": "any"},
    "Page Viewed": {"page": "string"},
}
NAMES = Names(
    profile={"born": "timestamp", "city": "string"},
    event={"total": "number"},
    past=Past(
        EVENTS,
        frozenset({"email", "sms"}),
        frozenset({"cart", "marketing"}),
        audiences={"loyal": "loyal\0002", "lapsed": "lapsed", "saved": "saved"},
        conditional=frozenset({"lapsed"}),
    ),
)
OF_E = Past({"E": {"n": "number"}}, frozenset(), frozenset())


@dataclass
class Recorded:
    """What somebody did: for each series the entries as (ms, number); her consents, audiences by their keys, scores."""

    entries: Mapping[str, list[tuple[int, int]]] = field(default_factory=dict)
    consents: frozenset[tuple[str, str]] = frozenset()
    audiences: frozenset[str] = frozenset()
    scores: Mapping[str, Scored] = field(default_factory=dict)

    def _inside(self, key: str, window_ms: int, now_ms: int) -> list[tuple[int, int]]:
        return [(at, number) for at, number in self.entries.get(key, []) if now_ms - window_ms < at <= now_ms]

    def count(self, key: str, window_ms: int, now_ms: int) -> int:
        return len(self._inside(key, window_ms, now_ms))

    def sum(self, key: str, window_ms: int, now_ms: int) -> float:
        return sum(number for _, number in self._inside(key, window_ms, now_ms))

    def last(self, key: str) -> int | None:
        return max((at for at, _ in self.entries.get(key, [])), default=None)

    def next_exit(self, key: str, window_ms: int, now_ms: int) -> int | None:
        return min((at + window_ms for at, _ in self._inside(key, window_ms, now_ms)), default=None)

    def consent(self, channel: str, purpose: str) -> bool:
        return (channel, purpose) in self.consents

    def inside(self, audience: str, now_ms: int, limits: Limits) -> bool:
        return audience in self.audiences

    def scored(self, score: str, now_ms: int, limits: Limits) -> Scored | None:
        return self.scores.get(score)


ORDERS = '["Order Completed",null,null]'
TOTALS = '["Order Completed","total",null]'
LARGE = '["Order Completed",null,"event.total > 50"]'


SERIES = [
    ('count("Order Completed", "90d") > 1', {ORDERS: (None, 90 * DAY_MS)}),
    ('sum("Order Completed", "total", "1d12h") > 9', {TOTALS: ("total", 36 * 3_600_000)}),
    # without a window only the last one counts
    ('last("Order Completed") < now', {ORDERS: (None, None)}),
    # one series, kept as long as the longest window asks
    ('count("Order Completed", "90d") == 0 && count("Order Completed", "365d") > 0', {ORDERS: (None, 365 * DAY_MS)}),
    ('count("Order Completed", "90d") == 0 && last("Order Completed") < now', {ORDERS: (None, 90 * DAY_MS)}),
    # each condition has a series of its own, whatever blanks surround it
    (
        'count("Order Completed", "1d", "event.total > 50") < count("Order Completed", "1d")',
        {LARGE: (None, DAY_MS), ORDERS: (None, DAY_MS)},
    ),
    ('last("Order Completed", " event.total > 50 ") < now', {LARGE: (None, None)}),
    ("profile.city == 'Paris'", {}),
]


@pytest.mark.parametrize("text,series", SERIES, ids=[text for text, _ in SERIES])
def test_an_expression_names_the_series_that_it_asks_for(
    text: str, series: dict[str, tuple[str | None, int | None]]
) -> None:
    compiled = compile_expression(text, NAMES)
    assert {each.key: (each.property, each.window_ms) for each in compiled.series} == series


def test_the_condition_of_a_series_sees_the_event_that_arrives_and_the_profile() -> None:
    text = """count("Page Viewed", "1d", 'event.page == "cart" && profile.city == "Paris"') > 0"""
    (series,) = compile_expression(text, NAMES).series
    assert series.condition is not None
    assert series.condition.holds(Scope(event={"page": "cart"}, profile={"city": "Paris"}))
    assert not series.condition.holds(Scope(event={"page": "home"}, profile={"city": "Paris"}))
    assert compile_expression(text, NAMES).paths == set()


VALUES = [
    ('count("Order Completed", "10ms")', 2),  # at 995 and 1000; the one at 990 has just left
    ('count("Order Completed", "11ms")', 3),
    ('count("Order Completed", "1ms")', 1),
    ('sum("Order Completed", "total", "10ms")', 12),
    ('sum("Page Viewed", "total", "10ms")', 0),
    ('count("Page Viewed", "10ms")', 0),
    ('last("Order Completed") == timestamp("1970-01-01T00:00:01Z")', True),
    ('last("Page Viewed") < now', False),  # there is none, and a comparison with nothing is false
    ('consent("email", "cart") && !consent("sms", "cart")', True),
]


@pytest.mark.parametrize("text,value", VALUES)
def test_history_is_looked_up_in_the_scope(text: str, value: object) -> None:
    entries = [(990, 3), (995, 5), (1_000, 7)]
    history = Recorded({ORDERS: entries, TOTALS: entries}, frozenset({("email", "cart")}))
    assert compile_expression(text).value(Scope(now_ms=1_000, history=history)) == value


def test_without_a_history_nothing_was_done_and_nothing_agreed_to() -> None:
    nothing = """
        count("A", "1d") == 0 && sum("A", "b", "1d") == 0 && !(last("A") < now) && !consent("email", "cart")
    """
    assert compile_expression(nothing).holds(Scope(now_ms=5))


def test_an_expression_says_whether_it_asks_for_consent() -> None:
    assert compile_expression('consent("email", "cart")', NAMES).consents
    assert not compile_expression("profile.city == 'Paris'", NAMES).consents


def test_a_membership_is_looked_up_by_the_key_of_the_audience() -> None:
    asked = compile_expression('in_audience("loyal") && !in_audience("saved")', NAMES)

    assert asked.audiences == ("loyal\0002", "saved")
    assert asked.holds(Scope(history=Recorded(audiences=frozenset({"loyal\0002"}))))
    assert not asked.holds(Scope(history=Recorded(audiences=frozenset({"loyal"}))))
    assert asked.unmet(Scope()) == 'in_audience("loyal") is false'


REFUSED = [
    ('in_audience("loyla")', 13, "unknown audience 'loyla', did you mean 'loyal'?"),
    ("in_audience(profile.city)", 1, 'in_audience() is written as in_audience("loyal")'),
    ("in_audience()", 1, 'in_audience() is written as in_audience("loyal")'),
    ('in_audience("loyal", "1d")', 1, 'in_audience() is written as in_audience("loyal")'),
    ('profile.city.in_audience("loyal")', 1, "unknown function in_audience(): it is written before its value"),
    # here as in audiences.yaml, where one audience may not ask for another one with a condition
    ('in_audience("lapsed")', 13, "an audience may ask only for audiences that campaigns save, and 'lapsed' has a"),
    (
        """count("Page Viewed", "1d", 'in_audience("saved")') > 0""",
        28,
        """in the condition 'in_audience("saved")': in_audience() has no meaning here""",
    ),
    ('count("Order Complete", "90d") > 0', 7, "unknown event 'Order Complete', did you mean 'Order Completed'?"),
    ('count("Order Completed", "90") > 0', 26, "'90' is no window: a duration is written like 30s"),
    ('count("Order Completed", "0d") > 0', 26, "a window is longer than nothing"),
    ('count("Order Completed", "11w500w") > 0', 26, "'11w500w' is no window: a duration names each unit once"),
    ('count("Order Completed") > 0', 1, 'count() is written as count("Order Completed", "90d"), with a condition'),
    ('count("Order Completed", profile.city) > 0', 1, "count() is written as"),
    ('last("Order Completed", "true", "true") < now', 1, 'last() is written as last("Order Completed")'),
    (
        'sum("Order Completed", "totl", "1d") > 0',
        24,
        "'Order Completed' has no property 'totl', did you mean 'total'?",
    ),
    ('sum("Order Completed", "store", "1d") > 0', 24, "sum() adds numbers, and 'store' is declared as string"),
    ('sum("Order Completed", "cart", "1d") > 0', 24, "sum() adds numbers, and 'cart' is declared as object"),
    (
        'count("Page Viewed", "1d", "event.pag == 1") > 0',
        28,
        "in the condition 'event.pag == 1': unknown name event.pag, did you mean 'event.page'?",
    ),
    ('count("Page Viewed", "1d", "event.page ==") > 0', 28, "in the condition 'event.page ==': the expression ends"),
    # a condition is tested when the event arrives, so it sees no run, no time and no other history
    ('count("Page Viewed", "1d", "entry.total > 1") > 0', 28, "in the condition 'entry.total > 1': 'entry' has no"),
    ('count("Page Viewed", "1d", "profile.born < now") > 0', 28, "in the condition 'profile.born < now': 'now' has"),
    (
        """count("Page Viewed", "1d", 'count("Page Viewed", "1d") > 1') > 0""",
        28,
        """in the condition 'count("Page Viewed", "1d") > 1': count() has no meaning here""",
    ),
    ('consent("emial", "cart")', 9, "unknown channel 'emial', did you mean 'email'?"),
    ('consent("email", "carts")', 18, "unknown purpose 'carts', did you mean 'cart'?"),
    ('consent("email")', 1, 'consent() is written as consent("email", "cart")'),
    ('coun("Order Completed", "90d") > 0', 1, "unknown function coun(), did you mean 'count'?"),
]


@pytest.mark.parametrize("text,column,message", REFUSED, ids=[text for text, _, _ in REFUSED])
def test_a_question_about_the_past_that_means_nothing_is_refused(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text, NAMES)
    assert caught.value.message.startswith(message)
    assert caught.value.column == column


TURNS = [
    # the instant itself, or the millisecond after it: whichever makes the difference
    ("profile.born <= now", 5_000),
    ("profile.born < now", 5_001),
    ("now < profile.born", 5_000),
    ("now > profile.born", 5_001),
    ("now == profile.born", 5_000),
    ('profile.born + duration("2s") <= now', 7_000),
    ('profile.born <= now - duration("2s")', 7_000),
    ('now + duration("2s") >= profile.born', 3_000),
    ('now - profile.born >= duration("1s")', 6_000),
    ('now - duration("1s") + duration("3s") >= profile.born', 3_000),
    ("!(profile.born <= now) || profile.city == 'x'", 5_000),
    ("profile.born <= now && last('E') < now", 1_001),
    # between two milliseconds
    ('profile.born + duration("500us") <= now', 5_001),
    ('profile.born + duration("500us") < now', 5_001),
    # the oldest entry that is inside leaves
    ("count('E', '2s') > 1", 2_500),
    ("count('E', '2s') > 1 || profile.born <= now", 2_500),
    # never
    ("profile.city == 'Paris'", None),
    ("timestamp(profile.city) < now", None),
    ("profile.gone < now", None),
    ("profile.born - duration('10s') <= now", None),
    ("last('E') < timestamp('2030-01-01T00:00:00Z')", None),
]


@pytest.mark.parametrize("text,instant", TURNS, ids=[text for text, _ in TURNS])
def test_the_next_change_is_known_in_advance(text: str, instant: int | None) -> None:
    history = Recorded({'["E",null,null]': [(500, 1), (1_000, 1)]})
    names = Names(
        {"born": "timestamp", "city": "string", "gone": "timestamp"}, past=Past({"E": {}}, frozenset(), frozenset())
    )
    profile = {"born": "1970-01-01T00:00:05Z", "city": "Paris"}
    assert compile_expression(text, names).next_change(Scope(profile=profile, now_ms=1_000, history=history)) == instant


def test_after_the_instant_itself_comes_the_millisecond_after_it() -> None:
    equality = compile_expression("profile.born == now", NAMES)
    profile = {"born": "1970-01-01T00:00:05Z"}
    assert equality.next_change(Scope(profile=profile, now_ms=5_000)) == 5_001
    assert equality.next_change(Scope(profile=profile, now_ms=5_001)) is None


signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
lengths_ms = st.integers(1, 30)
instants_us = st.integers(18_000, 45_000).flatmap(lambda us: st.sampled_from([us, us // 1_000 * 1_000]))


@st.composite
def moments(draw: st.DrawFn) -> str:
    """A timestamp that stands still: of a trait, in between two milliseconds perhaps, or of the history."""
    base = draw(st.sampled_from(["profile.a", "profile.b", "last('E')"]))
    return base if draw(st.booleans()) else f"{base} {draw(st.sampled_from('+-'))} duration('{draw(lengths_ms)}ms')"


@st.composite
def turning_parts(draw: st.DrawFn) -> str:
    sign, length = draw(signs), draw(lengths_ms)
    form = draw(st.sampled_from(["now", "moved", "age", "count", "sum", "two counts"]))
    match form:
        case "now":
            sides = [draw(moments()), "now"]
        case "moved":
            sides = [draw(moments()), f"now {draw(st.sampled_from('+-'))} duration('{length}ms')"]
        case "age":
            sides = [f"now - {draw(st.sampled_from(['profile.a', 'profile.b']))}", f"duration('{length}ms')"]
        case "count":
            return f"count('E', '{length}ms') {sign} {draw(st.integers(0, 3))}"
        case "sum":
            return f"sum('E', 'n', '{length}ms') {sign} {draw(st.integers(0, 9))}"
        case _:
            return f"count('E', '{length}ms') {sign} count('E', '{draw(lengths_ms)}ms')"
    left, right = draw(st.permutations(sides))
    return f"{left} {sign} {right}"


conditions = st.lists(
    turning_parts().flatmap(lambda part: st.sampled_from([part, f"!({part})"])), min_size=1, max_size=3
).flatmap(lambda parts: st.sampled_from([" && ".join(parts), " || ".join(parts)]))


def iso(instant_us: int) -> str:
    seconds, rest = divmod(instant_us + 10_000_000, 1_000_000)
    return f"1970-01-01T00:00:{seconds:02}.{rest:06}Z"


@settings(max_examples=400)
@given(conditions, instants_us, instants_us, st.lists(st.tuples(st.integers(-10, 20), st.integers(0, 5)), max_size=5))
def test_a_value_stays_as_it_is_until_the_next_change(
    text: str, first_us: int, second_us: int, done: list[tuple[int, int]]
) -> None:
    start_ms = 10_000
    names = Names({"a": "timestamp", "b": "timestamp"}, past=OF_E)
    condition = compile_expression(text, names)
    profile = {"a": iso(first_us), "b": iso(second_us)}
    now_ms = start_ms + 20
    entries = [(start_ms + at, number) for at, number in done]
    history = Recorded({'["E",null,null]': entries, '["E","n",null]': entries})

    def holds(at_ms: int) -> bool:
        return condition.holds(Scope(profile=profile, now_ms=at_ms, history=history))

    change = condition.next_change(Scope(profile=profile, now_ms=now_ms, history=history))
    assert change is None or change > now_ms
    until_ms = now_ms + 100 if change is None else change  # nothing that is drawn lies further ahead
    assert {holds(at_ms) for at_ms in range(now_ms, until_ms)} == {holds(now_ms)}
