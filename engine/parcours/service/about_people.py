"""What can be asked about people of a running service besides a look at one: whose address it is, facts, all that is
held.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final, Literal, TypeAlias, get_args

from parcours.core.fact import Fact
from parcours.core.identity import person_asked_for
from parcours.errors import CallerError
from parcours.insight.whose_facts import Told
from parcours.routing.calls import person_text
from parcours.service.engine_host import EngineHost
from parcours.service.erasure import ErasureJob
from parcours.service.people_calls import Id, check_text
from parcours.service.people_table import PersonRow
from parcours.service.person_record import PersonRecord
from parcours.shard.messages import Look
from parcours.shard.requests import FindPeople, NoteLook
from parcours.wording import shown_value

AddressKind: TypeAlias = Literal["email", "phone"]

CHANNEL_OF: Final[dict[AddressKind, str]] = {"email": "email", "phone": "sms"}
"""The channel whose addresses are of the kind."""


class AboutPeople(ABC):
    """The part of a service for whoever answers people.

    `look` says who asks, which is recorded as a fact of whoever is found: a name that nobody has is kept nowhere.
    """

    _host: EngineHost

    @abstractmethod
    async def _told(self, name: str) -> Told:
        """What is told of the person of this name."""

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    def find(self, kind: AddressKind, address: str, *, look: Look | None = None) -> Coroutine[Any, Any, list[str]]:
        """The names of everybody who has this address now, or had it when something left for there lately, sorted.

        Whoever was merged into a person meanwhile is told by that person's name.

        kind     "email" or "phone"
        address  as it stands in the profile, or in the form that its channel makes of it
        Nobody is looked through: each shard keeps whose addresses they are.
        """
        if kind not in get_args(AddressKind):
            raise CallerError(f"find({shown_value(kind)}): email or phone is expected")
        check_text("address", address)
        return self._find(CHANNEL_OF[kind], address, look)

    async def _find(self, channel: str, address: str, look: Look | None) -> list[str]:
        self._check_open()
        ports = self._host.ports
        found = await asyncio.gather(*(port.ask(FindPeople(channel, address)) for port in ports))
        people = sorted({name for names in found for name in names})
        if look is not None:
            noted = [(port, [name for name in people if self._host.port_of(name) is port]) for port in ports]
            if not people:
                noted = [(ports[0], [""])]
            await asyncio.gather(*(port.ask(NoteLook(names, look)) for port, names in noted if names))
        return people

    async def everybody(self, *, look: Look | None = None) -> AsyncGenerator[list[PersonRow]]:
        """The table of people as of now, in slices and in no order, taken while the engine goes on.

        It has to be taken within an hour. Whoever does not go through all of it closes the generator: others wait for
        that, until the hour is over. That somebody has looked is one fact, about nobody.
        Raises CallerError where it takes longer than that, ShardUnavailable.
        """
        self._check_open()
        if look is not None:
            await self._host.ports[0].ask(NoteLook([""], look))
        async with aclosing(self._host.people_rows()) as slices:
            async for rows in slices:
                yield rows

    def owner(self, person: Id) -> Coroutine[Any, Any, str]:
        """The name under which a person lives: the one that is given, unless that was merged into somebody."""
        return self._owner(person_asked_for(person_text(person, "owner")))

    async def _owner(self, name: str) -> str:
        self._check_open()
        return (await self._host.locate(name)).owner

    def facts(self, person: Id, *, look: Look | None = None) -> Coroutine[Any, Any, list[Fact]]:
        """All that is still told of a person, in the order of happening.

        Where `anonymous_history` is used, what happened under the names that were merged into her is told as well: it
        has the name that held then.
        """
        return self._facts(person_asked_for(person_text(person, "facts")), look)

    async def _facts(self, name: str, look: Look | None) -> list[Fact]:
        self._check_open()
        told = await self._told(name)
        if told.facts:
            await self._note_at(told.owner, look)
        return told.facts

    def record(self, person: Id, *, look: Look | None = None) -> Coroutine[Any, Any, PersonRecord | None]:
        """Everything that is held of a person, in all places and under all her names; None if nothing is."""
        return self._record(person_asked_for(person_text(person, "record")), look)

    async def _record(self, name: str, look: Look | None) -> PersonRecord | None:
        self._check_open()
        record = await self._host.everything_of(name)
        if not record.is_anything:
            return None
        await self._note_at(record.person, look)
        return record

    def erase(self, person: Id, *, by: str = "") -> Coroutine[Any, Any, ErasureJob]:
        """Erase a person: nobody is told anything of her from then on, and what is left of her in files goes.

        Repeating it is harmless. What is heard of her later is of somebody new.
        by  who has it done: the name of a key
        """
        return self._erase(person_asked_for(person_text(person, "erase")), by)

    async def _erase(self, name: str, by: str) -> ErasureJob:
        self._check_open()
        return await self._host.erase(name, by)

    async def erasure(self, job: str) -> ErasureJob | None:
        """How far an erasure is, by the id of its job; None if there is none."""
        self._check_open()
        check_text("job", job)
        return await self._host.erasure(job)

    def note_look(self, person: Id, look: Look) -> Coroutine[Any, Any, None]:
        """Record that somebody has looked at a person, or changed something of hers."""
        return self._note(person_asked_for(person_text(person, "note_look")), look)

    async def _note(self, name: str, look: Look | None) -> None:
        if look is not None:
            await self._note_at((await self._host.locate(name)).owner, look)

    async def _note_at(self, owner: str, look: Look | None) -> None:
        if look is not None:
            await self._host.port_of(owner).ask(NoteLook([owner], look))
