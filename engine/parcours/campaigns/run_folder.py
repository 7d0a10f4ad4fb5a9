"""Where does a run of a campaign keep what it makes, and what of it is there?

    steps.json                 what is said of people in the sets of each step
    found/STEP.parquet         whom facts have told of, or somebody has named, for a step
    people/STAGE.parquet       what shards told as of the stage's instant
    tables/NAME.parquet        each table as it was when it was first used, and NAME.json with its hash
    links/STAGE-NAME.parquet   whose rows these were, as of a stage
    sets/STEP/made.json        what a step has made, written last, beside OUTPUT.parquet
    sets/STEP/OUTPUT.chosen.json  that people were chosen for an output later on
    sets/STEP/exported.json    that the file of an export was written
    thinned                    that rows are missing of somebody who was erased
    .scratch, .spill           what nobody needs once a step is made

A step that lets a set through has no file for it: its record names the one that it took.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

import msgspec

from parcours.campaigns.fence import Fence
from parcours.campaigns.sets.whole_file import drop_unfinished, whole_file
from parcours.campaigns.step_made import StepMade
from parcours.campaigns.step_words import RunWords
from parcours.journey.campaign_steps import SetRef
from parcours.store.campaign_files import SCRATCH, SPILL
from parcours.store.exports import UNFINISHED

WORDS: Final = "steps.json"
MADE: Final = "made.json"
CHOSEN: Final = ".chosen.json"
EXPORTED: Final = "exported.json"
THINNED: Final = "thinned"

EARLIER: Final = "earlier"
"""In a campaign's folder, beside those of its runs: whom these took at steps that read `new` only."""

_T = TypeVar("_T", bound=msgspec.Struct)

_PREPARING: Final = Lock()
"""msgspec prepares a kind when it is first met. A process crashes if a second thread meets it before that is done, and
the engine's loop and its exporter both read what runs have kept as soon as a store is opened."""


class Record(msgspec.Struct, frozen=True):
    """A step that has been made as of `at_ms`. `files`: of each output, below the folder of sets."""

    made: StepMade
    at_ms: int
    files: dict[str, str]


class Choice(msgspec.Struct, frozen=True):
    """Who was chosen later: sizes by output, and how many have left."""

    sizes: dict[str, int]
    exited: int


class Exported(msgspec.Struct, frozen=True):
    """A file that was written, with its hash, and its name below the folder of exports."""

    hash: str
    file: str = ""


class RunFolder:
    """The folder of one run.

    durable  whether what is noted there outlives a crash of the machine
    fence    keeps a process out that was succeeded; None where nobody else can be there
    What is noted, and what is taken away, raises StoreBusy behind it.
    """

    def __init__(self, root: Path, *, durable: bool, fence: Fence | None = None) -> None:
        self._durable = durable
        self._fence = fence
        self.root = root
        self.spill = root / SPILL

    def words(self) -> RunWords | None:
        """What is said of people in the sets, None where nothing is kept of these. Raises OSError."""
        return read_json(self.root / WORDS, RunWords)

    def write_words(self, words: RunWords) -> None:
        """Keep what is said of people in the sets. Raises OSError."""
        write_json(self.root / WORDS, words, durable=self._durable, fence=self._fence)

    def found(self, step: str) -> Path:
        return self.root / "found" / f"{step}.parquet"

    def people(self, stage: int) -> Path:
        return self.root / "people" / f"{stage}.parquet"

    def table(self, name: str) -> Path:
        return self.root / "tables" / f"{name}.parquet"

    def links(self, stage: int, name: str) -> Path:
        return self.root / "links" / f"{stage}-{name}.parquet"

    def sets(self, step: str) -> Path:
        return self.root / "sets" / step

    def scratch(self, step: str) -> Path:
        return self.root / SCRATCH / step

    def clear(self, step: str) -> None:
        """Take away what is left of an attempt to make a step. Raises OSError."""
        if self._fence is not None:
            self._fence.check()
        for folder in (self.sets(step), self.scratch(step)):
            if folder.exists():
                shutil.rmtree(folder)

    def clear_scratch(self, step: str) -> None:
        """Take away what nobody needs once a step is made. Raises OSError."""
        if self.scratch(step).exists():
            shutil.rmtree(self.scratch(step))

    def clear_attempts(self) -> None:
        """Take away what attempts have left that a crash has cut off; nobody makes a step now. Raises OSError."""
        for folder in (self.root / SCRATCH, self.spill):
            if folder.exists():
                shutil.rmtree(folder)
        drop_unfinished(self.root)

    def is_exported(self, step: str) -> bool:
        return read_json(self.sets(step) / EXPORTED, Exported) is not None

    def note_export(self, step: str, exported: Exported) -> None:
        """From now on the file of the step has been written. Raises OSError."""
        write_json(self.sets(step) / EXPORTED, exported, durable=self._durable, fence=self._fence)

    def is_thinned(self) -> bool:
        """Whether rows are missing: slices may not be what they were, and their numbers tell nothing."""
        return (self.root / THINNED).exists()

    def note_thinned(self) -> None:
        """From now on rows may be missing. Raises OSError."""
        with whole_file(self.root / THINNED, durable=self._durable):
            pass

    def record(self, step: str) -> Record | None:
        """What is known of a step, None as long as it has not been made."""
        return read_json(self.sets(step) / MADE, Record)

    def write_record(self, record: Record) -> None:
        """From now on the step has been made. Raises OSError."""
        write_json(self.sets(record.made.step) / MADE, record, durable=self._durable, fence=self._fence)

    def choices(self, step: str) -> dict[str, Choice]:
        """What was chosen, by output."""
        paths = sorted(self.sets(step).glob(f"*{CHOSEN}"))
        choices = {path.name.removesuffix(CHOSEN): read_json(path, Choice) for path in paths}
        return {output: choice for output, choice in choices.items() if choice is not None}

    def write_choice(self, step: str, output: str, choice: Choice) -> None:
        """From now on these have been chosen. Raises OSError."""
        write_json(self.sets(step) / f"{output}{CHOSEN}", choice, durable=self._durable, fence=self._fence)

    def file(self, ref: SetRef) -> Path | None:
        """The file of a set that is there, None if it was skipped."""
        record, path = self.record(ref.step), self.file_if_any(ref)
        assert record is not None, f"the step {ref.step} has not been made"
        skipped = record.made.skipped or ref.output in record.made.skips
        assert skipped or path is not None, f"nobody has been chosen for {ref}"
        return path

    def file_if_any(self, ref: SetRef) -> Path | None:
        """The file of a set, None if it was skipped, or is not there."""
        record = self.record(ref.step)
        if any(ref.output in choice.sizes for choice in self.choices(ref.step).values()):
            return self.sets(ref.step) / f"{ref.output}.parquet"
        file = None if record is None else record.files.get(ref.output)
        return None if file is None else self.root / "sets" / file

    def named(self, path: Path) -> str:
        """How a record names a file of a set."""
        return path.relative_to(self.root / "sets").as_posix()


def copy_earlier(campaign: Path, target: Path) -> None:
    """Copy whom the runs of a campaign, in this folder, have taken, as far as they have taken somebody to be known.

    For a preview, which notes whom it takes as they do; runs may go on meanwhile. Raises OSError.
    """
    earlier = campaign / EARLIER
    if earlier.exists():
        shutil.copytree(earlier, target, ignore=shutil.ignore_patterns(f"*{UNFINISHED}"))


def read_json(path: Path, kind: type[_T]) -> _T | None:
    """What is written there, None if nothing is. Raises OSError."""
    with _PREPARING:
        decoder = msgspec.json.Decoder(kind)
    try:
        return decoder.decode(path.read_bytes())
    except FileNotFoundError:
        return None


def write_json(path: Path, value: msgspec.Struct, *, durable: bool, fence: Fence | None = None) -> None:
    """Write it to the file, whole or not at all. Raises OSError, StoreBusy behind the fence."""
    with whole_file(path, durable=durable) as unfinished:
        if fence is not None:
            fence.check()
        unfinished.write_bytes(msgspec.json.encode(value))
