"""The service: Parcours on the caller's own event loop, everything awaitable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from parcours.arguments import check_kind, check_method, folder_path
from parcours.channel import INBOX, Feedback, WebhookRequest
from parcours.clock import Clock, SystemClock
from parcours.closing import close_all
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.core.identity import person_asked_for
from parcours.dispatch.registry import Registry
from parcours.dispatch.webhooks import needs_a_key, read_reports
from parcours.errors import CallerError, EngineClosed, Overloaded
from parcours.journey.project import Project, check_project
from parcours.routing.calls import REPORTS, Lines, Written, checked_line, lines_of, person_text
from parcours.routing.plan import Links, Plan
from parcours.routing.ports import ShardPort
from parcours.runtime.runtimes import RuntimeName, open_runtime
from parcours.service.about_people import AboutPeople
from parcours.service.acknowledgement import Ingested, LinesTaken
from parcours.service.attached_host import AttachedHost, Attachment
from parcours.service.campaign_calls import CampaignCalls
from parcours.service.engine_host import EngineHost
from parcours.service.facade import Facade
from parcours.service.fact_calls import FactCalls
from parcours.service.following import ask_owner
from parcours.service.host import Host
from parcours.service.inbox import InboxItem, fetched_lines, items_of
from parcours.service.inbox_feed import InboxFeed, Watch
from parcours.service.looks import Looks
from parcours.service.message_calls import MessageCalls
from parcours.service.observed import Observed
from parcours.service.offer_calls import OfferCalls
from parcours.service.opening import attaching, keeping, new_plan
from parcours.service.people_calls import Id, check_text
from parcours.service.provider_reports import people_reached, report_lines
from parcours.service.saved_people import SavedPeopleCalls
from parcours.service.set_aside import DeadLetter, list_all, send_again
from parcours.service.source_rewinds import SourceRewinds
from parcours.service.step_calls import StepCalls
from parcours.service.unknown_names import UnknownNames
from parcours.shard.requests import GetInbox
from parcours.wording import shown_value

log = logging.getLogger("parcours")


class Service(
    CampaignCalls,
    OfferCalls,
    FactCalls,
    SavedPeopleCalls,
    StepCalls,
    SourceRewinds,
    MessageCalls,
    Looks,
    Facade,
    AboutPeople,
    Observed,
):
    """A running engine on the caller's loop: `async with Service.open(...) as service`.

    Under the local runtime the shards share that loop, and a commit holds it up for as long as an fsync takes.
    """

    def __init__(self, plan: Plan, host: EngineHost) -> None:
        self._host = host
        self._control = host.control
        self._questions = host.questions
        self._unknown = UnknownNames(self._host.now_ms, (*plan.channels, *plan.records, *INBOX))
        self._calls: set[asyncio.Task[object]] = set()
        self._pumps = {}
        self._inboxes = InboxFeed(
            lambda: self._host.ports, plan.slot_map.shard, self._owner, plan.settings.inbox_changes_max
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        project: Project,
        store: str,
        *,
        shards: int = 2,
        runtime: RuntimeName = "ray",
        records: Iterable[str] = (),
        settings: Settings | None = None,
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
        links: Links | None = None,
        private_hosts: Iterable[str] = (),
        files: str | PathLike[str] | None = None,
        address: str | None = None,
    ) -> Self:
        """A service on the project's store. It goes on from where that stands once it is entered, or started.

        store    sqlite:///FOLDER, postgresql://HOST/DATABASE, or memory: for what need not outlive the process
        files    with PostgreSQL the folder of what is kept in files, which all machines see: facts, campaigns, the log
                 of erasures. The store remembers it
        records  channels that only record what would be sent: any that is installed, for older versions may use one
                 that this project does not. Every other one that a message uses has to be configured in the
                 project; what else is configured is opened too. `call` among them keeps outbound calls from leaving.
                 What is recorded counts as sent and is not rendered: a template that fails, and a content that the
                 channel's check refuses, would not leave live. `simulate` with `rendering` sees them
        clock    another clock than the machine's, for the local runtime
        environ  where `env:NAME` settings are looked up; the environment of the process, if it is left out
        links    the addresses of a door that what leaves carries, such as parcours.ingress.SealedLinks: opens and
                 clicks are told by them, and marketing mail has its way out. Without it none is put in
        private_hosts  networks, such as 10.1.0.0/16, that outbound calls may reach though they are private, besides
                 those that the project allows
        address  of a Ray cluster, `auto` for the one on this machine: there the engine stays when this process goes.
                 If it runs there already, the service is attached to it as it is
        Raises CallerError, ProjectInvalid for drafts, SettingInvalid, ChannelUnknown, ExtraMissing; entering it
        StoreBusy or StoreBroken.
        """
        check_method("clock", clock, "now_ms")
        plan = new_plan(project, store, shards, records, settings, environ, links, private_hosts, files)
        if address is not None:
            check_text("address", address)
            return cls._attached(keeping(address, plan, runtime), project)
        if runtime == "local":
            clock = clock or SystemClock(plan.settings.clock_jump_max_ms)
        return cls(plan, Host(plan, open_runtime(runtime, plan, clock), clock, shares_loop=runtime == "local"))

    @classmethod
    def attach(cls, address: str, project: Project) -> Self:
        """A service on an engine that runs the project already in the Ray cluster at this address.

        It is closed as any, and leaves the engine as it is. Any number may be attached. It connects at once, which
        takes a second. Raises SettingInvalid where there is no cluster, ShardUnavailable where there is no such engine.
        """
        check_project("attach", project)
        check_text("address", address)
        return cls._attached(attaching(address, project), project)

    async def shut_down(self) -> None:
        """Close the service and end the engine, for all that are attached to it too.

        An engine that stays in a cluster ends by this alone. Raises ShardUnavailable where nobody keeps it.
        """
        self._check_open()
        await self._host.end_engine()
        await self.close()

    @classmethod
    def _attached(cls, attachment: Attachment, project: Project) -> Self:
        return cls(attachment.plan, AttachedHost(attachment, project))

    async def start(self) -> None:
        """Open the shards and go on. Raises StoreBusy or StoreBroken, and has given everything back then.

        Raises CallerError for a service that has been started before, EngineClosed for one that has been closed.
        """
        if self._closed:
            raise EngineClosed
        if self._loop is not None:
            raise CallerError("the service has been started already: it goes on until it is closed")
        self._loop = asyncio.get_running_loop()
        try:
            await self._host.start()
        except BaseException as error:
            await close_all([self.close], after=error)
            raise

    async def close(self) -> None:
        """Let what is being sent finish and give everything back. Whatever was acknowledged is in the store.

        May be called again. Raises CallerError on another event loop than that on which it has been started.
        """
        if not self._closed:
            self._check_loop()
            self._closed = True
            await close_all(
                [self._inboxes.close, self._end_sources, self._host.turn_away, self._calls_answered, self._host.stop]
            )

    async def _calls_answered(self) -> None:
        await asyncio.gather(self._questions.close(), *self._calls, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # What people do

    def ingest(self, calls: Iterable[Mapping[str, object] | Written] | Written) -> Coroutine[Any, Any, Ingested]:
        """Hand in many calls of Segment's spec at once: dicts, lines of NDJSON, or one block of them, the fast way.

        Awaiting it fails with Overloaded if the shards cannot keep up, or if an outbox is full and the settings say so
        (`outbox_full`): hand it in again later, with the same message ids. Raises CallerError for what is neither.
        """
        return self._ingest(lines_of(calls))

    def _hand_in(self, call: Mapping[str, object]) -> Coroutine[Any, Any, Ingested]:
        lines = Lines([checked_line(call, self._control.current, self._host.settings)], range(1))
        return self._ingest(lines, are_reports=call["type"] in REPORTS)

    async def _ingest(self, handed_in: Lines, *, are_reports: bool = False) -> Ingested:
        self._check_open()
        async with self._answered():
            taken = await self._host.route(handed_in.lines, are_reports=are_reports)
            if taken.undeclared:
                self._unknown.hear_lines(handed_in.lines, self._control.current)
            return Ingested.of(taken, handed_in)

    async def take_lines(
        self,
        lines: Sequence[bytes],
        skews_ms: Sequence[int] = (),
        *,
        user_ids: Sequence[str] = (),
        are_reports: bool = False,
        room_wait_s: float | None = None,
        answer_wait_s: float | None = None,
    ) -> LinesTaken:
        """Hand in lines of the event format as they are, for a door that answers for each.

        skews_ms       what is to be added to the timestamp of each, as its sender's clock is wrong; none: nothing
        user_ids       whose each is, by the `userId` that the caller has read in it, so that it is not read again for
                       that; empty for a line that has none, or one that begins with `@`. None: nobody has read them
        are_reports    they tell of consent, or of what became of deliveries: they are taken though events are refused
        room_wait_s    how long to wait for room in the lanes of the shards of these lines, and for shards that do not
                       answer now; None: for as long as it takes
        answer_wait_s  how long to wait for the shards' answers then; lines go on all the same. None: as above
        Raises Overloaded, and nothing has been handed in then. Whatever goes wrong later for a time is a `failure`.
        """
        self._check_open()
        if skews_ms and len(skews_ms) != len(lines):
            raise CallerError(f"{len(skews_ms)} skews for {len(lines)} lines: one for each is expected, or none")
        if user_ids and len(user_ids) != len(lines):
            raise CallerError(f"{len(user_ids)} user ids for {len(lines)} lines: one for each is expected, or none")
        async with self._answered():
            taken = await self._host.hand_in(
                lines, skews_ms, user_ids=user_ids, are_reports=are_reports, room_wait_s=room_wait_s
            )
            outcome = await LinesTaken.within(answer_wait_s, taken)
            if taken.undeclared:
                self._unknown.hear_lines(lines, self._control.current)
            return outcome

    @asynccontextmanager
    async def _answered(self) -> AsyncGenerator[None, None]:
        """Known as under way until it is answered, so that closing leaves no caller without an answer."""
        task = asyncio.current_task()
        assert task is not None
        self._calls.add(task)
        try:
            yield
        finally:
            self._calls.discard(task)

    def feedback(self, channel: str, request: WebhookRequest) -> Coroutine[Any, Any, Ingested]:
        """Hand in what a provider's webhook reports: each report finds its delivery by the key, whoever it was for.

        One that names an address only is about everybody who was reached there lately, for which all shards are asked.
        To hand a request in again changes nothing. Raises ValueError for one that is not genuine, ChannelUnknown for a
        channel that is not configured, CallerError for one that reads no reports.
        """
        check_text("channel", channel)
        check_kind("request", request, WebhookRequest, "a parcours.channel.WebhookRequest")
        return self._report(channel, read_reports(self._registry, self._host.channels, channel, request))

    async def _report(self, channel: str, reports: list[Feedback]) -> Ingested:
        self._check_open()
        lines = await report_lines(reports, channel, self._host.ports, self._control.current)
        return await self._ingest(lines_of(b"\n".join(lines)), are_reports=True)

    def report_needs_key(self, channel: str) -> bool:
        """Whether the channel cannot tell by a request itself that it is genuine: whoever hands it in has to know.

        Raises ChannelUnknown for a channel that is not configured.
        """
        check_text("channel", channel)
        return needs_a_key(self._registry, self._host.channels, channel)

    def reached_at(self, channel: str, address: str) -> Coroutine[Any, Any, list[str]]:
        """The names of everybody to whom something has left for this address of the channel lately, sorted."""
        check_text("channel", channel)
        check_text("address", address)
        return self._reached_at(channel, address)

    async def _reached_at(self, channel: str, address: str) -> list[str]:
        self._check_open()
        return await people_reached(self._host.ports, channel, address)

    def fetch_inbox(self, person: Id) -> Coroutine[Any, Any, list[InboxItem]]:
        """The same as `inbox`, for the person herself: what she did not have yet is delivered by it."""
        return self._fetch_inbox(person_asked_for(person_text(person, "fetch_inbox")))

    async def _fetch_inbox(self, name: str) -> list[InboxItem]:
        found = await ask_owner(self._port_of, name, GetInbox)
        if lines := fetched_lines(found.entries):
            with suppress(Overloaded):  # the next look tells it
                await self._ingest(lines_of(lines), are_reports=True)
        return items_of(found.entries)

    async def watch_inbox(self, person: Id, after: str | None = None) -> Watch:
        """Be told of each change of a person's inbox from now on; `after` is the id of a notice to go on from.

        To be closed by whoever asks, and closed with the service.
        """
        self._check_open()
        return await self._inboxes.watch(person_asked_for(person_text(person, "watch_inbox")), after)

    @cached_property
    def _registry(self) -> Registry:
        return Registry.installed()

    def _hear_event(self, event: str) -> None:
        self._unknown.hear_event(event, self._control.current)

    def _hear_traits(self, traits: Iterable[str]) -> None:
        self._unknown.hear_traits(traits, self._control.current)

    def _hear_consent(self, channel: str, purpose: str | None) -> None:
        self._unknown.hear_consent(channel, purpose, self._control.current)

    # Looking in

    def _as_of(self) -> tuple[int, Settings]:
        return self._host.now_ms(), self._host.settings

    def _port_of(self, person: str) -> ShardPort:
        self._check_open()
        return self._host.port_of(person)

    async def _facts_of(self, names: Sequence[str]) -> list[Fact]:
        """They reach back as far as the shards' journals do: about a second for each 200 MB of one."""
        self._check_open()
        return await self._host.facts_of(names)

    def _is_open(self) -> bool:
        return not self._closed and self._loop is not None

    def _check_open(self) -> None:
        if self._closed:
            raise EngineClosed
        if self._loop is None:
            raise CallerError("the service has not been started: enter it by `async with`, or await `start()` first")
        self._check_loop()

    def _check_loop(self) -> None:
        if self._loop not in (None, asyncio.get_running_loop()):
            raise CallerError(
                "the service was started on another event loop, where its shards live: use it on that one, or use an "
                "Engine, which can be called from anywhere"
            )

    async def dead_letters(self) -> list[DeadLetter]:
        """What the shards could not apply and have set aside, shard by shard, the oldest first."""
        self._check_open()
        return await list_all(self._host.ports)

    def resend(self, ids: Iterable[str]) -> Coroutine[Any, Any, int]:
        """Apply dead letters once more, as if they came only now; returns how many were applied.

        One that fails again is set aside again, and this may raise ShardUnavailable then. Raises CallerError for an id
        of none, and for that of a timer, which cannot be sent again.
        """
        if isinstance(ids, str) or not isinstance(ids, Iterable):
            raise CallerError(f"ids={shown_value(ids)}: a list of ids is expected, such as ['0.1']")
        return self._resend(list(ids))

    async def _resend(self, ids: list[str]) -> int:
        self._check_open()
        return await send_again(self._host.ports, ids)

    def backup(self, folder: str | Path) -> Coroutine[Any, Any, None]:
        """Make a backup in a folder that is empty or not there yet, while everything goes on.

        It holds whatever was acknowledged before the call, and is a store itself: `parcours store restore` copies it to
        where it is to be used. On a cluster the folder has to be one that all its machines share. Nothing is published,
        and no journey paused or closed, during the last part of it. Raises CallerError for a store in memory,
        SettingInvalid for a folder in which there is something, BackupFailed, ShardUnavailable; the folder has no
        `layout.json` then, and is no backup.
        """
        return self._back_up(folder_path("backup", folder).absolute())

    async def _back_up(self, folder: Path) -> None:
        self._check_open()
        async with self._answered():
            await self._host.back_up(folder)
