"""The compiler of what a send says, of a journey or a campaign: its message, channels, and an address on each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from parcours.channel import INBOX
from parcours.expression.expression import Expression, constant
from parcours.expression.kinds import ADDRESS, CHANNEL, ExpectedKind
from parcours.expression.names import Names
from parcours.expression.values import Scope
from parcours.journey.compile.declarations import Declarations, expression, value
from parcours.journey.model.campaign_acts import CampaignSendStep
from parcours.journey.model.steps import FirstChannel, SendStep
from parcours.journey.read.finding import Key, Margin
from parcours.wording import nearest, quoted

OWN_INBOX: Final = constant(False)
"""Stands where an address would: nobody is asked for it, for it is the person's name."""

AnySend: TypeAlias = SendStep | CampaignSendStep


@dataclass(frozen=True, slots=True)
class CompiledSend:
    """The address of each channel, and whether and how one of them is chosen."""

    to: Mapping[str, Expression]
    only_first: bool
    prefer: Expression | None


@dataclass(frozen=True, slots=True)
class SendCompiler:
    """Compiles one send step.

    has_lost  whether a key of the step could not be read
    keep      is told the paths that expressions read
    """

    declared: Declarations
    margin: Margin
    names: Names
    has_lost: Callable[[str], bool]
    keep: Callable[[Iterable[str]], None]

    def compile(self, step: AnySend) -> CompiledSend:
        channels = self._channels(step)
        to = {channel: self._address(step, channel) for channel in channels}
        for channel in step.to:
            if channel not in (step.named_channels or channels) and not self.is_unsure_of_channels(step):
                self.margin.error(f"{channel!r} is not a channel of this step", "to", channel)
        first = step.channels if isinstance(step.channels, FirstChannel) else None
        return CompiledSend(to, first is not None, None if first is None else self._preferred(first))

    def _preferred(self, first: FirstChannel) -> Expression | None:
        if first.prefer is None:
            return None
        prefer = self._value(first.prefer, CHANNEL, "channels", "prefer")
        named = prefer.value(Scope()) if prefer.literal else None
        if isinstance(named, str) and named not in first.first:
            hint = nearest(named, first.first)
            self.margin.warn(f"{quoted(named)} is none of the channels in first{hint}", "channels", "prefer")
        return prefer

    def _value(self, text: str, place: ExpectedKind, *keys: Key) -> Expression:
        compiled = value(self.margin, text, self.names, place, *keys)
        self.keep(compiled.paths)
        return compiled

    def _judged_elsewhere(self, text: str) -> Expression:
        """The compiled address of profile.yaml, whose faults are told there."""
        compiled = expression(replace(self.margin, findings=[]), text, self.names)
        self.keep(compiled.paths)
        return compiled

    def is_unsure_of_channels(self, step: AnySend) -> bool:
        """Whether the step may send on other channels, because they or those of its message are told to be wrong."""
        return self.has_lost("channels") or self.has_lost("send") or self._is_unsure_of_contents(step.send)

    def _is_unsure_of_contents(self, name: str) -> bool:
        """Whether a message may have other contents, because one of them is told to be wrong."""
        message = self.declared.messages.get(name)
        contents = message.contents if message is not None else ()
        return name in self.declared.unread or not all(map(self.declared.has_channel, contents))

    def _channels(self, step: AnySend) -> Sequence[str]:
        message = self.declared.messages.get(step.send)
        if message is None:
            if step.send not in self.declared.unread:
                self.margin.error(f"unknown message {step.send!r}{nearest(step.send, self.declared.messages)}", "send")
            return step.named_channels or ()
        if message.status == "draft":
            self.margin.draft(f"the message {step.send!r} is a draft, set its status to ready", "send")
        place = ("channels", "first") if isinstance(step.channels, FirstChannel) else ("channels",)
        for number, channel in enumerate(step.named_channels or ()):
            if channel not in message.contents and not self._is_unsure_of_contents(step.send):
                hint = nearest(channel, message.contents)
                self.margin.error(f"the message {step.send!r} has no content for {channel!r}{hint}", *place, number)
        named = step.named_channels or tuple(message.contents)
        return [channel for channel in named if channel in message.contents]

    def _address(self, step: AnySend, channel: str) -> Expression:
        if channel in INBOX:
            if channel in step.to:
                self.margin.error(f"on {channel!r} everybody's address is her own inbox: name none", "to", channel)
            return OWN_INBOX
        if channel in step.to:
            return self._value(step.to[channel], ADDRESS, "to", channel)
        address = self.declared.addresses.get(channel)
        if address is not None and channel in self.declared.own_addresses:
            return self._judged_elsewhere(address)
        if address is not None:
            return self._value(address, ADDRESS, "send")
        if not self._is_unsure_of_address(channel):
            self.margin.error(
                f"no address is known for {channel!r}: give one in 'to', or for all in profile.yaml under addresses",
                "send",
            )
        return constant(False)

    def _is_unsure_of_address(self, channel: str) -> bool:
        """Whether the channel, or an address for it, is told to be wrong."""
        lost = self.has_lost("channels") or self.has_lost("to")
        return lost or "addresses" in self.declared.unread or not self.declared.has_channel(channel)
