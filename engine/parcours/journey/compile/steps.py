"""The compiler of steps: one method for each kind, which resolves every name in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from parcours.channel import INBOX
from parcours.expression.duration import DAYS, minute_of
from parcours.expression.expression import Expression, constant
from parcours.expression.kinds import ADDRESS, CHANNEL, DATE, INSTANT, ExpectedKind, trait
from parcours.expression.names import Names
from parcours.expression.values import Scope
from parcours.journey import program
from parcours.journey.compile.declarations import condition, expression, value
from parcours.journey.compile.journey_names import JourneyNames
from parcours.journey.model import steps
from parcours.journey.read.finding import Key, Margin
from parcours.journey.read.stand_ins import STEP_KIND
from parcours.wording import nearest, quoted

OWN_INBOX: Final = constant(False)
"""Stands where an address would: nobody is asked for it, for it is the person's name."""


@dataclass(frozen=True, slots=True)
class StepCompiler:
    """Compiles one step; `after` is the id of the step that follows in the list, None at its end."""

    journey: JourneyNames
    margin: Margin
    names: Names
    after: str | None

    def compile(self, step: steps.StepDocument) -> program.Step:
        match step:
            case steps.SendStep():
                return self._send(step)
            case steps.WaitStep():
                return self._wait(step)
            case steps.WaitForStep():
                return self._wait_for(step)
            case steps.BranchStep():
                return self._branch(step)
            case steps.SplitStep():
                return self._split(step)
            case steps.UpdateStep():
                return self._update(step)
            case steps.CallStep():
                return self._call(step)
            case steps.EndStep():
                return program.End(step.id)
        assert_never(step)

    def _next(self, named: str | None, *keys: Key) -> str | None:
        """The id of the named step, or of the one that follows in the list."""
        known = [step.id for step in self.journey.document.steps]
        if named is not None and named not in known:
            if not self.journey.ids_unread:
                self.margin.error(f"unknown step {quoted(named)}{nearest(named, known)}", *keys)
            return None
        return self.after if named is None else named

    def _expression(self, text: str, *keys: Key) -> Expression:
        compiled = expression(self.margin, text, self.names, *keys)
        self.journey.kept.update(compiled.paths)
        return compiled

    def _value(self, text: str, place: ExpectedKind, *keys: Key) -> Expression:
        compiled = value(self.margin, text, self.names, place, *keys)
        self.journey.kept.update(compiled.paths)
        return compiled

    def _judged_elsewhere(self, text: str) -> Expression:
        """The compiled address of profile.yaml, whose faults are told there."""
        compiled = expression(replace(self.margin, findings=[]), text, self.names)
        self.journey.kept.update(compiled.paths)
        return compiled

    def _send(self, step: steps.SendStep) -> program.Send:
        channels = self._channels(step)
        to = {channel: self._address(step, channel) for channel in channels}
        for channel in step.to:
            if channel not in (step.named_channels or channels) and not self._is_unsure_of_channels(step):
                self.margin.error(f"{channel!r} is not a channel of this step", "to", channel)
        self.journey.kept.update(self.journey.paths.get(f"send {step.send}", frozenset()))
        first = step.channels if isinstance(step.channels, steps.FirstChannel) else None
        prefer = None
        if first is not None and first.prefer is not None:
            prefer = self._value(first.prefer, CHANNEL, "channels", "prefer")
            named = prefer.value(Scope()) if prefer.literal else None
            if isinstance(named, str) and named not in first.first:
                hint = nearest(named, first.first)
                self.margin.warn(f"{quoted(named)} is none of the channels in first{hint}", "channels", "prefer")
        return program.Send(
            id=step.id,
            message=step.send,
            to=to,
            on_refused=self._next(step.on_refused, "on_refused") if step.on_refused else None,
            has_on_refused=step.on_refused is not None,
            next=self._next(step.next, "next"),
            only_first=first is not None,
            prefer=prefer,
        )

    def _is_unsure_of_channels(self, step: steps.SendStep) -> bool:
        """Whether the step may send on other channels, because they or those of its message are told to be wrong."""
        lost = self.journey.has_lost(step.id, "channels") or self.journey.has_lost(step.id, "send")
        return lost or self._is_unsure_of_contents(step.send)

    def _is_unsure_of_contents(self, name: str) -> bool:
        """Whether a message may have other contents, because one of them is told to be wrong."""
        declared = self.journey.declared
        message = declared.messages.get(name)
        contents = message.contents if message is not None else ()
        return name in declared.unread or not all(map(declared.has_channel, contents))

    def _channels(self, step: steps.SendStep) -> Sequence[str]:
        declared = self.journey.declared
        message = declared.messages.get(step.send)
        if message is None:
            if step.send not in declared.unread:
                self.margin.error(f"unknown message {step.send!r}{nearest(step.send, declared.messages)}", "send")
            return step.named_channels or ()
        if message.status == "draft":
            self.margin.draft(f"the message {step.send!r} is a draft, set its status to ready", "send")
        place = ("channels", "first") if isinstance(step.channels, steps.FirstChannel) else ("channels",)
        for number, channel in enumerate(step.named_channels or ()):
            if channel not in message.contents and not self._is_unsure_of_contents(step.send):
                hint = nearest(channel, message.contents)
                self.margin.error(f"the message {step.send!r} has no content for {channel!r}{hint}", *place, number)
        named = step.named_channels or tuple(message.contents)
        return [channel for channel in named if channel in message.contents]

    def _address(self, step: steps.SendStep, channel: str) -> Expression:
        if channel in INBOX:
            if channel in step.to:
                self.margin.error(f"on {channel!r} everybody's address is her own inbox: name none", "to", channel)
            return OWN_INBOX
        if channel in step.to:
            return self._value(step.to[channel], ADDRESS, "to", channel)
        address = self.journey.declared.addresses.get(channel)
        if address is not None and channel in self.journey.declared.own_addresses:
            return self._judged_elsewhere(address)
        if address is not None:
            return self._value(address, ADDRESS, "send")
        if not self._is_unsure_of_address(step, channel):
            self.margin.error(
                f"no address is known for {channel!r}: give one in 'to', or for all in profile.yaml under addresses",
                "send",
            )
        return self._expression("false", "send")

    def _is_unsure_of_address(self, step: steps.SendStep, channel: str) -> bool:
        """Whether the channel, or an address for it, is told to be wrong."""
        lost = self.journey.has_lost(step.id, "channels") or self.journey.has_lost(step.id, "to")
        return lost or "addresses" in self.journey.declared.unread or not self.journey.declared.has_channel(channel)

    def _wait(self, step: steps.WaitStep) -> program.Step:
        after = self._next(step.next, "next")
        match step.wait:
            case int():
                return program.WaitDuration(step.id, step.wait, after)
            case steps.UntilInstant():
                return self._wait_until(step, step.wait, after)
            case steps.UntilLocalTime():
                days = frozenset(DAYS.index(day) for day in step.wait.days)
                return program.WaitLocalTime(step.id, step.wait.minute, days, after)
        assert_never(step.wait)

    def _wait_until(self, step: steps.WaitStep, wait: steps.UntilInstant, after: str | None) -> program.WaitUntil:
        of_dates = wait.yearly or wait.time is not None
        until = self._value(wait.until, DATE if of_dates else INSTANT, "wait", "until")
        minute = minute_of(wait.time) if wait.time is not None else 0
        is_date = of_dates or until.kind == "date"
        return program.WaitUntil(step.id, until, wait.offset, after, minute, wait.yearly, is_date)

    def _wait_for(self, step: steps.WaitForStep) -> program.WaitFor:
        listeners = tuple(self._listener(each, number) for number, each in enumerate(step.wait_for))
        on_timeout = self._next(step.on_timeout, "on_timeout")
        return program.WaitFor(step.id, listeners, step.timeout, on_timeout)

    def _listener(self, listener: steps.ListenerDocument, number: int) -> program.Listener:
        margin = self.margin.below("wait_for", number)
        after = self._next(listener.next, "wait_for", number, "next")
        if isinstance(listener, steps.EventListenerDocument):
            return program.EventListener(self.journey.trigger(listener, margin), after)
        if isinstance(listener, steps.AudienceListenerDocument):
            return self.journey.audience_listener(listener, margin, after)
        self._check_reaction(listener, margin)
        return program.ReactionListener(listener.reaction, listener.of, listener.channel, listener.link, after)

    def _check_reaction(self, listener: steps.ReactionListenerDocument, margin: Margin) -> None:
        listed = self.journey.document.steps
        sends = {step.id: step for step in listed if isinstance(step, steps.SendStep)}
        calls = {step.id for step in listed if isinstance(step, steps.CallStep)}
        meant: Mapping[str, Collection[str]] = {"answered": calls, "failed": {*sends, *calls}}
        possible = meant.get(listener.reaction, sends)
        if listener.of not in possible:
            if self.journey.ids_unread or self.journey.has_lost(listener.of, STEP_KIND):
                return  # it may be a step whose id, or kind, could not be read
            known = any(step.id == listener.of for step in listed)
            kind = "call" if listener.reaction == "answered" else "send"
            fault = f"{listener.of!r} is not a {kind} step" if known else f"unknown step {listener.of!r}"
            margin.error(fault + nearest(listener.of, possible), "of")
        elif listener.of in sends:
            self._check_channel(sends[listener.of], listener, margin)
        elif listener.channel is not None:
            margin.error("a call has no channel", "channel")

    def _check_channel(self, send: steps.SendStep, listener: steps.ReactionListenerDocument, margin: Margin) -> None:
        message = self.journey.declared.messages.get(send.send)
        channels = send.named_channels or (tuple(message.contents) if message else ())
        if self._is_unsure_of_channels(send):
            return
        if listener.channel is not None and channels and listener.channel not in channels:
            hint = nearest(listener.channel, channels)
            margin.error(f"the step {listener.of!r} does not send on {listener.channel!r}{hint}", "channel")

    def _branch(self, step: steps.BranchStep) -> program.Branch:
        arms, otherwise = list[tuple[Expression, str | None]](), self.after
        for number, arm in enumerate(step.branch):
            if isinstance(arm, steps.OtherwiseArm):
                otherwise = self._next(arm.otherwise, "branch", number, "otherwise")
                continue
            when = condition(self.margin, arm.when, self.names, "branch", number, "when")
            self.journey.kept.update(when.paths)
            arms.append((when, self._next(arm.next, "branch", number, "next")))
        return program.Branch(step.id, tuple(arms), otherwise, isinstance(step.branch[-1], steps.OtherwiseArm))

    def _split(self, step: steps.SplitStep) -> program.Split:
        arms, bound = list[tuple[int, str | None]](), 0
        for number, arm in enumerate(step.split):
            if steps.is_too_fine(arm.percent):
                fault = "people are divided to a hundredth of a percent, and this is a finer share"
                self.margin.error(fault, "split", number, "percent", value=f"{arm.percent:g}", runs=True)
            bound += steps.hundredths(arm.percent)
            arms.append((bound, self._next(arm.next, "split", number, "next")))
        return program.Split(step.id, tuple(arms))

    def _call(self, step: steps.CallStep) -> program.CallAction:
        actions = self.journey.declared.actions
        if step.call not in actions and "actions" not in self.journey.declared.unread:
            self.margin.error(f"unknown action {step.call!r}{nearest(step.call, actions)}", "call")
        self.journey.kept.update(self.journey.paths.get(f"call {step.call}", frozenset()))
        return program.CallAction(step.id, step.call, self._next(step.next, "next"))

    def _update(self, step: steps.UpdateStep) -> program.Update:
        traits = self.journey.declared.traits
        for name in step.update:
            if name not in traits and "traits" not in self.journey.declared.unread:
                self.margin.error(f"unknown trait {quoted(name)}{nearest(name, traits)}", "update", name)
        values = {
            name: self._value(text, trait(name, traits.get(name, "any")), "update", name)
            for name, text in step.update.items()
        }
        return program.Update(step.id, values, self._next(step.next, "next"))
