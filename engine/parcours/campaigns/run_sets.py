"""The sets of one run of a campaign: each step's rows on disk, made of what shards told of people, and of tables.

Whatever is there is not made again, and what is missing is made of the same bytes: a process that takes a run over goes
on where the one before it has come to. What lies where is said in run_folder.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Final

import msgspec

from parcours.campaigns.fence import Fence
from parcours.campaigns.kept_sets import KeptSets
from parcours.campaigns.row_values import picked, ways_of
from parcours.campaigns.run_folder import Choice, Exported, Record
from parcours.campaigns.set_engines import new_set_engine
from parcours.campaigns.sets.chosen import choose_people
from parcours.campaigns.sets.database import Workspace
from parcours.campaigns.sets.engine import MAIN, Counts
from parcours.campaigns.sets.exports import export_set
from parcours.campaigns.sets.lots import seed_of
from parcours.campaigns.sets.people_file import PeopleFile, PeopleWriter, collected_people
from parcours.campaigns.sets.plain_sets import names_of, rows_of, size_of, write_created, write_found, write_nobody
from parcours.campaigns.sets.reads import Before
from parcours.campaigns.sets.renamed import write_renamed
from parcours.campaigns.sets.run_tables import RunTables
from parcours.campaigns.sets.set_steps import SetStep, StepSets
from parcours.campaigns.sets.set_values import Evaluation
from parcours.campaigns.sets.whole_file import hash_of, whole_file
from parcours.campaigns.step_made import StepMade
from parcours.campaigns.told_scope import ToldScopes
from parcours.config import Settings
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_columns import are_evaluated_beside, asks_shards, matched_paths, shard_columns
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import CampaignStep, SetRef
from parcours.journey.model.campaign_acts import RUN_PLACE
from parcours.journey.model.campaign_sets import REFUSED

MERGED: Final = "merged"
"""Why rows are in none of a step's outputs: their people have become one with others who are in the set."""

EXITED: Final = "exited"
"""Why people are in none of a step's outputs: they have left the run."""

CREATED: Final = "created.parquet"
"""The names of those whom a step makes known, in its folder."""

EARLIER_DIGITS: Final = 12
"""Of a run's number in the name of a file, so that runs are in their order there."""


class RunSets(KeptSets):
    """The sets of one run, in a folder of its own. One process at a time makes them.

    number       of the run, from 1
    tables_root  the folder below which the files of tables lie
    earlier      a folder that all runs of the campaign share: whom each has taken at steps that read `new` only
    threads      that DuckDB may use; as many as the machine can run at once without it
    durable      whether what is in the folder outlives a crash of the machine
    fence        keeps a process out that was succeeded
    DuckDB runs from the first set that is made until `close`, or until nobody holds the sets any more.
    """

    def __init__(
        self,
        campaign: CampaignProgram,
        number: int,
        folder: Path,
        tables_root: Path,
        settings: Settings,
        earlier: Path | None = None,
        *,
        threads: int | None = None,
        durable: bool = True,
        fence: Fence | None = None,
    ) -> None:
        super().__init__(folder, durable=durable, fence=fence)
        self._campaign = campaign
        self._number = number
        self._durable = durable
        self._settings = settings
        self._earlier = earlier
        self._workspace = Workspace(
            self._folder.spill, settings.campaign_memory_bytes, threads or os.cpu_count() or 1, durable=durable
        )
        self._tables = RunTables(campaign.tables, self._folder, tables_root, settings, self._workspace)
        self._engine = new_set_engine(settings, self._workspace)
        self._stages = {step: number for number, stage in enumerate(campaign.stages) for step in stage.steps}

    def close(self) -> None:
        """Give back the memory in which sets are made. They can be asked, and others be made, as before."""
        self._workspace.close()

    # What shards tell

    def needs_people(self, stage: int) -> bool:
        """Whether shards have to be asked before the steps of a stage can be made."""
        return asks_shards(self._campaign, self._campaign.stages[stage])

    def has_people(self, stage: int) -> bool:
        """Whether what shards told for a stage is there, whole."""
        return self._folder.people(stage).exists()

    def collect(self, stage: int, at_ms: int, rows: Iterable[tuple[str, bytes]]) -> None:
        """Keep what shards told for a stage: everybody once with her encoded `PersonColumns`, in any order.

        It is there whole or not at all, and once it is there nothing is taken from `rows`. Raises as `collecting`, and
        what `rows` raises.
        """
        if not self.has_people(stage):
            with self.collecting(stage) as told:
                told.add(rows)

    def collecting(self, stage: int) -> AbstractContextManager[PeopleWriter]:
        """As `collect`, for what is told slice by slice: it is there when the block has ended without an error.

        Raises StoreBroken, OSError.
        """
        return collected_people(self._people(stage), self._workspace)

    def _people(self, stage: int) -> PeopleFile:
        made = self._campaign.stages[stage]
        return PeopleFile(
            self._folder.people(stage),
            shard_columns(self._campaign, made),
            matched_paths(self._campaign, made),
            are_evaluated_beside(self._campaign, made),
        )

    # Whom facts tell of

    def has_found(self, step: str) -> bool:
        """Whether it is there, whole, whom a step has found."""
        return self._folder.found(step).exists()

    def found(self, step: str, people: Iterable[str]) -> None:
        """Keep whom a step has found, in any order: whole or not at all. Raises OSError."""
        write_found(people, self._folder.found(step), durable=self._durable)

    # What is made of it

    def make(self, step: str, at_ms: int) -> StepMade:
        """Make the sets of a step as of its stage's instant; those that it takes have been made.

        Of a step that acts, `main` are those whom it takes: all of its set, of a save with a key without those who
        have none. A wait and a send have them until `choose` says who is left; the outputs of `reacted`, and `refused`
        of a send, are not there until then. `people` of an export are in its set, whether the file is written or not.
        Raises TableRefused, SetsRefused, StoreBroken, OSError.
        """
        record = self._folder.record(step)
        if record is None:
            record = self._made(self._campaign.steps[step], at_ms)
            self._folder.write_record(record)
            self._folder.clear_scratch(step)
        assert record.at_ms == at_ms, f"the step {step} has been made as of {record.at_ms}"
        return self._with_choices(record.made)

    def _made(self, step: CampaignStep, at_ms: int) -> Record:
        self._folder.clear(step.id)
        sources = [self._folder.file(source) for source in step.sources]
        if sources and not any(sources):
            return Record(StepMade(step.id, skipped=True), at_ms, {})
        match step:
            case steps.Test():
                return self._tested(step, sources[0], at_ms)
            case steps.ReadFound():
                return self._read_found(step, at_ms)
            case steps.Reacted():
                return Record(StepMade(step.id, _size(sources[0])), at_ms, {})
            case steps.UpdatePeople() | steps.Export() | steps.WaitAll() | steps.SendToSet() | steps.Save(key=None):
                return self._passed_on(step, sources[0], at_ms)
            case _:
                return self._computed(step, sources, at_ms)

    def _read_found(self, step: steps.ReadFound, at_ms: int) -> Record:
        main = self._folder.sets(step.id) / f"{MAIN}.parquet"
        with whole_file(main, durable=self._durable) as unfinished:
            copyfile(self._folder.found(step.id), unfinished)
        rows = size_of(main)
        return Record(StepMade(step.id, rows, {MAIN: rows}), at_ms, self._files({MAIN: main}))

    def _tested(self, step: steps.Test, source: Path | None, at_ms: int) -> Record:
        sizes = {name: self._size_named(name, source) for _, condition in step.arms for name in condition.sets}
        scope = self._scopes(step.id, at_ms).of_run(sizes)
        taken = next((name for name, condition in step.arms if condition.holds(scope)), step.otherwise)
        skips = tuple(output for output in step.outputs if output != taken)
        rows = _size(source)
        return Record(StepMade(step.id, rows, {taken: rows}, skips=skips), at_ms, self._files({taken: source}))

    def _size_named(self, name: str, at_hand: Path | None) -> int:
        step, _, output = name.partition(".")
        return self.size(SetRef(step, output or MAIN)) if name else _size(at_hand)

    def _passed_on(self, step: CampaignStep, source: Path | None, at_ms: int) -> Record:
        rows = _size(source)
        return Record(StepMade(step.id, rows, {MAIN: rows}), at_ms, self._files({MAIN: source}))

    def _computed(self, step: SetStep, sources: Sequence[Path | None], at_ms: int) -> Record:
        evaluation, folder = self._evaluation(step.id, at_ms), self._folder.sets(step.id)
        maker = StepSets(
            operators=self._engine,
            tables=self._tables,
            declared=self._campaign.tables,
            evaluation=evaluation,
            folder=folder,
            stage=self._stages[step.id],
            seed=seed_of(self._campaign.name, self._number, step.id),
            before=self._before(step),
            id_bytes_max=self._settings.id_bytes_max,
        )
        taken, merged = self._under_their_names(step, self._taken(step, sources, evaluation.folder), evaluation)
        counts = _with_merged(maker.make(step, taken), merged)
        created = 0
        if isinstance(step, steps.ReadTable) and step.creates:
            people, names = evaluation.told_people().path, folder / CREATED
            created = write_created(folder / f"{MAIN}.parquet", people, names, self._workspace)
        files = {output: folder / f"{output}.parquet" for output in counts.outputs}
        return Record(_told(step.id, counts, created), at_ms, self._files(files))

    def _taken(self, step: CampaignStep, sources: Sequence[Path | None], scratch: Path) -> list[Path]:
        """The files of the sets that a step takes. A union leaves out one that was skipped; elsewhere it is empty."""
        if isinstance(step, steps.Union):
            return [source for source in sources if source is not None]
        nobody = scratch / "nobody.parquet"
        if None in sources:
            write_nobody(nobody)
        return [nobody if source is None else source for source in sources]

    def _under_their_names(
        self, step: CampaignStep, taken: list[Path], evaluation: Evaluation
    ) -> tuple[list[Path], int]:
        """The sets with everybody under the name that she has by now, and how many rows are fewer by it in the inflow.

        A set of an earlier stage has the names of its own instant; of this one shards have told all names of everybody.
        """
        people, merged = evaluation.people, 0
        if people is None or not people.tells_names:
            return taken, merged
        renamed = [*taken]
        for place, path in enumerate(taken):
            own = evaluation.folder / f"renamed-{place}.parquet"
            fewer = write_renamed(path, people.path, own, self._workspace)
            if fewer is not None:
                renamed[place] = own
                merged += fewer if place == 0 or isinstance(step, steps.Union) else 0
        return renamed, merged

    def _before(self, step: CampaignStep) -> Before | None:
        if not isinstance(step, steps.ReadAudience | steps.ReadPeople | steps.ReadTable) or not step.new:
            return None
        assert self._earlier is not None, "whoever reads new people says whom earlier runs took"
        folder = self._earlier / step.id
        own = folder / f"{self._number:0{EARLIER_DIGITS}}.parquet"
        return Before([path for path in sorted(folder.glob("*.parquet")) if path.name < own.name], own)

    def _evaluation(self, step: str, at_ms: int) -> Evaluation:
        stage = self._stages[step]
        people = self._people(stage) if self.has_people(stage) else None
        return Evaluation(people, self._scopes(step, at_ms), self._folder.scratch(step), self._workspace)

    def _scopes(self, step: str, at_ms: int) -> ToldScopes:
        stage = self._stages[step]
        asked = shard_columns(self._campaign, self._campaign.stages[stage])
        run = f"{self._campaign.name}/{self._number}"
        return ToldScopes(run, step, at_ms, self._begun_ms(stage, at_ms), asked, self._settings)

    def _begun_ms(self, stage: int, at_ms: int) -> int:
        """The instant of the run's first stage."""
        if stage == 0:
            return at_ms
        first = self._folder.record(self._campaign.stages[0].steps[0])
        assert first is not None, "a run begins with its first stage"
        return first.at_ms

    def _files(self, files: Mapping[str, Path | None]) -> dict[str, str]:
        return {output: self._folder.named(path) for output, path in files.items() if path is not None}

    # What becomes of people later

    def choose(
        self, step: str, output: str, people: Iterable[str], *, rest: str | None, exited: Iterable[str] = ()
    ) -> StepMade:
        """Once it is known what became of people: the output has those of the step's set who are in `people`.

        The others are in the output `rest`, without one they are dropped as `exited`, and so are in any case those in
        `exited`. Of `refused` nobody is dropped, for they are in `main` as well. Once chosen, an output stays.
        Raises StoreBroken, OSError, and what the iterators raise.
        """
        record = self._folder.record(step)
        assert record is not None, f"the step {step} has not been made"
        if not record.made.skipped and output not in self._folder.choices(step):
            source = self._folder.file(self._campaign.steps[step].sources[0])
            assert source is not None, "what takes nothing but skipped sets is skipped"
            chosen, others = (
                None if name is None else self._folder.sets(step) / f"{name}.parquet" for name in (output, rest)
            )
            assert chosen is not None
            found, left, gone = choose_people(source, people, exited, chosen, others, self._workspace)
            sizes = {output: found} if rest is None else {output: found, rest: left}
            self._folder.write_choice(step, output, Choice(sizes, 0 if output == REFUSED else gone))
        return self._with_choices(record.made)

    def _with_choices(self, made: StepMade) -> StepMade:
        for choice in self._folder.choices(made.step).values():
            dropped = made.dropped | ({EXITED: choice.exited} if choice.exited else {})
            made = msgspec.structs.replace(made, outputs=made.outputs | choice.sizes, dropped=dropped)
        return made

    def export(self, step: str, at_ms: int, folder: Path) -> StepMade:
        """Make an export step, and write its file below `folder`, whole or not at all. Raises as `make`."""
        made, declared = self.make(step, at_ms), self._campaign.steps[step]
        assert isinstance(declared, steps.Export), "only an export writes a file"
        source = self._folder.file(SetRef(step))
        if source is not None and not self._folder.is_exported(step):
            name = declared.file.replace(RUN_PLACE, str(self._number))
            path, evaluation = folder / name, self._evaluation(step, at_ms)
            (taken,), _ = self._under_their_names(declared, [source], evaluation)
            export_set(declared, taken, path, evaluation)
            self._folder.note_export(step, Exported(hash_of(path), name))
            self._folder.clear_scratch(step)
        return made

    # What is there

    def are_thinned(self) -> bool:
        """Whether rows are missing of somebody who was erased once they were made."""
        return self._folder.is_thinned()

    def people(self, ref: SetRef, columns: Sequence[str] = ()) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Who is in a set, in its order, each with what is at these paths of her row, as JSON holds it.

        A path may lead into objects and into the objects of lists, as `wishes.product` does; what is missing is left
        out. Nobody is in a set that was skipped.
        """
        path, ways = self._folder.file(ref), ways_of(columns)
        if path is not None:
            for person, row in rows_of(path, ways):
                yield person, picked(row, ways)

    def path(self, ref: SetRef) -> Path | None:
        """The Parquet file of a set with the column `person`, None of one that was skipped."""
        return self._folder.file(ref)

    def size(self, ref: SetRef) -> int:
        """How many rows are in a set; none in one that was skipped."""
        return _size(self._folder.file(ref))

    def made(self, step: str) -> StepMade | None:
        """What a step has made; None as long as it has not."""
        record = self._folder.record(step)
        return None if record is None else self._with_choices(record.made)

    def hash(self, ref: SetRef) -> str:
        """The hash of a set's file, BLAKE2b in hexadecimal digits; "" of one that was skipped."""
        path = self._folder.file(ref)
        return "" if path is None else hash_of(path)

    def created(self, step: str) -> Iterator[str]:
        """The names of the people whom a read of a table makes known, in order: each is to be identified."""
        path = self._folder.sets(step) / CREATED
        yield from names_of(path) if path.exists() else ()


def _size(path: Path | None) -> int:
    return 0 if path is None else size_of(path)


def _with_merged(counts: Counts, merged: int) -> Counts:
    """The counts of a step that has taken so many rows more, of people who are one with others by now."""
    if not merged:
        return counts
    dropped = {**counts.dropped, MERGED: merged}
    return replace(counts, inflow=counts.inflow + merged, dropped=dropped)


def _told(step: str, counts: Counts, created: int) -> StepMade:
    dropped = {reason: rows for reason, rows in counts.dropped.items() if rows}
    return StepMade(step, counts.inflow, counts.outputs, dropped, counts.noted, created=created)
