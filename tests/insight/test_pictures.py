"""Analyses are drawn: every number is there, texts stay texts, both themes can be read, and bytes do not change."""

from __future__ import annotations

import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from tests.colours import contrast

from parcours.errors import ExtraMissing
from parcours.insight.analyses.attribution import Attributed, Credit
from parcours.insight.analyses.cohort import CohortResult, CohortRow
from parcours.insight.analyses.flow import FlowColumn, FlowLink, FlowResult
from parcours.insight.analyses.funnel import FunnelGroup, FunnelResult, FunnelStep
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.shape import Shape
from parcours.insight.experiments.result import Estimate, ExperimentResult, SampleRatio, VariantResult
from parcours.insight.pictures import charts
from parcours.insight.pictures.flow import flow_picture
from parcours.insight.pictures.funnel import GROUPS_MAX, funnel_picture
from parcours.insight.pictures.rendering import png_of, svg_of
from parcours.insight.pictures.theme import SERIES, TO_DARK
from parcours.journey.analyses import Attribution, DeliveryTouches
from parcours.journey.parts import Trigger
from parcours.journey.picture.look import DARK, LIGHT

SCRIPT = "<script>alert(1)</script>"


def step(name: str, reached: int, median_ms: int | None = None) -> FunnelStep:
    return FunnelStep(step=name, reached=reached, median_ms=median_ms, lost=0, lost_to={})


STEPS = (step("Product Viewed", 600), step(SCRIPT, 288, 192_345), step("Order Completed", 101, 435_678_901))
FUNNEL = FunnelResult(STEPS)

FLOW = FlowResult(
    (
        FlowColumn(-1, {"(start)": 12, "Search": 28, SCRIPT: 60}),
        FlowColumn(0, {"Order Completed": 100}),
    ),
    tuple(FlowLink(-1, name, "Order Completed", n) for name, n in (("(start)", 12), ("Search", 28), (SCRIPT, 60))),
)

MODELS = Attribution(
    name="orders",
    conversion=Trigger("Order Completed"),
    touches=DeliveryTouches("clicked"),
    key="channel",
    lookback_ms=1_000,
    models={"first": "first", "all of it": "participation"},
)
CREDIT = {key: Credit(credit, credit) for key, credit in ((SCRIPT, 8.25), ("news", 30.0), ("(none)", 9.0))}
ATTRIBUTION = Attributed(47, 47, dict.fromkeys(MODELS.models, CREDIT))
COHORT = CohortResult((CohortRow("2026-03-02", 40, (20, 3, None)),))
RATE = Estimate(
    mean=0.062, standard_error=0.004, difference=0.012, lift=0.2, fixed=(0.003, 0.021), always_valid=(-0.001, 0.025)
)
EXPERIMENT = ExperimentResult(
    variants={
        "control": VariantResult(n=1_000, conversions=50, rate=Estimate(mean=0.05, standard_error=0.007)),
        SCRIPT: VariantResult(n=4_500, conversions=300, rate=RATE, cuped=RATE),
    },
    sample_ratio=SampleRatio(chi2=0.1, p=0.7),
    verdict="not decided",
)
METRIC = MetricResult(5, {"west": 1_234.5, SCRIPT: 17, "east": None})

SPECS = {
    "attribution": charts.attribution_chart(Shape.of(MODELS), ATTRIBUTION),
    "cohort": charts.cohort_chart(COHORT, unit="week"),
    "experiment": charts.experiment_chart(EXPERIMENT),
    "metric": charts.metric_chart(METRIC, name="revenue"),
    "one number": charts.metric_chart(MetricResult(1_234.5), name="revenue"),
    "days": charts.metric_chart(METRIC, name="revenue", over_time=True),
    "lines": charts.line_chart("two", {"a": [("1", 3), ("2", None)], "b": [("1", 1), ("2", 2)]}, "people"),
}


def texts(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    assert not [each for each in root.iter() if each.tag.rsplit("}", 1)[1] in ("script", "image", "foreignObject")]
    return [each.text or "" for each in root.iter() if each.tag.endswith("}text")]


def test_a_funnel_tells_who_reached_each_step_and_who_was_lost() -> None:
    told = texts(funnel_picture(FUNNEL, title="to-order"))

    assert told == [
        "to-order",
        "1. Product Viewed", "600 · 100.0 %", "↓ 312 lost (52.0 %) · the others after 3m12s (median)",
        f"2. {SCRIPT}", "288 · 48.0 %", "↓ 187 lost (64.9 %) · the others after 5d1h (median)",
        "3. Order Completed", "101 · 16.8 % · 35.1 % of the step before",
    ]  # fmt: skip


def test_a_funnel_has_its_largest_groups_and_tells_how_many_more_there_are() -> None:
    groups = {f"g{number}": FunnelGroup((step("a", number), step("b", 0), step("c", 0))) for number in range(9)}

    told = texts(funnel_picture(FunnelResult(STEPS, groups)))

    assert [each for each in told if each.startswith("g")][:GROUPS_MAX] == ["g8", "g7", "g6", "g5", "g4", "g3"]
    assert told[-1] == "3 more groups"


def test_a_funnel_of_nobody_is_drawn() -> None:
    assert "0" in texts(funnel_picture(FunnelResult((step("a", 0), step("b", 0)))))


def test_a_flow_tells_each_node_by_size_and_draws_each_link() -> None:
    svg = flow_picture(FLOW, title="before-order")

    assert texts(svg) == [
        "before-order", "1 before", "anchor", f"{SCRIPT[:22]}… 60", "Search 28", "(start) 12", "Order Completed 100",
    ]  # fmt: skip
    assert svg.count("<path ") == 3
    assert f"{SCRIPT} → Order Completed: 60" in [each.text for each in ElementTree.fromstring(svg).iter()]


def test_the_bands_of_a_flow_fill_their_nodes() -> None:
    root = ElementTree.fromstring(flow_picture(FLOW))
    nodes = [each for each in root.iter() if each.tag.endswith("}rect") and each.get("rx")]
    *sources, anchor = [(float(each.get("y", 0)), float(each.get("height", 0))) for each in nodes]

    assert sum(height for _, height in sources) == pytest.approx(anchor[1], abs=0.3)
    assert anchor[1] == 380
    assert all(one[0] + one[1] < other[0] for one, other in pairwise(sources))


def test_a_flow_without_anybody_is_drawn() -> None:
    assert texts(flow_picture(FlowResult((), ()), title="empty")) == ["empty"]


@pytest.mark.parametrize(
    "name, shown",
    [
        ("attribution", ["first", "all of it (does not add up)", "news", "30", "8.25", SCRIPT, "(none)"]),
        ("cohort", ["2026-03-02 (40)", "50.0 %", "7.5 %", "weeks since"]),
        ("experiment", ["not decided", "rate", "with CUPED", "fixed horizon", "always valid", f"{SCRIPT} (n 4,500)"]),
        ("metric", ["revenue", "west", "1,234.5", "17", SCRIPT, "east"]),
        ("one number", ["revenue", "all", "1,234.5"]),
        ("days", ["revenue", "west", "east"]),
        ("lines", ["two", "a", "b", "people"]),
    ],
)
def test_a_chart_has_its_words_and_numbers(name: str, shown: list[str]) -> None:
    assert set(shown) <= set(texts(svg_of(SPECS[name])))


def test_the_same_results_give_the_same_bytes_in_another_process() -> None:
    script = (
        "import hashlib, tests.insight.test_pictures as t\n"
        "from parcours.insight.pictures.rendering import png_of, svg_of\n"
        "made = ''.join(map(svg_of, t.SPECS.values())) + t.flow_picture(t.FLOW) + t.funnel_picture(t.FUNNEL)\n"
        "print(hashlib.sha256(made.encode() + png_of(t.SPECS['cohort']) + png_of(t.flow_picture(t.FLOW))).hexdigest())"
    )

    command, root = [sys.executable, "-c", script], Path(__file__).parents[2]
    first, second = (subprocess.run(command, cwd=root, capture_output=True, text=True, check=True) for _ in range(2))

    assert first.stdout == second.stdout != ""


@pytest.mark.parametrize("picture", [SPECS["metric"], flow_picture(FLOW)])
def test_a_picture_becomes_a_png_in_either_theme(picture: dict[str, Any] | str) -> None:
    light, dark = png_of(picture), png_of(picture, theme="dark")

    assert light != dark
    assert light[:8] == dark[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", light[16:24]) == struct.unpack(">II", dark[16:24])
    assert struct.unpack(">II", png_of(picture, scale=1)[16:24])[0] * 2 == struct.unpack(">II", light[16:24])[0]


def test_every_colour_of_a_chart_has_one_in_the_dark_theme() -> None:
    for svg in (*map(svg_of, SPECS.values()), funnel_picture(FUNNEL), flow_picture(FLOW)):
        colours = {
            colour
            for each in ElementTree.fromstring(svg).iter()
            for colour in (each.get("fill"), each.get("stroke"))
            if colour not in (None, "none", "transparent")
        }
        assert colours <= TO_DARK.keys()


@pytest.mark.parametrize(
    "ground, series", [(LIGHT["sheet"], SERIES), (DARK["sheet"], [TO_DARK[each] for each in SERIES])]
)
def test_series_have_contrast_in_both_themes(ground: str, series: list[str]) -> None:
    assert all(contrast(each, ground) >= 3 for each in series)


def test_a_page_brings_its_own_style() -> None:
    for svg in (svg_of(SPECS["cohort"], embedded=True), flow_picture(FLOW, embedded=True)):
        assert "<style>" not in svg and 'class="chart"' in svg


def test_without_the_extra_a_chart_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)

    with pytest.raises(ExtraMissing, match=r"^A picture of an analysis needs the extra \[insight\]: pip install"):
        svg_of(SPECS["metric"])
    assert flow_picture(FLOW).startswith("<svg ")
