"""In which form is an address used? As its channel says, which is found where all channels are found.

A process in which the channel cannot be loaded takes addresses as they stand, and says so once for each channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from parcours.channel import plain_address
from parcours.dispatch.registry import Registry
from parcours.dispatch.said_once import warn_once
from parcours.errors import ChannelUnknown, ExtraMissing
from parcours.surrogates import mended_text
from parcours.wording import ForeignText, words_of

RULES_MAX: Final = 256
"""Channels of which the rule is remembered: a project names a few, but a line can name any."""

Rule: TypeAlias = Callable[[str, str | None], Any]


class InstalledAddresses:
    """The address rules of the installed channels.

    channels  those whose rules are loaded now, so that no event waits for it; any other's is, once it is asked for
    """

    def __init__(self, registry: Registry | None = None, channels: Iterable[str] = ()) -> None:
        self._registry = registry
        self._rules = {channel: self._rule(channel) for channel in channels}

    def __call__(self, channel: str, address: str, region: str | None) -> str:
        """The address as the channel will use it. Raises ValueError with the reason where it will not."""
        rule = self._rules.get(channel)
        if rule is None:
            rule = self._rule(channel)
            if len(self._rules) < RULES_MAX:
                self._rules[channel] = rule
        try:
            normal = rule(address, region)
        except ValueError as error:
            raise ValueError(words_of(error)) from error
        except Exception as error:  # a stranger's code may raise anything
            raise ValueError(f"the channel fails on it with {type(error).__name__}") from error
        if not isinstance(normal, str) or not normal.strip() or not (normal.isascii() or mended_text(normal) == normal):
            raise ValueError("the channel makes no address of it")
        return normal

    def _rule(self, channel: str) -> Rule:
        if self._registry is None:
            self._registry = Registry.installed()
        try:
            return self._registry.normalize(channel)
        except (ChannelUnknown, ExtraMissing) as error:
            said = ForeignText(channel), ForeignText(error)
            warn_once("addresses on the channel %r are taken as they stand: %s", *said)
            return plain_address
