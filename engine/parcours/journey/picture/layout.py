"""Where do the boxes of a picture go, and which way do its arrows run? A layered drawing in the manner of Sugiyama.

    1  An arrow that leads back to where a walk in document order has come from is turned round, so nothing is circular.
    2  A box lies two layers below the lowest one that leads to it: even layers hold boxes, odd ones labels.
    3  An arrow becomes a chain with one link in each layer that it passes, and its label is such a link, with room.
    4  Within the layers the links are put in an order with few crossings (ordering.py) and then moved sideways until
       chains are nearly straight (placing.py). Neither lets two neighbours overlap.
    5  A layer is as high as its highest box. Chains run straight down through layers, and sideways between them only,
       where no box is: so no arrow passes through a box, whatever the orders are.

Everything is computed by additions in a fixed order, so the same boxes get the same places on every machine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from parcours.journey.picture.ordering import Chains, ordered
from parcours.journey.picture.placing import Link, placed

_GAP: Final = 18.0
"""Between two layers, where arrows that go far sideways add to it."""

_GAP_MAX: Final = 64.0
_SLANT: Final = 0.07
"""How much higher a gap is for each unit that an arrow goes sideways in it."""

_BEND: Final = 8.0
"""The room beside a chain that passes a layer."""

_CORNER: Final = 22.0
"""How near to the end of its side an arrow may touch a box."""

_LOOP: Final = 30.0
"""How far an arrow from a box to itself goes out beside it."""

_LOOP_HEIGHT: Final = 20.0
"""The room of each of several such arrows of one box, one below the other: a label and a little more."""

_LOOP_RISE: Final = 12.0
"""How far above the middle of its room such an arrow leaves the box, and below it comes back, if there is but one."""


@dataclass(frozen=True, slots=True)
class BoxSize:
    """A box to be placed, in units of the drawing."""

    id: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class ArrowSize:
    """An arrow to be drawn, with the room of its label; no room where it has none. `main` ones are kept straight."""

    source: str
    target: str
    label_width: float = 0.0
    label_height: float = 0.0
    main: bool = False


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A place: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.x + self.width / 2


@dataclass(frozen=True, slots=True)
class Stop:
    """Where an arrow runs straight up or down: at `x`, from one height to the other, which may be the same."""

    x: float
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow: it begins at the first stop on the border of its source and ends at the last on that of its target.

    loop   it leaves and enters the right side of one box: the stops are its corners, the one far out between them
    label  the room of its label, None where it has none
    """

    stops: tuple[Stop, ...]
    label: Rectangle | None = None
    loop: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The boxes by their ids, the arrows in the order in which they were given, and how often two of them cross."""

    boxes: dict[str, Rectangle]
    routes: tuple[Route, ...]
    width: float
    height: float
    crossings: int


def layout(boxes: Sequence[BoxSize], arrows: Sequence[ArrowSize]) -> Layout:
    """Place the boxes, which are in document order and the entry first. Arrows name boxes that there are."""
    numbers = {box.id: number for number, box in enumerate(boxes)}
    ends = [(numbers[arrow.source], numbers[arrow.target]) for arrow in arrows]
    turned = turned_round(len(boxes), ends)
    downward = [(b, a) if back else (a, b) for (a, b), back in zip(ends, turned, strict=True)]
    graph = _Graph(boxes, arrows, downward, turned)
    rows, crossings = ordered(graph.chains(), len(boxes))
    x = placed(rows, graph.links, graph.neighbours())
    return _drawn(graph, rows, x, crossings)


def turned_round(count: int, ends: Sequence[tuple[int, int]]) -> list[bool]:
    """Which arrows lead back to where the walk in document order has come from; of a box to itself none does."""
    out: list[list[int]] = [[] for _ in range(count)]
    for number, (source, target) in enumerate(ends):
        if source != target:
            out[source].append(number)
    turned = [False] * len(ends)
    under_way, done = [False] * count, [False] * count
    for root in range(count):
        stack: list[tuple[int, Iterator[int]]] = []
        if not done[root]:
            under_way[root] = True
            stack.append((root, iter(out[root])))
        while stack:
            at, rest = stack[-1]
            for number in rest:
                target = ends[number][1]
                if under_way[target]:
                    turned[number] = True
                elif not done[target]:
                    under_way[target] = True
                    stack.append((target, iter(out[target])))
                    break
            else:
                under_way[at], done[at] = False, True
                stack.pop()
    return turned


def layers(count: int, downward: Sequence[tuple[int, int]]) -> list[int]:
    """The layer of each box: twice the arrows on the longest way to it."""
    below: list[list[int]] = [[] for _ in range(count)]
    open_ways = [0] * count
    for upper, lower in downward:
        if upper != lower:
            below[upper].append(lower)
            open_ways[lower] += 1
    found = [0] * count
    ready = deque(number for number in range(count) if not open_ways[number])
    while ready:
        upper = ready.popleft()
        for lower in below[upper]:
            found[lower] = max(found[lower], found[upper] + 2)
            open_ways[lower] -= 1
            if not open_ways[lower]:
                ready.append(lower)
    return found


@dataclass(slots=True)
class _Graph:
    """The boxes and the links of all chains, by number: boxes first, in their order."""

    boxes: Sequence[BoxSize]
    arrows: Sequence[ArrowSize]
    downward: Sequence[tuple[int, int]]
    turned: Sequence[bool]
    links: list[Link] = field(default_factory=list)
    layer: list[int] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)
    """The chain of each arrow from its upper box to its lower one; of a loop the box alone."""

    labels: dict[int, int] = field(default_factory=dict)
    """The link that is the label of an arrow, by the arrow's number."""

    loops: dict[int, list[int]] = field(default_factory=dict)
    """The arrows from a box to itself, by the box."""

    def __post_init__(self) -> None:
        self.layer = layers(len(self.boxes), self.downward)
        for number, (upper, lower) in enumerate(self.downward):
            if upper == lower:
                self.loops.setdefault(upper, []).append(number)
        for number, box in enumerate(self.boxes):
            loops = self.loops.get(number, [])
            room = max((_LOOP + 8 + self.arrows[each].label_width for each in loops), default=0.0)
            height = max(box.height, _LOOP_HEIGHT * len(loops))
            self.links.append(Link(box.width + 2 * room, height, is_box=True))
        for number, (upper, lower) in enumerate(self.downward):
            self.paths.append([upper] if upper == lower else self._chain(number, upper, lower))

    def _chain(self, number: int, upper: int, lower: int) -> list[int]:
        arrow = self.arrows[number]
        path = [upper]
        first, last = self.layer[upper] + 1, self.layer[lower] - 1
        for layer in range(first, last + 1):
            # The label is beside the box that the arrow comes from.
            if arrow.label_width and layer == (last if self.turned[number] else first):
                self.labels[number] = len(self.links)
                self.links.append(Link(arrow.label_width, arrow.label_height, is_box=True))
            else:
                self.links.append(Link(_BEND, 0.0))
            path.append(len(self.links) - 1)
            self.layer.append(layer)
        return [*path, lower]

    def chains(self) -> Chains:
        """For the order: arrows as they are written first, then those that were turned round."""
        order = sorted(range(len(self.paths)), key=lambda number: self.turned[number])
        return Chains(self.layer, [self.paths[number] for number in order])

    def neighbours(self) -> list[tuple[int, int, float]]:
        """Which links hang together, the upper one first, and how strongly."""
        found = []
        for number, path in enumerate(self.paths):
            ends = 4.0 if self.arrows[number].main else 1.0 if self.turned[number] else 2.0
            for upper, lower in pairwise(path):
                inside = min(upper, lower) >= len(self.boxes)
                found.append((upper, lower, 8.0 if inside else ends))
        return found


def _drawn(graph: _Graph, rows: list[list[int]], x: list[float], crossings: int) -> Layout:
    lefts = [x[each] - graph.links[each].width / 2 for row in rows for each in row]
    left, width = min(lefts), 0.0
    for each, link in enumerate(graph.links):
        x[each] = round(x[each] - left, 1)
        width = max(width, x[each] + link.width / 2)
    tops, bottoms = _heights(graph, rows, x)
    places = {}
    for number, box in enumerate(graph.boxes):
        layer = graph.layer[number]
        y = tops[layer] + (bottoms[layer] - tops[layer] - box.height) / 2
        places[box.id] = Rectangle(round(x[number] - box.width / 2, 1), round(y, 1), round(box.width, 1), box.height)
    routes = tuple(_route(graph, number, places, x, tops, bottoms) for number in range(len(graph.arrows)))
    return Layout(places, routes, round(width, 1), round(bottoms[-1], 1), crossings)


def _heights(graph: _Graph, rows: list[list[int]], x: list[float]) -> tuple[list[float], list[float]]:
    """Where each layer begins and ends. A gap is the higher, the farther an arrow goes sideways in it."""
    aside = [0.0] * len(rows)
    for path in graph.paths:
        for upper, lower in pairwise(path):
            way = abs(x[upper] - x[lower])
            for each in (upper, lower):
                if each < len(graph.boxes):
                    way -= max(0.0, graph.boxes[each].width / 2 - _CORNER)
            aside[graph.layer[upper]] = max(aside[graph.layer[upper]], way)
    tops, bottoms, y = [], [], 0.0
    for number, row in enumerate(rows):
        tops.append(round(y, 1))
        y += max(graph.links[each].height for each in row)
        bottoms.append(round(y, 1))
        y += min(_GAP_MAX, _GAP + _SLANT * aside[number])
    return tops, bottoms


def _route(
    graph: _Graph,
    number: int,
    places: dict[str, Rectangle],
    x: list[float],
    tops: list[float],
    bottoms: list[float],
) -> Route:
    path, arrow = graph.paths[number], graph.arrows[number]
    if len(path) == 1:
        loops = graph.loops[path[0]]
        return _loop(places[arrow.source], arrow, loops.index(number), len(loops))
    upper, lower = (places[graph.boxes[each].id] for each in (path[0], path[-1]))
    stops = [Stop(x[each], tops[graph.layer[each]], bottoms[graph.layer[each]]) for each in path[1:-1]]
    first = Stop(_touching(upper, stops[0].x), upper.y + upper.height, upper.y + upper.height)
    last = Stop(_touching(lower, stops[-1].x), lower.y, lower.y)
    # Through the rest of its layer an arrow runs straight, where a higher box may stand beside its own.
    leaving = Stop(first.x, first.begin, bottoms[graph.layer[path[0]]])
    arriving = Stop(last.x, tops[graph.layer[path[-1]]], last.end)
    whole = [leaving, *stops, arriving]
    if graph.turned[number]:
        whole = [Stop(each.x, each.end, each.begin) for each in reversed(whole)]
    return Route(tuple(whole), _label(graph, number, x, tops, bottoms))


def _touching(box: Rectangle, x: float) -> float:
    """Where on the side of a box an arrow is nearest to what comes next."""
    corner = min(_CORNER, box.width / 2)
    return round(max(box.x + corner, min(box.x + box.width - corner, x)), 1)


def _label(graph: _Graph, number: int, x: list[float], tops: list[float], bottoms: list[float]) -> Rectangle | None:
    if number not in graph.labels:
        return None
    link = graph.labels[number]
    size, layer = graph.links[link], graph.layer[link]
    y = tops[layer] + (bottoms[layer] - tops[layer] - size.height) / 2
    return Rectangle(round(x[link] - size.width / 2, 1), round(y, 1), size.width, size.height)


def _loop(box: Rectangle, arrow: ArrowSize, place: int, count: int) -> Route:
    """One of the loops of a box, from the top; where they are higher than the box, they touch it closer together."""
    side, middle = round(box.x + box.width, 1), box.y + box.height / 2
    from_middle = place - (count - 1) / 2
    apart = min(_LOOP_HEIGHT, box.height / count)
    rise = _LOOP_RISE if count == 1 else apart * 0.4
    leaving, arriving = (round(middle + from_middle * apart + way, 1) for way in (-rise, rise))
    height = middle + from_middle * _LOOP_HEIGHT
    out = Stop(round(side + _LOOP, 1), height - rise, height + rise)
    label = None
    if arrow.label_width:
        top = round(height - arrow.label_height / 2, 1)
        label = Rectangle(round(side + _LOOP + 4, 1), top, arrow.label_width, arrow.label_height)
    return Route((Stop(side, leaving, leaving), out, Stop(side, arriving, arriving)), label, loop=True)
