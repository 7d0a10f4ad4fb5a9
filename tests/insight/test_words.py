"""An analysis in the words of the command line is the same as from a document, and what is wrong is told as there."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.errors import CallerError
from parcours.insight.event_words import EventData, event_in, events_in
from parcours.insight.words import (
    attribution_in_words,
    cohort_in_words,
    flow_in_words,
    funnel_in_words,
    metric_in_words,
)
from parcours.journey import analyses
from parcours.journey.parts import Trigger
from parcours.journey.project import Project

YOGA = Path(__file__).parents[1] / "journey" / "yoga"


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.load(YOGA)


@pytest.mark.parametrize(
    "words, events",
    [
        ("Order Completed", ["Order Completed"]),
        ("  Page Viewed>Order Completed ", ["Page Viewed", "Order Completed"]),
        ("A[event.x > 3] > B", [{"event": "A", "when": "event.x > 3"}, "B"]),
        ("A [ event.x > 3 ]", [{"event": "A", "when": "event.x > 3"}]),
        # brackets and texts of a condition are its own
        ('A[event.x in ["]", "b"]]', [{"event": "A", "when": 'event.x in ["]", "b"]'}]),
        ("A[event.x == 'it\\']s'] > B", [{"event": "A", "when": "event.x == 'it\\']s'"}, "B"]),
        ("A[event.tags[0] == {'a': 1}.a]", [{"event": "A", "when": "event.tags[0] == {'a': 1}.a"}]),
        # a name in quotes may hold what would end it
        ('"A > B" > "C[d]"[true]', ["A > B", {"event": "C[d]", "when": "true"}]),
    ],
)
def test_events_are_read(words: str, events: list[EventData]) -> None:
    assert events_in(words) == events


@pytest.mark.parametrize(
    "words, events",
    [
        ("Size <b>chosen</b> > A", ["Size <b>chosen</b>", "A"]),
        ("A>Size <b>chosen</b>[event.x > 1]", ["A", {"event": "Size <b>chosen</b>", "when": "event.x > 1"}]),
        ("  Cart [old]  ", ["Cart [old]"]),
        # of several the longest, and none of which only the beginning is there
        ("A > B > C", ["A > B", "C"]),
        ("A > B > CC", ["A > B", "CC"]),
        ("A > BB", ["A", "BB"]),
        ("Cart [old][event.x]", [{"event": "Cart [old]", "when": "event.x"}]),
        # quotes say that a name ends where they do
        ('"A" > B', ["A", "B"]),
    ],
)
def test_a_known_name_is_read_whole_whatever_it_holds(words: str, events: list[EventData]) -> None:
    assert events_in(words, ["A", "B", "A >", "A > B", "Cart [old]", "Size <b>chosen</b>"]) == events


@pytest.mark.parametrize(
    "words, said",
    [
        ("", "'': the name of an event (one with '>' or '[' in double quotes) is expected (column 1)"),
        ("A >", "'A >': the name of an event (one with '>' or '[' in double quotes) is expected (column 4)"),
        ("A > > B", "'A > > B': the name of an event (one with '>' or '[' in double quotes) is expected (column 5)"),
        ("A[event.x > 3", "'A[event.x > 3': ']' behind the condition is expected (column 14)"),
        ("A[event.x] B", "'A[event.x] B': '>' or the end is expected (column 12)"),
        ('"A', "'\"A': a second quote is expected (column 1)"),
    ],
)
def test_words_that_are_no_events_are_told_with_their_column(words: str, said: str) -> None:
    with pytest.raises(CallerError) as raised:
        events_in(words)

    assert str(raised.value) == said


def test_one_event_is_not_several() -> None:
    with pytest.raises(CallerError, match="one event is expected, and not 2"):
        event_in("A > B")


@given(st.text(max_size=60))
def test_any_words_are_read_or_refused(words: str) -> None:
    try:
        events = events_in(words)
    except CallerError:
        return
    assert all(each if isinstance(each, str) else each["event"] for each in events)


Asked = Callable[..., tuple[Any, list[str]]]


def asked(compile_words: Asked, project: Project, words: str, **options: object) -> Any:
    compiled, warnings = compile_words(project, words, options)
    assert warnings == []
    return compiled


def test_a_funnel_in_words_is_the_one_of_the_document(project: Project) -> None:
    words = "Product Viewed > Product Added[event.price > 20] > Order Completed"

    funnel = asked(
        funnel_in_words,
        project,
        words,
        within="7d",
        by="visit",
        exclude=["Support Contacted"],
        value="event.total",
        split="profile.city",
        order=None,  # an option that is not given
    )

    document = project.program.analyses.funnels["to-order"]
    assert funnel.name == words
    assert [getattr(funnel, key) for key in _keys(funnel)] == [getattr(document, key) for key in _keys(document)]


def _keys(analysis: Any) -> list[str]:
    return [key for key in analysis.__dataclass_fields__ if key != "name"]


@pytest.mark.parametrize(
    "split, meant",
    [
        ("event.price", analyses.ByProperty("price")),
        ("audience:locals", analyses.ByAudience("locals")),
        ("experiment:cart.test", analyses.ByVariant("cart", "test")),
        ("segments:west, mobile", analyses.BySegments("west", "mobile")),
    ],
)
def test_groups_in_words(project: Project, split: str, meant: analyses.Grouping) -> None:
    assert asked(funnel_in_words, project, "Product Added > Order Completed", split=split).split == meant


def test_steps_have_bounds_in_words(project: Project) -> None:
    funnel = asked(funnel_in_words, project, "Page Viewed > Product Viewed > Order Completed", step_within=["3:1h"])

    assert funnel.step_within_ms == {3: 3_600_000}


def test_a_project_keeps_nothing_of_what_is_asked(project: Project) -> None:
    before = project.trees.known()
    asked(funnel_in_words, project, "Product Added[event.price > 98765] > Order Completed")
    assert project.trees.known() == before


def test_a_flow_in_words(project: Project) -> None:
    flow = asked(flow_in_words, project, "Order Completed[event.total > 3]", before=2, after=0, ignore=["Page Viewed"])

    assert (flow.anchor.event, flow.before, flow.after, flow.most) == ("Order Completed", 2, 0, 8)
    assert flow.ignore == frozenset({"Page Viewed"})


def test_an_attribution_in_words(project: Project) -> None:
    found = asked(
        attribution_in_words,
        project,
        "Order Completed",
        touches="events:Product Viewed, Product Added",
        key="event.category",
        models=["first", "decay:3d", "markov:2", "custom:30/40/30"],
    )

    assert found.touches == analyses.EventTouches(("Product Viewed", "Product Added"))
    assert found.models == {
        "first": "first",
        "decay 3d": analyses.Decay(259_200_000),
        "markov 2": analyses.Markov(2),
        "custom 30/40/30": analyses.ByPosition(30, 40, 30),
    }


@pytest.mark.parametrize(
    "words, returns",
    [("Product Viewed > Order Completed", "Order Completed"), ("Product Viewed", "Product Viewed")],
)
def test_a_cohort_in_words(project: Project, words: str, returns: str) -> None:
    cohort = asked(cohort_in_words, project, words, unit="month", periods=3)

    assert (cohort.starts, cohort.returns) == (Trigger("Product Viewed"), Trigger(returns))
    assert (cohort.unit, cohort.periods) == ("month", 3)


def test_metrics_in_words(project: Project) -> None:
    summed = asked(metric_in_words, project, "sum event.total of Order Completed", segment="west")
    people = asked(metric_in_words, project, "people Order Completed[event.total > 0]")

    assert isinstance(summed, analyses.Sum) and (summed.value.text, summed.segment) == ("event.total", "west")
    assert isinstance(people, analyses.People) and people.of.when is not None
    assert asked(metric_in_words, project, "count Page Viewed") == analyses.EventCount(of=Trigger("Page Viewed"))
    assert asked(metric_in_words, project, "count deliveries.clicked") == analyses.DeliveryCount(outcome="clicked")
    assert asked(metric_in_words, project, "revenue / 2") == analyses.Formula(
        "revenue / 2", analyses.Arithmetic("/", analyses.MetricOf("revenue"), analyses.Number(2))
    )


def test_a_name_stands_for_the_analysis_and_options_replace_its_keys(project: Project) -> None:
    known = project.program.analyses

    assert asked(funnel_in_words, project, "to-order") == known.funnels["to-order"]
    assert asked(flow_in_words, project, "before-order") == known.flows["before-order"]
    assert asked(attribution_in_words, project, "orders") == known.attributions["orders"]
    assert asked(cohort_in_words, project, "weekly") == known.cohorts["weekly"]
    assert asked(metric_in_words, project, "per-click") == known.metrics["per-click"]
    changed = asked(funnel_in_words, project, "to-order", by="person", segment="west")
    assert (changed.by, changed.segment, changed.within_ms) == ("person", "west", 7 * 86_400_000)


@pytest.mark.parametrize(
    "compile_words, words, options, said",
    [
        (funnel_in_words, "to-ordr", {}, "neither a funnel nor an event is called 'to-ordr', did you mean 'to-order'?"),
        (flow_in_words, "Order Complet", {}, "did you mean 'Order Completed'?"),
        (funnel_in_words, "Page Viewed", {}, "funnel 'Page Viewed': steps: at least 2 are needed"),
        (
            funnel_in_words,
            "Page Viewed > Order Complted[event.x] > Order Completed",
            {},
            "steps[1].event: unknown event 'Order Complted', did you mean 'Order Completed'?",
        ),
        (funnel_in_words, "Page Viewed > Order Completed", {"within": "7x"}, "within: a duration is written like"),
        (funnel_in_words, "Page Viewed > Order Completed", {"split": "city"}, "split: groups go by a trait"),
        (funnel_in_words, "Page Viewed > Order Completed", {"split": "city:x"}, "split: groups go by profile.TRAIT"),
        (funnel_in_words, "Page Viewed > Order Completed", {"step_within": ["1h"]}, "step_within='1h': the number"),
        (funnel_in_words, "Page Viewed > Order Completed", {"segment": "wst"}, "segment 'wst', did you mean 'west'?"),
        (attribution_in_words, "Order Completed", {}, "touches: this key is needed"),
        (attribution_in_words, "Order Completed", {"touches": "deliveries:clikd"}, "did you mean 'clicked'?"),
        (attribution_in_words, "orders", {"models": ["markv:2"]}, "models[0]: a model is named"),
        (attribution_in_words, "ordrs", {}, "neither an attribution nor an event is called 'ordrs'"),
        (cohort_in_words, "Page Viewed > Page Viewed > Page Viewed", {}, "a cohort has two events"),
        (metric_in_words, "revenu / 2", {}, "unknown metric 'revenu', did you mean 'revenue'?"),
        (metric_in_words, "count Page View", {}, "unknown event 'Page View', did you mean 'Page Viewed'?"),
        # a formula counts nothing that could meet a condition
        (metric_in_words, "revenue / 2", {"where": "true"}, "where: unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_the_words_for_a_document(
    project: Project, compile_words: Asked, words: str, options: dict[str, object], said: str
) -> None:
    with pytest.raises(CallerError) as raised:
        compile_words(project, words, options)

    assert said in str(raised.value)


def test_an_event_in_quotes_is_no_analysis(project: Project) -> None:
    with pytest.raises(CallerError, match="unknown event 'before-order'"):
        flow_in_words(project, '"before-order"')


def test_events_of_any_name_are_asked_for_in_words(tmp_path: Path) -> None:
    shutil.copytree(YOGA, tmp_path / "named")
    events = tmp_path / "named" / "events.yaml"
    events.write_text(f"{events.read_text()}  Price > 3: {{}}\n  Red, and [new]: {{}}\n")
    project = Project.load(tmp_path / "named")

    funnel = asked(funnel_in_words, project, "Page Viewed > Price > 3", exclude=["Red, and [new]"])
    touches = 'events:Page Viewed, "Red, and [new]",Price > 3'
    attribution = asked(attribution_in_words, project, "Price > 3", touches=touches)

    assert [step.event for step in funnel.steps] == ["Page Viewed", "Price > 3"]
    assert [each.event for each in funnel.exclude] == ["Red, and [new]"]
    assert attribution.conversion.event == "Price > 3"
    assert attribution.touches == analyses.EventTouches(("Page Viewed", "Red, and [new]", "Price > 3"))
    assert asked(flow_in_words, project, "Red, and [new]").anchor == Trigger("Red, and [new]")
    assert asked(cohort_in_words, project, "Price > 3").returns == Trigger("Price > 3")
    assert asked(metric_in_words, project, "count Price > 3") == analyses.EventCount(of=Trigger("Price > 3"))
