"""A project that is tried out: it runs in this process by the real clock, over a store of its own in memory.

It has an engine of its own, with nobody in it but who is told to it, and nothing of it is known anywhere else: not its
people, not its caps, not its counts. Every channel records, and so do outbound calls, so nothing leaves. Its clock can
be told to skip what somebody waits for. Campaigns stay out: they are of everybody, and read and write files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from parcours.channel import CALL
from parcours.clock import Clock, SystemClock
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.core.remarks import RemarkCounter
from parcours.dispatch.recorded_rendering import RecordedRendering, Said
from parcours.dispatch.registry import Registry
from parcours.journey.channels import channels_used
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.plan import Plan
from parcours.runtime.runtimes import open_runtime
from parcours.service.host import Host
from parcours.service.service import Service
from parcours.shard.outbox import Answering
from parcours.shard.requests import PassTime
from parcours.testing.shortened import shortened

RENDERED_MAX: Final = 500
"""Deliveries of which it is kept what they say; of more the newest."""

STORE: Final = "memory:"


class SkippingClock:
    """A clock that goes on as another one, and skips what it is told to: satisfies `Clock`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms = 0

    def now_ms(self) -> int:
        return self._clock.now_ms() + self._ahead_ms

    def skip_to(self, at_ms: int) -> None:
        """It is this time now, if it is not later already."""
        self._ahead_ms += max(0, at_ms - self.now_ms())


@dataclass(frozen=True, slots=True)
class Rendered:
    """A delivery that would have left.

    said     None where it could not be rendered, or must not leave
    remarks  what its channel's check remarks
    """

    outgoing: Outgoing
    said: Said | None
    remarks: tuple[str, ...]


class KeptRendering:
    """Renders what is recorded and keeps what it says: satisfies `RecordedAnswers`."""

    def __init__(self, project: Project, registry: Registry | None = None) -> None:
        self._rendering = RecordedRendering.of(project, registry=registry)
        self.rendered: deque[Rendered] = deque(maxlen=RENDERED_MAX)

    def answering(self, program: Program, remarks: RemarkCounter | None = None) -> Answering:
        answer = self._rendering.answering(program, remarks)

        def keep(outgoing: Outgoing, program: Program) -> Settlement:
            settlement = answer(outgoing, program)
            said, told = self._rendering.collect(), self._rendering.remarks()
            self.rendered.append(Rendered(outgoing, said.get(outgoing.key), tuple(text for *_, text in told)))
            return settlement

        return keep


class Sandbox:
    """Used on one event loop: `start`, what happens by the calls of `service`, and `close`.

    project  as it is written
    service  an engine of the project with its waits made short
    """

    def __init__(
        self,
        project: Project,
        shorten_ms: int | None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        registry: Registry | None = None,
    ) -> None:
        """Raises ProjectInvalid for a content that no person can get."""
        settings = settings or Settings()
        self.project = project
        self._rendering = KeptRendering(project, registry)
        self._clock = SkippingClock(clock or SystemClock(settings.clock_jump_max_ms))
        plan = Plan(
            _journeys_alone(project if shorten_ms is None else shortened(project, shorten_ms)),
            1,
            STORE,
            records=tuple(sorted({*channels_used(project.program), CALL})),
            settings=settings,
            rendering=self._rendering,
        )
        self._host = Host(plan, open_runtime("local", plan, self._clock), self._clock, shares_loop=True)
        self.service = Service(plan, self._host)

    async def start(self) -> None:
        await self.service.start()

    async def close(self) -> None:
        """Give everything back. May be called again."""
        await self.service.close()

    def now_ms(self) -> int:
        """The time in the sandbox, in ms."""
        return self._clock.now_ms()

    async def skip_to(self, at_ms: int) -> None:
        """Let the time be later than this at once: what is due until then has happened."""
        self._clock.skip_to(at_ms + 1)  # a timer fires once its time is past
        now_ms = self.now_ms()
        for port in self._host.ports:
            await port.ask(PassTime(now_ms))

    def rendered(self) -> Sequence[Rendered]:
        """What would have left, in the order in which it would have."""
        return tuple(self._rendering.rendered)


def _journeys_alone(project: Project) -> Project:
    """The project without campaigns, and without what is kept up to date for them."""
    program = replace(project.program, campaigns=(), taking=(), keeping=())
    return Project(replace(project.documents, campaigns=()), program, project.folder)
