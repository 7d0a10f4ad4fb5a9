"""The command line: `python -m parcours.testing.faults --nodes`."""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from parcours.testing.faults.nodes.kinds import STRIKES
from parcours.testing.faults.nodes.season import FULL_FORM, SHORT_FORM, Season, line_of, report, run_season
from parcours.testing.faults.nodes.storm import storm
from parcours.testing.faults.nodes.tally import read_tally, write_down
from parcours.testing.faults.processes.command import say, tell_violations
from parcours.testing.faults.processes.storm import StormOutcome


def main(arguments: Sequence[str]) -> int:
    """0 if every storm kept every promise and every kind of fault happened, else 1."""
    given = _parser().parse_args(arguments)
    form = FULL_FORM if given.full else SHORT_FORM
    if given.storm is not None:
        outcome = storm(given.storm, Counter(given.strikes) or form.often, given.keep)
        say(line_of(outcome))
        return tell_violations(outcome.violations)
    seed = random.SystemRandom().getrandbits(31) if given.seed is None else given.seed
    season = Season(form, [] if given.tally is None else read_tally(given.tally, seed))
    say(f"seed {seed}, asked for: {dict(form.asked)}; {len(season.outcomes)} storms have blown before")
    begun = monotonic()

    def tell(outcome: StormOutcome) -> None:
        say(line_of(outcome))
        tell_violations(outcome.violations)
        if given.tally is not None:
            write_down(given.tally, seed, outcome)

    run_season(seed, season, tell, given.keep)
    for line in report(season):
        say(line)
    kills = sum(each.kills for each in season.outcomes)
    say(f"{kills} kills, this time within {monotonic() - begun:.0f} s; {len(season.failed)} storms failed")
    for words in season.missing:
        say(f"invalid: {words}")
    return 1 if season.failed or season.missing else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m parcours.testing.faults --nodes", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"as before a release: {dict(FULL_FORM.asked)}")
    parser.add_argument("--seed", type=int, help="what decides order and victims (one of chance, which is told)")
    parser.add_argument("--tally", type=Path, help="a file of what storms came to: with its seed a season goes on")
    parser.add_argument("--storm", type=int, help="the storm of this seed alone")
    parser.add_argument("--strikes", nargs="+", choices=STRIKES, metavar="KIND", help="with --storm: of these only")
    parser.add_argument("--keep", type=Path, help="a folder for what storms leave behind that break a promise")
    return parser
