"""A project under virtual time, for somebody's own tests: things happen, days pass, messages are there to see.

The shards are the production ones, in this process, on an event loop in a thread of its own: so it can be
used from plain tests and from coroutines alike. Every channel that the project uses at the start records, and
outbound calls do whenever they come in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pydantic import ValidationError

from parcours.channel import CALL
from parcours.config import Settings
from parcours.core.delivery.feedback import OUTCOMES
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.identity import person_asked_for
from parcours.core.profile import Profile
from parcours.core.time_text import time_text
from parcours.dispatch.recorded_rendering import RecordedRendering, Said
from parcours.errors import CallerError, EngineClosed
from parcours.expression.definition_keys import plain
from parcours.expression.names import nearest
from parcours.insight.explain import Explanation, explain
from parcours.insight.explain_text import explanation_text
from parcours.instants import EPOCH, MILLISECOND, to_moment
from parcours.journey.program import Journey, Program
from parcours.journey.project import Project
from parcours.routing.calls import check_person, line_of
from parcours.routing.plan import Plan, channels_used
from parcours.routing.router import Router
from parcours.runtime.local import LocalRuntime
from parcours.service.journey_control import JourneyControl, JourneyVerbs
from parcours.shard.requests import GetProfile
from parcours.simulation.recorded import Recorded
from parcours.simulation.virtual import Drive
from parcours.testing.cases.document import ReactionGiven
from parcours.testing.cases.play import reaction
from parcours.testing.cases.read import leaving_steps

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)
"""When a test begins unless it says otherwise."""

END = datetime(9000, 1, 1, tzinfo=UTC)
"""No test goes on for longer: what is due after it still has to have a time, and there is none after the year 9999."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that went out: `at` is a UTC time, `to` the address.

    content  what it says by field, every template rendered: `subject`, `text` and so on, as the channel has it; of an
             outbound call, the fields of its body
    """

    at: datetime
    who: str
    journey: str
    step: str
    channel: str
    message: str
    to: str | None
    content: Said = field(default_factory=dict, hash=False)


class VirtualProject(JourneyVerbs):
    """Used as a context manager, or closed with `close`. Names people by their user ids.

    Who is asked for may also be given by the name that results have, such as `@anonymous/7f3a` or `@user/@sarah`:
    whatever begins with `@` and holds a `/` is taken for one.
    Messages are rendered as they are live: one that cannot be has failed. Raises ProjectInvalid for a content that its
    channel rejects, and CallerError for a start without its time zone.
    """

    def __init__(self, project: Project, start: datetime = START, settings: Settings | None = None) -> None:
        self.project = project
        self._now_ms = _start_ms(start)
        self._number = 0
        self._closed = False
        self._facts: list[Fact] = []
        used = settings or Settings()
        self._rendering, self._contents = RecordedRendering.of(project), dict[str, Said]()
        plan = Plan(
            project,
            1,
            "volatile:",
            records=tuple(sorted({*channels_used(project), CALL})),
            virtual=True,
            settings=used,
            rendering=self._rendering,
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parcours")
        self._runner = asyncio.Runner()
        self._runtime = LocalRuntime(plan)
        self._control = JourneyControl(project, plan.records, self._runtime, self, self._renew)
        try:
            self._drive = self._call(self._open(plan))
        except BaseException:
            self.close()
            raise

    async def _open(self, plan: Plan) -> Drive:
        await self._runtime.start()
        program = plan.project.program
        router = Router("virtual", self._runtime.ports, program, plan.settings)
        return Drive(self._runtime.ports, router, program, plan.settings)

    async def _renew(self, program: Program) -> None:
        await self._drive.renew(program, self._now_ms)

    def now_ms(self) -> int:
        """The virtual time in ms."""
        return self._now_ms

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return to_moment(self._now_ms)

    # What happens

    def identify(self, who: str, traits: Mapping[str, object]) -> None:
        """Something becomes known of a person; None takes a trait away."""
        self.happen({"type": "identify", "userId": who, "traits": traits})

    def track(self, who: str, event: str, properties: Mapping[str, object] | None = None) -> None:
        """A person does something that the project declares, or an older version that somebody may still be in."""
        declared = self._control.program().events
        names = {plain(key) for key in declared} | {each.of for each in declared.values() if each.of is not None}
        if event not in names:
            raise CallerError(f"the project declares no event {event!r}{nearest(event, names)}")
        self.happen({"type": "track", "userId": who, "event": event, "properties": properties or {}})

    def react(self, who: str, what: str, *, of: str, channel: str | None = None, link: str | None = None) -> None:
        """A person opens, clicks ... the newest delivery of a step, named JOURNEY.STEP.

        The channel may be left out where the step sends on one only, in every version that somebody may be in. A call
        can be made to have `failed`.
        """
        self._react({"who": who, "reaction": what, "of": of, "channel": channel, "link": link})

    def answer(self, who: str, answer: Mapping[str, Any] | None = None, *, of: str) -> None:
        """The newest outbound call of a person's step, named JOURNEY.STEP, is answered with this object."""
        told: object = {} if answer is None else answer
        if not isinstance(told, Mapping):
            raise CallerError(f"answer={answer!r}: the answer to a call is an object, such as {{'n': 1}}")
        self._react({"who": who, "reaction": "answered", "of": of, "answer": dict(told)})

    def _react(self, said: Mapping[str, object]) -> None:
        try:
            given = ReactionGiven.model_validate(said)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            named = str(said["reaction"])
            hint = "" if named in OUTCOMES else nearest(named, OUTCOMES)
            raise CallerError(f"this is no reaction: {wrong}{hint}") from None
        of, channel = given.of, given.channel
        versions = self._control.program().versions()
        steps = leaving_steps(versions, of)
        if len(steps) != 1 or (channel is None and len(next(iter(steps.values()))) > 1):
            known = leaving_steps(versions, of.rpartition(".")[2]) or _steps(versions)
            raise CallerError(
                f"{of!r} has to be one step that sends, as JOURNEY.STEP, and a channel where it sends on several"
                + nearest(of, {".".join(each) for each in known})
            )
        self.happen({"type": "reaction", "userId": given.who, **reaction(versions, given)})

    def consent(self, who: str, channel: str, *, purpose: str | None = None, granted: bool = True) -> None:
        """A person grants or withdraws consent; without a purpose, for all of the channel."""
        purposes = {"purpose": purpose} if purpose else {}
        self.happen({"type": "consent", "userId": who, "channel": channel, "granted": granted, **purposes})

    def happen(self, call: Mapping[str, object]) -> None:
        """Any call of the event format, now. Raises CallerError with the reason where it cannot be used."""
        if not isinstance(call, Mapping):
            raise CallerError(f"happen({call!r}): a call is an object, such as {{'type': 'track', ...}}")
        line = line_of({**call, "timestamp": time_text(self._now_ms)})
        self._number += 1
        before = len(self._drive.rejected)
        self._call(self._drive.feed([Recorded(self._now_ms, self._number, line)]))
        if len(self._drive.rejected) > before:
            raise CallerError(self._drive.rejected[-1][1])

    def advance(self, by: timedelta | None = None, **parts: float) -> None:
        """Let time pass: `advance(days=1, hours=2)`, or a timedelta. What falls due at the very end has happened.

        So what is told afterwards comes after it, even in the same instant.
        """
        try:
            length = timedelta(**parts) if by is None else by
            beyond = self.now + length > END
        except (TypeError, ValueError, OverflowError) as error:
            raise CallerError(f"advance: so much time cannot pass: {error}") from None
        if length < timedelta(0):
            raise CallerError("time does not go back")
        if beyond:
            raise CallerError(f"advance: so much time cannot pass: a test ends by the year {END.year}")
        self._now_ms += length // MILLISECOND
        self._call(self._drive.pass_to(self._now_ms))

    # The life of a journey

    def publish(self, project: Project | Path | str) -> None:
        """Publish a changed project now: whoever is in a journey stays in the version in which she entered.

        Raises PublishRefused with every reason, ProjectInvalid for a folder with errors.
        """
        if not isinstance(project, Project | Path | str):
            raise CallerError(f"publish({project!r}): a Project or its folder is expected")
        published = project if isinstance(project, Project) else Project.load(project)
        self._call(self._control.publish(published))
        self.project = published

    # What can be seen

    def facts(self) -> list[Fact]:
        """Everything that has happened, in the order of happening for each person."""
        self._facts += self._call(self._drive.collect_facts())
        return list(self._facts)

    def sent(
        self,
        *,
        who: str | None = None,
        channel: str | None = None,
        journey: str | None = None,
        step: str | None = None,
        message: str | None = None,
    ) -> list[Sent]:
        """The messages that went out so far and are as described, in the order of time.

        Outbound calls are among them only where `channel="call"` asks for them; their message is the action.
        """
        person = None if who is None else person_asked_for(who)
        wanted = {"person": person, "channel": channel, "journey": journey, "step": step, "message": message}
        asked = {name: value for name, value in wanted.items() if value is not None}
        facts = self.facts()
        self._contents |= self._rendering.collect()
        found = [
            self._sent(fact)
            for fact in facts
            if isinstance(fact, DeliveryReached)
            and fact.outcome == "sent"
            and (fact.channel != CALL or channel == CALL)
            and all(getattr(fact, name) == value for name, value in asked.items())
        ]
        return sorted(found, key=lambda sent: sent.at)

    def _sent(self, fact: DeliveryReached) -> Sent:
        said = self._contents[fact.key]
        return Sent(_time(fact.at), fact.person, fact.journey, fact.step, fact.channel, fact.message, fact.to, said)

    def explanation(self, who: str) -> Explanation:
        """Everything that happened to a person and why, as data."""
        check_person(who, "explain")
        return explain(
            self.facts(), person_asked_for(who), self._control.program().versions(), self._control.journey_states()
        )

    def explain(self, who: str) -> str:
        """The same, to be read: print it, or make it an assertion's message."""
        return explanation_text(self.explanation(who))

    def profile(self, who: str) -> Profile | None:
        """What is known of a person now, None if nothing is."""
        check_person(who, "profile")
        return self._call(self._runtime.ports[0].ask(GetProfile(person_asked_for(who))))

    # Opening and closing

    def close(self) -> None:
        """Give everything back. May be called again."""
        if not self._closed:
            self._call(self._runtime.stop())
            self._closed = True
            self._thread.submit(self._runner.close).result()
            self._thread.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        if self._closed:
            coroutine.close()
            raise EngineClosed
        return self._thread.submit(self._runner.run, coroutine).result()


def _start_ms(start: object) -> int:
    if not isinstance(start, datetime) or start.utcoffset() is None:
        example = "datetime(2026, 3, 2, 9, tzinfo=timezone.utc)"
        raise CallerError(f"start={start!r}: a time with its zone is expected, such as {example}")
    return (start - EPOCH) // MILLISECOND


def _steps(journeys: Iterable[Journey]) -> list[tuple[str, str]]:
    return [(journey.name, step) for journey in journeys for step in journey.steps]


def _time(at_ms: int) -> datetime:
    return to_moment(at_ms)
