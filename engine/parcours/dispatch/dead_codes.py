"""By which codes does a provider say that an address is dead? As its channel says, found where all channels are found.

In a process in which the channel cannot be loaded no code means that, and the log says so once for each channel.
"""

from __future__ import annotations

from parcours.dispatch.registry import Registry
from parcours.dispatch.said_once import warn_once
from parcours.errors import ChannelUnknown, ExtraMissing
from parcours.wording import ForeignText


class InstalledDeadCodes:
    """The tables of the installed channels, each loaded when the first failure on it is judged."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry
        self._tables: dict[str, frozenset[str]] = {}

    def __call__(self, channel: str) -> frozenset[str]:
        """The codes of the channel's provider that speak of a dead address; none of a channel without a table."""
        if channel not in self._tables:
            self._tables[channel] = self._table(channel)
        return self._tables[channel]

    def _table(self, channel: str) -> frozenset[str]:
        if self._registry is None:
            self._registry = Registry.installed()
        try:
            return self._registry.dead_codes(channel)
        except (ChannelUnknown, ExtraMissing, TypeError) as error:  # TypeError: a stranger's table that is none
            said = ForeignText(channel), ForeignText(error)
            warn_once("no code of the channel %r tells a dead address: %s", *said)
            return frozenset()
