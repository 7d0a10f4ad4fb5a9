"""Of which reactions does anybody tell? Each channel says what its provider reports, and what links and apps tell."""

from __future__ import annotations

from parcours.channel import Channel
from parcours.dispatch.registry import Registry
from parcours.dispatch.webhooks import proves_reports
from parcours.errors import ChannelUnknown, ExtraMissing

ALWAYS = frozenset({"failed"})
"""What a channel's receipts tell."""


class InstalledReports:
    """What is told of deliveries on the installed channels, behind a certain door."""

    def __init__(self, registry: Registry, *, has_links: bool, takes_mail: bool) -> None:
        """
        has_links   whether addresses of the door are put into what leaves
        takes_mail  whether reports get in of providers that do not prove who they are, as mail servers do not
        """
        self._registry = registry
        self._has_links = has_links
        self._takes_mail = takes_mail

    def __call__(self, channel: str, is_tracked: bool) -> frozenset[str] | None:
        """The reactions, None of a channel that does not say. `is_tracked`: links tell of opens and clicks."""
        try:
            asked = self._registry.channel(channel)
        except (ChannelUnknown, ExtraMissing):
            return None
        by_provider, by_links, by_app = (
            _set(asked, name) for name in ("reports", "reports_by_links", "reports_by_app")
        )
        if by_provider is by_links is by_app is None:
            return None
        told = ALWAYS
        if by_provider is not None and (self._takes_mail or proves_reports(asked)):
            told |= by_provider
        if self._has_links:
            told |= (by_app or frozenset()) | (by_links or frozenset() if is_tracked else frozenset())
        return told


def _set(channel: type[Channel], name: str) -> frozenset[str] | None:
    found = getattr(channel, name, None)
    return None if found is None else frozenset(found)
