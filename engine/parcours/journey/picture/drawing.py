"""A journey or a campaign as SVG: one text for a file of its own and for a page, with counts and without.

Counts change no place: whatever shows them has its room in a picture without them as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from parcours.journey import program
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.model.campaign_sets import MAIN
from parcours.journey.picture.counts import PictureCounts, StepCounts
from parcours.journey.picture.diagram import ENTRY, Arrow, Box, Diagram, campaign_diagram, journey_diagram
from parcours.journey.picture.layout import ArrowSize, BoxSize, Layout, Rectangle, Route, layout
from parcours.journey.picture.look import FIGURES_SIZE, ICONS, TITLE_SIZE, WORDS_SIZE, style_sheet
from parcours.journey.picture.svg_text import cut, cut_to_width, escaped, number, short_count, text_width

WORDS_MAX: Final = 44
"""Characters in a line of a box; the whole is in its title and label."""

LABEL_MAX: Final = 34
"""Characters on an arrow."""

AT_HAND: Final = "at hand"
"""On the corner of a step that has begun and is not over."""

LAYOUTS_MAX: Final = 128
"""Diagrams whose places are remembered: a page draws the same ones again and again, with other counts."""

_MARGIN: Final = 16.0
_BOX_WIDTH_MIN: Final = 216.0
_BOX_HEIGHT: Final = 64.0
_FINISH: Final = (66.0, 28.0)
_INSET: Final = 14.0
_TITLE_LEFT: Final = 38.0
_LABEL_HEIGHT: Final = 18.0
_SIZE_ROOM: Final = 62.0
"""The width of a set's size on its edge."""

_RULE_HEIGHT: Final = 20.0
_RULE_GAP: Final = 6.0
_RULES_WIDTH_MAX: Final = 760.0
"""Beyond this the exits and the goal go on in a second line."""

SIGNS: Final[Mapping[str, str]] = {"+": "New.", "−": "Gone.", "~": "Changed."}
"""What is otherwise with a step than in another version, and what is said of it to those who do not look."""

Linked = Callable[[str], str]
"""The address that a box leads to, by the id of its step; of the entry it is empty."""


def journey_svg(
    journey: program.Journey,
    counts: PictureCounts | None = None,
    *,
    link: Linked | None = None,
    chosen: str | None = None,
    prefix: str = "picture",
    embedded: bool = False,
    signs: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A journey as SVG, ending in a line break. The same journey and counts give the same text.

    counts    what stands in the boxes; None: nothing
    link      where each box leads to; None: they are no links
    chosen    the step that is being looked at
    prefix    of the ids in it, which a page with several pictures keeps apart
    embedded  for a page that has the style sheet (`look.style_sheet`), so without sheet and ground
    signs     of steps that are otherwise than in another version, as in SIGNS
    """
    return _svg(
        journey_diagram(journey), counts or PictureCounts(), link, prefix, chosen, embedded=embedded, signs=signs
    )


def campaign_svg(
    campaign: CampaignProgram,
    counts: PictureCounts | None = None,
    *,
    link: Linked | None = None,
    chosen: str | None = None,
    prefix: str = "picture",
    embedded: bool = False,
) -> str:
    """A campaign as SVG, with the sizes of its sets on the edges; all as in `journey_svg`."""
    return _svg(campaign_diagram(campaign), counts or PictureCounts(), link, prefix, chosen, embedded=embedded)


@lru_cache(maxsize=LAYOUTS_MAX)
def diagram_layout(diagram: Diagram) -> Layout:
    """The places of a diagram's boxes and arrows, by the widths of their texts."""
    return layout(box_sizes(diagram), [_arrow_size(arrow) for arrow in diagram.arrows])


def box_sizes(diagram: Diagram) -> list[BoxSize]:
    """The sizes of a diagram's boxes, in document order."""
    rules = _rule_rows(diagram)
    return [_box_size(box, rules if box.id == ENTRY else []) for box in diagram.boxes]


def _box_size(box: Box, rules: list[list[str]]) -> BoxSize:
    if box.kind == "finish":
        return BoxSize(box.id, *_FINISH)
    title = text_width(cut(box.title, WORDS_MAX), TITLE_SIZE) + _TITLE_LEFT + _INSET
    words = text_width(cut(box.words, WORDS_MAX), WORDS_SIZE) + 2 * _INSET
    lines = [sum(_rule_width(rule) + _RULE_GAP for rule in row) - _RULE_GAP + 2 * _INSET for row in rules]
    height = _BOX_HEIGHT + (len(rules) * (_RULE_HEIGHT + _RULE_GAP) + 4 if rules else 0)
    return BoxSize(box.id, round(max(_BOX_WIDTH_MIN, title, words, *lines), 1), height)


def _arrow_size(arrow: Arrow) -> ArrowSize:
    width = _pill_width(cut(arrow.label, LABEL_MAX)) if arrow.label else 0.0
    height = _LABEL_HEIGHT if arrow.label else 0.0
    if arrow.set is not None:
        width, height = max(width, _SIZE_ROOM), height + _LABEL_HEIGHT + (2 if arrow.label else 0)
    return ArrowSize(arrow.source, arrow.target, round(width, 1), height, main=arrow.main)


def _rule_rows(diagram: Diagram) -> list[list[str]]:
    """The exits and the goal, in one line if they are not too wide together."""
    rows: list[list[str]] = []
    width = 0.0
    for words in diagram.rules:
        room = _rule_width(words) + _RULE_GAP
        if not rows or width + room > _RULES_WIDTH_MAX:
            rows.append([])
            width = 0.0
        rows[-1].append(words)
        width += room
    return rows


def _rule_width(words: str) -> float:
    return round(text_width(cut(words, WORDS_MAX), WORDS_SIZE) + 20, 1)


def _svg(
    diagram: Diagram,
    counts: PictureCounts,
    link: Linked | None,
    prefix: str,
    chosen: str | None = None,
    *,
    embedded: bool,
    signs: Mapping[str, str] = MappingProxyType({}),
) -> str:
    places = diagram_layout(diagram)
    width, height = (round(side + 2 * _MARGIN) for side in (places.width, places.height))
    steps = sum(box.kind not in ("entry", "finish") for box in diagram.boxes)
    said = escaped(f"{diagram.kind} {diagram.name}: {steps} {'step' if steps == 1 else 'steps'}")
    view = f"{-_MARGIN:g} {-_MARGIN:g} {width} {height}"
    size = f'viewBox="{view}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" {size} role="group" aria-label="{said}">'
    lines = [head, f"<title>{said}</title>"]
    if not embedded:
        lines.append(f"<style>{style_sheet()}</style>")
        lines.append(f'<rect class="ground" x="{-_MARGIN:g}" y="{-_MARGIN:g}" width="{width}" height="{height}"/>')
    lines.append(
        f'<defs><marker id="{escaped(prefix)}-tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" '
        'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker>'
        "</defs>"
    )
    lines.append('<g aria-hidden="true">')
    drawn = list(zip(diagram.arrows, places.routes, strict=True))
    lines += [_way(arrow, route, counts, prefix, is_named=link is not None) for arrow, route in drawn]
    for arrow, route in drawn:
        if route.label is not None:
            lines += _label(arrow, route.label, counts)
    lines.append("</g>")
    for box in diagram.boxes:
        sign = signs.get(box.id, "")
        lines += _box(box, places.boxes[box.id], diagram, counts, link, is_chosen=box.id == chosen, sign=sign)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _way(arrow: Arrow, route: Route, counts: PictureCounts, prefix: str, *, is_named: bool) -> str:
    """is_named: it says whose way it is, and where to, for whoever goes along with the keyboard."""
    late = " late" if arrow.dashed else ""
    ends = f' data-from="{escaped(arrow.source)}" data-way="{arrow.way}" data-to="{escaped(arrow.target)}"'
    hot = ' data-hot=""' if (arrow.source, arrow.way) in counts.hot else ""
    named = ends if is_named else ""
    return f'<path class="way{late}"{hot}{named} d="{path_of(route)}" marker-end="url(#{escaped(prefix)}-tip)"/>'


def path_of(route: Route) -> str:
    """The path of an arrow: straight through layers, and between them a curve that leaves and arrives straight."""
    first = route.stops[0]
    if route.loop:
        _, out, last = route.stops
        there = f"C{number(out.x)} {number(first.end)} {number(out.x)} {number(first.end)} "
        back = f"C{number(out.x)} {number(last.end)} {number(out.x)} {number(last.end)} "
        middle = number((out.begin + out.end) / 2)
        whole = f"{there}{number(out.x)} {middle}{back}{number(last.x)} {number(last.end)}"
        return f"M{number(first.x)} {number(first.end)}{whole}"
    path, at = f"M{number(first.x)} {number(first.begin)}", first.begin
    for before, stop in pairwise((*route.stops, None)):
        assert before is not None
        if stop is not None and stop.x == before.x:
            continue
        if before.end != at:
            path += f"V{number(before.end)}"
        if stop is not None:
            middle = number((before.end + stop.begin) / 2)
            path += f"C{number(before.x)} {middle} {number(stop.x)} {middle} {number(stop.x)} {number(stop.begin)}"
            at = stop.begin
    return path


def _label(arrow: Arrow, place: Rectangle, counts: PictureCounts) -> Iterator[str]:
    y = place.y
    if arrow.label:
        words = cut(arrow.label, LABEL_MAX)
        pill = Rectangle(place.x, y, place.width, _LABEL_HEIGHT)
        if arrow.set is not None:  # its room is that of the size, which may be the wider one
            pill = _around(place.middle, y, _pill_width(words))
        yield f'<g class="label"><title>{escaped(arrow.label)}</title>{_pill(pill, words, "soft")}</g>'
        y += _LABEL_HEIGHT + 2
    if arrow.set is not None and arrow.set in counts.sizes:
        size = short_count(counts.sizes[arrow.set])
        exact = f"{arrow.set}: {counts.sizes[arrow.set]:,}"
        pill = _around(place.middle, y, _pill_width(size))
        yield f'<g class="mark waiting"><title>{escaped(exact)}</title>{_pill(pill, size)}</g>'


def _around(middle: float, y: float, width: float) -> Rectangle:
    return Rectangle(round(middle - width / 2, 1), y, round(width, 1), _LABEL_HEIGHT)


def _pill_width(words: str) -> float:
    return text_width(words, WORDS_SIZE) + 18


def _pill(place: Rectangle, words: str, name: str = "") -> str:
    text = _text(place.middle, place.y + place.height / 2 + 4.2, words, name, anchor="middle")
    return f"{_rect(place, place.height / 2)}{text}"


def _rect(place: Rectangle, radius: float) -> str:
    size = f'width="{number(place.width)}" height="{number(place.height)}"'
    return f'<rect x="{number(place.x)}" y="{number(place.y)}" {size} rx="{number(radius)}"/>'


def _text(x: float, y: float, words: str, name: str = "", anchor: str = "") -> str:
    look = f' class="{name}"' if name else ""
    side = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text{look} x="{number(x)}" y="{number(y)}"{side}>{escaped(words)}</text>'


def _box(
    box: Box,
    place: Rectangle,
    diagram: Diagram,
    counts: PictureCounts,
    link: Linked | None,
    *,
    is_chosen: bool,
    sign: str,
) -> Iterator[str]:
    figures, exact = _figures(box, place.width - 2 * _INSET, counts)
    begun = "It is at hand." if box.id in counts.at_hand else ""
    whole = escaped(" ".join(filter(None, [SIGNS.get(sign, ""), box.whole, exact, begun])))
    kind = f'class="box {box.kind}"'
    if box.kind == "finish":
        yield f'<g {kind} role="img" aria-label="{whole}">{_rect(place, place.height / 2)}'
        yield _text(place.middle, place.y + place.height / 2 + 4.5, box.title, "name", anchor="middle")
        yield "</g>"
        return
    tag = "g" if link is None else "a"
    where = ' role="img"' if link is None else f' href="{escaped(link(box.id))}"'
    where += ' aria-current="true"' if is_chosen else ""
    yield f'<{tag} {kind}{where} data-step="{escaped(box.id)}" aria-label="{whole}"><title>{whole}</title>'
    yield _rect(place, 18 if box.kind == "entry" else 8)
    if link is not None:  # its label is whole sentences, which say the words beside it, too, and in another order
        yield '</a><g aria-hidden="true" pointer-events="none">'
    x, y = place.x, place.y
    at = f"translate({number(x + 13)} {number(y + 9)}) scale(.9)"
    yield f'<path class="icon" transform="{at}" d="{ICONS[box.kind]}"/>'
    yield _text(x + _TITLE_LEFT, y + 23, cut(box.title, WORDS_MAX), "name")
    yield _text(x + _INSET, y + 40.5, cut(box.words, WORDS_MAX), "what")
    if figures:
        yield _text(x + _INSET, y + 57, figures, "figures soft")
    if box.id == ENTRY:
        yield from _rules(diagram, place)
    else:
        yield from _marks(box, place, counts)
    if sign:
        pill = Rectangle(place.x + 10, place.y - _LABEL_HEIGHT / 2, round(_pill_width(sign), 1), _LABEL_HEIGHT)
        yield f'<g class="mark differs">{_pill(pill, sign)}</g>'
    yield "</g>"


def _figures(box: Box, width: float, counts: PictureCounts) -> tuple[str, str]:
    """The line of figures in a box, and the same in words, exact and whole; both empty where nothing is counted."""
    if box.id == ENTRY:
        return ("", "") if counts.entered is None else (f"{counts.entered:,} entered", f"{counts.entered:,} entered.")
    sizes = [
        ("in the set" if ref.output == MAIN else ref.output, counts.sizes[str(ref)])
        for ref in box.outputs
        if str(ref) in counts.sizes
    ]
    if sizes:
        shown = " · ".join(f"{short_count(size)} {name}" for name, size in sizes)
        exact = ", ".join(f"{size:,} {name}" for name, size in sizes)
        return cut_to_width(shown, FIGURES_SIZE, width), f"{exact}."
    count = counts.steps.get(box.id)
    if count is None:
        return "", ""
    said = f"{count.inflow:,} came, {count.waiting:,} wait, {count.gone_on:,} went on, {count.ended:,} ended"
    parked = f", {count.parked:,} parked" if count.parked else ""
    parts = ((count.inflow, "in"), (count.gone_on, "on"), (count.ended, "out"))
    figures = " · ".join(f"{each:,} {word}" for each, word in parts)
    if text_width(figures, FIGURES_SIZE) > width:
        figures = " · ".join(f"{short_count(each)} {word}" for each, word in parts)
    return figures, f"{said}{parked}."


def _rules(diagram: Diagram, place: Rectangle) -> Iterator[str]:
    y = place.y + _BOX_HEIGHT
    for row in _rule_rows(diagram):
        x = place.x + _INSET
        for words in row:
            pill = Rectangle(x, y, _rule_width(words), _RULE_HEIGHT)
            text = _pill(pill, cut(words, WORDS_MAX), "soft")
            yield f'<g class="label"><title>{escaped(f"{words[0].upper()}{words[1:]}.")}</title>{text}</g>'
            x += pill.width + _RULE_GAP
        y += _RULE_HEIGHT + _RULE_GAP


def _marks(box: Box, place: Rectangle, counts: PictureCounts) -> Sequence[str]:
    """What stands on the corner of a box: how many wait, how many of them are parked, or that it is at hand."""
    count = counts.steps.get(box.id, StepCounts())
    shown = [
        ("waiting", short_count(count.waiting) if count.waiting else ""),
        ("parked", f"!{short_count(count.parked)}" if count.parked else ""),
        ("waiting", AT_HAND if box.id in counts.at_hand else ""),
    ]
    marks, right = [], place.x + place.width - 10
    for name, words in shown:
        if words:
            width = round(_pill_width(words), 1)
            pill = Rectangle(round(right - width, 1), place.y - _LABEL_HEIGHT / 2, width, _LABEL_HEIGHT)
            marks.append(f'<g class="mark {name}">{_pill(pill, words)}</g>')
            right -= width + 4
    return marks
