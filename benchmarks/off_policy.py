"""Is what another way of choosing would have been worth estimated as exact fractions have it, on logs of a shop?

    mkdir obp && cd obp && pip download --no-deps obp && unzip obp-*.whl
    python benchmarks/off_policy.py obp/obp/dataset/obd

The logs are a sample of the Open Bandit Dataset (ZOZO, Inc.; https://research.zozo.com/data.html), which the package
obp (Apache License 2.0) carries as CSV; none of it lies here. There are two for each of three campaigns: one chose
items uniformly (`random`), the other by Bernoulli Thompson sampling (`bts`). Of each of its 10,000 views a log tells
which item was shown at which of three places, how probable that was, and whether it was clicked.

By the uniform log two rankings are judged. One shows items as often as the other log does at each place; the share
that was clicked there is told beside it. The other always shows the item that was clicked most often in the uniform
log, and comes out too well, for the same clicks choose and judge it. Each is estimated once more by the definition, in
fractions of whole numbers from the decimals of the file. Ends with 1 where an estimate differs from that by more than
1e-9; one line of JSON last. `--made-up VIEWS` needs no data.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from parcours.insight.off_policy import Case, estimate

CAMPAIGNS: Final = ("all", "men", "women")
DIFFERENCE_MAX: Final = 1e-9


class View(NamedTuple):
    """A row of a log; `chance` as it is written there."""

    item: str
    place: str
    chance: str
    clicked: int


Way = Callable[[View], Fraction]
"""How probable the item is at its place."""


def read_log(text: str) -> list[View]:
    rows = csv.DictReader(io.StringIO(text))
    return [View(row["item_id"], row["position"], row["propensity_score"], int(row["click"])) for row in rows]


def as_often_as(log: Sequence[View]) -> Way:
    shown, views = Counter((view.item, view.place) for view in log), Counter(view.place for view in log)
    return lambda view: Fraction(shown[view.item, view.place], views[view.place] or 1)


def always_best(log: Sequence[View]) -> Way:
    clicks = Counter(view.item for view in log if view.clicked)
    best = min(clicks, key=lambda item: (-clicks[item], item))
    return lambda view: Fraction(view.item == best)


def by_fractions(log: Sequence[View], way: Way) -> tuple[float, float]:
    weights = [way(view) / Fraction(view.chance) for view in log]
    rewarded = sum((weight for weight, view in zip(weights, log, strict=True) if view.clicked), Fraction())
    return float(rewarded / len(log)), float(rewarded / sum(weights, Fraction()))


def made_up(views: int) -> dict[str, tuple[list[View], list[View]]]:
    chance, items = Random(1), [str(item) for item in range(20)]
    logs = []
    for weights in ([1] * 20, [1 + item % 5 for item in range(20)]):
        lines = [",item_id,position,click,propensity_score"]
        for number in range(views):
            (item,) = chance.choices(items, weights)
            clicked = int(chance.random() < 0.02 + int(item) / 200)
            lines.append(f"{number},{item},{chance.randint(1, 3)},{clicked},{weights[int(item)] / sum(weights)}")
        logs.append(read_log("\n".join(lines)))
    return {"made up": (logs[0], logs[1])}


def logs_of(folder: Path) -> dict[str, tuple[list[View], list[View]]]:
    """By campaign, the log of the uniform choice and the other one."""
    return {
        name: (
            read_log((folder / "random" / name / f"{name}.csv").read_text(encoding="utf-8")),
            read_log((folder / "bts" / name / f"{name}.csv").read_text(encoding="utf-8")),
        )
        for name in CAMPAIGNS
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="obp/dataset/obd")
    parser.add_argument("--made-up", type=int, metavar="VIEWS")
    asked = parser.parse_args()
    if (asked.folder is None) == (asked.made_up is None):
        parser.error("name the folder of the logs, or --made-up")
    told, differs = [], False
    for name, (log, other) in (made_up(asked.made_up) if asked.folder is None else logs_of(asked.folder)).items():
        worth = sum(view.clicked for view in other) / len(other)
        for way, chances in (("as the other log", as_often_as(other)), ("always the best", always_best(log))):
            cases = [Case(float(view.chance), float(chances(view)), float(view.clicked)) for view in log]
            began = time.process_time()
            found = estimate(cases)
            spent_ms = (time.process_time() - began) * 1_000
            assert found is not None and found.normalised is not None, "the log has cases of both"
            expected = by_fractions(log, chances)
            off = max(abs(found.inverse - expected[0]), abs(found.normalised - expected[1]))
            differs = differs or off > DIFFERENCE_MAX
            row = {
                "log": name, "way": way, "cases": found.cases, "logged": found.logged, "inverse": found.inverse,
                "normalised": found.normalised, "effective": round(found.effective, 1), "off": off,
                "other_log": worth, "ms": round(spent_ms, 1),
            }  # fmt: skip
            told.append(row)
            print(
                f"{name:8} {way:18} {found.cases:,} views: {found.logged:.4%} clicked; estimated {found.inverse:.4%} "
                f"and {found.normalised:.4%} (± {found.inverse_error:.4%}); off by {off:.1e}; {spent_ms:.0f} ms"
            )
        print(f"{name:8} in the other log {worth:.4%} were clicked")
    print(json.dumps(told))
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
