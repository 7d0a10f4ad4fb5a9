"""The runs of an engine's campaigns that are under way: each is conducted by a task of its own until it is over.

STORE/campaigns/NAME/N/run.json   how far run N is, beside its sets (run_folder.py)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from parcours.background import spawn
from parcours.campaigns.campaign_run import CampaignRun
from parcours.campaigns.fence import Fence
from parcours.campaigns.hand_overs import HandOver, LiveHandOvers
from parcours.campaigns.line_numbers import LineNumbers
from parcours.campaigns.live_people import LOOK_S, LivePeople, TurnsOfRun, Undisturbed
from parcours.campaigns.run_folder import EARLIER, RunFolder, write_json
from parcours.campaigns.run_place import PLACE, LiveBook, RunPlace, RunState
from parcours.campaigns.run_sets import RunSets
from parcours.campaigns.run_world import Find, RunWorld
from parcours.campaigns.step_words import words_of
from parcours.campaigns.work_gate import WorkGate
from parcours.clock import Clock
from parcours.config import SECOND_MS, Settings
from parcours.core.identity import SlotMap
from parcours.core.time_text import time_text
from parcours.errors import AuthorError, ParcoursError
from parcours.expression.definition_keys import plain
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.compile.campaigns.found import KEPT
from parcours.journey.publish.ledger import JourneyStateName
from parcours.routing.change_protocol import STOP_PATIENCE_S, see_through
from parcours.routing.ports import ShardPort

log = logging.getLogger("parcours")

RETRY_S: Final = 60.0
"""Pause before a run goes on that could not, because of the store or the disk."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EngineAround:
    """What there is around the campaigns of an engine.

    undisturbed  keeps what is published from changing, and numbers attempts to make all shards stand still
    folder       where campaigns keep what they have to know; `exports` is where their files go
    tables_root  the folder below which the files of tables lie
    numbers      of the lines that campaigns tell
    find         whom facts tell of
    fence        keeps out who was succeeded as the keeper of the engine
    """

    ports: Sequence[ShardPort]
    slot_map: SlotMap
    undisturbed: Undisturbed
    clock: Clock
    settings: Settings
    folder: Path
    exports: Path
    tables_root: Path
    numbers: LineNumbers
    find: Find
    fence: Fence


class RunUnderWay:
    """A run, and whoever conducts it."""

    def __init__(self, run: CampaignRun, book: LiveBook, hand_overs: LiveHandOvers) -> None:
        self.run = run
        self.book = book
        self.hand_overs = hand_overs
        self.task: asyncio.Task[None] | None = None
        self.attempts = 0
        self.troubles: dict[str, str] = {}
        """What is not in order with it, a sentence each: by the step that is handed over, "" with all the rest."""

    @property
    def place(self) -> RunPlace:
        """How far it is."""
        return self.book.place

    @property
    def name(self) -> str:
        return f"run {self.run.number} of the campaign {self.run.campaign.name!r}"

    def scans(self) -> set[str]:
        """The scans that it is going to collect."""
        begun = {name for stage, (name, _) in self.place.scans.items() if not self.run.sets.has_people(int(stage))}
        return begun | {name for name, _ in self.place.expected.values()}


class LiveRuns:
    """Lives on the loop of its host. `over` is called when a run is over."""

    def __init__(self, around: EngineAround, world: RunWorld, over: Callable[[], None]) -> None:
        self._around = around
        self._world = world
        self._over = over
        self._states: Mapping[str, JourneyStateName] = {}
        self._may_go_on = asyncio.Condition()
        self._under_way: dict[tuple[str, int], RunUnderWay] = {}
        self._room = asyncio.Semaphore(around.settings.campaign_runs_max)
        self.gate = WorkGate()
        self._unbroken: set[asyncio.Future[Any]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._not_kept: dict[str, str] = {}
        self.people = self._people_for(None, lambda: 0)
        """Everybody, whatever run it is about."""

    def renew(self, states: Mapping[str, JourneyStateName]) -> None:
        """Campaigns are in these states from now on."""
        self._states = states
        for each in [*self._under_way.values()]:
            if states.get(each.run.campaign.name) == "stopped":
                spawn(self._end_stopped(each), self._tasks)
        spawn(self._tell_states(), self._tasks)

    async def _tell_states(self) -> None:
        async with self._may_go_on:
            self._may_go_on.notify_all()

    def of(self, campaign: str) -> dict[int, RunUnderWay]:
        """Those of a campaign that are under way, by number."""
        return {number: each for (name, number), each in sorted(self._under_way.items()) if name == campaign}

    def in_use(self) -> set[tuple[str, int]]:
        """The versions of campaigns by which runs go."""
        return {(name, each.run.campaign.version) for (name, _), each in self._under_way.items()}

    def troubles(self) -> list[str]:
        """What is not in order with them, a sentence each; and which audience could not be kept up to date."""
        under_way = (why for _, each in sorted(self._under_way.items()) for _, why in sorted(each.troubles.items()))
        return [*self._not_kept.values(), *under_way]

    async def stop(self) -> None:
        """Conduct none any more; whoever opens the store again goes on where each is."""
        tasks: list[asyncio.Future[None]] = [*self._tasks]
        for each in self._under_way.values():
            tasks += [*([] if each.task is None else [each.task]), *each.hand_overs.tasks.values()]
        for task in tasks:
            task.cancel()
        if tasks:  # one that is making sets leaves them when a statement is over
            await asyncio.wait(tasks, timeout=STOP_PATIENCE_S)
        await see_through(self._unbroken)

    # A run from its begin to its end

    def begin(self, campaign: CampaignProgram, began: RunPlace) -> RunUnderWay:
        """Let a run begin, durably. Raises OSError."""
        folder = self._folder(began)
        RunFolder(folder, durable=True, fence=self._around.fence).write_words(words_of(campaign))
        write_json(folder / PLACE, began, durable=True, fence=self._around.fence)
        return self._conduct(campaign, began)

    def take_up(self, place: RunPlace, campaign: CampaignProgram | None) -> RunUnderWay | None:
        """A run of a life before goes on; it has failed where its version is not there any more. Raises OSError."""
        if campaign is not None:
            return self._conduct(campaign, place)
        log.error("run %d of the campaign %r cannot go on: its version is lost", place.number, place.campaign)
        book = self._book(place, self.people)
        book.keep(state="failed", ended=self._around.clock.now_ms())
        return None

    def _conduct(self, campaign: CampaignProgram, place: RunPlace) -> RunUnderWay:
        people = self._people_for(campaign.name, lambda: book.place.since)
        book, folder = self._book(place, people), self._folder(place)
        earlier = folder.parent / EARLIER
        RunFolder(folder, durable=True).clear_attempts()
        around = self._around
        sets = RunSets(campaign, place.number, folder, around.tables_root, around.settings, earlier, fence=around.fence)
        turns = TurnsOfRun(people, f"{campaign.name}/{place.number}")
        hand_overs = LiveHandOvers(lambda step, hand_over: self._carry_out(under_way, step, hand_over), turns)
        run = CampaignRun(campaign, place.number, place.began, sets, people, book, self._world, hand_overs)
        for line in place.lines:
            if line.is_failure:
                run.give_up(line.why)
        under_way = self._under_way[campaign.name, place.number] = RunUnderWay(run, book, hand_overs)
        if self._states.get(campaign.name) == "stopped":
            spawn(self._end_stopped(under_way), self._tasks)
        else:
            under_way.task = asyncio.ensure_future(self._conducted(under_way))
        return under_way

    async def _conducted(self, under_way: RunUnderWay) -> None:
        """Go from instant to instant until the run is over."""
        run = under_way.run
        try:
            if self._room.locked():
                most = self._around.settings.campaign_runs_max
                under_way.troubles[""] = f"{under_way.name} waits: campaign_runs_max={most} runs are under way"
                log.warning("%s", under_way.troubles[""])
            async with self._room:
                under_way.troubles.pop("", None)
                await self._go_on_with(under_way)
                while not run.is_over:
                    await self._go_on_with(under_way)
                await self._end(under_way, "failed" if run.failed else "done")
        except Exception as error:  # nobody waits for it
            why = f"{under_way.name} does not go on: {type(error).__name__}: {error}"
            under_way.troubles = {"": why}  # nothing of it is tried again
            log.error("%s", why, exc_info=error)
            await under_way.hand_overs.stop()

    async def _go_on_with(self, under_way: RunUnderWay) -> None:
        """Do what is to be done next, at its instant."""
        run, clock = under_way.run, self._around.clock
        while (now_ms := clock.now_ms()) <= (at := run.next_ms):
            await under_way.hand_overs.one_over(min((at + 1 - now_ms) / SECOND_MS, LOOK_S))
        await self._carry_out(under_way, "", lambda: run.go_on(at))

    async def _carry_out(self, under_way: RunUnderWay, what: str, action: HandOver) -> None:
        """Do something that a run has to do, again and again where the store or the disk fails.

        Raises AuthorError for what no repetition mends.
        """
        while True:
            try:
                async with self.gate.at_work():
                    await action()
            except AuthorError:
                raise
            except (ParcoursError, OSError) as error:
                if await self._gives_up(under_way, error):
                    return
                why = f"{under_way.name} waits, and tries again every {RETRY_S:g} s: {error}"
                under_way.troubles[what] = why
                log.warning("%s", why)
                await asyncio.sleep(RETRY_S)
            else:
                under_way.troubles.pop(what, None)
                return

    async def _gives_up(self, under_way: RunUnderWay, error: Exception) -> bool:
        """Whether the run ends because facts could not be asked for so long: the next instant asks again."""
        most = self._around.settings.kept_attempts_max
        under_way.attempts += under_way.run.is_finding
        if under_way.attempts < most or not under_way.run.is_finding:
            return False
        now_ms = self._around.clock.now_ms()
        under_way.run.fail(now_ms, f"kept_attempts_max={most} attempts have failed, the last one so: {error}")
        async with self.gate.at_work():
            await under_way.run.end(now_ms)
        return True

    async def _end_stopped(self, under_way: RunUnderWay) -> None:
        """Its campaign has been stopped: shards have ended what people had of it."""
        if under_way.task is not None:
            under_way.task.cancel()
            await asyncio.gather(under_way.task, return_exceptions=True)
        await under_way.hand_overs.stop()
        async with self.gate.at_work():
            await under_way.run.forget()
        await self._end(under_way, "stopped")

    async def _end(self, under_way: RunUnderWay, state: RunState) -> None:
        async with self.gate.at_work():
            for scan in sorted(under_way.scans()):
                await self.people.end_scan(scan)
            under_way.run.sets.close()
            RunFolder(self._folder(under_way.place), durable=True).clear_attempts()
            self.hear_end(under_way.place, under_way.run.failed)
            under_way.book.keep(state=state, ended=self._around.clock.now_ms(), expected={})
        self._under_way.pop((under_way.run.campaign.name, under_way.run.number), None)
        self._over()

    def hear_end(self, place: RunPlace, failed: str | None) -> None:
        """A run is over, or is the newest that was: if its audience could not be made, that is told until it is."""
        self._not_kept.pop(place.campaign, None)
        if failed is not None and place.listed is not None and place.campaign.startswith(KEPT):
            audience, at = plain(place.listed.audience), time_text(place.began)
            self._not_kept[place.campaign] = f"the audience {audience!r} was not made at {at}: {failed}"

    # Around a run

    def _book(self, place: RunPlace, people: LivePeople) -> LiveBook:
        around = self._around
        going_on = partial(self._going_on, place.campaign)
        return LiveBook(
            place, self._folder(place), people, around.clock, around.settings.campaign_lead_ms, going_on,
            around.numbers, around.fence,
        )  # fmt: skip

    def _people_for(self, campaign: str | None, since: Callable[[], int]) -> LivePeople:
        around = self._around
        going_on = partial(self._going_on, campaign)
        return LivePeople(
            around.ports, around.slot_map, around.settings, around.clock, around.undisturbed, going_on, self._whole,
            self.gate, since,
        )  # fmt: skip

    async def _going_on(self, campaign: str | None) -> None:
        """Return when the campaign is not paused."""
        if self._states.get(campaign or "") == "paused":
            async with self.gate.resting(), self._may_go_on:
                await self._may_go_on.wait_for(lambda: self._states.get(campaign or "") != "paused")

    async def _whole(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run to its end what must not be cancelled in the middle: shards that stand still are not left alone."""
        future = asyncio.ensure_future(coroutine)
        self._unbroken.add(future)
        future.add_done_callback(self._unbroken.discard)
        return await asyncio.shield(future)

    def _folder(self, place: RunPlace) -> Path:
        return self._around.folder / place.campaign / str(place.number)
