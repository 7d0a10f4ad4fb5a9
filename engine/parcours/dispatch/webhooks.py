"""Providers' webhooks: what a channel reads in a request of its provider."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from parcours.channel import Channel, Feedback, WebhookRequest, plain_address
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError, ChannelUnknown


def read_reports(
    registry: Registry, settings: Mapping[str, Mapping[str, object]], channel: str, request: WebhookRequest
) -> list[Feedback]:
    """What a provider reports, with addresses in the form that the channel uses.

    The channel reads the request without having been started.

    settings  of each configured channel, secrets resolved
    Raises ValueError if the request is not genuine; ChannelUnknown if there is no such channel, CallerError if it
    reads no reports; SettingInvalid or ExtraMissing as when it is opened. What else a channel raises is its own fault,
    and the provider may come again.
    """
    reader = open_reader(registry, settings, channel)
    # Asked for by this name alone: a class that does not derive from Channel may lack what it would inherit.
    read = getattr(reader, "read_feedback", None)
    if not callable(read):
        raise CallerError(f"the channel {channel!r} reads no reports of its provider")
    reports = [_checked(reader, channel, report) for report in read(request)]
    if request.key is not None and not proves_reports(reader) and any(each.key != request.key for each in reports):
        raise ValueError("it is about another delivery than the one whose address was called")
    return reports


def needs_a_key(registry: Registry, settings: Mapping[str, Mapping[str, object]], channel: str) -> bool:
    """Whether the channel cannot tell by a request itself that it is of its provider.

    Raises ChannelUnknown if there is no such channel.
    """
    _check_configured(settings, channel)
    return not proves_reports(registry.channel(channel))


def proves_reports(channel: Channel | type[Channel]) -> bool:
    """Whether the channel can tell by a request itself that it is of its provider."""
    return bool(getattr(channel, "proves_reports", True))


def open_reader(registry: Registry, settings: Mapping[str, Mapping[str, object]], channel: str) -> Channel:
    """The channel, not started."""
    _check_configured(settings, channel)
    return registry.open(channel, settings[channel])


def _check_configured(settings: Mapping[str, Mapping[str, object]], channel: str) -> None:
    if channel not in settings:
        known = ", ".join(sorted(settings)) or "none"
        raise ChannelUnknown(f"no channel {channel!r} is configured; there are {known}")


def _checked(reader: Channel, channel: str, report: object) -> Feedback:
    if not isinstance(report, Feedback):
        raise TypeError(f"the channel {channel!r} made {report!r} of a report, where a Feedback is expected")
    if not (report.key or report.person or report.address):
        raise TypeError(f"the channel {channel!r} made a report that names no delivery, person or address")
    if report.address is None:
        return report
    normalize = getattr(reader, "normalize", plain_address)
    try:
        return replace(report, address=normalize(report.address, None))
    except ValueError:
        return report  # nobody was reached there, and whoever is meant may have it as it stands
