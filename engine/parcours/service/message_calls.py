"""What does the message of a step say now, to nobody or to one person? Nothing is sent, and nothing happens to her."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from functools import cached_property
from typing import Any

from parcours.background import in_thread
from parcours.core.delivery.wording import deliveries_now
from parcours.core.identity import person_asked_for
from parcours.core.profile import Profile
from parcours.dispatch.message_reading import MessageReading, MessageSaid
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError
from parcours.journey.program import Journey, Send
from parcours.routing.calls import person_text
from parcours.routing.ports import ShardPort
from parcours.service.engine_host import EngineHost
from parcours.service.following import ask_owner
from parcours.service.people_calls import Id, check_text
from parcours.service.published import Published
from parcours.shard.messages import Look
from parcours.shard.requests import GetProfile


class MessageCalls(ABC):
    """Those of a service."""

    _host: EngineHost
    _control: Published

    @property
    @abstractmethod
    def _registry(self) -> Registry:
        """The channels that are installed."""

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    @abstractmethod
    def _port_of(self, person: str) -> ShardPort:
        """The shard that owns the slot of this name."""

    @cached_property
    def _reading(self) -> MessageReading:
        return MessageReading(self._registry)

    def message_at(
        self,
        journey: str,
        step: str,
        *,
        version: int | None = None,
        person: Id | None = None,
        look: Look | None = None,
    ) -> Coroutine[Any, Any, list[MessageSaid]]:
        """What the send of a journey would say on each of its channels, without links of ours; no gate is asked.

        version  of the journey, the newest without it
        person   with whose traits, and with what her newest run there keeps of events; without it nothing is known
        look     says who asks, which is recorded as a fact of hers
        Raises CallerError for a step that sends nothing, and for a person of whom nothing is known; ShardUnavailable.
        """
        check_text("journey", journey)
        check_text("step", step)
        name = None if person is None else person_asked_for(person_text(person, "message_at"))
        return self._message_at(journey, step, version, name, look)

    async def _message_at(
        self, name: str, step: str, version: int | None, person: str | None, look: Look | None
    ) -> list[MessageSaid]:
        self._check_open()
        journey, send = self._send(name, step, version)
        owner, profile = await self._whose(person, look)
        program, settings = self._control.current, self._host.settings
        outgoing = deliveries_now(owner, profile, self._host.now_ms(), journey, send, program, settings)
        return await in_thread(self._reading.read, program, outgoing)

    async def _whose(self, person: str | None, look: Look | None) -> tuple[str, Profile]:
        if person is None:
            return "", Profile()
        found = await ask_owner(self._port_of, person, lambda asked: GetProfile(asked, look))
        if found.profile is None:
            raise CallerError("nothing is known of such a person")
        return found.owner, found.profile

    def _send(self, name: str, step: str, version: int | None) -> tuple[Journey, Send]:
        versions = [each for each in self._control.current.versions() if each.name == name]
        journey = next((each for each in versions if version in (None, each.version)), None)
        found = None if journey is None else journey.steps.get(step)
        if journey is None or not isinstance(found, Send):
            raise CallerError(f"there is no step {step!r} in a journey {name!r} that sends, or not any more")
        return journey, found
