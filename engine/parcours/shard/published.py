"""What is published, as one shard's store has it, and the changes that some of its people have yet to go through.

A change holds from its effective time on, for everybody, as soon as it is committed. Some changes happen to
people: a stopped journey ends their runs, a resumed one makes up for what they have missed, a new audience
is filled. Nobody waits for that. Each of these changes stays here until everyone concerned has gone through it:
whoever is touched before goes through it first, and the rest are swept slice by slice. Whatever of somebody
was due before the change is still carried out by what was published then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

import msgspec

from parcours.core.archive import has_under_way
from parcours.core.audiences import unfilled
from parcours.core.delivery.destinations import retold
from parcours.core.input import AudiencesPublished, ChangeInput, JourneyResumed, JourneyStopped
from parcours.core.profile import Archive, Profile, Run, decode_profile
from parcours.core.run.kept_scores import unkept
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.ledger import Ledger
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun
from parcours.shard.lessons import LESSONS, KeptLessons

STANDING = "standing"
"""The entry of the shard's own slot with the ledger; each publication is an entry under its number."""


class PendingChange(msgspec.Struct, frozen=True, array_like=True):
    """A change that not everybody has gone through.

    after, before  what is published from its time on, and what was until then
    audiences      the keys of those that it fills
    scores         those whose traits it renews
    destinations   those that everybody is looked at for
    """

    after: Ledger
    before: Ledger
    audiences: tuple[str, ...]
    scores: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()

    def given(self) -> ChangeInput | None:
        """What happens to people; None for a change that only matters to what was due before it."""
        after = self.after
        match after.verb:
            case "stop":
                return JourneyStopped(after.at, after.number, after.journey)
            case "resume":
                return JourneyResumed(after.at, after.number, after.journey)
            case "publish":
                touched = self.audiences, self.scores, self.destinations
                return AudiencesPublished(after.at, after.number, *touched) if any(touched) else None
            case _:
                return None

    def concerns(self, profile: Profile) -> bool:
        """Whether it changes anything for this person."""
        match self.after.verb:
            case "publish":
                return bool(self.audiences or self.scores or self.destinations)
            case "stop" | "resume":
                name = self.after.journey
                named = {run.journey for run in profile.runs} | {kept.journey for kept in profile.kept}
                named |= {copy.journey for copy in profile.copies}
                return name in named or any(timer.journey == name for timer in profile.timers)
            case _:
                return False


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """As the store keeps it, besides the publications' documents."""

    ledger: Ledger
    changes: tuple[PendingChange, ...]
    held: bool


_decode = msgspec.msgpack.Decoder(Standing).decode


def stored_publications(entries: Mapping[str, bytes]) -> Publications | None:
    """What is published according to the entries of a shard's own slot; None in a new store."""
    if STANDING not in entries:
        return None
    sources = {int(name): source for name, source in entries.items() if name.isdigit() and source}
    return Publications(_standing(entries).ledger, sources)


def together(shards: Sequence[Mapping[str, bytes]]) -> dict[str, bytes] | None:
    """The entries of what is published, and of what rankings know, as one shard with the people of all these has them.

    A lesson is the same wherever it is known; of each shard the older ones stay as long as something goes by them.
    None where they do not agree on it, for a change of it is only half made, and where nothing is published.
    """
    standing = [_standing(entries) for entries in shards if STANDING in entries]
    if len(standing) != len(shards) or any(each.ledger != standing[0].ledger or each.held for each in standing):
        return None
    changes = {change.after.number: change for each in standing for change in each.changes}
    documents = {name: data for entries in shards for name, data in entries.items() if name.isdigit()}
    kept = Standing(standing[0].ledger, tuple(changes[number] for number in sorted(changes)), False)
    lessons = {name: data for entries in shards for name, data in entries.items() if name.startswith(LESSONS)}
    return {**documents, **lessons, STANDING: msgspec.msgpack.encode(kept)}


def _standing(entries: Mapping[str, bytes]) -> Standing:
    return _decode(entries[STANDING])


def _lies_in(run: Run, keys: Container[str]) -> bool:
    """Whether a delivery of the run lies in an inbox, and waits there for what takes it back."""
    return any(delivery.key in keys for delivery in run.deliveries)


def _may_be_needed(archive: Archive) -> bool:
    """Whether some run in the archive may still go by its version, as far as can be told without decoding it."""
    return bool(archive.goals or archive.under_way.number)


class Published:
    """`program` is that of all that is published now. Without a project there is only ever this program.

    lessons  what rankings of its offers know
    """

    def __init__(self, program: Program, project: Project | None) -> None:
        self.program = program
        self.fresh = project is not None
        self.held = False
        self.changes: tuple[PendingChange, ...] = ()
        self.publications = Publications(Ledger(), {}) if project is None else begun(project)
        self.lessons = KeptLessons()
        self._project = project
        self._compiler = PublicationCompiler(project)
        self._before: list[Program] = []
        self._unsaved = self.fresh
        self.touching = 0
        """The number of the newest change that people go through, 0 while there is none."""

        self.since_ms = 0
        """The time of the newest change that is not over; what was due before it goes by an older program."""

    @property
    def ledger(self) -> Ledger:
        return self.publications.ledger

    def begin(self, at: int) -> None:
        """A new store begins at this time with the project that it was opened with."""
        assert self._project is not None, "a shard without a project has nothing to begin with"
        self.publications = begun(self._project, at)

    def restore(self, entries: dict[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot; where there are none, it is a new store."""
        self.lessons.restore(entries)
        publications = stored_publications(entries)
        if publications is None:
            return
        standing = _standing(entries)
        self.fresh = self._unsaved = False
        self.held, self.publications = standing.held, publications
        self.program = self._compiler.program(self.publications)
        self._keep(standing.changes)

    def entries(self, saved: dict[str, bytes]) -> list[tuple[str, bytes]]:
        """What has to be written, given what is saved; nothing most of the time."""
        if not self._unsaved:
            return self.lessons.entries()
        wanted = {str(number): source for number, source in self.publications.sources.items()}
        wanted[STANDING] = msgspec.msgpack.encode(Standing(self.ledger, self.changes, self.held))
        gone = {name: b"" for name in saved if name.isdigit() and name not in wanted}
        changed = [(name, data) for name, data in (wanted | gone).items() if saved.get(name) != data]
        return [*changed, *self.lessons.entries()]

    def saved(self) -> None:
        """All entries are in the store."""
        self._unsaved = False
        self.lessons.saved()

    def hold(self, held: bool) -> None:
        """Stand still from now on, or go on."""
        self.held, self._unsaved = held, True

    def is_news(self, publications: Publications) -> bool:
        """Whether it is not what is published already."""
        told, known = publications.ledger, self.ledger
        return told.number > known.number or (
            told.number == known.number and (told.source, told.at) != (known.source, known.at)
        )

    def take(self, publications: Publications) -> None:
        """This is published from its ledger's time on."""
        before, after = self.publications, publications.ledger
        if (after.number, after.source) == (before.ledger.number, before.ledger.source):
            self.publications, self.held, self.fresh, self._unsaved = publications, False, False, True
            return  # another shard has begun with the same project at another time, which is everybody's now
        program = self._compiler.program(publications)
        needed = {number for change in self.changes for number in change.before.publications()}
        needed |= before.ledger.publications()
        older = {number: source for number, source in before.sources.items() if number in needed}
        filled, renewed, told = (each(self.program, program) for each in (unfilled, unkept, retold))
        self.publications = Publications(after, {**older, **publications.sources})
        self.program, self.held, self.fresh, self._unsaved = program, False, False, True
        self.lessons.keep_to({each.subject for each in program.offers.learned}, after.at)
        self._keep((*self.changes, PendingChange(after, before.ledger, filled, renewed, told)))

    def _keep(self, changes: tuple[PendingChange, ...]) -> None:
        self.changes = changes
        sources = self.publications.sources
        self._before = [self._compiler.program(Publications(change.before, sources)) for change in changes]
        self.touching = max((change.after.number for change in changes if change.given() is not None), default=0)
        self.since_ms = changes[-1].after.at if changes else 0

    def program_at(self, at: int) -> Program:
        """The program by which somebody's input of this time goes."""
        for change, program in zip(self.changes, self._before, strict=True):
            if at < change.after.at:
                return program
        return self.program

    def missed(self, change_number: int) -> list[ChangeInput]:
        """What somebody who has gone through the changes up to this number has yet to go through, in order."""
        inputs = [change.given() for change in self.changes if change.after.number > change_number]
        return [given for given in inputs if given is not None]

    def concerns(self, person: bytes) -> bool:
        """Whether the person has to be visited, and cannot be left until something happens to her."""
        profile = decode_profile(person)
        if profile.identity is not None and profile.identity.is_alone:
            return False
        return any(change.after.number > profile.change_number and change.concerns(profile) for change in self.changes)

    def count(self, people: Iterable[bytes], at: int) -> Counter[tuple[str, int]]:
        """How many runs are open in each version of each journey.

        A version of which nothing is open, and that an ended run may still need, is counted as 0.
        """
        counted: Counter[tuple[str, int]] = Counter()
        for profile in map(decode_profile, people):
            counted.update((run.journey, run.version) for run in profile.runs)
            lying = {entry.key for entry in profile.inbox if entry.withdraw}
            if lying or any(map(_may_be_needed, profile.archives.values())):
                needed = (run for run in profile.past if self._is_needed(run, at) or _lies_in(run, lying))
                counted.update({(run.journey, run.version): 0 for run in needed})
        return counted

    def _is_needed(self, run: Run, at: int) -> bool:
        """Whether a run that has ended may still go by its version: a delivery is under way, or a goal may follow."""
        journey = self.program.journey(run.journey, run.version)
        within_ms = None if journey is None or journey.goal is None else journey.goal.within_ms
        goal_may_follow = run.goal_at is None and within_ms is not None and at <= run.entered_at + within_ms
        return goal_may_follow or has_under_way(run)

    def over(self) -> None:
        """Everybody has gone through everything, and nothing is left that was due before it."""
        if self.changes:
            named = self.ledger.publications()
            sources = {number: source for number, source in self.publications.sources.items() if number in named}
            self.publications = Publications(self.ledger, sources)
            self._unsaved = True
            self._keep(())
