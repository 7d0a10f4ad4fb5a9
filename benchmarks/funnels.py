"""What does a funnel take for each event, in each order, and by how much longer is it for people with many events?

Made-up rows of a shop: a million events of people with twenty each, of which 280,000 in a million are of the three
steps' names; then the same number of events of a few people, with a step more that nobody takes, so that all of their
events are looked at. One pass counts the funnel; once more with a condition at
a step, a value and groups by a property, for which properties are decoded. The numbers of units are checked against
each other: whoever takes the steps one behind the other takes them with others in between, and in any order.

Then the first of these funnels is asked of the same events in Parquet, through the warehouse, beside DuckDB's own
`count(*) ... group by person` on the same files; whatever is counted has to be the same as in memory.

Prints the machine, medians in µs of the processor an event, the seconds of both questions and how many times as long
the funnel takes, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import accumulate, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from parcours.config import Settings
from parcours.expression.expression import compile_expression
from parcours.insight.analyses.funnel import FunnelResult, funnel
from parcours.insight.analyses.happenings import Events, Happening
from parcours.insight.asking.asking import Asking
from parcours.insight.exporter.range_files import ParquetRange
from parcours.insight.exporter.rows import Telling
from parcours.insight.exporter.tables import COLUMNS
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.analyses import ByProperty, Funnel
from parcours.journey.model.document import ProjectDocument
from parcours.journey.parts import Trigger
from parcours.journey.project import Project
from parcours.shard.messages import ExportRange

DAY_MS = 86_400_000

SHARES = {"Page Viewed": 52, "Email Opened": 20, "Product Viewed": 20, "Product Added": 6, "Order Completed": 2}
"""How many of a hundred events have each name; the last three are the steps."""

STEPS = tuple(Trigger(name) for name in list(SHARES)[2:])

TO_ORDER = Funnel(name="to-order", steps=STEPS, within_ms=7 * DAY_MS)

ASKED = {
    "strict": TO_ORDER,
    "next": replace(TO_ORDER, order="next"),
    "any": replace(TO_ORDER, order="any"),
    "with bounds": replace(TO_ORDER, exclude=(Trigger("Email Opened"),), step_within_ms={2: DAY_MS // 24, 3: DAY_MS}),
    "with properties": replace(
        TO_ORDER,
        steps=(STEPS[0], replace(STEPS[1], when=compile_expression("event.price > 20")), STEPS[2]),
        value=compile_expression("event.price"),
        split=ByProperty("platform"),
    ),
}


def rows(events: int, people: int) -> list[Events]:
    """So many events, in equal parts of so many people, within thirty days."""
    drawn = random.Random(7)
    each = events // people
    return [Events(f"u{number:07}", 0, list(happenings(drawn, each))) for number in range(people)]


def happenings(drawn: random.Random, events: int) -> Iterator[Happening]:
    names = drawn.choices(list(SHARES), list(SHARES.values()), k=events)
    pauses_ms = [drawn.randrange(2 * 30 * DAY_MS // events) for _ in names]
    for at, name in zip(accumulate(pauses_ms), names, strict=True):
        platform_, price = drawn.choice(("web", "mobile")), drawn.randrange(5, 200)
        yield Happening(at, name, f'{{"platform":"{platform_}","price":{price},"product":"SKU-{price:05}"}}')


def per_event(asked: Funnel, units: list[Events], runs: int) -> tuple[float, FunnelResult]:
    """The median of the runs in µs of the processor an event, and what was counted."""
    events, taken_us = sum(len(unit.happenings) for unit in units), list[float]()
    result = funnel(asked, units)
    for _ in range(runs):
        started_s = time.process_time()
        result = funnel(asked, units)
        taken_us.append((time.process_time() - started_s) / events * 1_000_000)
    return statistics.median(taken_us), result


def check(found: dict[str, FunnelResult]) -> None:
    """What must hold of the counts, whatever the rows are."""
    reached = {name: [step.reached for step in result.steps] for name, result in found.items()}
    for one, other in (("next", "strict"), ("strict", "any"), ("with bounds", "strict"), ("with properties", "strict")):
        assert all(less <= more for less, more in zip(reached[one], reached[other], strict=True)), (one, other)
    for result in found.values():
        for step, following in zip(result.steps, result.steps[1:], strict=False):
            assert step.reached == step.lost + following.reached
    groups = found["with properties"].groups
    assert isinstance(groups, dict)
    assert sum(group.steps[0].reached for group in groups.values()) == reached["with properties"][0]


def measure(events: int, people: int, runs: int, more: tuple[Trigger, ...] = ()) -> dict[str, float]:
    """Everything for so many people, in µs an event by what is asked, with more steps in the end."""
    units = rows(events, people)
    funnels = {name: replace(asked, steps=(*asked.steps, *more)) for name, asked in ASKED.items()}
    found = {name: per_event(asked, units, runs) for name, asked in funnels.items()}
    check({name: result for name, (_, result) in found.items()})
    print(f"{events:,} events of {people:,} people, {runs} runs each, µs of the processor an event")
    for name, (taken_us, result) in found.items():
        print(f"  {name:>15}  {taken_us:.2f}  ({', '.join(f'{step.reached:,}' for step in result.steps)} people)")
    return {name: round(taken_us, 3) for name, (taken_us, _) in found.items()}


def in_files(folder: Path, events: int, people: int) -> list[Events]:
    """Write the events as an export has them, in the order of time, and return them by person."""
    units = rows(events, people)
    told = sorted((each.at, unit.person, each) for unit in units for each in unit.happenings)
    names = [column.name for column in COLUMNS["events"]]
    files = ParquetRange(folder, Telling(0, frozenset()), ExportRange(1, len(told)))
    numbered: Iterator[dict[str, Any]] = (
        {"time": at, "person": person, "event": each.event, "declared": True, "properties": each.properties}
        | {"shard": 0, "record": record, "n": 0}
        for record, (at, person, each) in enumerate(told, start=1)
    )
    while some := list(islice(numbered, 10_000)):
        files.add_rows(("events", tuple(row.get(name) for name in names)) for row in some)
    files.finish()
    return units


def seconds(*asked: Callable[[], object], runs: int) -> list[tuple[float, float]]:
    """Of each the medians by the clock and of the processor; they take turns, and the first round is not counted."""
    taken_s: list[list[tuple[float, float]]] = [[] for _ in asked]
    for _ in range(runs + 1):
        for ask, taken in zip(asked, taken_s, strict=True):
            started_s, busy_s = time.perf_counter(), time.process_time()
            ask()
            taken.append((time.perf_counter() - started_s, time.process_time() - busy_s))
    return [
        (statistics.median(clock for clock, _ in taken[1:]), statistics.median(busy for _, busy in taken[1:]))
        for taken in taken_s
    ]


def beside_duckdb(events: int, people: int, runs: int) -> dict[str, float]:
    """The funnel asked of files, and the count of events by person on the same ones."""
    query = "select person, count(*) from main.events group by person"
    shop = Project.of(ProjectDocument(project="shop"))
    with TemporaryDirectory() as folder:
        units = in_files(Path(folder), events, people)
        with open_warehouse(Path(folder) / "facts", Viewed(), Settings()) as warehouse:
            asking = Asking(Questions(warehouse), shop.program, known_until=warehouse.as_of_ms)
            assert asking.funnel(TO_ORDER).result == funnel(TO_ORDER, units)
            assert sorted(warehouse.rows(query)) == [(unit.person, len(unit.happenings)) for unit in units]
            del units  # the garbage collector would look at them in the middle of what is measured
            taken = seconds(lambda: asking.funnel(TO_ORDER), lambda: [*warehouse.rows(query)], runs=runs)
    (funnel_s, funnel_busy_s), (count_s, count_busy_s) = taken
    print(f"{events:,} events in Parquet, {runs} runs each, seconds by the clock and of the processor")
    for name, (clock_s, busy_s) in zip(("funnel", "DuckDB counts"), taken, strict=True):
        print(f"  {name:>15}  {clock_s:.2f}  {busy_s:.2f}")
    times, busy = funnel_s / count_s, funnel_busy_s / count_busy_s
    print(f"the funnel takes {times:.1f} times as long as the count, and {busy:.1f} times the processor (target: 10)")
    seconds_ = {"funnel_s": funnel_s, "funnel_busy_s": funnel_busy_s, "count_s": count_s, "count_busy_s": count_busy_s}
    return {name: round(each, 3) for name, each in {**seconds_, "times": times, "busy_times": busy}.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events in all")
    parser.add_argument("--runs", type=int, default=5, help="runs of each funnel")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    many = measure(arguments.events, max(1, arguments.events // 20), arguments.runs)
    few = measure(arguments.events, max(1, arguments.events // 100_000), arguments.runs, (Trigger("Order Returned"),))
    asked = beside_duckdb(arguments.events, max(1, arguments.events // 20), arguments.runs)
    print(json.dumps({"events": arguments.events, "many_people_us": many, "few_people_us": few, "in_files": asked}))


if __name__ == "__main__":
    main()
