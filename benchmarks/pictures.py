"""How long does it take to draw a journey, and how often do its arrows cross, beside what Graphviz makes of it?

Journeys of 60 and of 300 steps, made by chance from a seed: most ways lead to one of the next steps, one in twenty
anywhere, back as well. The time is that from the compiled journey to the text of the SVG. Where `dot` is installed, it
places the same boxes and labels; its arrows count as crossing where their curves, as polylines, do. Every picture is
made twice, and has to be the same. Prints medians, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from itertools import combinations, pairwise
from random import Random
from shutil import which

from parcours.journey import program
from parcours.journey.parts import Trigger
from parcours.journey.picture.diagram import Diagram, journey_diagram
from parcours.journey.picture.drawing import box_sizes, diagram_layout, journey_svg

POINTS_PER_INCH = 72

Point = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, nargs="+", default=[60, 300])
    parser.add_argument("--runs", type=int, default=5, help="journeys of each size")
    asked = parser.parse_args()
    figures = {str(steps): measured(steps, asked.runs) for steps in asked.steps}
    for steps, each in figures.items():
        print(f"{steps} steps: {each}")
    print(json.dumps(figures))


def measured(steps: int, runs: int) -> dict[str, float | None]:
    seconds, ours, theirs = [], [], []
    for seed in range(runs):
        journey = made(seed, steps)
        started_s = time.perf_counter()
        picture = journey_svg(journey)
        seconds.append(time.perf_counter() - started_s)
        assert picture == journey_svg(journey), "the same journey gives the same picture"
        diagram = journey_diagram(journey)
        ours.append(diagram_layout(diagram).crossings)
        if which("dot") is not None and steps <= 100:
            theirs.append(crossings_of_dot(diagram))
    return {
        "median_ms": round(1000 * statistics.median(seconds), 1),
        "slowest_ms": round(1000 * max(seconds), 1),
        "crossings": statistics.median(ours),
        "crossings_of_dot": statistics.median(theirs) if theirs else None,
    }


def made(seed: int, steps: int) -> program.Journey:
    chance = Random(seed)
    names = [f"step-{number}" for number in range(steps)]

    def way(number: int) -> str | None:
        if chance.random() < 0.05:
            return chance.choice(names)
        place = number + chance.randint(1, 4)
        return names[place] if place < steps else None

    found: dict[str, program.Step] = {}
    for number, name in enumerate(names):
        following = names[number + 1] if number + 1 < steps else None
        if chance.random() < 0.3:
            listeners = (program.EventListener(Trigger("Order Completed"), way(number)),)
            found[name] = program.WaitFor(name, listeners, 3_600_000, way(number))
        else:
            found[name] = program.WaitDuration(name, 60_000, following)
    return program.Journey(
        name="made", version=1, entry=program.EventEntry((Trigger("Signed Up"),)), correlation=None,
        reentry_after_ms=0, exits=(), goal=None, timezone="UTC", starts_ms=None, ends_ms=None, priority=50,
        first=names[0], steps=found, entry_paths=frozenset(), event_paths=frozenset(),
    )  # fmt: skip


def crossings_of_dot(diagram: Diagram) -> int:
    numbers = {box.id: number for number, box in enumerate(diagram.boxes)}
    lines = [
        f"n{numbers[box.id]} [shape=box fixedsize=true width={box.width / POINTS_PER_INCH} "
        f"height={box.height / POINTS_PER_INCH}]"
        for box in box_sizes(diagram)
    ]
    lines += [
        f'n{numbers[arrow.source]} -> n{numbers[arrow.target]} [label="{arrow.label}"]' for arrow in diagram.arrows
    ]
    asked = "digraph {" + "\n".join(lines) + "}"
    ended = subprocess.run(["dot", "-Tplain"], input=asked, capture_output=True, text=True, check=True)
    edges = [line.split() for line in ended.stdout.splitlines() if line.startswith("edge ")]
    return crossing([points(each) for each in edges])


def points(edge: list[str]) -> list[Point]:
    count = int(edge[3])
    values = [float(each) for each in edge[4 : 4 + 2 * count]]
    return list(zip(values[::2], values[1::2], strict=True))


def crossing(lines: list[list[Point]]) -> int:
    """How many pairs of lines have segments that cross."""
    return sum(
        any(meets(*first, *second) for first in pairwise(one) for second in pairwise(other))
        for one, other in combinations(lines, 2)
    )


def meets(a: Point, b: Point, c: Point, d: Point) -> bool:
    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


if __name__ == "__main__":
    main()
