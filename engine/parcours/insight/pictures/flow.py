"""A flow as SVG (a Sankey diagram): a column for each distance from the anchor, nodes by size then name, and bands.

A node is as high as its count. Each column keeps its order, and the bands at a node are in the order of the nodes at
their other ends; crossings are not searched away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from parcours.insight.analyses.flow import BESIDES, FlowColumn, FlowLink, FlowResult
from parcours.insight.pictures.shapes import TEXT_SIZE, bar, framed, text
from parcours.insight.pictures.theme import SERIES
from parcours.journey.picture.look import LIGHT
from parcours.journey.picture.svg_text import cut_to_width, escaped, number

_NODE: Final = 14.0
_COLUMN: Final = 210.0
_HEAD: Final = 24.0
_HEIGHT: Final = 380.0
"""Of the sum of all nodes of a column, without their gaps."""

_SLOT_MIN: Final = 18.0
"""The room of a node, however few: its name has to fit in."""

_GAP: Final = 8.0
_LABEL_ROOM: Final = _COLUMN - _NODE - 24
_PALE: Final = 0.28


@dataclass(frozen=True, slots=True)
class _Node:
    """A node's place: its left upper corner, its height, and the middle of its slot, where its name stands."""

    name: str
    count: int
    x: float
    y: float
    height: float
    middle: float


def flow_picture(result: FlowResult, *, title: str = "", embedded: bool = False) -> str:
    """A flow as SVG, ending in a line break; a link leaves the column of its `offset`."""
    columns = sorted(result.columns, key=lambda column: column.offset)
    most = max((sum(column.nodes.values()) for column in columns), default=0)
    scale = _HEIGHT / most if most else 0.0
    nodes = {column.offset: _placed(column, place, scale) for place, column in enumerate(columns)}
    parts = [_head(column.offset, place) for place, column in enumerate(columns)]
    parts += _bands(result.links, nodes, scale)
    for each in nodes.values():
        for node in each.values():
            parts += _node(node)
    height = max((node.middle for each in nodes.values() for node in each.values()), default=0.0)
    lowest = max((node.y + node.height for each in nodes.values() for node in each.values()), default=0.0)
    said = "; ".join(f"{_distance(column.offset)}: {_listed(column)}" for column in columns)
    return framed(title, said, len(columns) * _COLUMN - 24, max(lowest, height + 8), parts, embedded=embedded)


def _listed(column: FlowColumn) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in _sorted(column))


def _sorted(column: FlowColumn) -> list[tuple[str, int]]:
    return sorted(column.nodes.items(), key=lambda node: (-node[1], node[0]))


def _placed(column: FlowColumn, place: int, scale: float) -> Mapping[str, _Node]:
    nodes, y = {}, _HEAD
    for name, count in _sorted(column):
        height = max(1.0, count * scale)
        slot = max(_SLOT_MIN, height)
        nodes[name] = _Node(name, count, place * _COLUMN, y + (slot - height) / 2, height, y + slot / 2)
        y += slot + _GAP
    return nodes


def _head(offset: int, place: int) -> str:
    return text(place * _COLUMN, 10, _distance(offset), soft=True)


def _distance(offset: int) -> str:
    if not offset:
        return "anchor"
    return f"{abs(offset)} {'before' if offset < 0 else 'after'}"


def _bands(links: Sequence[FlowLink], nodes: Mapping[int, Mapping[str, _Node]], scale: float) -> Iterator[str]:
    """The bands of all links, stacked at each node in the order of the nodes at their other ends."""
    offsets = sorted(nodes)
    following = dict(pairwise(offsets))
    pairs = [
        (nodes[link.offset][link.origin], nodes[following[link.offset]][link.target], link)
        for link in links
        if link.offset in following
    ]
    leaving: dict[tuple[float, str], float] = {}
    begins: dict[int, float] = {}
    for source, _, link in sorted(pairs, key=lambda pair: (pair[0].x, pair[0].y, pair[1].y)):
        at = (source.x, source.name)
        begins[id(link)] = leaving.get(at, source.y)
        leaving[at] = begins[id(link)] + link.count * scale
    arriving: dict[tuple[float, str], float] = {}
    for source, target, link in sorted(pairs, key=lambda pair: (pair[1].x, pair[1].y, pair[0].y)):
        at = (target.x, target.name)
        end = arriving.get(at, target.y)
        arriving[at] = end + link.count * scale
        yield _band(source, target, link, begins[id(link)], end, link.count * scale)


def _band(source: _Node, target: _Node, link: FlowLink, begin: float, end: float, height: float) -> str:
    left, right = number(source.x + _NODE), number(target.x)
    middle = number((source.x + _NODE + target.x) / 2)
    there = f"M{left} {number(begin)}C{middle} {number(begin)} {middle} {number(end)} {right} {number(end)}"
    low, lower = number(end + height), number(begin + height)
    back = f"V{low}C{middle} {low} {middle} {lower} {left} {lower}Z"
    told = escaped(f"{link.origin} → {link.target}: {link.count:,}")
    colour = LIGHT["edge"] if link.origin in BESIDES or link.target in BESIDES else SERIES[0]
    return f'<path d="{there}{back}" fill="{colour}" fill-opacity="{_PALE:g}"><title>{told}</title></path>'


def _node(node: _Node) -> list[str]:
    colour = LIGHT["edge"] if node.name in BESIDES else SERIES[0]
    count = f"{node.count:,}"
    name = cut_to_width(node.name, TEXT_SIZE, _LABEL_ROOM - 8 * len(count))
    return [
        bar(node.x, node.y, _NODE, node.height, colour, f"{node.name}: {count}"),
        text(node.x + _NODE + 6, node.middle + 4.2, f"{name} {count}"),
    ]
