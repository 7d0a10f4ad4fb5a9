"""Providers' webhooks as lines: one line for each report, which the engine takes like any other."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.channel import Feedback, WebhookRequest
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError, ChannelUnknown
from parcours.segment.inputs import feedback_line


def feedback_lines(
    registry: Registry, settings: Mapping[str, Mapping[str, object]], channel: str, request: WebhookRequest
) -> list[bytes]:
    """The lines of what a provider reports. To hand them in again changes nothing.

    The channel reads the request without having been started.

    settings  of each configured channel, secrets resolved
    Raises ValueError if the request is not genuine; ChannelUnknown if there is no such channel, CallerError if it
    reads no reports; SettingInvalid or ExtraMissing as when it is opened. What else a channel raises is its own fault,
    and the provider may come again.
    """
    if channel not in settings:
        known = ", ".join(sorted(settings)) or "none"
        raise ChannelUnknown(f"no channel {channel!r} is configured; there are {known}")
    reader = registry.open(channel, settings[channel])
    # Asked for by this name alone: a class that does not derive from Channel may lack what it would inherit.
    read = getattr(reader, "read_feedback", None)
    if not callable(read):
        raise CallerError(f"the channel {channel!r} reads no reports of its provider")
    reports = list(read(request))
    for report in reports:
        if not isinstance(report, Feedback):
            raise TypeError(f"the channel {channel!r} made {report!r} of a report, where a Feedback is expected")
    return [feedback_line(report) for report in reports]
