"""What tests of dispatching share: a project's messages, a shard that hands out, a channel that does as told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from parcours.channel import Accepted, Channel, Delivery, Receipt
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.destination import Destination, Member
from parcours.dispatch.render import Renderer
from parcours.journey.compile.content_check import ContentChecks
from parcours.journey.model.document import (
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.shard.messages import Claims
from parcours.shard.requests import ExchangeDeliveries


class NoteContent(BaseModel):
    """A text, and the same for HTML."""

    text: str = Field(max_length=1_000_000)
    html: str | None = Field(None, json_schema_extra={"contentMediaType": "text/html"})
    link: dict[str, str] = {}
    tags: list[str] = []
    size: int = 0


class NoteSettings(BaseModel):
    """Nothing can be set."""


class NoteChannel(Channel):
    """Keeps what it is given; a test says how much it takes, what it answers, and when."""

    Settings: ClassVar[type[BaseModel]] = NoteSettings
    Content: ClassVar[type[BaseModel]] = NoteContent
    address_kind: ClassVar[str] = "note"

    def __init__(self, settings: NoteSettings) -> None:
        self.capacity = 10
        self.batch_max = 1
        self.calls: list[list[Delivery]] = []
        self.under_way = 0
        self.most_under_way = 0
        self.started = 0
        self.stopped = 0
        self.fails_to_start = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._arrived = asyncio.Event()
        self.answer: Callable[[Sequence[Delivery]], Any] = lambda deliveries: [
            Accepted(delivery.key) for delivery in deliveries
        ]

    async def start(self) -> None:
        self.started += 1
        if self.started <= self.fails_to_start:
            raise OSError("nobody listens")

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        assert not self.stopped, "send comes before stop"
        self.calls.append(list(deliveries))
        self.under_way += len(deliveries)
        self._arrived.set()
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
            answered: list[Receipt] = self.answer(deliveries)
            return answered
        finally:
            self.under_way -= len(deliveries)

    async def until_handed_over(self, count: int) -> None:
        """Wait until so many deliveries have been handed over."""
        async with asyncio.timeout(10):
            while sum(map(len, self.calls)) < count:
                self._arrived.clear()
                await self._arrived.wait()

    async def stop(self) -> None:
        self.stopped += 1


class HandingShard:
    """Hands out what is queued, and keeps the receipts; errors are raised first, one a request.

    claimed  what it has handed out that has not been answered for
    """

    def __init__(self, queued: Sequence[Outgoing] = ()) -> None:
        self.queued = list(queued)
        self.receipts: dict[str, Settlement] = {}
        self.claims: list[tuple[int, str]] = []
        self.requests: list[ExchangeDeliveries] = []
        self.claimed: set[str] = set()
        self.most_claimed = 0
        self.claim_errors: list[Exception] = []
        self.settle_errors: list[Exception] = []
        self.wanted = asyncio.Event()
        self._expected = 0

    async def ask(self, request: ExchangeDeliveries, /) -> Claims:
        await asyncio.sleep(0)
        self.requests.append(request)
        if request.most and self.claim_errors:
            raise self.claim_errors.pop(0)
        if request.receipts and self.settle_errors:
            raise self.settle_errors.pop(0)
        self._settle([receipt for _, receipt in request.receipts])
        outgoing, self.queued = self.queued[: request.most], self.queued[request.most :]
        self.claimed.update(entry.key for entry in outgoing)
        self.most_claimed = max(self.most_claimed, len(self.claimed))
        if request.most:
            self.claims.append((len(outgoing), request.by))
        return Claims(outgoing, more=bool(self.queued))

    def _settle(self, receipts: Sequence[Settlement]) -> None:
        self.receipts |= {receipt.key: receipt for receipt in receipts}
        self.claimed.difference_update(receipt.key for receipt in receipts)
        if len(self.receipts) >= self._expected:
            self.wanted.set()

    async def until_settled(self, count: int) -> None:
        """Wait until so many receipts have come home; 10 s are long enough for anything here."""
        self._expected = count
        self.wanted.clear()
        if len(self.receipts) < count:
            async with asyncio.timeout(10):
                await self.wanted.wait()


def entry(number: int = 1, at: int = 0, message: str = "hello", **context: object) -> Outgoing:
    """An outbox entry; `context` are the traits that the message names."""
    return Outgoing(
        f"k{number}", f"u{number}", "j", 1, 1, "s", "note", message, "marketing", f"to{number}", at,
        {"profile": context},
    )  # fmt: skip


def program_of(**content: object) -> Program:
    """A program of one message with this content for the channel `note`."""
    start = {"journey": "j", "entry": {"event": "Started"}, "steps": [{"id": "s", "send": "hello"}]}
    project = Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate(
            {
                "traits": {"name": "string", "count": "number", "many": "list"},
                "addresses": {"note": "profile.name"},
            }
        ),
        EventsDocument(events={"Started": EventDocument()}),
        messages=[MessageDocument.model_validate({"message": "hello", "note": {"text": "Hello"} | content})],
        journeys=[JourneyDocument.model_validate(start)],
    )
    return project.program


def renderer(checks: ContentChecks | None = None, /, **content: object) -> Renderer:
    """A renderer of one message with this content for the channel `note`."""
    return Renderer(program_of(**content), {"note": NoteContent}, checks or {})


@pytest.fixture(scope="session")
def new_program() -> Program:
    """A program with one message, whose text is a template."""
    return program_of(text="Hello {{ profile.name }}")


@pytest.fixture(scope="session")
def new_entry() -> Callable[..., Outgoing]:
    return entry


@pytest.fixture(scope="session")
def new_renderer() -> Callable[..., Renderer]:
    return renderer


@pytest.fixture(scope="session")
def new_shard() -> Callable[..., HandingShard]:
    return HandingShard


@pytest.fixture(scope="session")
def new_channel() -> Callable[[], NoteChannel]:
    return lambda: NoteChannel(NoteSettings())


def told(destination: Destination, members: Sequence[Member]) -> list[Receipt]:
    """What a destination answers that is opened for this one call."""

    async def tell() -> list[Receipt]:
        await destination.start()
        try:
            return await destination.send(members)
        finally:
            await destination.stop()

    return asyncio.run(tell())
