"""A picture can be read: nothing overlaps, no way runs through a box, texts stay texts, counts change no place."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.colours import contrast
from tests.journey.drawn_journeys import drawn_journey
from tests.journey.geometry import faults

from parcours import Project
from parcours.examples import EXAMPLES
from parcours.journey import program
from parcours.journey.parts import Trigger
from parcours.journey.picture.counts import PictureCounts, StepCounts
from parcours.journey.picture.diagram import Arrow, Box, Diagram, Kind, campaign_diagram, journey_diagram
from parcours.journey.picture.drawing import SIGNS, Linked, campaign_svg, diagram_layout, journey_svg, path_of
from parcours.journey.picture.look import DARK, ICONS, LIGHT
from parcours.journey.picture.mermaid import campaign_mermaid, mermaid
from parcours.journey.picture.svg_text import cut, cut_to_width, escaped, short_count, text_width

SEEDS = 10_000 if "PARCOURS_PICTURES_FULL" in os.environ else 60
BLOCK = 60
"""Journeys in one case, of 1 to 60 steps."""

NAMESPACE = "{http://www.w3.org/2000/svg}"


def example(name: str) -> program.Program:
    return Project.load(Path(str(files("parcours.examples") / name)), drafts=True).program


def counted(journey: program.Journey) -> PictureCounts:
    steps = {name: StepCounts(1_234_567, 9_999, 1_224_500, 68, number % 3) for number, name in enumerate(journey.steps)}
    return PictureCounts(1_234_567, steps, frozenset((name, 0) for name in journey.steps))


def without_counts(svg: str) -> str:
    """The picture with whatever counts have added taken out of it."""
    svg = re.sub(r'<(text) class="figures soft".*?</\1>\n|<g class="mark \w+">.*?</g>\n', "", svg)
    svg = svg.replace(' data-hot=""', "")
    svg = re.sub(r" [\d,]+ came, [\d,]+ wait, [\d,]+ went on, [\d,]+ ended(, [\d,]+ parked)?\.(?=[\"<])", "", svg)
    svg = re.sub(r" [\d,]+ entered\.(?=[\"<])", "", svg)
    return re.sub(r" [\d,]+ [a-z-]+( the set)?(, [\d,]+ [a-z-]+)*\.(?=[\"<])", "", svg)


@pytest.mark.parametrize("block", range(-(-SEEDS // BLOCK)))
def test_nothing_of_a_picture_lies_over_another_thing(block: int) -> None:
    for number in range(BLOCK):
        diagram = journey_diagram(drawn_journey(seed=block * BLOCK + number, steps=1 + number))

        assert faults(diagram, diagram_layout(diagram)) == [], (block, number)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_drawn_without_a_crossing(name: str) -> None:
    told = example(name)
    diagrams = [*map(journey_diagram, told.journeys), *map(campaign_diagram, told.campaigns)]

    places = [diagram_layout(each) for each in diagrams]

    assert diagrams
    assert [each.crossings for each in places] == [0 for _ in diagrams]
    assert [faults(each, place) for each, place in zip(diagrams, places, strict=True)] == [[] for _ in diagrams]


def test_the_same_journey_gives_the_same_bytes() -> None:
    assert journey_svg(drawn_journey(7, 40)) == journey_svg(drawn_journey(7, 40))


@pytest.mark.parametrize("name", EXAMPLES)
def test_both_pictures_have_the_same_boxes_and_arrows(name: str) -> None:
    told = example(name)
    drawn = [
        *((journey_diagram(each), mermaid(each)) for each in told.journeys),
        *((campaign_diagram(each), campaign_mermaid(each)) for each in told.campaigns),
    ]
    for diagram, text in drawn:
        lines = text.splitlines()
        steps = [box for box in diagram.boxes if box.kind not in ("entry", "finish")]
        assert sum(" --> " in line or " -.-> " in line or "->|" in line for line in lines) == len(diagram.arrows)
        assert all(any(f"{box.title}: " in line for line in lines) for box in steps)
        assert sum(line.startswith(("    exit", "    goal>")) for line in lines) == len(diagram.rules)


@pytest.mark.parametrize("seed", range(5))
def test_counts_change_nothing_but_what_shows_them(seed: int) -> None:
    journey = drawn_journey(seed, 20)
    plain, full = journey_svg(journey), journey_svg(journey, counted(journey))

    assert full != plain
    assert without_counts(full) == plain


def test_what_is_otherwise_is_marked_and_said_and_changes_no_place() -> None:
    journey = drawn_journey(3, 20)
    one, other, third, *_ = journey.steps
    plain, marked = journey_svg(journey), journey_svg(journey, signs={one: "+", other: "−", third: "~"})

    assert [marked.count(f">{sign}</text>") for sign in SIGNS] == [1, 1, 1]
    for step, said in ((one, "New."), (other, "Gone."), (third, "Changed.")):
        assert f'data-step="{step}" aria-label="{said} {step}: ' in marked
    unmarked = re.sub(r'<g class="mark differs">.*?</g>\n', "", marked)
    assert re.sub(r"(New|Gone|Changed)\. ", "", unmarked) == plain


def test_sizes_change_nothing_but_what_shows_them() -> None:
    (campaign,) = example("wishlist").campaigns
    sizes = {str(each): 12_345 for box in campaign_diagram(campaign).boxes for each in box.outputs}
    plain, full = campaign_svg(campaign), campaign_svg(campaign, PictureCounts(sizes=sizes))

    assert full.count(">12,345</text>") >= len(campaign.steps) - 2
    assert without_counts(full) == plain


@pytest.mark.parametrize("link", [None, lambda step: f"?step={step}&show=1"])
def test_texts_stay_texts_whatever_is_in_them(link: Linked | None) -> None:
    names = ["<script>", '"><img src=x>', "\u202emirrored", "nul\0", "x" * 10_000, "中文" * 40, "\ud800"]
    steps = {name: program.WaitDuration(name, 1, None) for name in names}
    entry = program.EventEntry((Trigger('<b onload="x">&'),))
    journey = replace(drawn_journey(1, 1), name=names[0], first=names[0], steps=steps, entry=entry)

    svg = journey_svg(journey, link=link)

    svg.encode()
    root = ElementTree.fromstring(svg)
    told = {element.tag.removeprefix(NAMESPACE) for element in root.iter()}
    assert told == {"svg", "title", "style", "rect", "defs", "marker", "path", "g", "text"} | ({"a"} if link else set())
    assert [element.text for element in root.iter(f"{NAMESPACE}text") if element.text == "<script>"]
    diagram = journey_diagram(journey)
    assert faults(diagram, diagram_layout(diagram)) == []


def test_a_box_tells_all_to_those_who_do_not_look() -> None:
    condition = program.EventEntry((Trigger("Click", None), Trigger("Signed Up" * 20, None)))
    journey = replace(drawn_journey(3, 2), entry=condition)
    root = ElementTree.fromstring(journey_svg(journey, counted(journey), link=lambda step: f"#{step}"))

    links = root.findall(f"{NAMESPACE}a")

    assert [each.get("data-step") for each in links] == ["", *journey.steps]
    assert all(each.findtext(f"{NAMESPACE}title") == each.get("aria-label") for each in links)
    assert "Signed Up" * 20 in (links[0].get("aria-label") or "")
    assert (links[1].get("aria-label") or "").endswith("1,234,567 came, 9,999 wait, 1,224,500 went on, 68 ended.")
    ways, *beside = [each for each in root.findall(f"{NAMESPACE}g") if each.get("aria-hidden") == "true"]
    assert len(beside) == len(links), "what stands in a box is told by its label"
    assert len(ways.findall(f"{NAMESPACE}path")) == len(journey_diagram(journey).arrows)


def test_time_outs_are_dashed_and_an_end_without_a_step_is_drawn() -> None:
    waits = program.WaitFor("opened", (program.EventListener(Trigger("Click"), None),), 60_000, "opened")
    journey = replace(drawn_journey(1, 1), first="opened", steps={"opened": waits})

    svg = journey_svg(journey)

    assert svg.count('class="way late"') == 1
    assert svg.count('class="box finish"') == 1
    assert "After opened the run ends." in svg


def test_a_file_has_its_style_and_a_page_brings_its_own() -> None:
    alone, embedded = (journey_svg(drawn_journey(2, 3), embedded=each) for each in (False, True))

    assert "prefers-color-scheme:dark" in alone and 'class="ground"' in alone
    assert "<style>" not in embedded and 'class="ground"' not in embedded


def test_a_file_has_at_most_two_kilobytes_a_step() -> None:
    for steps in (10, 60):
        assert len(journey_svg(drawn_journey(steps, steps)).encode()) <= 2_048 * steps + 6_000


def test_a_way_back_runs_up_and_a_step_that_leads_to_itself_has_a_loop() -> None:
    boxes = tuple(Box(each, "wait", each, "", "") for each in ("a", "b"))
    loops = (Arrow("b", "b", label="and again"), Arrow("b", "b", label="more"))
    arrows = (Arrow("a", "b"), Arrow("b", "a", label="again"), *loops)
    diagram = Diagram("Journey", "round", boxes, arrows, ())

    places = diagram_layout(diagram)

    assert faults(diagram, places) == []
    back, loop, other = places.routes[1:]
    assert back.stops[0].begin > back.stops[-1].end and not back.loop
    assert loop.loop and path_of(loop).count("C") == 2
    assert loop.stops[-1].end < other.stops[0].begin, "the second one is below the first"


def test_more_loops_than_a_box_is_high_have_room() -> None:
    boxes = tuple(Box(each, "wait", each, "", "") for each in ("a", "b", "c"))
    loops = [Arrow("b", "b", label=f"way {number}") for number in range(7)]
    diagram = Diagram("Journey", "round", boxes, (Arrow("a", "b"), *loops, Arrow("b", "c")), ())

    places = diagram_layout(diagram)

    assert faults(diagram, places) == []
    assert len({path_of(each) for each in places.routes}) == len(places.routes)


def test_each_kind_of_box_has_an_icon_of_its_own() -> None:
    assert set(ICONS) == set(get_args(Kind))
    assert len(set(ICONS.values())) == len(ICONS)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_colours_have_contrast_in_both_themes(theme: dict[str, str]) -> None:
    for text, behind in (
        ("ink", "sheet"), ("soft", "sheet"), ("soft", "ground"), ("wait", "wait-soft"), ("bad", "bad-soft"),
    ):  # fmt: skip
        assert contrast(theme[text], theme[behind]) >= 4.5, (text, behind)
    for line, behind in (("edge", "ground"), ("edge", "sheet"), ("accent", "sheet")):
        assert contrast(theme[line], theme[behind]) >= 3, (line, behind)


@pytest.mark.parametrize(
    "count, shown",
    [(0, "0"), (99_999, "99,999"), (100_000, "100k"), (999_999, "999k"), (1_299_999, "1.2M"), (12 * 10**9, "12G")],
)
def test_a_large_count_is_shown_short(count: int, shown: str) -> None:
    assert short_count(count) == shown


def test_a_text_is_cut_where_its_room_ends() -> None:
    assert cut("a  b\nc", 44) == "a b c"
    assert cut("a" * 45, 44) == "a" * 43 + "…"
    assert escaped("a\x01<\ufffe") == "a\ufffd&lt;\ufffd"
    assert text_width("ww", 10) > text_width("ii", 10) > text_width("", 10) == 0


def test_every_kind_has_an_icon() -> None:
    assert [kind for kind, path in ICONS.items() if not path] == ["finish"]


@given(st.text(st.sampled_from("ilmW é字\u0301 "), max_size=12), st.floats(0, 120))
def test_a_text_is_cut_to_the_longest_that_fits(text: str, width: float) -> None:
    cuts = [cut(text, most) for most in range(len(text), 0, -1)] or [""]

    assert cut_to_width(text, 10, width) == next((each for each in cuts if text_width(each, 10) <= width), cuts[-1])


def test_a_text_without_end_is_cut_at_once() -> None:
    assert cut_to_width("a" * 1_000_000, 10, 50) == "a" * 6 + "…"
