"""A funnel as SVG: a bar for each step, pale where units were lost, and below it the bars of the groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from parcours.insight.analyses.funnel import FunnelGroup, FunnelResult, FunnelStep
from parcours.insight.figures import about_text, percent_text
from parcours.insight.pictures.shapes import TEXT_SIZE, bar, framed, text
from parcours.insight.pictures.theme import SERIES
from parcours.journey.picture.svg_text import cut_to_width

GROUPS_MAX: Final = 6
"""Groups that are drawn, the largest first; how many more there are is told."""

_WIDTH: Final = 640.0
_BAR: Final = 24.0
_HEAD: Final = 20.0
_FOOT: Final = 20.0
_GAP: Final = 10.0
_GROUP: Final = 18.0
_GROUP_LEFT: Final = 170.0
_GROUP_RIGHT: Final = 130.0
_PALE: Final = 0.18


def funnel_picture(result: FunnelResult, *, title: str = "", embedded: bool = False) -> str:
    """A funnel as SVG, ending in a line break. With groups or without.

    A bar is as wide as the share of the first step; a group's bar as the share of the group's own first step.
    """
    groups = _drawn_groups(result)
    parts: list[str] = []
    y = 0.0
    for number, step in enumerate(result.steps):
        before = result.steps[number - 1].reached if number else step.reached
        parts += _step(number, step, result.steps[0].reached, before, y)
        y += _HEAD + _BAR
        for name, group in groups:
            parts += _group(name, group, number, y)
            y += _GROUP
        if number + 1 < len(result.steps):
            parts.append(text(0, y + 15, _lost(step, result.steps[number + 1]), soft=True))
            y += _FOOT + _GAP
    more = len(_groups(result)) - len(groups)
    if more:
        y += _FOOT
        parts.append(text(0, y, f"{more:,} more {'group' if more == 1 else 'groups'}", soft=True))
    said = ", ".join(f"{step.step} {step.reached:,}" for step in result.steps)
    return framed(title, said, _WIDTH, y, parts, embedded=embedded)


def _groups(result: FunnelResult) -> Mapping[str, FunnelGroup]:
    return {} if result.groups is UNSET else result.groups


def _drawn_groups(result: FunnelResult) -> list[tuple[str, FunnelGroup]]:
    groups = [(name, group) for name, group in _groups(result).items() if group.steps]
    return sorted(groups, key=lambda each: (-each[1].steps[0].reached, each[0]))[:GROUPS_MAX]


def _step(number: int, step: FunnelStep, first: int, before: int, y: float) -> list[str]:
    shares = percent_text(step.reached, first)
    if number > 1:
        shares += f" · {percent_text(step.reached, before)} of the step before" if before else ""
    figures = " · ".join(filter(None, [f"{step.reached:,}", shares]))
    name = cut_to_width(f"{number + 1}. {step.step}", TEXT_SIZE + 1, _WIDTH * 0.55)
    width = _WIDTH * step.reached / first if first else 0.0
    earlier = _WIDTH * before / first if first else 0.0
    top = y + _HEAD
    return [
        text(0, y + 13, name, size=TEXT_SIZE + 1, weight=700),
        text(_WIDTH, y + 13, figures, end=True),
        bar(0, top, earlier, _BAR, SERIES[0], f"{before:,} before", _PALE),
        bar(0, top, width, _BAR, SERIES[0], f"{step.step}: {step.reached:,}"),
    ]


def _group(name: str, group: FunnelGroup, number: int, y: float) -> list[str]:
    if number >= len(group.steps):
        return []
    step, first = group.steps[number], group.steps[0].reached
    room = _WIDTH - _GROUP_LEFT - _GROUP_RIGHT
    width = room * step.reached / first if first else 0.0
    figures = " · ".join(filter(None, [f"{step.reached:,}", percent_text(step.reached, first)]))
    return [
        text(14, y + 13, cut_to_width(name, TEXT_SIZE, _GROUP_LEFT - 24), soft=True),
        bar(_GROUP_LEFT, y + 5, room, _GROUP - 8, SERIES[0], opacity=_PALE / 2),
        bar(_GROUP_LEFT, y + 5, width, _GROUP - 8, SERIES[0], f"{name}: {step.reached:,}", 0.7),
        text(_WIDTH, y + 13, figures, soft=True, end=True),
    ]


def _lost(step: FunnelStep, following: FunnelStep) -> str:
    lost = step.reached - following.reached
    share = percent_text(lost, step.reached)
    words = f"↓ {lost:,} lost" + (f" ({share})" if share else "")
    if following.median_ms is None:
        return words
    return f"{words} · the others after {about_text(following.median_ms)} (median)"
