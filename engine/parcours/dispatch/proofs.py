"""Proofs: one message, marked as such, by the project's own channel to an address of its makers.

It is sent as every delivery is, but without links of ours, and whatever becomes of it is told to the caller alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex
from typing import Final, assert_never

from msgspec.structs import replace
from pydantic import BaseModel

from parcours.channel import INBOX, Accepted, Ambiguous, NotSent, Refused
from parcours.config import Settings
from parcours.core.delivery.delivery_key import copy_key_of
from parcours.core.effect import Outgoing
from parcours.core.input import ContentRefused, Interrupted, Placed, Settlement
from parcours.dispatch.outsiders import OutsiderFailed, bounded_call
from parcours.dispatch.registry import Registry
from parcours.dispatch.render import Renderer, RenderFailed
from parcours.dispatch.sender import Sender
from parcours.errors import CallerError, ParcoursError, SettingInvalid
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.read.secrets import resolve_secrets
from parcours.wording import quoted, words_of

MARK: Final = "[Proof]"

MARKED: Final = ("subject", "title", "text", "body")
"""The fields of a content of which the first that says something is marked: what is seen first."""


class ProofUnsent(ParcoursError):
    """A proof was not sent, or it is not certain that it was."""


def channel_for(step_channels: Mapping[str, object], address: str, asked: str | None, registry: Registry) -> str:
    """By which channel of a step a proof goes to an address: the one that is asked for, or the first that takes it.

    A channel without a rule for addresses takes any, so it comes after those that have one. Raises CallerError where
    none takes it, ChannelUnknown, ExtraMissing.
    """
    channels = [channel for channel in step_channels if channel not in INBOX]
    if asked is not None:
        if asked not in channels:
            there = f"; it sends on {', '.join(channels)}" if channels else ""
            raise CallerError(f"the step does not send to addresses on {quoted(asked)}{there}")
        channels = [asked]
    refused: list[str] = []
    for channel in sorted(channels, key=lambda each: not hasattr(registry.channel(each), "normalize")):
        try:
            registry.normalize(channel)(address, None)
        except ValueError as error:
            refused.append(f"{channel}: {words_of(error)}")
        else:
            return channel
    why = "; ".join(refused) or "it sends into inboxes, which have none"
    raise CallerError(f"{quoted(address)} is no address on any channel of the step ({why})")


async def send_proof(
    program: Program, outgoing: Outgoing, registry: Registry, settings: Settings, configured: Mapping[str, object]
) -> str | None:
    """Send it; the provider's id of it, if there is one.

    configured  the settings of its channel, secrets resolved
    Raises ProofUnsent with the reason, SettingInvalid for such settings, ChannelUnknown, ExtraMissing, and
    ProjectInvalid for a content that the channel rejects.
    """
    name = outgoing.channel
    channel = registry.open(name, configured)
    sender = Sender(name, channel, ProofRenderer(program, name, registry), settings, None, None)
    # A new key each time: a provider, or a reader of mail, would take another proof with the same one for a repetition.
    marked = replace(outgoing, key=copy_key_of(outgoing.person, (token_hex(),)))
    try:
        await bounded_call(channel.start, settings.send_timeout_s)
        try:
            (receipt,) = await sender.settle([marked])
        finally:
            sender.stop_listening()
            await bounded_call(channel.stop, settings.send_timeout_s)
    except OutsiderFailed as failure:
        raise ProofUnsent(f"the channel {name!r} does not work: {failure}") from failure
    return _sent(name, receipt)


def _sent(channel: str, receipt: Settlement) -> str | None:
    """The provider's id. Raises ProofUnsent."""
    match receipt:
        case Accepted():
            return receipt.provider_id
        case Refused(code="render", reason=reason):
            raise ProofUnsent(f"the message cannot be rendered for this person: {reason.removeprefix('render: ')}")
        case ContentRefused(reason=reason):
            raise ProofUnsent(f"the message says what may not leave on {channel!r}: {reason}")
        case Refused(reason=reason, code=code):
            raise ProofUnsent(f"the provider of {channel!r} refuses it: {reason}{_coded(code, reason)}")
        case NotSent(reason=reason, code=code):
            raise ProofUnsent(f"it was not sent on {channel!r}, try again: {reason}{_coded(code, reason)}")
        case Ambiguous(reason=reason, code=code):
            raise ProofUnsent(f"it may have been sent on {channel!r}, or not: {reason}{_coded(code, reason)}")
        case Interrupted() | Placed():
            raise AssertionError("only shards say so")
    assert_never(receipt)


def _coded(code: str | None, reason: str) -> str:
    return f" ({code})" if code and code not in reason else ""


def channel_settings(project: Project, channel: str, environ: Mapping[str, str]) -> Mapping[str, object]:
    """The channel's settings in parcours.yaml, secrets resolved. Raises SettingInvalid if it is not set up."""
    settings = project.channels.get(channel)
    if settings is None:
        raise SettingInvalid(
            f"a proof goes out by the project's own channel, and parcours.yaml has no channels.{channel}"
        )
    return resolve_secrets(settings, project.folder, environ, f"channels.{channel}")


class ProofRenderer:
    """Renders the messages of a program for one channel, each with a mark: satisfies `Renders`."""

    def __init__(self, program: Program, channel: str, registry: Registry) -> None:
        check = registry.check(channel)
        contents = {channel: registry.channel(channel).Content}
        self._renderer = Renderer(program, contents, {channel: check} if check else {})

    def publish(self, program: Program) -> None:
        self._renderer.publish(program)

    def render(self, outgoing: Outgoing) -> BaseModel:
        """The content with its mark. Raises as any renderer does, and RenderFailed where nothing can be marked."""
        content = self._renderer.render(outgoing)
        for field in MARKED:
            said = getattr(content, field, None)
            if isinstance(said, str) and said:
                return content.model_copy(update={field: f"{MARK} {said}"})
        if "title" in type(content).model_fields:
            return content.model_copy(update={"title": MARK})
        raise RenderFailed(f"render: it has none of {', '.join(MARKED)}, where a proof is marked")
