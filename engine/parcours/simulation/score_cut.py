"""A cut through a simulation at an instant: what a score's features come to for everybody, to train it with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from parcours.core.columns import PersonColumns, read_columns
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.routing.ports import ShardPort
from parcours.routing.scans import collect_held, end
from parcours.scoring.score import Score
from parcours.shard.scans import Scan, ScoreAsked
from parcours.wording import nearest, quoted

Told: TypeAlias = Callable[[list[tuple[str, PersonColumns]]], None]
"""Called with people and their columns, in any order. The values are those of the features, in the order of the
document; there are none of somebody whom the score is not about, or who is not to be scored.
"""


@dataclass(frozen=True, slots=True)
class ScoreCut:
    """`at` in ms: what has happened by then has, its own events included."""

    score: str
    at: int
    told: Told


def check_cuts(project: Project, cuts: Sequence[ScoreCut]) -> None:
    """Raises CallerError for a score that the project does not have."""
    for cut in cuts:
        score_of(project, cut.score)


def score_of(project: Project, name: str) -> Score:
    """The project's score of this name. Raises CallerError where it has none."""
    known = project.program.scores
    if name not in known:
        raise CallerError(f"there is no score {quoted(name)}{nearest(name, known)}")
    return known[name]


async def take_cut(ports: Sequence[ShardPort], cut: ScoreCut, slice_people: int) -> None:
    """Everybody stands as at the instant: tell everybody's columns."""
    scan = Scan("score", cut.at, ScoreAsked(cut.score))
    async for rows in collect_held(ports, scan, slice_people):
        cut.told([(person, read_columns(row)) for person, row in rows])
    await end(ports, scan.name)
