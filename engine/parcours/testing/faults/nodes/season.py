"""A season of storms over a cluster: as many as it takes, counted together, judged as a whole, and told in a table.

It is invalid if a kind of fault never happened, or fewer of those that are asked for did than were asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

from parcours.testing.faults.nodes.kinds import LONG, SHORT, Often, kinds
from parcours.testing.faults.nodes.storm import storm
from parcours.testing.faults.processes.report import COUNTS
from parcours.testing.faults.processes.storm import StormOutcome

STORMS_MAX: Final = 3
"""So many times as many storms as should do blow at most."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a season is made of.

    often  how often each kind strikes in a storm
    asked  how often what has to have happened; `cuts` are those of all three kinds
    """

    often: Often
    asked: Mapping[str, int]

    @property
    def storms_max(self) -> int:
        return STORMS_MAX * max(1, self.asked["kill machine"] // self.often["kill machine"])


SHORT_FORM: Final = Form(SHORT, {"kill machine": 1, "zombie": 1, "cuts": 4})
"""What a change has to stand: three minutes beside other work."""

FULL_FORM: Final = Form(LONG, {"kill machine": 50, "zombie": 200, "cuts": 2_000})
"""What a release has to stand: some hours."""


@dataclass(slots=True)
class Season:
    """What a season came to."""

    form: Form
    outcomes: list[StormOutcome] = field(default_factory=list)

    @property
    def failed(self) -> list[StormOutcome]:
        return [each for each in self.outcomes if each.violations]

    @property
    def injected(self) -> Counter[str]:
        return sum((each.injected for each in self.outcomes), Counter[str]())

    @property
    def checked(self) -> Counter[str]:
        return sum((each.verdict.checked for each in self.outcomes), Counter[str]())

    def happened(self, what: str) -> int:
        """How often; cuts are of three kinds."""
        injected = self.injected
        return sum(many for kind, many in injected.items() if kind == what or (what == "cuts" and "commit cut" in kind))

    @property
    def few(self) -> list[str]:
        """What has happened less often than was asked for."""
        return [
            f"{self.happened(what)} of {what!r}, {many} were asked for"
            for what, many in self.form.asked.items()
            if self.happened(what) < many
        ]

    @property
    def missing(self) -> list[str]:
        """What makes it invalid."""
        return [*(f"{kind!r} never happened" for kind in kinds(self.form.often) if not self.injected[kind]), *self.few]


def run_season(seed: int, season: Season, progress: Callable[[StormOutcome], None], keep: Path | None = None) -> Season:
    """Let storms blow until all that was asked for has happened; `progress` is called after each.

    season  what storms of this seed have come to before
    keep    a folder for what storms leave behind that break a promise
    """
    random = Random(f"{seed} nodes")
    for number in range(season.form.storms_max):
        storm_seed = random.getrandbits(31)
        if not season.missing:
            break
        if number >= len(season.outcomes):
            outcome = storm(storm_seed, season.form.often, keep)
            season.outcomes.append(outcome)
            progress(outcome)
    return season


def line_of(outcome: StormOutcome) -> str:
    """One storm in a line."""
    verdict, injected = outcome.verdict, outcome.injected
    return (
        f"nodes {outcome.seed}: {outcome.kills} kills, {injected['zombie']} zombies in {outcome.storm_s:.0f} s, "
        f"at rest after {outcome.rest_s:.0f} s, {verdict.lines} lines, {verdict.mails} mails, "
        f"{verdict.between_shards} moves, {len(outcome.violations)} violations"
    )


def report(season: Season) -> Iterator[str]:
    """The lines of the report."""
    yield "| what | three machines |"
    yield "|---|---|"
    for kind in sorted(season.injected, key=lambda kind: (kind not in kinds(season.form.often), kind)):
        yield f"| {kind} | {season.injected[kind]} |"
    for name, words in COUNTS.items():
        yield f"| {words} | {sum(getattr(each.verdict, name) for each in season.outcomes)} |"
    yield f"| storms | {len(season.outcomes)} |"
    yield ""
    yield "checks done: " + ", ".join(f"{name} {count}" for name, count in sorted(season.checked.items()))
