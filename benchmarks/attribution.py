"""Are our credits those of ChannelAttribution on its own 10,000 paths, and what do 100,000 paths cost?

The comparison needs ChannelAttribution (GPL: compared with, never a part of this), which needs matplotlib, and the
paths, which the package mta carries. Best in an environment that is thrown away:

    uv venv /tmp/compared
    uv pip install --python compared/bin/python . ChannelAttribution matplotlib mta
    compared/bin/python benchmarks/attribution.py

`--without-comparison` needs neither. First, last and linear have to be equal. Markov chains are simulated there: from
one seed after the other, their mean has to lie within ERRORS_MAX of its standard errors from ours, for each key, in
conversions and in value. Ends with 1 if something differs; one line of JSON last. Times are CPU time of one process:
ours of the whole answer from everybody's touches, and of the Markov chain alone from paths that are counted already, as
they are there.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib
import importlib.util
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from parcours.expression.expression import compile_expression
from parcours.insight.analyses.attribution import Attributed, attribute
from parcours.insight.analyses.credit import Tally, Worth
from parcours.insight.analyses.markov import credit_by_removal
from parcours.insight.analyses.paths import Conversion, Touch, TouchedPerson
from parcours.journey.analyses import Attribution, ByPosition, Decay, EventTouches, Markov, Model
from parcours.journey.parts import Trigger

PACKAGES: Final = ("ChannelAttribution", "matplotlib", "mta", "pandas")
ORDERS: Final = (1, 2, 3)
EQUAL: Final = 1e-9
ERRORS_MAX: Final = 4.5
"""Of some seventy means one is as far off by chance in a few thousand runs of this."""
SEED_STEP: Final = 1_000_003
"""Neighbouring seeds give the same simulation there."""

ROUNDS: Final = 3
DAY_MS: Final = 86_400_000
POSITIONAL: Final[Mapping[str, Model]] = {"first": "first", "last": "last", "linear": "linear"}
TARGET_MODELS: Final[Mapping[str, Model]] = {
    **POSITIONAL,
    "same": "same",
    "u": "u",
    "j": "j",
    "inverse-j": "inverse-j",
    "custom": ByPosition(20, 30, 50),
    "decay": Decay(7 * DAY_MS),
    "participation": "participation",
    "markov": Markov(),
}

Answer = TypeVar("Answer")
Found = dict[str, tuple[float, float]]


class Recorded(NamedTuple):
    """A line of the file: equal paths, how many converted, for how much together, and how many did not."""

    keys: tuple[str, ...]
    conversions: int
    value: float
    nulls: int


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--without-comparison", action="store_true", help="only the 100,000 paths")
    arguments.add_argument("--seeds", type=int, default=30, help="simulations of each order (30)")
    arguments.add_argument("--simulated", type=float, default=1e5, help="paths in each at least (1e5, as it has it)")
    arguments.add_argument("--paths", type=int, default=100_000, help="made-up paths (100,000)")
    asked = arguments.parse_args()
    sound = True
    if not asked.without_comparison:
        missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
        if missing:
            print(f"not installed: {', '.join(missing)}. {__file__} says in its head how to run it", file=sys.stderr)
            return 2
        sound = compare(asked.seeds, asked.simulated)
    print(json.dumps({"paths": asked.paths, "seconds": print_target(asked.paths), "equal": sound}))
    return 0 if sound else 1


def compare(seeds: int, simulated: float) -> bool:
    theirs = importlib.import_module("ChannelAttribution")
    pandas = importlib.import_module("pandas")
    file = _file_of_mta()
    lines, frame = read(file), pandas.read_csv(file)
    people = [person for line in lines for person in _people(line)]
    print(f"{len(lines):,} different paths of {len(people):,} people")
    print(f"{'':10} {'ours s':>8} {'theirs s':>9}  difference")
    equal = compare_positions(people, theirs, frame)
    return all([equal, *(compare_markov(lines, people, theirs, frame, order, seeds, simulated) for order in ORDERS)])


def compare_positions(people: list[TouchedPerson], theirs: Any, frame: Any) -> bool:
    ours, our_s = timed(lambda: attribute(people, attribution(POSITIONAL), 2 * DAY_MS))
    told, their_s = timed(
        lambda: theirs.heuristic_models(
            frame, "path", "total_conversions", var_value="total_conversion_value", flg_pro=False
        )
    )
    equal = True
    for model in POSITIONAL:
        found = credits_of(ours, model)
        expected = table(told, f"{model}_touch_conversions", f"{model}_touch_value")
        off = max(
            abs(mine - other) / max(abs(other), 1)
            for key in found.keys() | expected.keys()
            for mine, other in zip(found.get(key, (0.0, 0.0)), expected.get(key, (0.0, 0.0)), strict=True)
        )
        equal = equal and off <= EQUAL
        print(f"{model:10} {our_s:8.2f} {their_s:9.2f}  {off:.1e} at most{'' if off <= EQUAL else ': NOT EQUAL'}")
    return equal


def compare_markov(
    lines: list[Recorded],
    people: list[TouchedPerson],
    theirs: Any,
    frame: Any,
    order: int,
    seeds: int,
    simulated: float,
) -> bool:
    ours, whole_s = timed(lambda: attribute(people, attribution({"markov": Markov(order)}), 2 * DAY_MS))
    alone_s = timed(lambda: _credit_counted(lines, order))[1]
    found = credits_of(ours, "markov")
    simulate = partial(_simulate, theirs, frame, order, simulated)
    runs = [timed(partial(simulate, number * SEED_STEP)) for number in range(1, seeds + 1)]
    their_s = statistics.median(took for _, took in runs)
    errors = [
        error for key, mine in found.items() for error in _errors(mine, [told.get(key, (0.0, 0.0)) for told, _ in runs])
    ]
    spread = max(statistics.stdev(told[key][0] for told, _ in runs) for key in found) / ours.conversions
    within = max(errors) <= ERRORS_MAX
    print(
        f"markov {order:3} {whole_s:8.2f} {their_s:9.2f}  {max(errors):.1f} standard errors at most"
        f"{'' if within else ': TOO FAR'}; the chain alone {alone_s:.2f} s; "
        f"one simulation spreads by {spread:.2%} of all"
    )
    return within


def _errors(ours: tuple[float, float], theirs: list[tuple[float, float]]) -> list[float]:
    """How far off their means are, of conversions and of value, in standard errors of these."""
    errors = []
    for mine, told in zip(ours, zip(*theirs, strict=True), strict=True):
        error = statistics.stdev(told) / len(told) ** 0.5
        errors.append(abs(mine - statistics.fmean(told)) / error if error else float(mine != told[0]) * float("inf"))
    return errors


def _simulate(theirs: Any, frame: Any, order: int, simulated: float, seed: int) -> Found:
    told = theirs.markov_model(
        frame,
        "path",
        "total_conversions",
        var_value="total_conversion_value",
        var_null="total_null",
        order=order,
        nsim_start=simulated,
        seed=seed,
        verbose=False,
        flg_pro=False,
    )
    return table(told, "total_conversions", "total_conversion_value")


def _credit_counted(lines: list[Recorded], order: int) -> Tally:
    paths: dict[tuple[str, ...], Worth] = {}
    nulls: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        if line.conversions:
            worth = paths.setdefault(line.keys, Worth())
            worth.conversions += line.conversions
            worth.value += line.value
        if line.nulls:
            nulls[line.keys] += line.nulls
    tally = Tally()
    credit_by_removal("compared", paths, nulls, order, tally)
    return tally


def print_target(paths: int) -> dict[str, float]:
    """Seconds by the number of keys and the models, as printed."""
    seconds: dict[str, float] = {}
    print(f"\n{paths:,} paths of 5 touches on average, half of them converted, with values; median of {ROUNDS} rounds")
    end = 100 * DAY_MS
    with_shapley: Mapping[str, Model] = {**TARGET_MODELS, "shapley": "shapley"}
    for keys, models in ((20, TARGET_MODELS), (12, with_shapley)):
        people = made_up(paths, keys)
        orders: dict[str, Mapping[str, Model]] = {f"markov of order {order}": {"it": Markov(order)} for order in ORDERS}
        asked = {", ".join(models): models, **orders}
        for name, some in asked.items():
            took = [timed(partial(attribute, people, attribution(some), end))[1] for _ in range(ROUNDS)]
            seconds[f"{keys} keys, {name}"] = median_s = statistics.median(took)
            print(f"{keys} keys, {name}: {median_s:.2f} s ({min(took):.2f} to {max(took):.2f})", flush=True)
    return seconds


def made_up(paths: int, keys: int) -> list[TouchedPerson]:
    """One path a person, of keys of which the n-th is n times as seldom as the first."""
    chance = random.Random(1)
    names, weights = [f"message-{number}" for number in range(keys)], [1 / number for number in range(1, keys + 1)]
    people = []
    for number in range(paths):
        length = min(1 + int(chance.expovariate(1 / 4.5)), 50)
        at = 0
        touches: list[Touch] = []
        for key in chance.choices(names, weights, k=length):
            at += chance.randrange(1, DAY_MS)
            touches.append(Touch(at, 0, key, len(touches) // 3))
        value = chance.randrange(1_000, 20_000) / 100
        conversions = [Conversion(at + 1, 0, value, (length - 1) // 3)] if chance.random() < 0.5 else []
        people.append(TouchedPerson(str(number), touches, conversions))
    return people


def attribution(models: Mapping[str, Model]) -> Attribution:
    return Attribution(
        name="compared",
        conversion=Trigger("Order Completed"),
        value=compile_expression("event.total"),
        touches=EventTouches(("Link Clicked",)),
        key="event.link",
        lookback_ms=100 * DAY_MS,
        models=models,
    )


def read(file: Path) -> list[Recorded]:
    with gzip.open(file, "rt", newline="") as text:
        return [
            Recorded(
                tuple(key.strip() for key in line["path"].split(">")),
                int(line["total_conversions"]),
                float(line["total_conversion_value"]),
                int(line["total_null"]),
            )
            for line in csv.DictReader(text)
        ]


def _file_of_mta() -> Path:
    found = importlib.util.find_spec("mta")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("mta")
    return Path(found.origin).parent / "data" / "data.csv.gz"


def _people(line: Recorded) -> list[TouchedPerson]:
    touches = [Touch(at, 0, key) for at, key in enumerate(line.keys, 1)]
    worth = line.value / line.conversions if line.conversions else 0.0
    converted = TouchedPerson("converted", touches, [Conversion(len(touches) + 1, 0, worth)])
    return [converted] * line.conversions + [TouchedPerson("not", touches)] * line.nulls


def credits_of(answer: Attributed, model: str) -> Found:
    return {key: (each.conversions, each.value) for key, each in answer.models[model].items() if each.conversions}


def table(told: Any, conversions: str, value: str) -> Found:
    return {
        str(key): (float(many), float(worth))
        for key, many, worth in zip(told["channel_name"], told[conversions], told[value], strict=True)
    }


def timed(asked: Callable[[], Answer]) -> tuple[Answer, float]:
    began = time.process_time()
    answer = asked()
    return answer, time.process_time() - began


if __name__ == "__main__":
    sys.exit(main())
