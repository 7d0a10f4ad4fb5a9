"""Test mode: projects that somebody tries out, each in a sandbox of its own, for a while.

A trial is of the session that has begun it, and of nobody else. It lives in this process and on its loop, and ends
after half an hour, with the session, or when its maker says so; whatever happened in it is gone then. What is done in
it is kept with its time, so that it can become a test.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.errors import CallerError, Overloaded
from parcours.ingress.exchange import Problem
from parcours.instants import floor_ms
from parcours.journey.project import Project
from parcours.service.people_calls import reaction_call
from parcours.service.person import Person
from parcours.testing.cases.document import PEOPLE_MAX as PEOPLE_MAX
from parcours.testing.cases.people import ids, name_of
from parcours.testing.kept_test import Done
from parcours.testing.sandbox import Sandbox
from parcours.testing.virtual_project import END

TRIALS_MAX: Final = 5
"""Trials at once, of all sessions together: each has an engine of its own."""

LASTS_S: Final = 30 * 60

DONE_MAX: Final = 500
"""Things that are done in one trial: more than anybody clicks in half an hour, and a test that can still be read."""

SKIPS_MAX: Final = 10
"""Timers in a row at which nothing happens that shows, before a wait counts as over all the same."""

Traits: TypeAlias = Mapping[str, Any]

Consents: TypeAlias = Sequence[tuple[str, str | None, bool]]
"""What somebody has said: (channel, purpose, granted)."""

LATEST_MS: Final = floor_ms(END)
"""What is due later is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUp:
    """What a trial begins with.

    source      `published` or `folder`, of which the project is
    journey     the one that is watched; all others go on beside it
    shorten_ms  None: people wait for as long as is written
    people      the traits of each test person
    consents    what each has said
    """

    project: Project
    source: str
    journey: str
    shorten_ms: int | None
    people: Mapping[str, Traits]
    consents: Mapping[str, Consents] = field(default_factory=dict)


class Trial:
    """One project that is tried out."""

    def __init__(self, set_up: SetUp, session: str, ends_ms: int, settings: Settings) -> None:
        """Raises ProjectInvalid for a content that no person can get."""
        self.id = secrets.token_hex(8)
        self.set_up = set_up
        self.session = session
        self.ends_ms = ends_ms
        self.turn = asyncio.Lock()
        """Held by whoever does something in it."""
        self._settings = settings
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.sandbox = Sandbox(self.set_up.project, self.set_up.shorten_ms, self._settings)
        self.start_ms = 0
        self.done: list[Done] = []
        self.sent: set[str] = set()
        """The keys of messages that have really been sent: each is once."""

    async def start(self) -> None:
        """Open the engine, and make the test people known."""
        await self.sandbox.start()
        self.start_ms = self.sandbox.now_ms()
        for who, traits in self.set_up.people.items():
            await self._tell(who, {"type": "identify", "traits": dict(traits)})
        for who, said in self.set_up.consents.items():
            for channel, purpose, granted in said:
                await self.consent(who, channel, purpose, granted=granted)

    async def close(self) -> None:
        await self.sandbox.close()

    async def again(self) -> None:
        """Begin anew with the same people, of whom nothing is known yet."""
        await self.sandbox.close()
        self._begin_anew()
        await self.start()

    @property
    def people(self) -> Sequence[str]:
        return list(self.set_up.people)

    # What is done

    async def event(self, who: str, event: str, properties: Mapping[str, Any]) -> None:
        """Raises CallerError for what the engine cannot use, as all of these."""
        call = {"type": "track", "event": event, "properties": dict(properties)}
        await self._do(who, call, {"event": event, **({"properties": properties} if properties else {})})

    async def react(
        self, who: str, reaction: str, of: str, channel: str, link: str | None = None, answer: Traits | None = None
    ) -> None:
        """To the newest delivery of a step, named JOURNEY.STEP; an answer is that to an outbound call."""
        call = reaction_call(self.sandbox.service.program.versions(), reaction, of, channel, link, answer)
        more = {"link": link, "answer": answer}
        told = {"reaction": reaction, "of": of, "channel": channel}
        await self._do(who, call, {**told, **{name: each for name, each in more.items() if each is not None}})

    async def consent(self, who: str, channel: str, purpose: str | None, *, granted: bool) -> None:
        terms = {"channel": channel, **({"purpose": purpose} if purpose else {}), "granted": granted}
        await self._do(who, {"type": "consent", **terms}, {"consent": terms})

    async def let_wait_be_over(self) -> bool:
        """Go on to when a test person does something by herself next; whether anybody waits for anything."""
        for _ in range(SKIPS_MAX):
            if (due_ms := await self._due_ms()) is None:
                return False
            before = await self._happened()
            await self.sandbox.skip_to(due_ms)
            if before is None or await self._happened() != before:
                break
        return True

    async def _due_ms(self) -> int | None:
        """The next timer of the test person; of several the last of these, so that everybody has gone on then."""
        due = [person.next_due for person in await self.known() if person.next_due is not None]
        return max((each for each in due if each < LATEST_MS), default=None)

    async def _happened(self) -> int | None:
        """How much has happened to the test person; of several nobody counts."""
        return len(await self.facts()) if len(self.people) == 1 else None

    async def _do(self, who: str, call: Mapping[str, object], told: Mapping[str, Any]) -> None:
        if who not in self.set_up.people:
            raise CallerError("there is no such test person")
        if len(self.done) >= DONE_MAX:
            raise CallerError(f"{DONE_MAX} things have been done in this trial: begin again")
        at_ms = self.sandbox.now_ms()
        await self._tell(who, call)
        self.done.append(Done(at_ms, who, call, told))

    async def _tell(self, who: str, call: Mapping[str, object]) -> None:
        try:
            taken = await self.sandbox.service.ingest([{**call, **ids(who, self.sandbox.service.program)}])
        except Overloaded as error:
            raise CallerError(str(error)) from None
        if taken.rejected:
            raise CallerError(f"it could not be used: {taken.rejected[0][1]}")

    # What is seen

    async def known(self) -> list[Person]:
        """The test people as they are."""
        service = self.sandbox.service
        found = [await service.profile(name_of(who, service.program)) for who in self.people]
        return [each for each in found if each is not None]

    async def facts(self) -> list[Fact]:
        """What has happened to the test people, those of each in the order of happening."""
        service = self.sandbox.service
        return [fact for who in self.people for fact in await service.facts(name_of(who, service.program))]


class Trials:
    """Those of a door."""

    def __init__(self) -> None:
        self._trials: dict[str, Trial] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._beginning = 0

    async def begin(self, set_up: SetUp, session: str, now_ms: int, settings: Settings) -> Trial:
        """Begin one. Raises Problem where there are too many, ProjectInvalid, CallerError."""
        if len(self._trials) + self._beginning >= TRIALS_MAX:
            raise Problem(
                429, "busy", f"{TRIALS_MAX} trials are under way: end one of yours, or wait until another one has ended"
            )
        self._beginning += 1
        try:
            trial = Trial(set_up, session, now_ms + LASTS_S * 1_000, settings)
            try:
                await trial.start()
            except BaseException:
                await trial.close()
                raise
        finally:
            self._beginning -= 1
        self._trials[trial.id] = trial
        self._ends[trial.id] = asyncio.get_running_loop().call_later(LASTS_S, self._leave, trial.id)
        return trial

    def all(self) -> list[Trial]:
        """Those of all sessions, the oldest first."""
        return list(self._trials.values())

    def of(self, session: str) -> list[Trial]:
        """Those of a session, the oldest first."""
        return [each for each in self.all() if each.session == session]

    def find(self, name: str, session: str, now_ms: int) -> Trial:
        """The session's trial of this id. Raises Problem where there is none, or none any more."""
        trial = self._trials.get(name)
        if trial is None or trial.session != session:
            raise Problem(404, "unknown", "there is no such trial, or it has ended: nothing of it is kept")
        if trial.ends_ms <= now_ms:  # the timer goes by another clock
            self._leave(name)
            raise Problem(404, "unknown", "this trial has ended: nothing of it is kept")
        return trial

    async def end(self, trial: Trial) -> None:
        """End it now."""
        self._leave(trial.id)
        await self.closed()

    async def closed(self) -> None:
        """Return once everything has been given back of those that have ended."""
        await asyncio.gather(*self._closing)

    def end_all(self, session: str | None = None) -> None:
        """End those of a session, or all: they are closed in the background."""
        for trial in self.all() if session is None else self.of(session):
            self._leave(trial.id)

    def _leave(self, name: str) -> None:
        trial, handle = self._trials.pop(name, None), self._ends.pop(name, None)
        if handle is not None:
            handle.cancel()
        if trial is not None:
            task = asyncio.ensure_future(trial.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
