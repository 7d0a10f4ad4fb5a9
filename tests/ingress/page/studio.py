"""A studio with three journeys behind a door, and somebody who looks at its screens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import httpx
from tests.projects import write_texts

from parcours import Project, Service
from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.ingress.application import Application, door_of
from parcours.ingress.door import Door
from parcours.ingress.keys import Key, Keyring
from parcours.ingress.settings import ServeSettings

HERE: Final = "http://localhost"

HTML: Final = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

TEXTS: Final = {
    "parcours.yaml": "{project: studio, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "{traits: {email: string, plan: string}, addresses: {email: profile.email}}",
    "events.yaml": "events: {Booked: {properties: {total: number}}, Came: {}, Joined: {}}",
    "messages/note.yaml": "{message: note, class: transactional, email: {subject: Hi, text: Hello}}",
    "journeys/booked.yaml": """
        journey: booked
        description: Whoever has booked is reminded, until she comes.
        tags: [classes, reminders]
        entry: {event: Booked, when: event.total > 50}
        goal: {event: Came, within: 7d, target: 50%}
        steps:
          - {id: remind, send: note, channels: [email]}
          - id: coming
            wait_for: [{event: Came, next: done}, {reaction: opened, of: remind, next: quiet}]
            timeout: 1d
          - {id: quiet, wait: 30d}
          - {id: done, end: true}
    """,
    "journeys/joined.yaml": """
        journey: joined
        tags: [classes]
        entry: {event: Joined}
        steps:
          - {id: paying, branch: [{when: profile.plan == "gold", next: done}, {otherwise: nudge}]}
          - {id: nudge, wait: 3d}
          - {id: done, end: true}
    """,
    "journeys/stuck.yaml": """
        journey: stuck
        entry: {event: Joined}
        steps:
          - {id: one, send: note, channels: [email]}
          - {id: two, send: note, channels: [email]}
          - {id: three, send: note, channels: [email]}
          - {id: four, send: note, channels: [email]}
          - {id: last, wait: 1d}
    """,
}
"""Of `stuck` nobody comes to the last step, as no more than three are taken at one instant."""

SETTINGS: Final = Settings(instant_steps_max=3)


def key(name: str, *scopes: str, secret: str = "", expires_ms: int | None = None) -> Key:
    """A key whose secret is its name, unless that is said."""
    digest = sha256((secret or name).encode()).hexdigest()
    return Key(name=name, sha256=digest, scopes=frozenset(scopes), expires_ms=expires_ms)


KEYS: Final = (key("ada", "operate"), key("eve", "operate:read"), key("shop", "ingest"))


class Studio:
    """What is behind the door, and a browser before it that keeps cookies and follows nothing by itself."""

    def __init__(self, folder: Path, door: Door, client: httpx.AsyncClient) -> None:
        self.folder = folder
        self.door = door
        self.client = client

    async def look(self, path: str, **headers: str) -> httpx.Response:
        """A screen, as a browser asks for it."""
        return await self.client.get(path, headers={**HTML, **headers})

    async def send(self, path: str, form: Mapping[str, str], origin: str | None = HERE) -> httpx.Response:
        """A form of a page of this origin."""
        headers = {**HTML} if origin is None else {**HTML, "Origin": origin}
        return await self.client.post(path, data=dict(form), headers=headers)

    async def log_in(self, secret: str = "eve", origin: str = HERE, **form: str) -> httpx.Response:
        """Show a key."""
        return await self.send("/in", {"key": secret, **form}, origin)

    async def json(self, path: str) -> Any:
        """What is told to programs."""
        answer = await self.client.get(path, headers={"Authorization": "Bearer eve"})
        return answer.raise_for_status().json()

    async def come(self) -> None:
        """Ten people book and join; four of the nine who are to be reminded come."""
        for number in range(10):
            who = f"person{number}"
            traits = {"email": f"{who}@mail.example", "plan": "gold" if number < 3 else "none"}
            await self.door.service.identify(who, traits)
            await self.door.service.track(who, "Booked", {"total": 50 + number})
            await self.door.service.track(who, "Joined", {})
            if number > 5:
                await self.door.service.track(who, "Came", {})
        await self.door.service.drain(30)


@asynccontextmanager
async def opened(
    folder: Path,
    texts: Mapping[str, str] = TEXTS,
    keys: tuple[Key, ...] = KEYS,
    base_url: str = HERE,
    store: str = "memory:",
    engine: Settings = SETTINGS,
    clock: ManualClock | None = None,
    records: Sequence[str] = ("email", "sms"),
    **settings: Any,
) -> AsyncIterator[Studio]:
    """The studio, and its door with these keys and settings; `engine` are those of the engine."""
    write_texts(folder / "studio", texts)
    project = Project.load(folder / "studio")
    async with Service.open(
        project, store, shards=2, runtime="local", records=records, settings=engine, clock=clock
    ) as service:
        door = door_of(service, ServeSettings(**settings))
        door.keys = Keyring(keys)
        transport = httpx.ASGITransport(Application(door))
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            yield Studio(folder / "studio", door, client)


def at_the_studio(folder: Path, visit: Callable[[Studio], Awaitable[None]], **options: Any) -> None:
    """Let somebody visit it."""

    async def scenario() -> None:
        async with opened(folder, **options) as studio:
            await visit(studio)

    asyncio.run(scenario())


class Seen(HTMLParser):
    """A page as a browser reads it: its elements, its tables row by row, its forms' fields, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.fields: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.text = ""
        self._link: str | None = None
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.elements.append((tag, told))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True
        if tag == "input":
            self.fields[told.get("name") or ""] = told.get("value") or ""
        if tag == "a":
            self._link = told.get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False
        if tag == "a":
            self._link = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_cell:
            self.rows[-1][-1] += data
        if self._link is not None:
            self.links.setdefault(data.strip(), self._link)

    def row(self, head: str) -> list[str]:
        """The cells behind this head."""
        (found,) = [row for row in self.rows if row and row[0].strip() == head]
        return [each.strip() for each in found[1:]]
