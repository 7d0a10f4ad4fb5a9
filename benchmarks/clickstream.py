"""Are our funnels and flows of the demo's clickstream those of retentioneering?

Both read the same 31,106 rows of 600 shoppers, which retentioneering 5.2 (Apache-2.0) made up and ships, and the demo
carries. Ours go the whole way: through the engine, as a simulation with facts, and out of its Parquet. Compared are

- funnels, by person and by visit: how many get to each step;
- step matrices, which are flows: what five events before and five after an event are, its first and its last of each
  person or visit;
- how often an event followed another, from all flows of `which: every`.

retentioneering needs an environment of its own, whose interpreter is named:

    uv venv /tmp/compared
    uv pip install --python compared/bin/python 'retentioneering==5.2.4'
    uv pip install '.[insight]'
    python benchmarks/clickstream.py --theirs compared/bin/python

It reports its usage to its makers. So it is run by `unshare --net`, in a network namespace that has nothing but a
loopback device which is down, and with a home folder that is thrown away; where `unshare` cannot do this, nothing is
compared. Without `--theirs` only ours are counted. Ends with 1 if a count differs, and with 2 if theirs could not be
had; one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from parcours.config import Settings
from parcours.demo.clickstream import EVENT_NAMES, read_clickstream
from parcours.insight.analyses.flow import END, START
from parcours.insight.asking.asking import Asking
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.viewed import Viewed
from parcours.journey.analyses import Flow, Funnel, Unit
from parcours.journey.model.analysis_forms import Anchors
from parcours.journey.model.document import ProjectDocument
from parcours.journey.model.insight import InsightDocument
from parcours.journey.parts import Trigger
from parcours.journey.project import Project
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.simulation import simulate

THEIRS: Final = Path(__file__).with_name("clickstream_theirs.py")
VISIT_PAUSE: Final = "30m"
"""Ours is as long unless a project says otherwise, which this one does not."""

COLUMNS: Final = 5
UNITS: Final[tuple[Unit, ...]] = ("person", "visit")
WHICH: Final[tuple[Anchors, ...]] = ("first", "last")
ANCHORS: Final = ("purchase", "add_to_cart", "checkout_bug", "support_chat")
FUNNELS: Final = (
    ("product_view", "add_to_cart", "purchase"),
    ("catalog", "product_view", "add_to_cart", "cart", "shipping_details", "payment_details", "purchase"),
    ("product_view", "product_view", "product_view"),
    ("payment_error", "support_chat", "payment_details", "purchase"),
    ("purchase", "review_page", "purchase"),
    ("checkout_bug", "purchase"),
)

NODES: Final = {"path_start": START, "path_end": END}
"""What they call what lies beyond a path."""

Counts = dict[str, Any]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theirs", metavar="PYTHON", help="the interpreter that has retentioneering")
    parser.add_argument("--lines", type=int, help="read no more rows than these, where nothing is compared")
    asked = parser.parse_args()
    if asked.theirs is not None and asked.lines is not None:
        parser.error("theirs are of all rows: leave --lines out")
    ours = our_counts(asked.lines)
    compared, different = 0, list[str]()
    for each, funnel in zip(funnels(), ours["funnels"], strict=True):
        print(f"{each['by']:6}  {' > '.join(each['steps'])}: {', '.join(f'{reached:,}' for reached in funnel)}")
    if asked.theirs is not None:
        theirs = their_counts(asked.theirs)
        if theirs is None:
            return 2
        found, expected = dict(flat(ours)), dict(flat(theirs))
        compared = len(found.keys() | expected.keys())
        different = [key for key in found.keys() | expected.keys() if found.get(key) != expected.get(key)]
        for key in sorted(different):
            print(f"NOT EQUAL: {key}: ours {found.get(key)}, theirs {expected.get(key)}")
        print(f"{compared:,} counts compared, of which {len(different):,} differ")
    print(json.dumps({"counts": sum(1 for _ in flat(ours)), "compared": compared, "different": len(different)}))
    return 1 if different else 0


def funnels() -> list[dict[str, Any]]:
    return [{"steps": steps, "by": by} for by in UNITS for steps in FUNNELS]


def anchors() -> list[dict[str, Any]]:
    return [{"event": event, "which": which, "by": by} for by in UNITS for which in WHICH for event in ANCHORS]


def our_counts(most: int | None) -> Counts:
    shop = Project.of(ProjectDocument(project="shop", insight=InsightDocument(events="all")))
    # The shop's notices are no rows of the data, and neither are people's traits.
    clickstream = [line for line in read_clickstream().lines if b'"Notice Shown"' not in line]
    lines = [line for line in clickstream if b'"identify"' not in line][:most]
    with TemporaryDirectory() as folder:
        with FactFiles(Path(folder), shop.program, None) as files:
            simulate(shop, lines, facts=files.add, accepted=files.add_events)
            files.write()
        with open_warehouse(Path(folder) / "facts", Viewed.of(shop.program), Settings()) as warehouse:
            asking = Asking(Questions(warehouse), shop.program, known_until=warehouse.as_of_ms)
            return {
                "funnels": [reached(asking, each["steps"], each["by"]) for each in funnels()],
                "matrices": [matrix(asking, each["event"], each["which"], each["by"]) for each in anchors()],
                "followed": {by: followed(asking, by) for by in UNITS},
            }


def reached(asking: Asking, steps: tuple[str, ...], by: Unit) -> list[int]:
    asked = Funnel(name="compared", steps=tuple(Trigger(EVENT_NAMES[step]) for step in steps), by=by)
    return [step.reached for step in asking.funnel(asked).result.steps]


def matrix(asking: Asking, event: str, which: Anchors, by: Unit) -> dict[str, dict[str, int]]:
    """By column the units at each node."""
    columns = asking.flow(flow_around(event, which, by, COLUMNS, COLUMNS)).result.columns
    return {str(column.offset): column.nodes for column in columns}


def followed(asking: Asking, by: Unit) -> dict[str, dict[str, int]]:
    """By event, what came next and how often; for `(start)`, what came first."""
    counts: dict[str, dict[str, int]] = {}
    first = Counter[str]()
    for event, name in EVENT_NAMES.items():
        flow = asking.flow(flow_around(event, "every", by, 1, 1)).result
        counts[name] = {link.target: link.count for link in flow.links if link.offset == 0}
        first[name] += sum(link.count for link in flow.links if link.offset == -1 and link.origin == START)
    return counts | {START: dict(first)}


def flow_around(event: str, which: Anchors, by: Unit, before: int, after: int) -> Flow:
    return Flow(
        name="compared",
        anchor=Trigger(EVENT_NAMES[event]),
        before=before,
        after=after,
        which=which,
        by=by,
        most=len(EVENT_NAMES),
    )


def their_counts(python: str) -> Counts | None:
    """By the names that the demo gives to their events; None if they could not be had."""
    asked = {"funnels": funnels(), "anchors": anchors(), "columns": COLUMNS, "visit_pause": VISIT_PAUSE}
    with TemporaryDirectory() as home:
        ended = subprocess.run(
            ["unshare", "--map-current-user", "--net", python, str(THEIRS)],
            input=json.dumps(asked),
            env=os.environ | {"HOME": home, "MPLCONFIGDIR": home},
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode != 0:
        print(f"retentioneering could not be run without a network: {ended.stderr}", file=sys.stderr)
        return None
    told = json.loads(ended.stdout.splitlines()[-1])
    return {
        "funnels": told["funnels"],
        "matrices": [{offset: _renamed(nodes) for offset, nodes in block.items()} for block in told["matrices"]],
        "followed": {
            by: {_named(origin): _renamed(row) for origin, row in told["followed"][by].items()} for by in UNITS
        },
    }


def _renamed(nodes: dict[str, int]) -> dict[str, int]:
    return {_named(node): value for node, value in nodes.items()}


def _named(node: str) -> str:
    return NODES.get(node) or EVENT_NAMES[node]


def flat(counts: Counts) -> Iterator[tuple[str, int]]:
    """Each count by what it is of; what is 0 is left out."""
    for each, steps in zip(funnels(), counts["funnels"], strict=True):
        for number, units in enumerate(steps, start=1):
            yield f"funnel by {each['by']}, {' > '.join(each['steps'])}, step {number}", units
    for each, block in zip(anchors(), counts["matrices"], strict=True):
        for offset, nodes in block.items():
            for node, units in nodes.items():
                yield f"{each['which']} {each['event']} by {each['by']}, column {offset}, {node}", units
    for by, rows in counts["followed"].items():
        for origin, row in rows.items():
            for target, times in row.items():
                if times:
                    yield f"by {by}, {origin} -> {target}", times


if __name__ == "__main__":
    sys.exit(main())
