"""The sets of one run of a campaign: each step's rows on disk, made of what shards told of people, and of tables.

    people/STAGE.parquet       what shards told as of the stage's instant
    tables/NAME.parquet        each table as it was when it was first used
    links/NAME-STAGE.parquet   whose rows these are, as of a stage
    sets/STEP/OUTPUT.parquet   the sets, and `made.json`, which is written last

Whatever is there is not made again, and what is missing is made of the same bytes: a process that takes a run over
goes on where the one before it has come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from parcours.campaigns.step_made import StepMade
from parcours.config import Settings
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import SetRef


class RunSets:
    """The sets of one run, in a folder of its own. One process at a time makes them.

    number       of the run, from 1
    tables_root  the folder below which the files of tables lie
    earlier      a folder that all runs of the campaign share: whom each has taken at steps that read `new` only
    """

    def __init__(
        self,
        campaign: CampaignProgram,
        number: int,
        folder: Path,
        tables_root: Path,
        settings: Settings,
        earlier: Path | None = None,
    ) -> None:
        raise NotImplementedError

    def needs_people(self, stage: int) -> bool:
        """Whether shards have to be asked before the steps of a stage can be made."""
        raise NotImplementedError

    def has_people(self, stage: int) -> bool:
        """Whether what shards told for a stage is there, whole."""
        raise NotImplementedError

    def collect(self, stage: int, at_ms: int, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep what shards told for a stage: everybody once with her encoded `PersonColumns`, in any order.

        It is there whole or not at all. Raises StoreBroken, OSError.
        """
        raise NotImplementedError

    def make(self, step: str, at_ms: int) -> StepMade:
        """Make the sets of a step as of its stage's instant; those that it takes have been made.

        Of a step that acts, `main` are those whom it takes: all of its set, of a save with a key without those who
        have none. A wait has them until `choose` says who is left; the outputs of `reacted`, and `refused` of a send,
        are not there until then.
        Raises TableRefused, SetsRefused, StoreBroken, OSError.
        """
        raise NotImplementedError

    def choose(
        self, step: str, output: str, people: Iterable[str], *, rest: str | None, exited: Iterable[str] = ()
    ) -> StepMade:
        """Once it is known what became of people: the output has those of the step's set who are in `people`.

        The others are in the output `rest`, without one they are dropped as `exited`, and so are in any case those in
        `exited`. Of `refused` nobody is dropped, for they are in `main` as well. Once chosen, an output stays.
        Raises StoreBroken, OSError.
        """
        raise NotImplementedError

    def export(self, step: str, at_ms: int, folder: Path) -> StepMade:
        """Make an export step, and write its file below `folder`, whole or not at all. Raises as `make`."""
        raise NotImplementedError

    def people(self, ref: SetRef, columns: Sequence[str] = ()) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Who is in a set, in its order, each with what is at these paths of her row, as JSON holds it.

        A path may lead into objects and into the objects of lists, as `wishes.product` does; what is missing is left
        out. Nobody is in a set that was skipped.
        """
        raise NotImplementedError

    def size(self, ref: SetRef) -> int:
        """How many rows are in a set; none in one that was skipped."""
        raise NotImplementedError

    def created(self, step: str) -> Iterator[str]:
        """The names of the people whom a read of a table makes known, in order: each is to be identified."""
        raise NotImplementedError
