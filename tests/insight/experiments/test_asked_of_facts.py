"""Does an experiment asked of facts come to what a program says that knows nothing of the engine?"""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scipy.stats import chisquare
from statsmodels.stats.proportion import confint_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from tests.projects import write_texts
from typer.testing import CliRunner, Result

from parcours.cli.app import build
from parcours.journey.project import Project
from parcours.service.engine import Engine

DAY = 86_400_000
WITHIN = 7 * DAY
CUPED = 14 * DAY
BEGIN = 1_772_323_200_000
"""2026-03-01T00:00:00Z"""

SHARES = {"control": 30.0, "mailed": 70.0}
HELD = 20.0

PROJECT = {
    "parcours.yaml": 'project: shop\nholdouts: {program: {percent: 20, salt: "2026"}}\n',
    "events.yaml": "events:\n  Product Added: {}\n  Order Completed: {properties: {total: number}}\n",
}


def journey(experiment: str, percents: tuple[float, float] = (30, 70)) -> str:
    return f"""\
journey: cart
entry: {{event: Product Added}}
steps:
  - id: test
    split: [{{name: control, percent: {percents[0]}, next: done}}, {{name: mailed, percent: {percents[1]}, next: done}}]
    experiment: {experiment}
  - {{id: done, end: true}}
"""


class Person(NamedTuple):
    """What somebody did: when she came to the split, and her orders."""

    name: str
    added: list[int]
    orders: list[tuple[int, float]]


def hundredth(*names: str) -> int:
    return int.from_bytes(blake2b("\0".join(names).encode()).digest()[:8], "big") % 10_000


def way_of(name: str) -> str:
    return "control" if hundredth("cart", "test", name) < 3_000 else "mailed"


def crowd(people: int = 1_500) -> list[Person]:
    """People of whom the mailed ones order more often, and those more who did before."""
    chance, found = random.Random(7), []
    for number in range(people):
        name = f"p{number}"
        added = BEGIN + 20 * DAY + chance.randrange(30) * DAY + chance.randrange(DAY)
        often = chance.random()
        orders = [(added - chance.randrange(1, 20 * DAY), 20 + 80 * often) for _ in range(chance.randrange(3))]
        if chance.random() < (0.1 if way_of(name) == "control" else 0.3) + 0.3 * often:
            orders += [
                (added + chance.randrange(1, WITHIN + 1), 30 + 80 * often) for _ in range(chance.randrange(1, 3))
            ]
        # at the bounds: the instant of the split is none of them, the last of the window is in it
        if number % 97 == 0:
            orders += [(added, 1000.0), (added + WITHIN + 1, 1000.0)]
        if number % 101 == 0:
            orders += [(added + WITHIN, 7.0)]
        again = [added + 3 * DAY] if number % 5 == 0 else []
        found.append(Person(name, [added, *again], sorted(orders)))
    return found


def simulated(folder: Path, experiment: str, people: list[Person]) -> tuple[Path, Path]:
    """The project, and the facts of all of them."""
    project, out = folder / "project", folder / "out"
    write_texts(project, {**PROJECT, "journeys/cart.yaml": journey(experiment)})
    lines: list[tuple[int, dict[str, Any]]] = [
        (at, {"event": "Product Added", "userId": person.name}) for person in people for at in person.added
    ]
    lines += [
        (at, {"event": "Order Completed", "userId": person.name, "properties": {"total": total}})
        for person in people
        for at, total in person.orders
    ]
    source = folder / "events.ndjson"
    source.write_text(
        "\n".join(
            json.dumps({"type": "track", "timestamp": iso(at), **line})
            for at, line in sorted(lines, key=lambda each: each[0])
        )
    )
    ran("simulate", project, "--events", source, "--out", out, "--facts")
    return project, out


def iso(at: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def ran(*arguments: str | Path) -> Result:
    done = CliRunner().invoke(build(), list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done


def asked(*arguments: str | Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ran("experiment", *arguments, "--format", "json").stdout)
    return told


def last_instant(people: list[Person]) -> int:
    return max(at for each in people for at in (*each.added, *(order for order, _ in each.orders)))


def in_time(person: Person, first: int, last: int) -> list[float]:
    return [total for at, total in person.orders if first <= at <= last]


def outcomes(people: list[Person], worth: Callable[[list[float]], float], *, so_far: bool) -> dict[str, list[float]]:
    """What each person's goal came to from her first split on, by the way that she took."""
    end, found = last_instant(people), dict[str, list[float]](control=[], mailed=[])
    for each in people:
        at = each.added[0]
        if so_far or at + WITHIN < end:
            found[way_of(each.name)].append(worth(in_time(each, at + 1, at + WITHIN)))
    return found


def always_valid(of: dict[str, list[float]], planned: int) -> tuple[float, float]:
    """The confidence sequence of the difference of two means."""
    a, b = of["mailed"], of["control"]
    n, rest = len(a) + len(b), -2 * math.log(0.05)
    rho = (rest + math.log(rest) + 1) / planned
    spread = math.sqrt(n * (variance(a) / len(a) + variance(b) / len(b)))
    width = spread * math.sqrt(2 * (n * rho + 1) / (n * n * rho) * math.log(math.sqrt(n * rho + 1) / 0.05))
    difference = sum(a) / len(a) - sum(b) / len(b)
    return difference - width, difference + width


def variance(values: list[float]) -> float:
    return float(DescrStatsW(values).var_ddof(1))


@pytest.mark.parametrize("so_far", [False, True])
def test_a_rate_is_what_another_program_finds(so_far: bool, tmp_path: Path) -> None:
    people = crowd()
    goal = "{event: Order Completed, within: 7d}"
    project, out = simulated(tmp_path, f"{{goal: {goal}, control: control, planned: 2000}}", people)

    told = asked(out, "cart.test", "--project", project, *(["--so-far"] if so_far else []))

    of = outcomes(people, lambda totals: float(bool(totals)), so_far=so_far)
    n, reached = {name: len(each) for name, each in of.items()}, {name: int(sum(each)) for name, each in of.items()}
    assert {name: (each["n"], each["conversions"]) for name, each in told["variants"].items()} == {
        name: (n[name], reached[name]) for name in SHARES
    }
    assert (sum(n.values()) == len(people)) == so_far  # the youngest splits wait for their time
    rate = told["variants"]["mailed"]["rate"]
    counts = (reached["mailed"], n["mailed"], reached["control"], n["control"])
    assert rate["fixed"] == pytest.approx(confint_proportions_2indep(*counts, method="newcomb"), abs=1e-9)
    assert rate["always_valid"] == pytest.approx(always_valid(of, 2_000), abs=1e-9)
    assert rate["difference"] == pytest.approx(reached["mailed"] / n["mailed"] - reached["control"] / n["control"])
    expected = [sum(n.values()) * share / 100 for share in SHARES.values()]
    chi2, p = chisquare([n[name] for name in SHARES], expected)
    assert (told["sample_ratio"]["chi2"], told["sample_ratio"]["p"]) == pytest.approx((chi2, p))
    assert told["verdict"].startswith("mailed is better than control by ")


def test_a_value_with_cuped_is_what_another_program_finds(tmp_path: Path) -> None:
    people = crowd()
    goal = "{event: Order Completed, within: 7d, value: event.total}"
    project, out = simulated(tmp_path, f"{{goal: {goal}, control: control, cuped: 14d}}", people)

    told = asked(out, "cart.test", "--project", project)["variants"]

    of, end = outcomes(people, sum, so_far=False), last_instant(people)
    value = told["mailed"]["value"]
    compared = CompareMeans(DescrStatsW(of["mailed"]), DescrStatsW(of["control"]))
    assert value["fixed"] == pytest.approx(compared.tconfint_diff(usevar="unequal"), abs=1e-6)
    before = dict[str, list[float]](control=[], mailed=[])
    for each in people:
        if each.added[0] + WITHIN < end:
            before[way_of(each.name)].append(sum(in_time(each, each.added[0] - CUPED, each.added[0] - 1)))
    all_before, all_after = before["control"] + before["mailed"], of["control"] + of["mailed"]
    mean_before, mean_after = sum(all_before) / len(all_before), sum(all_after) / len(all_after)
    theta = sum((x - mean_before) * (y - mean_after) for x, y in zip(all_before, all_after, strict=True)) / sum(
        (x - mean_before) ** 2 for x in all_before
    )
    less = {
        name: [y - theta * (x - mean_before) for x, y in zip(before[name], of[name], strict=True)] for name in SHARES
    }
    after = CompareMeans(DescrStatsW(less["mailed"]), DescrStatsW(less["control"]))
    assert told["mailed"]["cuped"]["fixed"] == pytest.approx(after.tconfint_diff(usevar="unequal"), abs=1e-6)
    saved = 1 - variance(less["mailed"]) / variance(of["mailed"])
    assert told["mailed"]["variance_saved"] == pytest.approx(saved) and saved > 0


def test_by_run_every_split_counts_and_a_window_of_splits_is_kept_to(tmp_path: Path) -> None:
    people, goal = crowd(400), "{event: Order Completed, within: 7d}"
    experiment = f"{{goal: {goal}, control: control, by: run, mature: false}}"
    project, out = simulated(tmp_path, experiment, people)
    first, end = BEGIN + 25 * DAY, BEGIN + 40 * DAY

    told = asked(out, "cart.test", "--project", project, "--from", iso(first), "--to", iso(end))["variants"]

    splits = [(each, at) for each in people for at in each.added if first <= at < end]
    for name in SHARES:
        its = [(each, at) for each, at in splits if way_of(each.name) == name]
        reached = sum(bool(in_time(each, at + 1, at + WITHIN)) for each, at in its)
        assert (told[name]["n"], told[name]["conversions"]) == (len(its), reached)


@pytest.mark.parametrize(("metric", "key"), [("people", "rate"), ("sum", "value")])
def test_a_holdout_is_everybody_in_it_against_everybody_else(metric: str, key: str, tmp_path: Path) -> None:
    people = [*crowd(500), *(Person(f"only{number}", [], [(BEGIN, 5.0)]) for number in range(50))]
    project, out = simulated(tmp_path, "{goal: {event: Order Completed, within: 7d}, control: control}", people)
    words = "people Order Completed[event.total > 6]" if metric == "people" else "sum event.total of Order Completed"

    told = asked(out, "program", "--project", project, "--metric", words)["variants"]

    of = {
        name: [each for each in people if (hundredth("2026", each.name) < HELD * 100) is held]
        for name, held in (("held out", True), ("everybody else", False))
    }
    for name, its in of.items():
        worth = [
            float(any(total > 6 for _, total in each.orders)) if metric == "people" else sum(t for _, t in each.orders)
            for each in its
        ]
        assert told[name]["n"] == len(its)
        assert told[name][key]["mean"] == pytest.approx(sum(worth) / len(worth))


def test_the_table_has_both_intervals_in_80_columns_and_csv_every_figure(tmp_path: Path) -> None:
    goal = "{event: Order Completed, within: 7d, value: event.total}"
    project, out = simulated(tmp_path, f"{{goal: {goal}, control: control, cuped: 14d}}", crowd(600))

    shown = ran("experiment", out, "cart.test", "--project", project)
    file = tmp_path / "answer.csv"
    ran("experiment", "--facts", out / "facts", "cart.test", "--project", project, "--format", "csv", "--out", file)

    assert max(map(len, shown.stdout.splitlines())) <= 80
    for words in (
        "fixed horizon",
        "always valid",
        "Verdict: ",
        "Sample ratio: χ²",
        "CUPED, variance -",
        "All that is known.",
        "As of 2026-",
    ):
        assert words in shown.stdout
    rows = list(csv.DictReader(file.read_text().splitlines()))
    told = asked(out, "cart.test", "--project", project)["variants"]
    assert [each["variant"] for each in rows] == ["control", "mailed"]
    assert float(rows[1]["always_low"]) == told["mailed"]["value"]["always_valid"][0]
    assert float(rows[1]["cuped_fixed_high"]) == told["mailed"]["cuped"]["fixed"][1]
    assert rows[0]["difference"] == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["cart.tst"], "'cart' has no random split 'tst', did you mean 'test'?: its splits are test."),
        (["crt.test"], "No journey, campaign or hold-out is called 'crt', did you mean 'cart'?"),
        (["program"], "program is a hold-out: say by what it is compared"),
        (["program", "--metric", "count Order Completed"], "A hold-out is compared by people or by a sum"),
        (["cart.test", "--metric", "people Order Completed"], "cart.test is no hold-out"),
    ],
)
def test_what_cannot_be_asked_is_told(words: list[str], said: str, tmp_path: Path) -> None:
    project, out = simulated(tmp_path, "{goal: {event: Order Completed, within: 7d}, control: control}", crowd(5))

    done = CliRunner().invoke(build(), ["experiment", str(out), *words, "--project", str(project)])

    assert done.exit_code == 1 and said in done.stderr.replace("\n", " "), done.stderr


def test_a_store_knows_its_experiment(tmp_path: Path) -> None:
    write_texts(
        tmp_path / "shop",
        {**PROJECT, "journeys/cart.yaml": journey("{goal: {event: Order Completed, within: 7d}, control: control}")},
    )
    names, address = [f"u{number}" for number in range(12)], f"sqlite:///{tmp_path / 'store'}"
    with Engine.open(Project.load(tmp_path / "shop"), address, runtime="local") as engine:
        for event in ("Product Added", "Order Completed"):
            lines = [
                json.dumps({"type": "track", "event": event, "userId": name}).encode()
                for name in names[:: 1 if event == "Product Added" else 3]
            ]
            engine.ingest(lines).result(30)
            engine.drain(30)

    told = asked("cart.test", "--store", address, "--so-far")["variants"]

    for name in SHARES:
        assert told[name]["n"] == sum(way_of(each) == name for each in names)
        assert told[name]["conversions"] == sum(way_of(each) == name for each in names[::3])
