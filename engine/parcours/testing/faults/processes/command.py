"""The command line: `python -m parcours.testing.faults --processes`."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import Final

from parcours.testing.faults.processes.driver import RuntimeName
from parcours.testing.faults.processes.report import line_of, report
from parcours.testing.faults.processes.season import run_season, share
from parcours.testing.faults.processes.storm import RuntimeOutcome, judge_again, storm

KILLS: Final = 40
"""As many as the tests do."""


VIOLATIONS_TOLD: Final = 5
WORDS_TOLD: Final = 1_000
"""Characters of a violation: a profile is long."""


def main(arguments: Sequence[str]) -> int:
    """0 if every storm kept every promise and every kind of fault happened, else 1."""
    given = _parser().parse_args(arguments)
    runtime: RuntimeName | None = given.runtime
    if given.judge is not None:
        return tell_violations(judge_again(given.judge).violations)
    if given.storm is not None:
        assert runtime is not None, "a storm is one of a runtime"
        outcome = storm(given.storm, runtime, given.kills, given.keep)
        say(line_of(outcome))
        return tell_violations(outcome.violations)
    asked = share(given.kills) if runtime is None else {runtime: given.kills}
    seed = random.SystemRandom().getrandbits(31) if given.seed is None else given.seed
    say(f"seed {seed}, kills: {asked}")
    begun = monotonic()
    season = run_season(seed, asked, _tell, given.keep)
    for line in report(season):
        say(line)
    kills = sum(map(season.kills, asked))
    took_s = monotonic() - begun
    say(f"{kills} kills in {took_s:.0f} s, {60 * kills / took_s:.0f} a minute; {len(season.failed)} storms failed")
    for words in season.missing:
        say(f"invalid: {words}")
    return 1 if season.failed or season.missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m parcours.testing.faults --processes", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how many processes to kill ({KILLS})")
    parser.add_argument("--seed", type=int, help="what decides kinds, order and victims (one of chance, which is told)")
    parser.add_argument("--runtime", choices=("local", "ray"), help="on this one only (both, side by side)")
    parser.add_argument("--storm", type=int, help="with --runtime: the storm of this seed alone")
    parser.add_argument("--judge", type=Path, help="a folder in which a storm was kept: judge it again")
    parser.add_argument("--keep", type=Path, help="a folder for what storms leave behind that break a promise")
    return parser


def _tell(outcome: RuntimeOutcome) -> None:
    say(line_of(outcome))
    tell_violations(outcome.violations)


def tell_violations(violations: Sequence[str]) -> int:
    for violation in violations[:VIOLATIONS_TOLD]:
        say(f"  {violation if len(violation) < WORDS_TOLD else violation[:WORDS_TOLD] + ' ...'}")
    return 1 if violations else 0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
