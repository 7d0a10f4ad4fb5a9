"""A project under virtual time for tests: people act, days pass, and messages can be inspected.

The shards are the production ones, in this process, on an event loop in a thread of its own: so it can be used from
plain tests and from coroutines alike. Every channel that the project uses at the start records, and so do outbound
calls, whenever a publication brings them in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from parcours.channel import CALL
from parcours.closing import close_after
from parcours.config import Settings, settings_of
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.identity import person_asked_for
from parcours.core.time_text import time_text
from parcours.dispatch.judgement import load_project
from parcours.dispatch.recorded_rendering import RecordedRendering, Said
from parcours.errors import CallerError, EngineClosed
from parcours.insight.explain_text import explanation_text
from parcours.instants import EARLIEST_MS, MILLISECOND, floor_ms, to_moment
from parcours.journey.project import Project, check_project
from parcours.routing.calls import line_of, person_text
from parcours.service.blocking import BlockingFacade, blocking
from parcours.service.insight import BlockingInsight
from parcours.service.people_calls import Id
from parcours.testing.cases.message import called_by
from parcours.testing.sent_names import SentNames
from parcours.testing.virtual_facade import VirtualFacade
from parcours.wording import shown_value

T = TypeVar("T")

START = datetime(2026, 1, 1, tzinfo=UTC)
"""The start of a test unless it names another."""

END = datetime(9000, 1, 1, tzinfo=UTC)
"""The latest time of a test: what is due after it still needs a time, and there is none after the year 9999."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was sent: `at` is a UTC time, `to` the address.

    content  its rendered content by field: `subject`, `text` and so on, as the channel has it; of an outbound call, the
             fields of its body
    """

    at: datetime
    who: str
    journey: str
    step: str
    channel: str
    message: str
    to: str | None
    content: Said = field(default_factory=dict, hash=False)


class VirtualProject(BlockingFacade):
    """A project whose clock the test moves: used in a `with`, or closed with `close`. Names people by user ids.

    What happens to people and to journeys is told by the calls of `Engine`; each is applied at once, at the present
    instant, and raises CallerError with the reason where it cannot be used. A `timestamp` of its own is data only.
    Messages are rendered as they are live: one that cannot be has failed, and one that its channel refuses is refused.
    Raises ProjectInvalid for a content that no person can get, and CallerError for a start without its time zone.
    """

    _facade: VirtualFacade

    def __init__(self, project: Project, start: datetime = START, settings: Settings | None = None) -> None:
        check_project("VirtualProject", project)
        self.project = project
        self._names = SentNames()
        self._names.add(project.program)
        self._closed = False
        self._rendering, self._contents = RecordedRendering.of(project), dict[str, Said]()
        self._facade = VirtualFacade(project, _start_ms(start), settings_of(settings), self._rendering)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="parcours")
        self._runner = asyncio.Runner()
        try:
            self._call(self._facade.start())
        except BaseException as error:
            close_after(error, self.close)
            raise

    def now_ms(self) -> int:
        """The virtual time in ms."""
        return self._facade.now_ms()

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return to_moment(self.now_ms())

    # What happens

    identify = blocking(VirtualFacade.identify)
    track = blocking(VirtualFacade.track)
    react = blocking(VirtualFacade.react)
    react_to = blocking(VirtualFacade.react_to)
    mark_offer = blocking(VirtualFacade.mark_offer)
    consent = blocking(VirtualFacade.consent)
    suppress = blocking(VirtualFacade.suppress)

    def answer(self, user_id: Id, answer: Mapping[str, Any] | None = None, *, of: str) -> None:
        """Answer the newest outbound call of a person's step, named JOURNEY.STEP, with this object."""
        told: object = {} if answer is None else answer
        if not isinstance(told, Mapping):
            raise CallerError(f"answer={shown_value(answer)}: the answer to a call is an object, such as {{'n': 1}}")
        self.react(user_id, "answered", of=of, answer=told)

    def happen(self, call: Mapping[str, object]) -> None:
        """Apply any call of the event format, now. Raises CallerError with the reason where it cannot be used."""
        if not isinstance(call, Mapping):
            raise CallerError(f"happen({shown_value(call)}): a call is an object, such as {{'type': 'track', ...}}")
        self._call(self._facade.happen(line_of({**call, "timestamp": time_text(self.now_ms())})))

    def message(
        self, source: str, value: object, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        """Let a message come from a source of sources.yaml now: what its `map` makes of it happens.

        Raises CallerError with the reason where it cannot be used.
        """
        call = called_by(self.project, source, value, key, headers or {}, self.now_ms())
        if call is not None:
            self.happen(call)

    def advance(self, by: timedelta | None = None, **parts: float) -> None:
        """Let time pass: `advance(days=1, hours=2)`, or a timedelta. Timers due at the very end have fired.

        So later calls come after those timers, even in the same instant.
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
        self._call(self._facade.pass_to(self.now_ms() + length // MILLISECOND))

    # Journeys

    journeys = blocking(VirtualFacade.journeys)
    close_journey = blocking(VirtualFacade.close_journey)
    stop_journey = blocking(VirtualFacade.stop_journey)
    pause_journey = blocking(VirtualFacade.pause_journey)
    resume_journey = blocking(VirtualFacade.resume_journey)

    def publish(self, project: Project | Path | str) -> None:
        """Publish a changed project now: open runs stay in the version in which they were entered.

        Raises PublishRefused with every reason, ProjectInvalid for a folder with errors.
        """
        if not isinstance(project, Project | Path | str):
            raise CallerError(f"publish({shown_value(project)}): a Project or its folder is expected")
        published = project if isinstance(project, Project) else load_project(project)
        self._call(self._facade.publish(published))
        self._names.add(published.program)
        self.project = published

    # Campaigns

    start_campaign = blocking(VirtualFacade.start_campaign)
    campaign_lines = blocking(VirtualFacade.campaign_lines)

    # What can be seen

    def facts(self) -> list[Fact]:
        """All facts, in the order of happening for each person."""
        return self._call(self._facade.facts())

    def sent(
        self,
        *,
        who: Id | None = None,
        channel: str | None = None,
        journey: str | None = None,
        step: str | None = None,
        message: str | None = None,
    ) -> list[Sent]:
        """The messages sent so far that match, in the order of time.

        Outbound calls are among them only where `channel="call"` asks for them; their message is the action. Raises
        CallerError for a channel, journey, step or message that the project has not, nor had before.
        """
        person = None if who is None else person_asked_for(person_text(who, "sent"))
        wanted = {"person": person, "channel": channel, "journey": journey, "step": step, "message": message}
        asked = {name: value for name, value in wanted.items() if value is not None}
        self._names.check(asked)
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

    profile = blocking(VirtualFacade.profile)
    inbox = blocking(VirtualFacade.inbox)
    explanation = blocking(VirtualFacade.explain)

    def explain(self, who: Id) -> str:
        """The same as text: print it, or make it an assertion's message."""
        return explanation_text(self.explanation(who))

    def insight(self) -> BlockingInsight:
        """What can be asked of the facts of everybody, as of `Engine.insight`; with the extra `insight`."""
        return BlockingInsight(self._facade.insight(), self._call)

    # Opening and closing

    def close(self) -> None:
        """Stop the shards and their thread. May be called again."""
        if self._closed:
            return
        try:
            self._call(self._facade.stop())
        finally:
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
        raise CallerError(f"start={shown_value(start)}: a time with its zone is expected, such as {example}")
    start_ms = floor_ms(start)
    if not EARLIEST_MS <= start_ms <= floor_ms(END):
        raise CallerError(f"start={shown_value(start)}: a test starts and ends by the year {END.year}")
    return start_ms


def _time(at_ms: int) -> datetime:
    return to_moment(at_ms)
