"""The compiler of steps: one method for each kind, which resolves every name in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from parcours.expression.expression import Expression
from parcours.expression.kinds import ExpectedKind, trait
from parcours.expression.names import Names
from parcours.journey import program
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.compile.declarations import condition, expression, value
from parcours.journey.compile.experiments import check_arms, compiled_experiment
from parcours.journey.compile.journey_names import JourneyNames
from parcours.journey.compile.offers.chosen import check_decide
from parcours.journey.compile.sends import SendCompiler
from parcours.journey.compile.waits import compiled_wait
from parcours.journey.experiments import Experiment
from parcours.journey.model import steps
from parcours.journey.read.finding import Key, Margin
from parcours.journey.read.stand_ins import STEP_KIND
from parcours.wording import nearest, quoted


@dataclass(frozen=True, slots=True)
class StepCompiler:
    """Compiles one step; `after` is the id of the step that follows in the list, None at its end."""

    journey: JourneyNames
    analyses: AnalysisScope
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
            case steps.DecideStep():
                return self._decide(step)
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

    def _send(self, step: steps.SendStep) -> program.Send:
        compiled = self._sends(step.id).compile(step)
        self.journey.kept.update(self.journey.paths.get(f"send {step.send}", frozenset()))
        return program.Send(
            id=step.id,
            message=step.send,
            to=compiled.to,
            on_refused=self._next(step.on_refused, "on_refused") if step.on_refused else None,
            has_on_refused=step.on_refused is not None,
            next=self._next(step.next, "next"),
            only_first=compiled.only_first,
            prefer=compiled.prefer,
        )

    def _sends(self, step: str) -> SendCompiler:
        lost = partial(self.journey.has_lost, step)
        return SendCompiler(self.journey.declared, self.margin, self.names, lost, self.journey.kept.update)

    def _wait(self, step: steps.WaitStep) -> program.Wait:
        return compiled_wait(step.id, step.wait, self._next(step.next, "next"), self._until)

    def _until(self, text: str, place: ExpectedKind) -> Expression:
        return self._value(text, place, "wait", "until")

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
        if self._sends(listener.of).is_unsure_of_channels(send):
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
        names = tuple(arm.name for arm in step.split)
        return program.Split(step.id, tuple(arms), names, self._experiment(step, names))

    def _experiment(self, step: steps.SplitStep, names: tuple[str | None, ...]) -> Experiment | None:
        if step.experiment is None:
            return None
        unsure = self.journey.has_lost(step.id, "split")
        if not unsure:
            check_arms(names, self.margin.below("split"))
        parts = [name for name in names if name is not None]
        scope, margin = self.analyses, self.margin.below("experiment")
        return compiled_experiment(step.experiment, parts, scope, margin, unsure=unsure)

    def _call(self, step: steps.CallStep) -> program.CallAction:
        actions = self.journey.declared.actions
        if step.call not in actions and "actions" not in self.journey.declared.unread:
            self.margin.error(f"unknown action {step.call!r}{nearest(step.call, actions)}", "call")
        self.journey.kept.update(self.journey.paths.get(f"call {step.call}", frozenset()))
        return program.CallAction(step.id, step.call, self._next(step.next, "next"))

    def _decide(self, step: steps.DecideStep) -> program.Decide:
        check_decide(step, self.journey.offers, self.journey.declared.unread, self.margin)
        self.journey.kept.update(self.journey.paths.get(f"decide {step.decide}", frozenset()))
        return program.Decide(step.id, step.decide, step.placement, step.as_, self._next(step.next, "next"))

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
