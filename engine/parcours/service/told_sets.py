"""Where is a person in the sets of campaigns' runs, and why? Read from what the runs have kept of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from parcours.campaigns.run_place import RunPlace, kept_runs
from parcours.errors import ExtraMissing
from parcours.insight.explain import Explanation, SetStory
from parcours.journey.compile.campaigns.found import KEPT, NAMED

if TYPE_CHECKING:
    from parcours.campaigns.set_places import SetPlace

RUNS_MAX: Final = 10
"""Runs of a campaign that are looked through, the newest: each step of each has files of its own."""


@dataclass(frozen=True, slots=True)
class SetsKept:
    """
    campaigns  the names of those that there are or have been
    folder     where campaigns keep what they have to know
    """

    campaigns: Collection[str]
    folder: Path

    def added_to(self, explanation: Explanation, names: Sequence[str]) -> Explanation:
        """The explanation with where its person is in the sets of runs. Raises StoreBroken, OSError.

        names  those under which she may be there: the one that she has now first
        """
        sets: list[SetStory] = []
        notes = [*explanation.notes]
        for campaign in sorted({*self.campaigns, *_listing(self.folder)}):
            runs = kept_runs(self.folder / campaign)
            for place in runs[-RUNS_MAX:]:
                try:
                    sets += [SetStory(**msgspec.structs.asdict(each)) for each in self._places(place, names)]
                except ExtraMissing as error:
                    notes.append((place.began, f"sets of {campaign}, run {place.number}: {error}"))
            if len(runs) > RUNS_MAX:
                oldest = runs[-RUNS_MAX]
                notes.append(
                    (oldest.began, f"sets of {campaign}: only runs from {oldest.number} on are looked through")
                )
        return msgspec.structs.replace(explanation, sets=tuple(sets), notes=tuple(notes))

    def _places(self, place: RunPlace, names: Sequence[str]) -> list[SetPlace]:
        """By the first of the names that is in any of the run's sets. Raises ExtraMissing."""
        first, *others = names
        found = [*self._under(place, first)]
        for name in others:
            if not any(each.outputs for each in found):
                found = [*self._under(place, name)] or found
        return found

    def _under(self, place: RunPlace, name: str) -> Iterator[SetPlace]:
        try:
            from parcours.campaigns.kept_sets import KeptSets
            from parcours.campaigns.set_places import set_places
        except ImportError as error:
            raise ExtraMissing.of("To tell who is in them", "campaigns") from error
        sets = KeptSets(self.folder / place.campaign / str(place.number))
        words = sets.words()
        if words is not None:
            yield from set_places(place.campaign, place.number, words, sets, name)


def _listing(folder: Path) -> Iterator[str]:
    """The campaigns that no author has written, of which runs are kept: no publication need have them any more."""
    for beginning in (KEPT, NAMED):
        yield from (each.name for each in folder.glob(f"{beginning}*"))
