"""What insight/*.yaml may say, what becomes of it, and what the checker says of the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import get_args

import pytest
from ruamel.yaml import YAML

from parcours.core.fact import Outcome
from parcours.expression.definition_keys import DefinitionKeys
from parcours.expression.expression import Expression, Scope
from parcours.journey import analyses
from parcours.journey.compile.project import compile_project
from parcours.journey.model.analyses import AnalysesDocument
from parcours.journey.model.analysis_forms import DeliveryOutcome
from parcours.journey.parts import Schedule, Trigger
from parcours.journey.project import Project
from parcours.journey.publish.digest import digests_of
from parcours.journey.publish.ledger import published
from parcours.journey.publish.publications import (
    PublicationCompiler,
    Publications,
    begun,
    candidate_of,
    source_of,
)
from parcours.journey.read.documents import margins_of
from parcours.journey.read.finding import Finding

YOGA = Path(__file__).parent / "yoga"
AUDIENCES = (
    "audiences: {almost: {saved: true}, west-side: {saved: true}, second: {saved: true}, "
    "locals: profile.city == 'Seattle'}\n"
)
NO_MORE = {"insight/more.yaml": "{}\n"}
BESIDES = """\
funnels:
  plain: {steps: [Page Viewed, Order Completed]}
  groups: {steps: [Page Viewed, Order Completed], split: {segments: [west, mobile]}}
"""

Change = Callable[..., Path]


@pytest.fixture
def yoga(tmp_path: Path) -> Change:
    """Copies the sample project and puts other texts in place of some of its files."""

    def change(files: dict[str, str]) -> Path:
        folder = copytree(YOGA, tmp_path / "changed", dirs_exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return change


def compiled(folder: Path) -> analyses.Analyses:
    return Project.load(folder).program.analyses


def text_of(value: Expression | None) -> str:
    assert value is not None
    return value.text


def faults_of(folder: Path) -> list[Finding]:
    return Project.check(folder)


def test_the_sample_project_is_in_order() -> None:
    assert faults_of(YOGA) == []


def test_an_audience_that_is_to_be_made_once_in_the_past_is_not_published() -> None:
    assert [(each.path, each.severity) for each in Project.check(YOGA, now_ms=1_800_000_000_000)] == [
        ("audiences.west-side.schedule.at", "draft")
    ]


@pytest.mark.parametrize(
    "kept, lost",
    [
        ("none", ["Order Completed", "Product Added", "Product Viewed"]),
        ("[Product Viewed, Product Added]", ["Order Completed"]),
    ],
)
def test_an_audience_of_events_that_are_not_kept_is_refused(kept: str, lost: list[str], tmp_path: Path) -> None:
    folder = Path(copytree(YOGA, tmp_path / "yoga"))
    settings = folder / "parcours.yaml"
    settings.write_text(settings.read_text() + f"\ninsight: {{events: {kept}}}\n")

    refused = [each for each in faults_of(folder) if each.severity == "error" and "audiences.almost" in each.path]

    assert [each.message.partition(":")[2].split(" is not kept")[0].strip(" '") for each in refused] == lost
    assert all(each.message.startswith("nobody would ever be in it") for each in refused)
    assert {each.path for each in refused} == {"audiences.almost.funnel"}


def test_what_keeps_an_audience_is_a_campaign_of_two_steps() -> None:
    almost, west = Project.load(YOGA).program.keeping

    assert (almost.name, west.name) == ("kept.almost", "kept.west-side")
    assert [*almost.steps] == ["people", "save"]
    assert str(almost.steps["people"].asked) == "lost:2 of the funnel to-order"  # type: ignore[union-attr]
    assert (almost.steps["save"].mode, west.steps["save"].mode) == ("replace", "append")  # type: ignore[union-attr]
    assert almost.schedule == Project.load(YOGA).program.analyses.audiences["almost"].schedule


def test_metrics_and_segments_are_compiled() -> None:
    found = compiled(YOGA)

    revenue, buyers = found.metrics["revenue"], found.metrics["buyers"]
    assert isinstance(revenue, analyses.Sum) and text_of(revenue.value) == "event.total"
    assert revenue.of == Trigger("Order Completed")
    assert isinstance(buyers, analyses.People) and text_of(buyers.of.when) == "event.total > 0"
    assert buyers.segment == "west"
    assert found.metrics["clicks"] == analyses.DeliveryCount(outcome="clicked")
    assert found.metrics["per-click"] == analyses.Formula(
        "revenue / clicks",
        analyses.Arithmetic("/", analyses.MetricOf("revenue"), analyses.MetricOf("clicks")),
    )
    west, mobile = found.segments["west"], found.segments["mobile"]
    assert isinstance(west, analyses.TraitSegment) and west.condition.holds(Scope(profile={"city": "Seattle"}))
    assert isinstance(mobile, analyses.EventSegment) and mobile.match.event == "Product Viewed"


def test_a_funnel_is_compiled() -> None:
    funnel = compiled(YOGA).funnels["to-order"]

    assert [step.event for step in funnel.steps] == ["Product Viewed", "Product Added", "Order Completed"]
    assert text_of(funnel.steps[1].when) == "event.price > 20"
    assert (funnel.within_ms, funnel.order, funnel.by) == (7 * 86_400_000, "strict", "visit")
    assert funnel.exclude == (Trigger("Support Contacted"),)
    assert text_of(funnel.value) == "event.total" and funnel.split == analyses.ByTrait("city")


def test_a_flow_an_attribution_a_cohort_and_an_audience_are_compiled() -> None:
    found = compiled(YOGA)

    assert found.flows["before-order"] == analyses.Flow(
        name="before-order",
        anchor=Trigger("Order Completed"),
        before=3,
        after=0,
        by="visit",
        key="category",
        most=8,
        collapse=True,
        ignore=frozenset({"Page Viewed"}),
    )
    orders = found.attributions["orders"]
    assert (orders.touches, orders.key) == (analyses.DeliveryTouches("clicked"), "message")
    assert orders.models == {"first": "first", "last": "last", "linear": "linear", "markov": analyses.Markov(1)}
    assert found.cohorts["weekly"] == analyses.Cohort(
        name="weekly",
        starts=Trigger("Order Completed"),
        returns=Trigger("Order Completed"),
        unit="week",
        periods=8,
        segment="mobile",
    )
    schedule = Schedule(1_793_595_600_000, "FREQ=DAILY")  # six o'clock in Paris
    assert found.audiences["almost"] == analyses.SavedAudience("almost", "to-order", "lost:2", True, schedule)


@pytest.mark.parametrize(
    "split, meant",
    [
        ("profile.city", analyses.ByTrait("city")),
        ("profile.address.zip", analyses.ByTrait("address.zip")),
        ("event.category", analyses.ByProperty("category")),
        ("{audience: locals}", analyses.ByAudience("locals")),
        ("{experiment: cart.test}", analyses.ByVariant("cart", "test")),
        ("{segments: [west, mobile]}", analyses.BySegments("west", "mobile")),
    ],
)
def test_groups_go_by(yoga: Change, split: str, meant: analyses.Grouping) -> None:
    text = f"funnels: {{f: {{steps: [Product Added, Order Completed], split: {split}}}}}\n"

    assert compiled(yoga({"insight/new.yaml": text})).funnels["f"].split == meant


@pytest.mark.parametrize(
    "model, name, meant",
    [
        ("inverse-j", "inverse-j", "inverse-j"),
        ("decay", "decay", analyses.Decay(7 * 86_400_000)),  # a week goes without saying
        ("{decay: 12h}", "decay 12h", analyses.Decay(43_200_000)),
        ("{markov: 3}", "markov 3", analyses.Markov(3)),
        ("{custom: [30, 45, 25]}", "custom 30/45/25", analyses.ByPosition(30, 45, 25)),
    ],
)
def test_a_model_is_shown_under_the_name_of_what_was_written(
    yoga: Change, model: str, name: str, meant: analyses.Model
) -> None:
    text = f"attributions: {{a: {{conversion: Order Completed, touches: {{deliveries: sent}}, models: [{model}]}}}}\n"

    assert compiled(yoga({"insight/new.yaml": text})).attributions["a"].models == {name: meant}


def test_what_is_not_said_of_an_attribution_goes_without_saying(yoga: Change) -> None:
    text = "attributions: {a: {conversion: Order Completed, touches: {events: [Page Viewed]}}}\n"

    found = compiled(yoga({"insight/new.yaml": text})).attributions["a"]

    assert (found.key, found.lookback_ms, list(found.models)) == ("event", 30 * 86_400_000, ["first", "last", "linear"])


def test_shapley_takes_no_more_keys_than_it_can_weigh(yoga: Change) -> None:
    names = [f"Seen {number}" for number in range(13)]
    events = YAML(typ="safe").load((YOGA / "events.yaml").read_text())["events"]
    files = {"events.yaml": str({"events": {**events, **{name: {} for name in names}}})}
    text = "attributions: {a: {conversion: Order Completed, touches: {events: NAMES}, models: [shapley]}}\n"

    few = faults_of(yoga({**files, "insight/new.yaml": text.replace("NAMES", str(names[:12]))}))
    many = faults_of(yoga({**files, "insight/new.yaml": text.replace("NAMES", str(names))}))

    assert few == []
    assert [each.message for each in many] == ["shapley takes 12 different keys at most, and these are 13"]


def test_a_type_with_a_rule_is_looked_for_among_what_arrives(yoga: Change) -> None:
    text = "funnels: {f: {steps: [Page Viewed, {event: Large Order, when: event.coupon == 'x'}, Large Order]}}\n"

    _, with_both, with_rule = compiled(yoga({"insight/new.yaml": text})).funnels["f"].steps

    assert with_both.event == with_rule.event == "Order Completed"
    assert with_both.when is not None and text_of(with_rule.when) == "event.total >= 500"
    assert with_both.when.holds(Scope(event={"total": 500, "coupon": "x"}))
    assert not with_both.when.holds(Scope(event={"total": 499, "coupon": "x"}))
    assert not with_both.when.holds(Scope(event={"total": 500, "coupon": "y"}))


def test_a_rule_that_facts_cannot_answer_is_told(yoga: Change) -> None:
    events = (YOGA / "events.yaml").read_text() + "  Odd: {of: Product Viewed, rule: event.card == 'x'}\n"

    found = faults_of(yoga({"events.yaml": events, "insight/new.yaml": "metrics: {odd: {count: Odd}}\n"}))

    assert [(each.path, each.message) for each in found] == [
        (
            "metrics.odd.count",
            "'Odd' cannot be recognised in facts: its rule reads event.card, which is personal",
        )
    ]


def test_now_is_the_time_of_the_event(yoga: Change) -> None:
    text = "metrics: {late: {count: Page Viewed, where: now > timestamp('2026-03-02T09:00:00Z')}}\n"

    late = compiled(yoga({"insight/new.yaml": text})).metrics["late"]

    assert isinstance(late, analyses.EventCount) and late.of.when is not None
    assert [late.of.when.holds(Scope(now_ms=now_ms)) for now_ms in (1_772_442_000_000, 1_772_442_000_001)] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    "kept, warned",
    [("none", True), ("[Product Viewed]", True), ("[Page Viewed]", False), ("declared", False), ("all", False)],
)
def test_an_event_that_is_not_kept_is_warned_of(yoga: Change, kept: str, warned: bool) -> None:
    settings = (YOGA / "parcours.yaml").read_text() + f"insight: {{events: {kept}}}\n"

    metrics = "metrics: {m: {count: Page Viewed}}\n"

    found = faults_of(yoga({"parcours.yaml": settings, "insight/yoga.yaml": metrics, **NO_MORE}))

    said = "'Page Viewed' is not kept: parcours.yaml leaves it out under insight: events"
    assert [(each.path, each.message, each.severity) for each in found] == [
        ("metrics.m.count", said, "warning")
    ] * warned


MISTAKES = YAML(typ="safe").load(Path(__file__).with_name("analysis_mistakes.yaml"))


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: next(iter(case.values()))[-1])
def test_each_mistake_is_told_where_it_is(yoga: Change, case: dict[str, list[str]]) -> None:
    kind = next(iter(case))
    whole = BESIDES if kind == "audiences" else ""
    text = f"{kind}:\n" + "".join(f"  {entry}\n" for entry in case[kind])

    found = faults_of(
        yoga({"audiences.yaml": AUDIENCES, "insight/second.yaml": text, "insight/third.yaml": whole or "metrics: {}\n"})
    )

    told = [str(each).removeprefix("insight/second.yaml:") for each in found]
    assert [re.sub(r" \(found ['\[{].*\)$", "", each) for each in told] == case["said"]


def test_names_are_unique_over_all_files_and_kinds_have_names_of_their_own(yoga: Change) -> None:
    text = "segments:\n  revenue: profile.age > 3\nmetrics:\n  west: {count: Page Viewed}\n  revenue: {formula: 1}\n"

    found = faults_of(yoga({"insight/zen.yaml": text}))

    assert list(map(str, found)) == [
        "insight/zen.yaml:5: metrics.revenue: the metric 'revenue' is already in insight/yoga.yaml:2"
    ]


def test_a_file_may_use_what_another_one_defines(yoga: Change) -> None:
    text = "metrics: {rich: {formula: revenue - 10}, few: {count: Page Viewed, segment: west}}\n"

    assert "rich" in compiled(yoga({"insight/a.yaml": text})).metrics


def test_a_faulty_definition_is_told_once_and_not_again_where_it_is_used(yoga: Change) -> None:
    text = "segmnts: {west: profile.age > 3}\nmetrics: {m: {count: Page Viewed, segment: west}, f: {formula: m + g}}\n"

    found = faults_of(yoga({"insight/yoga.yaml": text, **NO_MORE}))

    assert [(each.path, each.message) for each in found] == [
        ("segmnts", "unknown key, did you mean 'segments'?"),
        ("metrics.f.formula", "unknown metric 'g'"),
    ]


def test_a_project_with_analyses_comes_back_from_json() -> None:
    project = Project.load(YOGA)

    back = Project.from_json(project.to_json())

    assert back.program == project.program and back.documents == project.documents


def test_a_project_made_in_python_has_them_too() -> None:
    loaded = Project.load(YOGA).documents
    made = Project.of(
        loaded.settings,
        loaded.profile,
        loaded.events,
        loaded.audiences,
        loaded.messages,
        loaded.journeys,
        insight=[AnalysesDocument.model_validate({"metrics": {"views": {"count": "Page Viewed"}}})],
    )

    assert made.program.analyses.metrics == {"views": analyses.EventCount(of=Trigger("Page Viewed"))}


def test_versions_and_what_shards_keep_know_nothing_of_analyses(yoga: Change) -> None:
    with_them = Project.load(YOGA)
    without = Project.load(yoga({"insight/yoga.yaml": "{}\n", **NO_MORE}))

    assert digests_of(with_them.documents, with_them.program) == digests_of(without.documents, without.program)
    for name in ("series", "moving", "entering", "derived", "zone_traits"):
        assert getattr(with_them.program, name) == getattr(without.program, name)
    for one, other in zip(with_them.program.journeys, without.program.journeys, strict=True):
        assert (one.event_paths, one.entry_paths) == (other.event_paths, other.entry_paths)


def test_deliveries_have_the_outcomes_of_facts() -> None:
    assert get_args(DeliveryOutcome) == get_args(Outcome)


def test_an_older_publication_asks_nothing_of_facts_that_know_less_by_now(yoga: Change) -> None:
    first, traits = Project.load(YOGA), (YOGA / "profile.yaml").read_text()
    hidden = traits.replace("city: string", "city: {type: string, pii: true}")
    journey = (YOGA / "journeys" / "cart.yaml").read_text().replace("entry:", "priority: 60\nentry:")
    files = {"profile.yaml": hidden, "journeys/cart.yaml": journey, "insight/yoga.yaml": "{}\n", **NO_MORE}
    second = Project.load(yoga(files))
    begin = begun(first)
    ledger = published(begin.ledger, candidate_of(second), 1, reopen=True)

    program = PublicationCompiler().program(Publications(ledger, {**begin.sources, 2: source_of(second)}))

    assert [each.version for each in program.versions()] == [2, 1]
    assert program.analyses == analyses.Analyses()


def test_redefined_events_and_audiences_have_their_plain_names_in_analyses() -> None:
    documents = Project.load(YOGA).documents
    again = DefinitionKeys(audiences={"locals": 2}, events={"Large Order": 2})

    program, _ = compile_project(documents, margins_of(documents, []), definition_keys=again)

    funnel = program.analyses.funnels["locals"]
    assert [each.event for each in funnel.steps] == ["Product Added", "Order Completed"]
    assert funnel.split == analyses.ByAudience("locals")
