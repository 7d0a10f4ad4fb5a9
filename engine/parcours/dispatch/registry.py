"""The registry of channels: those that installed distributions offer under `parcours.channels`.

The channels that come with Parcours take the same door as everybody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from parcours.channel import GROUP, Channel, DeliveryLinks, plain_address
from parcours.errors import ChannelUnknown, ExtraMissing, SettingInvalid
from parcours.journey.compile.content_check import ContentCheck
from parcours.journey.model.channel_keys import own_settings
from parcours.journey.read.complaints import in_a_line
from parcours.wording import nearest

PutIn: TypeAlias = Callable[[Any, DeliveryLinks], BaseModel]
"""A channel's `with_links`."""


@dataclass(frozen=True, slots=True)
class ChannelEntry:
    """A channel as a distribution offers it; `missing` says why it cannot be loaded, None if it can."""

    name: str
    distribution: str
    version: str
    missing: str | None
    clashes: bool


class Registry:
    """The channels of some entry points, loaded when they are asked for."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        self._points: dict[str, list[EntryPoint]] = {}
        for point in points:
            self._points.setdefault(point.name, []).append(point)

    @classmethod
    def installed(cls) -> Registry:
        """All channels of this environment."""
        return cls(entry_points(group=GROUP))

    def names(self) -> list[str]:
        """Every channel found, sorted, whether it can be loaded or not."""
        return sorted(self._points)

    def offers(self) -> list[ChannelEntry]:
        """Every channel found, by name, with what is wrong with it."""
        offers = []
        for name, points in sorted(self._points.items()):
            for point in points:
                distribution = point.dist
                offers.append(
                    ChannelEntry(
                        name,
                        distribution.name if distribution else "unknown",
                        distribution.version if distribution else "unknown",
                        _missing(point),
                        clashes=len(points) > 1,
                    )
                )
        return offers

    def channel(self, name: str) -> type[Channel]:
        """The channel's class."""
        points = self._points.get(name, [])
        if not points:
            known = ", ".join(sorted(self._points)) or "none"
            hint = nearest(name, self._points) or f"; there are {known}"
            raise ChannelUnknown(f"no installed distribution offers the channel {name!r}{hint}")
        if len(points) > 1:
            owners = ", ".join(sorted(point.dist.name for point in points if point.dist))
            raise ChannelUnknown(f"the channel {name!r} is offered by several distributions: {owners}")
        loaded: type[Channel] = _load(points[0])
        return loaded

    def normalize(self, name: str) -> Callable[[str, str | None], str]:
        """The channel's rule for addresses; one that has none takes them as they stand."""
        return getattr(self.channel(name), "normalize", plain_address)

    def dead_codes(self, name: str) -> frozenset[str]:
        """By which codes the channel's provider says that an address is dead; none if the channel has no table."""
        return frozenset(getattr(self.channel(name), "dead_codes", ()))

    def check(self, name: str) -> ContentCheck | None:
        """The channel's judgement of a rendered content, None if it has none."""
        return getattr(self.channel(name), "check", None)

    def put_in(self, name: str) -> PutIn | None:
        """How addresses of ours get into the channel's contents, None if it has no place for any."""
        return getattr(self.channel(name), "with_links", None)

    def contents(self) -> Mapping[str, type[BaseModel]]:
        """What a message holds for each channel that can be loaded."""
        return {
            offer.name: self.channel(offer.name).Content
            for offer in self.offers()
            if offer.missing is None and not offer.clashes
        }

    def open(self, name: str, settings: Mapping[str, object]) -> Channel:
        """A channel with its settings checked, not started yet. The engine's keys among them are not its own."""
        channel = self.channel(name)
        try:
            return channel(channel.Settings.model_validate(own_settings(settings)))
        except ValidationError as error:
            raise SettingInvalid(f"channels.{name}: {in_a_line(error, channel.Settings)}") from None


def _load(point: EntryPoint) -> Any:
    try:
        channel = point.load()
        for library in getattr(channel, "libraries", ()):
            find_library(library)
        return channel
    except ImportError as error:
        library = error.name or str(error)
        if point.dist is not None and point.dist.name == "parcours":
            raise ExtraMissing.of(f"the channel {point.name!r} (library {library})", point.name) from error
        raise ChannelUnknown(f"the channel {point.name!r} cannot be imported: {error}") from error
    except Exception as error:
        raise ChannelUnknown(f"the channel {point.name!r} breaks while it loads: {error!r}") from error


def find_library(library: str) -> None:
    """Raises ImportError, as importing it would, if a library that is imported later is not installed."""
    if find_spec(library) is None:
        raise ModuleNotFoundError(f"No module named {library!r}", name=library)


def _missing(point: EntryPoint) -> str | None:
    try:
        _load(point)
    except (ExtraMissing, ChannelUnknown) as error:
        return str(error)
    return None
