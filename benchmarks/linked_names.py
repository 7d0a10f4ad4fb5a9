"""What does it cost to read a whole recording for linked names before it is simulated? In CPU time, of this process.

Shoppers fill carts over 90 days (shoppers.py). In every recording a share of them is anonymous at first: their identify
names the anonymous id, and a third of their other calls have that alone. Of each recording four things are measured, by
turns: reading it without a look for links, reading it with one, finding out where the lines of people go who live in
another slot than that of their name, and the whole simulation in one shard. `reading_percent` is what the look for
links takes of the whole, `routing_percent` what the second look at lines does. Prints one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from shoppers import write_events, write_project

from parcours import Project, simulate
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.routing.router import UNREAD
from parcours.segment.person import route
from parcours.simulation.linked import Groups, LinkedNames
from parcours.simulation.recorded import RecordingReader

ANONYMOUS_LINES = 0.33
SETTINGS = Settings()


class Deaf(LinkedNames):
    """Hears nothing."""

    def hear(self, line: bytes, number: int) -> None:
        del line, number


def recording(events: Path, percent: int) -> Iterator[bytes]:
    """The lines, in which so many people in a hundred log in."""
    chance = random.Random(1)
    for line in events.read_bytes().splitlines():
        call = json.loads(line)
        number = int(call["userId"].rpartition("-")[2])
        if number % 100 < percent:
            call["anonymousId"] = f"browser-{number}"
            if call["type"] == "track" and chance.random() < ANONYMOUS_LINES:
                del call["userId"]
        yield json.dumps(call, separators=(",", ":")).encode()


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def read(project: Project, lines: list[bytes], names: type[LinkedNames]) -> RecordingReader:
    reading = RecordingReader(SETTINGS, names(project.program, SETTINGS))
    for _ in reading.events(lines):
        pass
    return reading


def routed_again(project: Project, lines: list[bytes], groups: Groups) -> list[bytes]:
    """The lines that are read once more because somebody of their slot lives elsewhere."""
    left = {SlotMap(1).slot(name) for name in groups.homes}
    events = RecordingReader(SETTINGS, Deaf(project.program, SETTINGS)).events(lines)
    return [event.line for event in events if event.slot != UNREAD and event.slot in left]


def measure(project: Project, lines: list[bytes], runs: int) -> dict[str, float]:
    groups = read(project, lines, LinkedNames).groups
    again, slot_map = routed_again(project, lines, groups), SlotMap(1, groups.homes)
    taken: dict[str, list[float]] = {"unheard_s": [], "heard_s": [], "routed_s": [], "simulation_s": []}
    for _ in range(runs):
        taken["unheard_s"].append(seconds(lambda: read(project, lines, Deaf)))
        taken["heard_s"].append(seconds(lambda: read(project, lines, LinkedNames)))
        taken["routed_s"].append(seconds(lambda: [route(each, project.program, SETTINGS, slot_map) for each in again]))
        taken["simulation_s"].append(seconds(lambda: simulate(project, lines, facts=lambda facts: None)))
    median = {name: statistics.median(each) for name, each in taken.items()}
    reading = (median["heard_s"] - median["unheard_s"]) / median["simulation_s"]
    return {
        "names_moved": len(groups.homes),
        **{name: round(each, 3) for name, each in median.items()},
        "reading_percent": round(100 * reading, 1),
        "routing_percent": round(100 * median["routed_s"] / median["simulation_s"], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000, help="they make about ten events each")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        shop, events = Path(folder) / "shop", Path(folder) / "events.ndjson"
        write_project(shop)
        count = write_events(events, arguments.people)
        project = Project.load(shop)
        for percent in (0, 20, 100):
            lines = list(recording(events, percent))
            expected = sum(number % 100 < percent for number in range(arguments.people))
            figures[percent] = measure(project, lines, arguments.runs)
            if not expected // 2 <= figures[percent]["names_moved"] <= expected:  # one in 1,024 stays where she is
                raise SystemExit(f"{figures[percent]['names_moved']} names live elsewhere, of {expected} who log in")
            print(f"{percent} % log in: {figures[percent]}", flush=True)
    print(json.dumps({"events": count, "log_in_percent": figures}))


if __name__ == "__main__":
    main()
