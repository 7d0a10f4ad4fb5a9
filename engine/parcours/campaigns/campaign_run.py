"""One run of a campaign, from its first instant to its end.

A stage is made at the latest end of the steps that it waits for: shards are asked for columns as of that instant, and
each of its steps makes its sets of them, in document order. Steps that act hand over parts of people (core/parts.py),
and end when the last of these is due; only then it is known who has left, was refused, or has reacted, and who is in
the sets that follow.

A run may be gone through again from its beginning, after a crash: what has been made, taken and chosen is not done
twice, and instants are those that were kept (run_book.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from parcours.background import in_thread
from parcours.campaigns.campaign_line import FAILED, SKIPPED, CampaignLine
from parcours.campaigns.hand_overs import HandOver, HandOvers
from parcours.campaigns.off_loop import off_loop
from parcours.campaigns.people import NO_SEEDS, People
from parcours.campaigns.run_book import RunBook
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.run_world import RunWorld
from parcours.campaigns.seeding import seeds_of
from parcours.campaigns.step_choice import chosen
from parcours.campaigns.step_ends import StepOfRun, ends_at, outcome_asked
from parcours.campaigns.step_made import StepMade
from parcours.campaigns.step_parts import last_due, parts_by_output, takes_along
from parcours.errors import AuthorError
from parcours.instants import LATEST_MS
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import CampaignProgram, Stage
from parcours.journey.campaign_steps import SetRef
from parcours.journey.model.campaign_sets import REFUSED
from parcours.routing.scans import ScanGone
from parcours.shard.campaign_requests import Part, SeedAddress
from parcours.shard.scans import StageAsked

_JUDGED = steps.SendToSet | steps.WaitAll | steps.Reacted
"""Steps of which it is asked at their end what has become of people."""

SAVE_PAUSE_S: Final = 0.2
"""Pause before it is tried again to save an audience that another run is saving."""


class CampaignRun:
    """A run under way."""

    def __init__(
        self,
        campaign: CampaignProgram,
        number: int,
        began: int,
        sets: RunSets,
        people: People,
        book: RunBook,
        world: RunWorld,
        hand_overs: HandOvers,
    ) -> None:
        self.campaign = campaign
        self.number = number
        self.began = began
        self.sets = sets
        self._book = book
        self._world = world
        self._people = people
        self._hand_overs = hand_overs
        self._stages = list(enumerate(campaign.stages))
        self._made: dict[str, StepMade] = {}
        self._instants: dict[str, int] = {}
        """Of when the set is that each step takes."""

        self._ends: dict[str, int] = {}
        """When each step ended that ends later than it begins."""

        self._begins: dict[str, int] = {}
        """When that begins which steps do with their people."""

        self._awaited: dict[str, int] = {}
        """When each of those may end that have begun."""

        self._taking: dict[str, tuple[int, HandOver]] = {}
        """By step of the instant at hand, how its people are handed over, and when it ends if nobody is held."""

        self._saving: list[tuple[int, steps.Save]] = []
        self._at_work = next(iter(campaign.steps))
        """The step that is being made, or whose end is looked at."""

        self.failed: str | None = None
        self._gone_on = began
        """The instant at which something was done last."""

    @property
    def is_over(self) -> bool:
        """Whether nothing comes any more."""
        return not (self._stages or self._awaited or self._saving)

    @property
    def next_ms(self) -> int:
        """When something is next to be done: not while all that is awaited is handed over; at once if that fails."""
        if any(self._hand_overs.has_failed(step) for step in self._awaited):
            return self._gone_on
        handed = [at for step, at in self._awaited.items() if self._hand_overs.are_over(step)]
        return min([*handed, *(at for at, _ in self._saving)], default=LATEST_MS if self._awaited else self.began)

    @property
    def saves_next(self) -> bool:
        """Whether that is a save, which takes effect before anything else of its instant."""
        return any(at == self.next_ms for at, _ in self._saving)

    async def go_on(self, at: int) -> None:
        """Do what is to be done at this instant. Where a step cannot be made the run ends, and nothing more is sent."""
        self._gone_on = at
        try:
            self._check_hand_overs()
            await self._save_due(at)
            while await self._end_steps(at) or await self._begin_stages(at):
                pass
        except AuthorError as error:
            self.fail(at, str(error))
        if self.is_over:
            await self.end(at)

    def _check_hand_overs(self) -> None:
        for step in self._awaited:
            self._at_work = step
            self._hand_overs.check(step)

    @property
    def is_finding(self) -> bool:
        """Whether facts have still to tell whom it is about, so that nothing has come of it yet."""
        found = (name for name, step in self.campaign.steps.items() if isinstance(step, steps.ReadFound))
        return not all(map(self.sets.has_found, found))

    def fail(self, at: int, why: str) -> None:
        """The step that is being made cannot be made; `end` is what remains."""
        step, campaign = self._at_work, self.campaign
        begins = self._begins.get(step)
        self._book.tell(
            CampaignLine(at, campaign.name, campaign.version, self.number, step, FAILED, why=why, begins=begins)
        )
        self.give_up(why)

    def give_up(self, why: str) -> None:
        """It has failed, perhaps in a life before: nothing comes of it any more but its end."""
        self.failed = why
        self._stages, self._awaited, self._saving = [], {}, []

    async def end(self, at: int) -> None:
        """Everybody whom it has taken along leaves the run."""
        await self._hand_overs.stop()
        taken = (name for step in self._acts() for name, _ in self.sets.people(step.sources[0]))
        ending: Iterator[Part] = ((name, at, {}, 0) for name in taken)
        await self._take(None, at, ending, cut=self.failed is not None)
        await self.forget()

    async def _take(
        self,
        step: str | None,
        at: int,
        parts: Iterator[Part],
        seeds: Mapping[str, tuple[SeedAddress, ...]] = NO_SEEDS,
        *,
        cut: bool = False,
        part: int | None = None,
    ) -> None:
        campaign, again = self.campaign, self.sets.are_thinned()
        await self._people.take(
            campaign.name, campaign.version, self.number, step, at, parts, seeds, cut=cut, part=part, again=again
        )

    async def forget(self) -> None:
        """Nothing more comes of the run."""
        self._world.members.abandon(f"{self.campaign.name}/{self.number}/")
        await self._people.forget(self.campaign.name, self.number)

    def _acts(self) -> list[steps.CampaignStep]:
        """The steps that may have taken people along, in this life or in one before."""
        acts = [step for step in self.campaign.steps.values() if takes_along(step)]
        return [step for step in acts if (made := self.sets.made(step.id)) is not None and not made.skipped]

    # Stages

    async def _begin_stages(self, at: int) -> bool:
        """Make the stages whose instant this is, their steps in document order; whether there was one.

        Two stages may be of one instant, and a step of one take sets of the other: all are asked for before any acts.
        """
        ready = [(number, stage) for number, stage in self._stages if all(end in self._ends for end in stage.ends)]
        if ready:
            await self._book.going_on()
        for number, stage in ready:
            instant = await self._collect(number, max((self._ends[end] for end in stage.ends), default=self.began))
            await self._find(stage, instant)
            self._instants |= dict.fromkeys(stage.steps, instant)
        names, self._taking = {name for _, stage in ready for name in stage.steps}, {}
        for name in (each for each in self.campaign.steps if each in names):
            await self._act(self.campaign.steps[name], self._instants[name])
        await self._hand_over()
        self._stages = [each for each in self._stages if each not in ready]
        await self._expect()
        return bool(ready)

    async def _expect(self) -> None:
        """Tell for which stages it is known when they will be ready, if nobody is held.

        Updates, and people who are to be made known, may be late: what follows is not as of an instant before them.
        """
        late = {name for name in self._awaited if not isinstance(self.campaign.steps[name], _JUDGED)}
        known = {name: at for name, at in (self._ends | self._awaited).items() if name not in late}
        for number, stage in self._stages:
            if all(end in known for end in stage.ends) and self.sets.needs_people(number):
                at = max((known[end] for end in stage.ends), default=self.began)
                await self._book.expect(StageAsked(self.campaign.name, self.campaign.version, number), at)

    async def _collect(self, number: int, at: int) -> int:
        """Have shards tell what the steps of a stage ask; returns as of when that is."""
        asked = StageAsked(self.campaign.name, self.campaign.version, number)
        if not self.sets.needs_people(number):
            return at
        scan = await self._book.scan(asked, at)
        while not self.sets.has_people(number):
            try:
                async with off_loop(self.sets.collecting(number)) as told:
                    async for rows in self._people.columns(scan):
                        await in_thread(told.add, rows)
            except ScanGone:
                self._book.lost(asked)
                scan = await self._book.scan(asked, at)
            else:
                await self._people.end_scan(scan.name)
        return scan.at

    async def _find(self, stage: Stage, at: int) -> None:
        """Have facts tell whom the steps of a stage ask for."""
        for name in stage.steps:
            step = self.campaign.steps[name]
            if isinstance(step, steps.ReadFound) and step.asked is not None and not self.sets.has_found(name):
                self._at_work = name
                people = await self._world.find(step.asked, at)
                await in_thread(self.sets.found, name, people)

    async def _act(self, step: steps.CampaignStep, at: int) -> None:
        """Make a step's sets, and do with them what it says."""
        self._at_work = step.id
        if isinstance(step, steps.Export):
            made = await in_thread(self.sets.export, step.id, at, self._world.exports)
        else:
            made = await in_thread(self.sets.make, step.id, at)
        self._made[step.id] = made
        if isinstance(step, steps.ReadTable) and step.creates:
            await self._make_known(step, at)
        if isinstance(step, steps.Save) and not made.skipped and (at + 1, step) not in self._saving:
            self._saving.append((at + 1, step))
        if takes_along(step):
            await self._begin(step, at)
        if not isinstance(step, steps.WaitAll | steps.Reacted):
            self._tell_of(at, made)

    async def _make_known(self, step: steps.ReadTable, at: int) -> None:
        begins, ended = await self._begins_at(step.id, at), self._book.end_of(step.id)
        if ended is not None:
            self._ends[step.id] = ended
            return

        async def make_known() -> None:
            names, again = self.sets.created(step.id), self.sets.are_thinned()
            await self._people.make_known(self._slices(step), begins, names, again=again)

        self._taking[step.id] = begins, make_known

    async def _begin(self, step: steps.CampaignStep, at: int) -> None:
        """Take the people of a set to a step. It ends now, or its people are handed over and it is awaited."""
        ended, skipped = self._book.end_of(step.id), self._made[step.id].skipped
        tells = isinstance(step, steps.DivideAtRandom)  # there is nothing to do, so it is not waited for
        begins = at if skipped or tells else await self._begins_at(step.id, at)
        if skipped or ended is not None:
            self._ends[step.id] = at if ended is None else ended
            if isinstance(step, steps.WaitAll | steps.Reacted):
                self._tell_of(self._ends[step.id], self._made[step.id])
            return

        async def hand_over() -> None:
            seeds = seeds_of(self.campaign, step, self.sets)
            for part, parts in parts_by_output(step, begins, self.sets, self.campaign.name, self.number):
                await self._take(step.id, begins, parts, seeds, part=part)

        ends = ends_at(step, begins, self._scoped(step))
        self._taking[step.id] = max(ends, last_due(step, begins, self.sets)), hand_over

    async def _begins_at(self, step: str, at: int) -> int:
        self._begins[step] = await self._book.begins(step, at)
        return self._begins[step]

    async def _hand_over(self) -> None:
        """Begin to hand over the people of all steps of an instant, in document order; from then on they are awaited.

        Before that all sets of the instant are made and told: none is kept waiting by those who are due later.
        """
        for name, (ends, hand_over) in self._taking.items():
            await self._hand_overs.begin(name, hand_over)
            self._awaited[name] = max(ends, self._book.awaited_until(name))

    # Ends

    async def _end_steps(self, at: int) -> bool:
        """End the steps that are awaited until now; whether one has ended.

        A pause keeps what people would have come to meanwhile, so that nobody is judged before it is over.
        """
        due = [name for name in self.campaign.steps if self._awaited.get(name, at + 1) <= at]
        due = [name for name in due if self._hand_overs.are_over(name)]
        if due:
            await self._book.going_on()
        ended = [name for name in due if await self._has_ended(self.campaign.steps[name], self._awaited[name])]
        for name in ended:
            self._ends[name] = self._awaited.pop(name)
            await self._book.ended(name, self._ends[name])
        return bool(ended)

    async def _has_ended(self, step: steps.CampaignStep, at: int) -> bool:
        """Look at what became of the step's people; False where some of them are still to come."""
        self._at_work = step.id
        if not isinstance(step, _JUDGED):
            return True  # what follows takes everybody, as she is by then
        so: list[str] = []
        left: list[str] = []
        until = at
        names = (name for name, _ in self.sets.people(step.sources[0]))
        async for name, outcome in self._people.outcomes(
            self.campaign.name, self.number, at, outcome_asked(step, at, self._scoped(step)), names
        ):
            until = max(until, outcome.was_due or at)
            if outcome.held_until is not None and outcome.state == "open":
                until = max(until, outcome.held_until)
            elif outcome.is_so:
                so.append(name)
            if outcome.state == "left":
                left.append(name)
        if until > at:
            await self._book.awaits(step.id, until)
            self._awaited[step.id] = until
            await self._expect()
            return False
        self._tell_choice(step, at, await in_thread(chosen, step, self.sets, so, left))
        return True

    def _tell_choice(self, step: steps.CampaignStep, at: int, made: StepMade) -> None:
        self._made[step.id] = made
        if isinstance(step, steps.SendToSet):
            self._tell_output(at, made, REFUSED)
        else:
            self._tell_of(at, made)

    def _scoped(self, step: steps.CampaignStep) -> StepOfRun:
        campaign, view = self.campaign, {"id": f"{self.campaign.name}/{self.number}", "entered_at": self.began}
        return StepOfRun(campaign, self.number, {**view, "step": step.id}, self._ends, self._world.newest_runs)

    # Saves

    async def _save_due(self, at: int) -> None:
        """Make those members of audiences whom steps have saved; it holds from the millisecond after on, or later."""
        for when, step in [each for each in self._saving if each[0] <= at]:
            self._at_work = step.id
            if self._book.saved_at(step.id) is None:
                await self._save(step, when)
            self._world.members.note(self._slices(step), step.audience)
            self._saving.remove((when, step))

    async def _save(self, step: steps.Save, when: int) -> None:
        save, members, people = self._slices(step), self._world.members, self.sets.path(SetRef(step.id))
        change = await in_thread(members.begin, save, step.audience, step.mode, people)
        while change is None:
            await self._people.pause(SAVE_PAUSE_S)
            change = await in_thread(members.begin, save, step.audience, step.mode, people)
        silent = self._world.is_silent(step.audience)
        entered, left = change.entered(), change.left()
        again = self.sets.are_thinned()
        holds_from = await self._people.save(save, step.audience, when, entered, left, silent=silent, again=again)
        await self._book.saved(step.id, holds_from)

    def _slices(self, step: steps.CampaignStep) -> str:
        """What slices of a step are known by."""
        return f"{self.campaign.name}/{self.number}/{step.id}"

    # Telling

    def _tell_of(self, at: int, made: StepMade) -> None:
        for output in [SKIPPED] if made.skipped else made.outputs:
            self._tell_output(at, made, output)

    def _tell_output(self, at: int, made: StepMade, output: str) -> None:
        campaign, size, begins = self.campaign, made.outputs.get(output, 0), self._begins.get(made.step)
        line = CampaignLine(at, campaign.name, campaign.version, self.number, made.step, output, size, made.inflow)
        self._book.tell(msgspec.structs.replace(line, dropped=made.dropped, begins=begins))
