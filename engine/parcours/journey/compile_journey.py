"""How does a journey document become a compiled journey? Step by step, with every reference resolved.

Faults are noted in the document's margin and something harmless stands in for the faulty part, so that
one pass finds them all; the result counts only where no error was noted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import assert_never

from parcours.journey import program, steps
from parcours.journey.document import EventEntry, JourneyDocument, ReadEntry, ReentryAfter
from parcours.journey.expression import Expression
from parcours.journey.finding import Key, Margin
from parcours.journey.names import Names, nearest
from parcours.journey.surroundings import Surroundings, expression, union_of
from parcours.journey.values import to_ms
from parcours.journey.zones import start_of_day_ms, zone


@dataclass(slots=True)
class JourneyCompiler:
    """Compiles one journey. `kept` gathers the paths that a run has to remember."""

    document: JourneyDocument
    margin: Margin
    around: Surroundings
    message_paths: Mapping[str, frozenset[str]]
    timezone: str
    kept: set[str] = field(default_factory=set)

    def compile(self) -> program.Journey:
        document = self.document
        self._check_ids()
        entry = self._entry()
        exits = tuple(
            self.trigger(rule, self.margin.below("exit", number)) for number, rule in enumerate(document.exit)
        )
        goal, correlation, compiled = self._goal(), self._correlation(), self._steps()
        return program.Journey(
            name=document.journey,
            version=1,
            entry=entry,
            correlation=correlation,
            reentry_after_ms=_reentry_ms(document),
            exits=exits,
            goal=goal,
            timezone=document.timezone,
            starts_ms=self._midnight(document.starts, 0),
            ends_ms=self._midnight(document.ends, 1),
            priority=document.priority,
            first=document.steps[0].id,
            steps=compiled,
            entry_paths=_below("entry", self.kept),
            event_paths=_below("event", self.kept),
            description=document.description,
        )

    @property
    def entry_event(self) -> str | None:
        return self.document.entry.event if isinstance(self.document.entry, EventEntry) else None

    @property
    def _entry_names(self) -> Mapping[str, str]:
        """What `entry` may name; nothing where people are read in."""
        return union_of(self.around, [self.entry_event] if self.entry_event else [])

    def step_names(self) -> Names:
        """What a step may name: `event` is whichever event moved the run last."""
        events = [self.entry_event] if self.entry_event else []
        for step in self.document.steps:
            if isinstance(step, steps.WaitForStep):
                events += [each.event for each in step.wait_for if isinstance(each, steps.EventListener)]
        return self.around.names(union_of(self.around, events), self._entry_names, run=True)

    def _entry(self) -> program.Trigger | program.ReadEntry:
        entry, margin = self.document.entry, self.margin.below("entry")
        if isinstance(entry, EventEntry):
            properties = self.around.properties(margin, entry.event, "event")
            names = self.around.names(properties)
            when = expression(margin, entry.when, names, "when") if entry.when else None
            return program.Trigger(entry.event, when)
        if entry.read not in self.around.audiences and "audiences" not in self.around.unread:
            margin.error(f"unknown audience {entry.read!r}{nearest(entry.read, self.around.audiences)}", "read")
        return program.ReadEntry(entry.read, self._instant_ms(entry), entry.people_per_second)

    def _instant_ms(self, entry: ReadEntry) -> int:
        moment: datetime = entry.at
        return to_ms((moment if moment.tzinfo else moment.replace(tzinfo=zone(self.timezone))).astimezone(UTC))

    def trigger(self, trigger: steps.EventTrigger, margin: Margin) -> program.Trigger:
        """An exit, goal or listener: `event` is the event at hand, `entry` the one that the run remembers."""
        properties = self.around.properties(margin, trigger.event, "event")
        if trigger.when is None:
            return program.Trigger(trigger.event)
        names = self.around.names(properties, self._entry_names, run=True)
        when = expression(margin, trigger.when, names, "when")
        self.kept |= {path for path in when.paths if path.startswith("entry.")}
        return program.Trigger(trigger.event, when)

    def _goal(self) -> program.Goal | None:
        goal = self.document.goal
        if goal is None:
            return None
        return program.Goal(self.trigger(goal, self.margin.below("goal")), goal.within, goal.target)

    def _correlation(self) -> Expression | None:
        if self.document.correlation is None:
            return None
        names = self.around.names(self._entry_names)
        return expression(self.margin, self.document.correlation, names, "correlation")

    def _midnight(self, day: date | None, days_later: int) -> int | None:
        return None if day is None else start_of_day_ms(day + timedelta(days=days_later), zone(self.timezone))

    def _check_ids(self) -> None:
        seen: set[str] = set()
        for number, step in enumerate(self.document.steps):
            if step.id in seen:
                self.margin.error(f"the step id {step.id!r} is given twice", "steps", number, "id")
            seen.add(step.id)

    def _steps(self) -> dict[str, program.Step]:
        listed = self.document.steps
        following = [*(step.id for step in listed[1:]), None]
        names = self.step_names()
        compiled: dict[str, program.Step] = {}
        for number, (step, after) in enumerate(zip(listed, following, strict=True)):
            margin = self.margin.below("steps", number)
            compiled[step.id] = StepCompiler(self, margin, names, after).compile(step)
        return compiled


@dataclass(frozen=True, slots=True)
class StepCompiler:
    """Compiles one step; `after` is the step that follows in the list, None at its end."""

    journey: JourneyCompiler
    margin: Margin
    names: Names
    after: str | None

    def compile(self, step: steps.Step) -> program.Step:
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
            case steps.EndStep():
                return program.End(step.id)
        assert_never(step)

    def _next(self, named: str | None, *keys: Key) -> str | None:
        """The step named, or the one that follows in the list."""
        known = [step.id for step in self.journey.document.steps]
        if named is not None and named not in known:
            self.margin.error(f"unknown step {named!r}{nearest(named, known)}", *keys)
            return None
        return self.after if named is None else named

    def _expression(self, text: str, *keys: Key) -> Expression:
        compiled = expression(self.margin, text, self.names, *keys)
        self.journey.kept |= compiled.paths
        return compiled

    def _send(self, step: steps.SendStep) -> program.Send:
        channels = self._channels(step)
        to = {channel: self._address(step, channel) for channel in channels}
        for channel in step.to:
            if channel not in (step.channels or channels):
                self.margin.error(f"{channel!r} is not a channel of this step", "to", channel)
        self.journey.kept |= self.journey.message_paths.get(step.send, frozenset())
        return program.Send(
            id=step.id,
            message=step.send,
            to=to,
            on_refused=self._next(step.on_refused, "on_refused") if step.on_refused else None,
            has_on_refused=step.on_refused is not None,
            next=self._next(step.next, "next"),
        )

    def _channels(self, step: steps.SendStep) -> Sequence[str]:
        around = self.journey.around
        message = around.messages.get(step.send)
        if message is None:
            if step.send not in around.unread:
                self.margin.error(f"unknown message {step.send!r}{nearest(step.send, around.messages)}", "send")
            return step.channels or ()
        if message.status == "draft":
            self.margin.error(f"the message {step.send!r} is a draft, set its status to ready", "send")
        for number, channel in enumerate(step.channels or ()):
            if channel not in message.contents:
                hint = nearest(channel, message.contents)
                self.margin.error(f"the message {step.send!r} has no content for {channel!r}{hint}", "channels", number)
        named = step.channels or tuple(message.contents)
        return [channel for channel in named if channel in message.contents]

    def _address(self, step: steps.SendStep, channel: str) -> Expression:
        if channel in step.to:
            return self._expression(step.to[channel], "to", channel)
        address = self.journey.around.addresses.get(channel)
        if address is not None:
            return self._expression(address, "send")
        self.margin.error(
            f"no address is known for {channel!r}: give one in 'to', or for all in profile.yaml under addresses",
            "send",
        )
        return self._expression("false", "send")

    def _wait(self, step: steps.WaitStep) -> program.Step:
        after = self._next(step.next, "next")
        match step.wait:
            case int():
                return program.WaitDuration(step.id, step.wait, after)
            case steps.UntilInstant():
                until = self._expression(step.wait.until, "wait", "until")
                return program.WaitUntil(step.id, until, step.wait.offset, after)
            case steps.UntilLocalTime():
                days = frozenset(steps.DAYS.index(day) for day in step.wait.days)
                return program.WaitLocalTime(step.id, step.wait.minute, days, after)
        assert_never(step.wait)

    def _wait_for(self, step: steps.WaitForStep) -> program.WaitFor:
        listeners = tuple(self._listener(each, number) for number, each in enumerate(step.wait_for))
        on_timeout = self._next(step.on_timeout, "on_timeout")
        return program.WaitFor(step.id, listeners, step.timeout, on_timeout)

    def _listener(self, listener: steps.Listener, number: int) -> program.Listener:
        margin = self.margin.below("wait_for", number)
        after = self._next(listener.next, "wait_for", number, "next")
        if isinstance(listener, steps.EventListener):
            return program.EventListener(self.journey.trigger(listener, margin), after)
        self._check_reaction(listener, margin)
        return program.ReactionListener(listener.reaction, listener.of, listener.channel, listener.link, after)

    def _check_reaction(self, listener: steps.ReactionListener, margin: Margin) -> None:
        listed = self.journey.document.steps
        sends = {step.id: step for step in listed if isinstance(step, steps.SendStep)}
        if listener.of not in sends:
            known = any(step.id == listener.of for step in listed)
            fault = f"{listener.of!r} is not a send step" if known else f"unknown step {listener.of!r}"
            margin.error(fault + nearest(listener.of, sends), "of")
            return
        send = sends[listener.of]
        message = self.journey.around.messages.get(send.send)
        channels = send.channels or (tuple(message.contents) if message else ())
        if listener.channel is not None and channels and listener.channel not in channels:
            hint = nearest(listener.channel, channels)
            margin.error(f"the step {listener.of!r} does not send on {listener.channel!r}{hint}", "channel")

    def _branch(self, step: steps.BranchStep) -> program.Branch:
        arms, otherwise = list[tuple[Expression, str | None]](), self.after
        for number, arm in enumerate(step.branch):
            if isinstance(arm, steps.OtherwiseArm):
                otherwise = self._next(arm.otherwise, "branch", number, "otherwise")
                continue
            when = self._expression(arm.when, "branch", number, "when")
            arms.append((when, self._next(arm.next, "branch", number, "next")))
        return program.Branch(step.id, tuple(arms), otherwise, isinstance(step.branch[-1], steps.OtherwiseArm))

    def _split(self, step: steps.SplitStep) -> program.Split:
        arms, bound = list[tuple[int, str | None]](), 0
        for number, arm in enumerate(step.split):
            bound += steps.hundredths(arm.percent)
            arms.append((bound, self._next(arm.next, "split", number, "next")))
        return program.Split(step.id, tuple(arms))

    def _update(self, step: steps.UpdateStep) -> program.Update:
        traits = self.journey.around.traits
        for trait in step.update:
            if trait not in traits and "profile" not in self.journey.around.unread:
                self.margin.error(f"unknown trait {trait!r}{nearest(trait, traits)}", "update", trait)
        values = {trait: self._expression(text, "update", trait) for trait, text in step.update.items()}
        return program.Update(step.id, values, self._next(step.next, "next"))


def _reentry_ms(document: JourneyDocument) -> int | None:
    if isinstance(document.reentry, ReentryAfter):
        return document.reentry.after
    return None if document.reentry == "never" else 0


def _below(root: str, paths: set[str]) -> frozenset[str]:
    return frozenset(path.removeprefix(f"{root}.") for path in paths if path.startswith(f"{root}."))
