"""How destinations are told: found among those that are installed, and driven by a dispatcher as a channel is.

A destination's lane has one dispatcher for all shards. What lies in its outbox is made into members, and of these at
most `batch` are handed over together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from parcours.channel import Channel, Delivery, Receipt
from parcours.core.effect import Outgoing
from parcours.core.time_text import time_text
from parcours.destination import GROUP, Destination, FactsDestination, Member, SnapshotDestination
from parcours.dispatch.registry import find_library
from parcours.dispatch.render import RenderFailed
from parcours.errors import DestinationUnknown, ExtraMissing, SettingInvalid, SnapshotFailed
from parcours.journey.destinations import is_lane, name_of
from parcours.journey.program import Program
from parcours.journey.read.complaints import in_a_line
from parcours.journey.read.destination_settings import misfit
from parcours.wording import nearest

REQUESTS_MAX: Final = 4
"""Calls of a destination's `send` at once: while one is answered the next is on its way, and few are in doubt."""

EXTRAS: Final[Mapping[str, str]] = {"webhook": "call"}
"""The extras that bring what the destinations that come along need."""


class InstalledDestinations:
    """The destinations of some entry points, loaded when they are asked for."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self._points: dict[str, list[EntryPoint]] = {}
        for point in points:
            self._points.setdefault(point.name, []).append(point)

    @classmethod
    def installed(cls) -> InstalledDestinations:
        """All destinations of this environment."""
        return cls(entry_points(group=GROUP))

    def kind(self, name: str) -> type[Destination]:
        """The class. Raises DestinationUnknown, or ExtraMissing for one of ours whose library is missing."""
        points = self._points.get(name, [])
        if len(points) != 1:
            hint = nearest(name, self._points) or f"; there are {', '.join(sorted(self._points)) or 'none'}"
            why = "several distributions offer" if points else "no installed distribution offers"
            raise DestinationUnknown(f"{why} the destination {name!r}{'' if points else hint}")
        try:
            loaded: type[Destination] = points[0].load()
            for library in getattr(loaded, "libraries", ()):
                find_library(library)
        except ImportError as error:
            library = error.name or str(error)
            if points[0].dist is not None and points[0].dist.name == "parcours":
                raise ExtraMissing.of(
                    f"the destination {name!r} (library {library})", EXTRAS.get(name, name)
                ) from error
            raise DestinationUnknown(f"the destination {name!r} cannot be imported: {error}") from error
        except Exception as error:
            raise DestinationUnknown(f"the destination {name!r} breaks while it loads: {error!r}") from error
        return loaded

    def open(self, name: str, settings: Mapping[str, object], within: str) -> Destination:
        """A destination of members, not started yet; `within` is where its settings stand, for errors.

        Raises SettingInvalid for settings that are none, or where it takes facts alone; and as `kind` does.
        """
        opened = self._opened(name, settings, within)
        if (reason := misfit(type(opened), name, facts=False)) is not None:
            raise SettingInvalid(f"{within}: {reason}")
        return opened

    def open_for_facts(self, name: str, settings: Mapping[str, object], within: str) -> FactsDestination:
        """The same of one that takes facts."""
        opened: object = self._opened(name, settings, within)
        if not isinstance(opened, FactsDestination):
            raise SettingInvalid(f"{within}: {misfit(type(opened), name, facts=True)}")
        return opened

    def _opened(self, name: str, settings: Mapping[str, object], within: str) -> Destination:
        kind = self.kind(name)
        try:
            return kind(kind.Settings.model_validate(settings))
        except ValidationError as error:
            raise SettingInvalid(f"{within}: {in_a_line(error, kind.Settings)}") from None


class LaneSettings(BaseModel):
    """How a destination's lane is opened, secrets resolved.

    kind      which installed destination it is
    settings  its own
    batch     members handed over together at most
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    settings: dict[str, Any]
    batch: int


class MemberContent(BaseModel):
    """What a lane carries: a member."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    member: Member


class MemberRenderer:
    """Makes a member of an outbox entry."""

    def render(self, outgoing: Outgoing) -> MemberContent:
        """The member. Raises RenderFailed for what is none."""
        change, fields = outgoing.context.get("change"), outgoing.context.get("fields")
        if (change != "entered" and change != "left") or not isinstance(fields, dict):
            raise RenderFailed("render: it is no change of a member")
        at, name = time_text(outgoing.at), name_of(outgoing.channel)
        return MemberContent(member=Member(outgoing.key, at, name, change, outgoing.to, fields, outgoing.attempt))

    def publish(self, program: Program) -> None:
        """Every entry says all that there is to say."""


class LaneChannel(Channel):
    """A destination as its dispatcher drives it."""

    Settings: ClassVar[type[BaseModel]] = LaneSettings
    Content: ClassVar[type[BaseModel]] = MemberContent
    address_kind: ClassVar[str] = "key"

    def __init__(self, destination: Destination, batch: int) -> None:
        self._destination = destination
        self.batch_max = batch
        self.capacity = batch * REQUESTS_MAX

    async def start(self) -> None:
        await self._destination.start()

    async def send(self, deliveries: Sequence[Delivery]) -> list[Receipt]:
        return await self._destination.send([_member(delivery) for delivery in deliveries])

    def parts_of(self, step: SnapshotStep) -> list[SnapshotStep]:
        """The step as it is taken: with no more members at once than any call has."""
        size, members = self.batch_max, step.members
        parts = [members[first : first + size] for first in range(0, len(members), size)]
        return [SnapshotStep(step.what, step.at, part) for part in parts] or [step]

    async def tell_all(self, step: SnapshotStep) -> None:
        """Take the next step of a snapshot. Raises SnapshotFailed where the destination takes none."""
        destination = self._destination
        if not isinstance(destination, SnapshotDestination):
            raise SnapshotFailed("it cannot be told of all members at once")
        match step.what:
            case "begin":
                await destination.begin(step.at)
            case "add":
                await destination.add(step.members)
            case "finish":
                await destination.finish()
            case "abandon":
                await destination.abandon()

    async def stop(self) -> None:
        await self._destination.stop()


@dataclass(frozen=True, slots=True)
class SnapshotStep:
    """A part of what a destination is told of all members at once, as of the instant `at`."""

    what: Literal["begin", "add", "finish", "abandon"]
    at: str
    members: tuple[Member, ...] = ()


def open_lane(lane: str, settings: Mapping[str, object], installed: InstalledDestinations | None = None) -> LaneChannel:
    """The channel of a destination's lane. Raises SettingInvalid, DestinationUnknown or ExtraMissing."""
    assert is_lane(lane), "channels are opened by their own registry"
    checked = LaneSettings.model_validate(settings)
    installed = installed or InstalledDestinations.installed()
    within = f"destinations.{name_of(lane)}.to"
    return LaneChannel(installed.open(checked.kind, checked.settings, within), checked.batch)


def _member(delivery: Delivery) -> Member:
    content = delivery.content
    assert isinstance(content, MemberContent), "the lane's renderer has made it"
    return content.member
