"""The factory of dispatchers: a channel with its settings and a renderer; for outbound calls, a client for HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from parcours.channel import CALL, Channel
from parcours.dispatch.breaker import Breaker
from parcours.dispatch.bucket import Bucket
from parcours.dispatch.call_body import CallRenderer, CallSettings
from parcours.dispatch.destinations import MemberRenderer, open_lane
from parcours.dispatch.dispatcher import Dispatcher
from parcours.dispatch.registry import Registry
from parcours.dispatch.render import Renderer
from parcours.errors import ExtraMissing, SettingInvalid
from parcours.journey.destinations import is_lane
from parcours.journey.model.channel_keys import RATE_KEY, own_settings, rate_of
from parcours.journey.program import Program
from parcours.journey.read.complaints import in_a_line
from parcours.routing.plan import Plan


def new_dispatcher(
    name: str, channel: str, plan: Plan, program: Program, registry: Registry, part: float = 1.0
) -> Dispatcher:
    """A dispatcher of one of the plan's channels, not started yet.

    name     tells its claims from those of a dispatcher before it
    program  of all that is published
    part     how much of what leaves by the channel it sends, and so of the channel's rate
    Raises SettingInvalid, ChannelUnknown, DestinationUnknown, ExtraMissing, or ProjectInvalid for a content that the
    channel rejects.
    """
    settings = plan.settings
    if is_lane(channel):
        lane = open_lane(channel, plan.channels[channel])
        return Dispatcher(name, channel, lane, MemberRenderer(), settings, breaker=Breaker(settings, tells_whole=True))
    bucket = (
        None if plan.virtual else _bucket(channel, plan.channels[channel], part)
    )  # pauses of the machine's clock delay no virtual time
    if channel == CALL:
        caller = _caller({**own_settings(plan.channels[CALL]), "answer_bytes_max": settings.answer_bytes_max})
        return Dispatcher(name, channel, caller, CallRenderer(program), settings, bucket=bucket)
    check = registry.check(channel)
    renderer = Renderer(
        program,
        {channel: registry.channel(channel).Content},
        {channel: check} if check else {},
        links=plan.links,
        put_in=registry.put_in(channel),
    )
    return Dispatcher(
        name,
        channel,
        registry.open(channel, plan.channels[channel]),
        renderer,
        settings,
        links=plan.links,
        breaker=None if plan.virtual else Breaker(settings),
        bucket=bucket,
    )


def _bucket(channel: str, settings: Mapping[str, object], part: float) -> Bucket | None:
    try:
        rate = rate_of(settings)
    except ValueError as error:
        raise SettingInvalid(f"channels.{channel}.{RATE_KEY}: {error}") from None
    return None if rate is None else Bucket(rate, part)


def _caller(settings: Mapping[str, object]) -> Channel:
    try:
        checked = CallSettings.model_validate(settings)
    except ValidationError as error:
        raise SettingInvalid(f"channels.{CALL}: {in_a_line(error, CallSettings)}") from None
    try:
        from parcours.dispatch.call_channel import HttpCaller
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("parcours"):
            raise
        raise ExtraMissing.of(f"an outbound call (library {error.name})", CALL) from error
    return HttpCaller(checked)
