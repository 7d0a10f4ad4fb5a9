"""Are our cohorts and purchases per person those of Lifetimes on CDNOW's customers?

Lifetimes 0.11 (MIT) ships what 23,570 customers bought at CDNOW in 18 months, 69,659 orders, a tenth of them as a
sample of its own, and the sample's well-known summary up to 1997-09-30: by customer on how many more days she bought,
weeks from the first to the last of them and to the end, and how much she paid on such a day. Compared are, of both
files,

- these four figures of each customer, in days, from a query over facts; of the sample in weeks with the shipped summary
  too, which is rounded to two digits;
- how many bought at least so often, which is a funnel of one step again and again;
- cohorts by day, week and month of the first order: how many bought again in the same and in each later one.

Ours go the whole way, as a simulation with facts and out of its Parquet. Lifetimes needs older libraries, so it has an
environment of its own, whose interpreter is named:

    uv venv /tmp/compared
    uv pip install --python compared/bin/python 'Lifetimes==0.11.3' 'pandas<3' 'setuptools<81'
    uv pip install '.[insight]'
    python benchmarks/cdnow.py --theirs compared/bin/python

Without `--theirs` the orders are made up, and nothing is compared but sums. Ends with 1 if a figure differs, and with 2
if theirs could not be had; one line of JSON last.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

from parcours.config import Settings
from parcours.insight.asking.asking import Asking
from parcours.insight.warehouse.opening import open_warehouse
from parcours.insight.warehouse.questions import Questions
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.analyses import CalendarUnit, Cohort, Funnel
from parcours.journey.model.document import ProjectDocument
from parcours.journey.model.insight import InsightDocument
from parcours.journey.parts import Trigger
from parcours.journey.project import Project
from parcours.simulation.fact_files import FactFiles
from parcours.simulation.simulation import simulate

THEIRS: Final = Path(__file__).with_name("cdnow_theirs.py")
END: Final = date(1997, 9, 30)
FIRST: Final = date(1997, 1, 1)
PERIODS: Final[Mapping[CalendarUnit, int]] = {"day": 90, "week": 77, "month": 18}
THEIR_UNITS: Final = {"day": "D", "week": "W", "month": "M"}
TIMES_MAX: Final = 20
"""Purchases up to which people are counted."""

SAID_MAX: Final = 20
"""Differences that are told one by one."""

EQUAL: Final = 1e-9
ROUNDED: Final = 0.005 + EQUAL
"""By how much a number with two digits behind the point may differ from what it stands for."""

NAMES: Final = ("frequency", "recency", "T", "monetary")
SHIPPED_UNITS: Final = (1, 7, 7, 1)
"""Of how many of ours one of the shipped summary consists: it has weeks."""

BOUGHT: Final = Trigger("Order Completed")
SUMMARY: Final = """
    select person, count(*) - 1, date_diff('day', min(day), max(day)), date_diff('day', min(day), date '{end}'),
           coalesce(avg(paid) filter (day > first), 0)
    from (select *, min(day) over (partition by person) as first from (
        select person, time::date as day, sum((properties->>'total')::double) as paid
        from events where time::date <= date '{end}' group by all))
    group by person
"""

Order: TypeAlias = tuple[int, str, float]
"""The customer, the day as YYYYMMDD, and the value."""

Figures: TypeAlias = dict[str, float | None]
"""By what it is of; None where a period is not over."""

Expected: TypeAlias = tuple[str, float, float]
"""What it is of, what it is, and how far ours may be from it."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theirs", metavar="PYTHON", help="the interpreter that has Lifetimes")
    parser.add_argument(
        "--people", type=int, default=2_000, help="made-up customers, where nothing is compared (2,000)"
    )
    asked = parser.parse_args()
    if asked.theirs is None:
        print(json.dumps({"figures": sums_of_made_up(asked.people), "compared": 0, "different": 0}))
        return 0
    theirs = their_answer(asked.theirs)
    if theirs is None:
        return 2
    compared, different = 0, 0
    for file, told in theirs.items():
        expected = [*their_figures(told)]
        wrong = differences(our_figures([(who, day, value) for who, day, value in told["bought"]]), expected)
        for each in wrong[:SAID_MAX]:
            print(f"NOT EQUAL: {each}")
        print(f"{file}: {len(told['bought']):,} orders, {len(expected):,} figures, of which {len(wrong):,} differ")
        compared, different = compared + len(expected), different + len(wrong)
    print(json.dumps({"figures": compared, "compared": compared, "different": different}))
    return 1 if different else 0


def differences(ours: Figures, theirs: list[Expected]) -> list[str]:
    """What differs; a cell of a period that is not over by the last order has no figure with us."""
    said = {key for key, _, _ in theirs}
    unsaid = [f"{key}: ours {value}, theirs nothing" for key, value in ours.items() if value and key not in said]
    return unsaid + [
        f"{key}: ours {found}, theirs {value}"
        for key, value, within in theirs
        if (found := ours.get(key, 0)) is not None and abs(found - value) > within
    ]


def sums_of_made_up(people: int) -> int:
    """How many figures there are; the sums of some are known."""
    orders = made_up(people)
    ours = our_figures(orders)
    for unit in PERIODS:
        assert sum(ours[key] or 0 for key in ours if key.startswith(unit) and key.endswith("people")) == people, unit
    assert ours["at least 1 orders"] == people
    return len(ours)


def made_up(people: int) -> list[Order]:
    """Orders of customers who come in the first three months, and later at random."""
    chance = random.Random(1)
    orders: list[Order] = []
    for who in range(1, people + 1):
        day = FIRST + timedelta(chance.randrange(90))
        while day < FIRST + timedelta(540):
            orders.append((who, f"{day:%Y%m%d}", chance.randrange(500, 10_000) / 100))
            day += timedelta(int(chance.expovariate(1 / 120)))
    return orders


def our_figures(orders: list[Order]) -> Figures:
    with facts_of(orders) as (shop, warehouse):
        asking = Asking(Questions(warehouse), shop.program, known_until=warehouse.as_of_ms)
        return dict(chain(summary_of(warehouse), purchases_of(asking), cohorts_of(asking)))


@contextmanager
def facts_of(orders: list[Order]) -> Iterator[tuple[Project, Warehouse]]:
    """The orders, simulated; each at noon of its day, and in their order."""
    shop = Project.of(ProjectDocument(project="shop", insight=InsightDocument(events="all")))
    lines = [
        json.dumps(
            {
                "type": "track",
                "event": BOUGHT.name,
                "userId": str(who),
                "messageId": str(number),
                "timestamp": f"{day[:4]}-{day[4:6]}-{day[6:]}T12:00:00Z",
                "properties": {"total": value},
            }
        ).encode()
        for number, (who, day, value) in enumerate(orders)
    ]
    with TemporaryDirectory() as folder:
        with FactFiles(Path(folder), shop.program, None) as files:
            simulate(shop, lines, facts=files.add, accepted=files.add_events)
            files.write()
        with open_warehouse(Path(folder) / "facts", Viewed.of(shop.program), Settings()) as warehouse:
            yield shop, warehouse


def summary_of(warehouse: Warehouse) -> Iterator[tuple[str, float]]:
    for who, *figures in warehouse.rows(SUMMARY.format(end=END.isoformat())):
        for name, value in zip(NAMES, figures, strict=True):
            yield f"customer {who}, {name}", float(value)


def purchases_of(asking: Asking) -> Iterator[tuple[str, float]]:
    """How many bought at least once, twice, and so on."""
    steps = asking.funnel(Funnel(name="compared", steps=(BOUGHT,) * TIMES_MAX)).result.steps
    for times, step in enumerate(steps, start=1):
        yield f"at least {times} orders", step.reached


def cohorts_of(asking: Asking) -> Iterator[tuple[str, float | None]]:
    for unit, periods in PERIODS.items():
        asked = Cohort(name="compared", starts=BOUGHT, returns=BOUGHT, unit=unit, periods=periods)
        for row in asking.cohort(asked).result.rows:
            yield f"{unit} of {row.start}, people", row.people
            for period, returned in enumerate(row.returned):
                yield f"{unit} of {row.start}, back after {period}", returned


def their_answer(python: str) -> dict[str, Any] | None:
    asked = json.dumps({"end": f"{END:%Y%m%d}", "units": THEIR_UNITS})
    ended = subprocess.run([python, str(THEIRS)], input=asked, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        print(f"Lifetimes could not be asked: {ended.stderr}", file=sys.stderr)
        return None
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def their_figures(told: dict[str, Any]) -> Iterator[Expected]:
    for customer, figures in told["summary"].items():
        for name, value in zip(NAMES, figures, strict=True):
            yield f"customer {customer}, {name}", value, EQUAL
    for customer, figures in (told["shipped"] or {}).items():
        for name, value, unit in zip(NAMES, figures, SHIPPED_UNITS, strict=True):
            yield f"customer {customer}, {name}", value * unit, ROUNDED * unit
    for times in range(1, TIMES_MAX + 1):
        yield f"at least {times} orders", sum(count >= times for count in told["purchases"]), EQUAL
    for unit, rows in told["cohorts"].items():
        for start, row in rows.items():
            yield f"{unit} of {start}, people", row["people"], EQUAL
            yield f"{unit} of {start}, back after 0", row["again"], EQUAL
            for period, returned in row["later"].items():
                if int(period) < PERIODS[unit]:
                    yield f"{unit} of {start}, back after {period}", returned, EQUAL


if __name__ == "__main__":
    sys.exit(main())
