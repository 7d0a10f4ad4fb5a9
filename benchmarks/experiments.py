"""How often does an experiment without any effect raise a false alarm when it is looked at again and again?

Both variants have the same rate, and units come to control and to the variant as the percentage says. After each
so many units both intervals are looked at. A false alarm is an interval that excludes 0 at any look: of the
always-valid one there may be 5 in 100, of the one of a fixed horizon there are far more. At each look the experiment is
evaluated from its units, as `parcours experiment` does it, and has to agree with the intervals of what was counted
beside; `--whole 20` does so for the first twenty only, and the others are counted. Prints both shares, and one line of
JSON last; fails if the always-valid interval does not keep its promise.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable

from parcours.insight.experiments.experiment import ALPHA, Design, Unit, evaluate
from parcours.insight.experiments.intervals import Interval, always_valid, newcombe
from parcours.insight.experiments.moments import Moments, of_rate
from parcours.insight.experiments.result import Estimate


def main() -> None:
    options = arguments()
    chance = random.Random(options.seed)
    alarms = {"always_valid": 0, "fixed": 0}
    for number in range(options.experiments):
        excluded = false_alarms(chance, options, whole=number < options.whole)
        for name in alarms:
            alarms[name] += name in excluded
    shares = {name: count / options.experiments for name, count in alarms.items()}
    for name, share in shares.items():
        print(f"{name:<14}{share:.1%} of {options.experiments:,} experiments, {options.looks} looks each")
    assert shares["always_valid"] <= ALPHA, shares
    assert shares["fixed"] > 2 * ALPHA, shares
    print(json.dumps({"experiments": options.experiments, "looks": options.looks, "false_alarms": shares}))


def false_alarms(chance: random.Random, options: argparse.Namespace, *, whole: bool) -> set[str]:
    """Which intervals exclude 0 at some look of one experiment; `whole`: evaluated from its units, too."""
    percents = {"control": 100 - options.percent, "variant": options.percent}
    design = Design(percents=percents, control="control", metric="rate", planned=options.planned)
    told = list[Unit]()
    methods: dict[str, Callable[[Moments, Moments], Interval | None]] = {
        "always_valid": lambda variant, control: always_valid(variant, control, ALPHA, options.planned),
        "fixed": lambda variant, control: newcombe(variant, control, ALPHA),
    }
    units, conversions = [0, 0], [0, 0]
    excluded = set[str]()
    for _ in range(options.looks):
        for _ in range(options.units // options.looks):
            side = chance.random() * 100 < options.percent
            units[side] += 1
            converted = chance.random() < options.rate
            conversions[side] += converted
            if whole:
                told.append(Unit("variant" if side else "control", 1.0 if converted else None))
        control, variant = (of_rate(*each) for each in zip(units, conversions, strict=True))
        intervals = {name: method(variant, control) for name, method in methods.items()}
        if whole:
            estimate = evaluate(design, told).variants["variant"].rate
            assert isinstance(estimate, Estimate), estimate
            assert intervals == {"always_valid": estimate.always_valid, "fixed": estimate.fixed}
        for name, interval in intervals.items():
            if interval is not None and not interval[0] <= 0 <= interval[1]:
                excluded.add(name)
    return excluded


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiments", type=int, default=2_000)
    parser.add_argument("--whole", type=int, default=2_000, help="so many of them are evaluated from their units")
    parser.add_argument("--units", type=int, default=4_000, help="of each experiment, until the last look")
    parser.add_argument("--looks", type=int, default=40)
    parser.add_argument("--percent", type=float, default=20, help="of units that go to the variant")
    parser.add_argument("--rate", type=float, default=0.1, help="of both")
    parser.add_argument("--planned", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
