"""Control over the journeys of a running engine: publish, close, stop, pause, resume, and tell their states."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from types import MappingProxyType

from parcours.channel import CALL
from parcours.clock import Clock
from parcours.errors import CallerError, ProjectInvalid, PublishRefused
from parcours.journey.channels import channels_of, channels_used
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.ledger import JourneyStateName, Verb
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun
from parcours.routing.change_protocol import Making, carry_out, changing, publishing, settle
from parcours.routing.ports import ShardPort, until_answered
from parcours.runtime.runtimes import Runtime
from parcours.service.call_secrets import unknown_references
from parcours.shard.requests import CountRuns
from parcours.wording import shown_value


@dataclass(frozen=True, slots=True)
class JourneyState:
    """
    state    open, closed (nobody enters), paused (nobody enters and nobody moves), or stopped (nobody is in it)
    version  the newest one: that which is entered
    older    versions before it that are kept for those who may still go by them
    runs     how many runs are open in each version that anybody is in
    """

    journey: str
    state: JourneyStateName
    version: int
    older: tuple[int, ...] = ()
    runs: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))


class JourneyControl:
    """Lives on the engine's event loop. `renewed` is told the program whenever another one holds."""

    def __init__(
        self,
        project: Project,
        channels: Sequence[str],
        runtime: Runtime,
        clock: Clock,
        renewed: Callable[[Program], Awaitable[None]],
        secrets: Collection[str] | None = None,
    ) -> None:
        """What there is to know of how the engine was opened.

        channels  those on which it delivers or records
        secrets   the references in headers of calls that it knows; None where no call leaves
        """
        self._secrets = secrets
        self._channels = frozenset(channels)
        self._runtime = runtime
        self._clock = clock
        self._renewed = renewed
        self._compiler = PublicationCompiler(project)
        self._project = project
        self._turn = asyncio.Lock()
        self._attempts = count(1)
        self.publications = begun(project)
        self.current = project.program
        """All that is published now, as one program; also read from other threads."""

    @property
    def _ports(self) -> Sequence[ShardPort]:
        return self._runtime.ports

    async def begin(self) -> None:
        """Finish what was begun before, then publish what is new in the project that the engine was opened with."""
        self.publications = await settle(self._ports)
        await self._publish(self._project, reopen=False)
        await self._renew()

    async def _renew(self) -> None:
        self.current = self._compiler.program(self.publications)
        await self._renewed(self.current)

    async def publish(self, project: Project) -> None:
        """Raises PublishRefused."""
        reasons = [*drafted(project), *self._missing(project)]
        if project.name != self._project.name:
            reasons.append(f"the store belongs to project {self._project.name!r}, not to {project.name!r}")
        if reasons:
            raise PublishRefused("\n".join(reasons))
        try:
            await self._publish(project, reopen=True)
        except ProjectInvalid as error:
            raise PublishRefused(*error.args) from None

    async def _publish(self, project: Project, *, reopen: bool) -> None:
        async with self._turn:  # what is counted as not in use must not be entered before it is forgotten
            await self._carry_out(publishing(project, reopen=reopen, in_use=await self._in_use()))

    async def _in_use(self) -> set[tuple[str, int]] | None:
        """The versions that somebody goes by; nobody is asked as long as each journey has one only."""
        if all(len(entry.versions) == 1 for entry in self.publications.ledger.journeys.values()):
            return None
        counted = [each for port in self._ports for each in await until_answered(partial(port.ask, CountRuns()))]
        return {(journey, version) for journey, version, _ in counted}

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
        used = channels_used(project.program)
        unopened = [_not_opened(project, channel) for channel in used if channel not in self._channels]
        unknown = [] if self._secrets is None else unknown_references(project.program.journeys, self._secrets)
        return [*unopened, *(f"{each}: open it anew, with this project" for each in unknown)]

    async def change(self, verb: Verb, journey: str) -> None:
        """Raises CallerError for a journey that there is not, and for one with which that cannot be done."""
        if not isinstance(journey, str):
            raise CallerError(f"{verb}_journey({shown_value(journey)}): a journey's name is a text")
        async with self._turn:
            await self._carry_out(changing(verb, journey))

    @asynccontextmanager
    async def undisturbed(self) -> AsyncGenerator[int, None]:
        """Nothing is published or changed within this; who asks for it waits, as this waits for who was first.

        Yields the number of an attempt, for whoever makes the shards stand still meanwhile (shard/attempts.py).
        """
        async with self._turn:
            yield next(self._attempts)

    async def _carry_out(self, make: Making) -> None:
        before = self.publications
        now_ms, attempt = self._clock.now_ms(), next(self._attempts)
        after = await carry_out(self._ports, before, make, now_ms, self._tell, attempt)
        self.publications = after
        if after is not before:
            await self._renew()

    async def finish(self, within_s: float) -> None:
        """Return when no change is under way; one that takes longer is finished when the store is opened again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s), self._turn:
                pass

    async def _tell(self, publications: Publications) -> None:
        """That it can be compiled and sent is found out before any shard is told."""
        self._compiler.program(publications)
        await self._runtime.publish(publications)

    def journey_states(self) -> dict[str, JourneyStateName]:
        """The state of every journey that there is or has been."""
        return {name: entry.state for name, entry in self.publications.ledger.journeys.items()}

    async def states(self) -> list[JourneyState]:
        """Every journey that there is or has been, by name."""
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
                runs=MappingProxyType(dict(sorted(runs.get(name, {}).items()))),
            )
            for name, entry in sorted(self.publications.ledger.journeys.items())
        ]


def drafted(project: Project) -> list[str]:
    """Why a project that sends drafts cannot be published."""
    return [f"the message {message!r} is a draft, set its status to ready" for message in project.drafts]


def _not_opened(project: Project, channel: str) -> str:
    """Why a project that uses this channel cannot be published, and what there is to do about it."""
    records = f"with records=[{channel!r}]"
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
