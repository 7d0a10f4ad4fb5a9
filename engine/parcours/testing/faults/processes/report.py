"""The report of a season, as tables that also a document can hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from parcours.testing.faults.processes.kinds import KILLS
from parcours.testing.faults.processes.season import Season
from parcours.testing.faults.processes.storm import RuntimeOutcome

COUNTS: Final = {
    "lines": "events and reports handed in",
    "commits": "records",
    "owners": "owners of shards",
    "mails": "mails that arrived",
    "ambiguous": "ambiguous attempts",
    "dead_letters": "dead letters",
    "merged": "visitors who became somebody known",
    "between_shards": "of them between two shards",
    "met_moving": "kills that came while somebody moved",
    "shared": "log-ins on a device of somebody else's",
}


def line_of(outcome: RuntimeOutcome) -> str:
    """One storm in a line."""
    verdict = outcome.verdict
    return (
        f"{outcome.runtime} {outcome.seed}: {outcome.kills} kills in {outcome.storm_s:.0f} s, "
        f"at rest after {outcome.rest_s:.0f} s, {verdict.lines} lines, {verdict.mails} mails, "
        f"{verdict.between_shards} moves, {verdict.met_moving} kills met one, "
        f"{len(outcome.violations)} violations"
    )


def report(season: Season) -> Iterator[str]:
    """The lines of the report."""
    by_runtime = {runtime: season.injected(runtime) for runtime in season.asked}
    kinds = sorted({kind for injected in by_runtime.values() for kind in injected}, key=lambda kind: _place(kind))
    yield f"| what | {' | '.join(by_runtime)} |"
    yield f"|---|{'---|' * len(by_runtime)}"
    for kind in kinds:
        yield f"| {kind} | {' | '.join(str(injected[kind]) for injected in by_runtime.values())} |"
    for name, words in COUNTS.items():
        sums = [
            sum(getattr(each.verdict, name) for each in season.outcomes if each.runtime == runtime)
            for runtime in season.asked
        ]
        yield f"| {words} | {' | '.join(map(str, sums))} |"
    many = [str(sum(each.runtime == runtime for each in season.outcomes)) for runtime in season.asked]
    yield f"| storms | {' | '.join(many)} |"
    yield ""
    yield "checks done: " + ", ".join(f"{name} {count}" for name, count in sorted(season.checked.items()))
    if not all(each.is_mounted for each in season.outcomes):
        yield "no disk could be mounted: the full one was a limit on the length of files"


def _place(kind: str) -> tuple[int, str]:
    return (0 if kind in KILLS else 2 if kind.startswith("provider") else 1), kind
