"""Control over the journeys of a running engine: publish, close, stop, pause, resume, and tell their states."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import count
from typing import get_args

from parcours.channel import CALL, INBOX
from parcours.clock import Clock
from parcours.config import Settings
from parcours.core.audiences import unfilled
from parcours.errors import CallerError, LedgerOutdated, ProjectInvalid, PublishRefused
from parcours.expression.definition_keys import plain
from parcours.journey.channels import channels_of, ways_out
from parcours.journey.destinations import is_lane, name_of
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.difference import Difference, beyond, differences
from parcours.journey.publish.ledger import ChangeFigures, Named, Verb
from parcours.journey.publish.publications import PublicationCompiler, Publications
from parcours.journey.publish.removed_offers import removed_from, removed_from_runs
from parcours.routing.change_protocol import Making, carry_out, changing, noting, publishing, settle
from parcours.routing.leases import end_leases
from parcours.routing.patience import Patience
from parcours.routing.ports import ShardPort, until_answered
from parcours.runtime.runtimes import Runtime
from parcours.service.call_secrets import unknown_references
from parcours.service.campaigns_of_host import unconducted
from parcours.service.change_outcome import SAID, ChangeOutcome, Order, RunsConcerned, refused
from parcours.service.journey_state import JourneyState
from parcours.service.published import ASKED, Published
from parcours.shard.archiving import hears_more
from parcours.shard.requests import CountOpenRuns, CountRuns, Foresee
from parcours.store.place import IN_MEMORY
from parcours.wording import ForeignText, nearest, quoted, shown_value

log = logging.getLogger("parcours")


class JourneyControl(Published):
    """Lives on the engine's event loop. `renewed` is told the program whenever another one holds."""

    def __init__(
        self,
        project: Project,
        channels: Sequence[str],
        runtime: Runtime,
        clock: Clock,
        renewed: Callable[[Program], Awaitable[None]],
        secrets: Collection[str] | None = None,
        wait_s: float | None = None,
        conducted: Callable[[], set[tuple[str, int]]] = set,
        store: str = IN_MEMORY[0],
        settings: Settings | None = None,
    ) -> None:
        """What there is to know of how the engine was opened.

        channels  those on which it delivers or records
        secrets   the references in headers of calls that it knows; None where no call leaves
        wait_s    how long a change waits for shards; None: as long as it takes
        conducted  the versions of campaigns by which runs go
        store     the address of the engine's store
        settings  with which it was opened
        """
        super().__init__(project)
        self.changed = asyncio.Event()
        """Set with the next change; there is another one then."""
        self._wait_s = wait_s
        self._conducted = conducted
        self._store = store
        self._settings = settings or Settings()
        self._left: set[asyncio.Task[None]] = set()
        self._secrets = secrets
        self._channels = frozenset(channels) | INBOX
        self._runtime = runtime
        self._clock = clock
        self._renewed = renewed
        self._turn = asyncio.Lock()
        self._attempts = count(1)

    @property
    def _ports(self) -> Sequence[ShardPort]:
        return self._runtime.ports

    async def begin(self, *, publishes: bool = True) -> None:
        """Finish what was begun before, then publish what is new in the project that the engine was opened with.

        publishes  unless it only goes on
        """
        self.publications = await settle(self._ports)
        async with self._turn:
            if publishes:
                await self._publish_at_opening()
        await self._renew(self.publications)

    async def _publish_at_opening(self) -> None:
        """What runs miss by it is only told: an engine that does not open helps nobody."""
        before, patience = self.publications, Patience()
        await self._carry_out(publishing(self._project, reopen=False, in_use=await self._in_use(patience)))
        if self.publications is not before:
            was = PublicationCompiler().program(before)
            for missed in await self._missed_by_runs(was, self.publications, patience):
                log.warning("what was published at the opening takes something from open runs: %s", ForeignText(missed))

    async def _renew(self, publications: Publications) -> None:
        self._take(publications)
        await self._renewed(self.current)
        self.changed.set()
        self.changed = asyncio.Event()

    async def publish(self, project: Project, order: Order = ASKED, only: str | None = None) -> ChangeOutcome:
        async with self._turn_of(order) as patience:  # who is counted as in no version must not enter it meanwhile
            before = self.publications
            reasons = self._objections(project, only)
            found: list[Difference] = []
            if not reasons:
                reopen = True if only is None else frozenset({only})
                make = publishing(project, reopen=reopen, in_use=await self._in_use(patience), by=order.by)
                after = make(before, self._clock.now_ms())
                found = differences(before, after)
                reasons = self._unfit(after) + (beyond(found, project, only) if only is not None else [])
                reasons += [] if reasons else await self._missed_by_runs(self.current, after, patience)
            if reasons and not order.dry:
                raise PublishRefused("\n".join(reasons))
            if reasons:
                return refused(before.ledger.number, reasons)
            stay = await self._open_runs({each.name for each in found if each.kind in get_args(Named)}, patience)
            filled = () if after is before else unfilled(self.current, self._compiler.program(after))
            said = tuple(each.text for each in found)
            if not order.dry:
                listens = self._listens_to_more(after)
                await self._carry_out(noting(make, ChangeFigures(stay=stay), said), patience, listens=listens)
            return ChangeOutcome(
                ledger=self.publications.ledger.number,
                dry=order.dry,
                runs=RunsConcerned(stay=stay),
                audiences_filled=tuple(sorted({plain(key) for key in filled})),
                changes=said,
            )

    def _objections(self, project: Project, only: str | None) -> list[str]:
        """Why this project cannot be published, as far as it says by itself."""
        reasons = [*drafted(project), *unconducted(project, self._store, self._settings), *self._missing(project)]
        if project.name != self._project.name:
            reasons.append(f"the store belongs to project {self._project.name!r}, not to {project.name!r}")
        journeys, campaigns = project.program.journeys, project.program.campaigns
        known = {each.name for each in journeys} | {each.name for each in campaigns}
        if only is not None and only not in known:
            what = "journey or campaign" if campaigns else "journey"
            reasons.append(f"the project has no {what} {quoted(only)}{nearest(only, known)}")
        return reasons

    def _unfit(self, after: Publications) -> list[str]:
        """Why what would be published then cannot be: an older version may need what the project does not have."""
        try:
            self._compiler.program(after)
        except ProjectInvalid as error:
            return list(error.findings)
        return []

    async def _missed_by_runs(self, was: Program, after: Publications, patience: Patience) -> list[str]:
        """Why this cannot be published after `was`: open runs would miss a decision, or where its offers are shown."""
        will_be, stopped = self._compiler.program(after), self._stopped()
        if not any(removed_from(each, was, will_be) for each in will_be.versions()):
            return []
        runs = await self._runs(patience)
        for version in self._conducted():
            runs[version] = runs[version] or 1  # it has its own run, though nobody is in that yet
        return removed_from_runs(was, will_be, {each: many for each, many in runs.items() if each[0] not in stopped})

    def _stopped(self) -> set[str]:
        """The journeys whose runs are over, though some may not have been gone through yet."""
        return {name for name, entry in self.publications.ledger.journeys.items() if entry.state == "stopped"}

    async def _runs(self, patience: Patience) -> Counter[tuple[str, int]]:
        """How many runs are open of each version that anybody goes by."""
        found = Counter[tuple[str, int]]()
        for number, port in enumerate(self._ports):
            for journey, version, many in await patience.answer(number, partial(port.ask, CountRuns())):
                found[journey, version] += many
        return found

    async def _open_runs(self, journeys: Collection[str], patience: Patience) -> int:
        """How many runs of these journeys are open."""
        if not journeys:
            return 0
        counted = [
            await patience.answer(number, partial(port.ask, CountOpenRuns())) for number, port in enumerate(self._ports)
        ]
        return sum(runs.get(name, 0) for runs in counted for name in journeys)

    async def _in_use(self, patience: Patience) -> set[tuple[str, int]] | None:
        """The versions that somebody goes by; nobody is asked as long as each journey has one only."""
        if all(len(entry.versions) == 1 for entry in self.publications.ledger.journeys.values()):
            return None
        return self._conducted() | (await self._runs(patience)).keys()

    def troubles(self) -> list[str]:
        """What older versions need that the engine was not opened with.

        On a channel that it does not know their deliveries wait; their calls, with a header that it does not know, are
        tried again and fail in the end.
        """
        unknown = [] if self._secrets is None else unknown_references(self.current.draining, self._secrets)
        waiting = [
            f"version {journey.version} of {journey.name!r} sends on {channel!r}, which the engine was not opened with"
            for journey in self.current.draining
            for channel in channels_of(journey)
            if channel not in self._channels
        ]
        return [*waiting, *(f"of an older version, {each}" for each in unknown)]

    def _missing(self, project: Project) -> list[str]:
        """Why the engine cannot send what the project sends."""
        used = ways_out(project.program)
        unopened = [_not_opened(project, channel) for channel in used if channel not in self._channels]
        unknown = [] if self._secrets is None else unknown_references(project.program.journeys, self._secrets)
        return [*unopened, *(f"{each}: open it anew, with this project" for each in unknown)]

    async def change(self, verb: Verb, journey: str, order: Order = ASKED, of: Named = "journey") -> ChangeOutcome:
        if not isinstance(journey, str):
            raise CallerError(f"{verb}_{of}({shown_value(journey)}): a {of}'s name is a text")
        async with self._turn_of(order) as patience:
            if (other := self.taken_otherwise(journey, of)) is not None:
                raise CallerError(other)
            before, make = self.publications, changing(verb, journey, order.by, of)
            try:
                after = make(before, self._clock.now_ms())
            except CallerError as error:
                if not order.dry or journey not in before.ledger.journeys:
                    raise
                return refused(before.ledger.number, [str(error)])
            runs, cancelled = RunsConcerned(), 0
            said = () if after is before else (SAID[of, verb].format(name=journey),)
            if after is not before:
                async with self._kept_back(journey, if_any=verb == "stop" and not order.dry):
                    runs, cancelled = await self._foreseen(verb, journey, patience)
                    if not order.dry:
                        figures = ChangeFigures(runs.stay, runs.end, runs.make_up, cancelled)
                        listens = self._listens_to_more(after)
                        await self._carry_out(noting(make, figures, said), patience, listens=listens)
            return ChangeOutcome(
                ledger=self.publications.ledger.number,
                dry=order.dry,
                runs=runs,
                deliveries_cancelled=cancelled,
                changes=said,
            )

    @asynccontextmanager
    async def _kept_back(self, journey: str, *, if_any: bool) -> AsyncGenerator[None, None]:
        """Nothing of the journey leaves within this; where it fails, the journey goes on, and so do its deliveries."""
        if not if_any:
            yield
            return
        await self._runtime.keep_back(journey)
        try:
            yield
        except Exception:
            log.warning("the journey %r is not stopped, and its deliveries leave again", ForeignText(journey))
            raise
        finally:
            await self._runtime.let_go(journey)

    async def _foreseen(self, verb: Verb, journey: str, patience: Patience) -> tuple[RunsConcerned, int]:
        """What happens to the journey's runs, and how many deliveries are cancelled."""
        if verb in ("close", "pause"):
            return RunsConcerned(stay=await self._open_runs({journey}, patience)), 0
        seen = [
            await patience.answer(number, partial(port.ask, Foresee(journey)))
            for number, port in enumerate(self._ports)
        ]
        runs, making_up = sum(each.runs for each in seen), sum(each.making_up for each in seen)
        if verb == "stop":
            return RunsConcerned(end=runs), sum(each.deliveries for each in seen)
        return RunsConcerned(stay=runs - making_up, make_up=making_up), 0

    @asynccontextmanager
    async def _turn_of(self, order: Order) -> AsyncGenerator[Patience, None]:
        """Nothing else is changed within this. Raises LedgerOutdated where something has been."""
        patience = self.patience()
        await patience.turn(self._turn)
        try:
            newest = self.publications.ledger.number
            if order.ledger is not None and order.ledger != newest:
                raise LedgerOutdated(
                    f"the newest change has the number {newest}, and not {order.ledger}: look at what is published, "
                    "and ask again with that number"
                )
            yield patience
        finally:
            self._turn.release()

    def patience(self) -> Patience:
        """How long somebody waits for shards who has begun to now."""
        return Patience(self._wait_s, self._left)

    @asynccontextmanager
    async def undisturbed(self) -> AsyncGenerator[int, None]:
        """Nothing is published or changed within this; who asks for it waits, as this waits for who was first.

        Yields the number of an attempt, for whoever makes the shards stand still meanwhile (shard/attempts.py).
        """
        async with self._turn:
            yield next(self._attempts)

    async def _carry_out(self, make: Making, patience: Patience | None = None, *, listens: bool = True) -> None:
        """listens: something may listen to more events by it."""
        before, patience = self.publications, patience or Patience()
        if listens and make(before, self._clock.now_ms()) is not before:
            await end_leases(self._ports, patience)  # the shards go on meanwhile, and need not stand still for as long
        now_ms, attempt = self._clock.now_ms(), next(self._attempts)
        after = await carry_out(self._ports, before, make, now_ms, self._tell, attempt, patience, listens=listens)
        if after is not before:
            await self._renew(after)

    def _listens_to_more(self, after: Publications) -> bool:
        """Whether something listens to more events by what is published next than by what is published now."""
        was, will_be = self.current, self._compiler.program(after)
        return any(hears_more(was, will_be, archives=archives) for archives in (False, True))

    async def finish(self, within_s: float) -> None:
        """Return when no change is under way; one that takes longer is finished when the store is opened again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._turn:
                pass
        for task in self._left:
            task.cancel()
        await asyncio.gather(*self._left, return_exceptions=True)

    async def _tell(self, publications: Publications) -> None:
        """That it can be compiled and sent is found out before any shard is told."""
        self._compiler.program(publications)
        await self._runtime.publish(publications)

    async def states(self) -> list[JourneyState]:
        campaigns = self.current.campaign_names()
        runs: dict[str, dict[int, int]] = {}
        for port in self._ports:
            for journey, version, many in await until_answered(partial(port.ask, CountRuns())):
                of_journey = runs.setdefault(journey, {})
                if many:
                    of_journey[version] = of_journey.get(version, 0) + many
        return [
            JourneyState(
                journey=name,
                state=entry.state,
                version=entry.newest.number,
                older=tuple(each.number for each in entry.versions[:-1]),
                runs=dict(sorted(runs.get(name, {}).items())),
            )
            for name, entry in sorted(self.publications.ledger.journeys.items())
            if name not in campaigns
        ]


def drafted(project: Project) -> list[str]:
    """Why a project that sends drafts cannot be published."""
    return [f"the message {message!r} is a draft, set its status to ready" for message in project.drafts]


def _not_opened(project: Project, channel: str) -> str:
    """Why a project that uses this channel cannot be published, and what there is to do about it."""
    records = f"with records=[{channel!r}]"
    if is_lane(channel):
        return (
            f"there is the destination {name_of(channel)!r}, which the engine was not opened with: open it anew, with "
            f"this project or {records}"
        )
    if channel != CALL:
        return (
            f"the messages use the channel {channel!r}, which the engine was not opened with: open it anew, with "
            f"channels.{channel} in parcours.yaml or {records}"
        )
    calling = ", ".join(repr(each.name) for each in project.program.journeys if CALL in channels_of(each))
    return (
        f"outbound calls are made by {calling}, and the engine was opened without them: open it anew, with the extra "
        f"[{CALL}] installed or {records}"
    )
