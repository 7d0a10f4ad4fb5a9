"""The compiler of steps that do something with a set: one method for each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias, assert_never

from parcours.expression.duration import DAYS, minute_of
from parcours.expression.expression import Expression
from parcours.expression.kinds import ExpectedKind, trait
from parcours.expression.nodes import ROW
from parcours.journey import campaign_steps as compiled
from parcours.journey.compile.campaigns.columns import as_expression
from parcours.journey.compile.campaigns.orders import ANY, COMPARED
from parcours.journey.compile.campaigns.row_messages import checked_paths
from parcours.journey.compile.campaigns.scope import CampaignScope, Made, StepBase
from parcours.journey.compile.declarations import condition, value
from parcours.journey.compile.policies import DAY_MINUTES
from parcours.journey.compile.sends import SendCompiler
from parcours.journey.compile.waits import compiled_wait
from parcours.journey.model import campaign_acts as documents
from parcours.journey.model.campaign_sets import MAIN, PERSON, REFUSED, REST
from parcours.journey.model.people_rate import people_per_second
from parcours.journey.model.steps import SendStep
from parcours.journey.model.tables import format_of
from parcours.journey.read.finding import Margin
from parcours.journey.set_expressions import Criterion, SetExpression, set_expression
from parcours.wording import nearest, quoted

MANY_PEOPLE: Final = 1_000_000
"""A window with room for as many at a send's rate is not warned of: few sets are larger."""

ActStepDocument: TypeAlias = (
    documents.SaveStep
    | documents.UpdatePeopleStep
    | documents.ExportStep
    | documents.WaitAllStep
    | documents.TestStep
    | documents.ReactedStep
    | documents.CampaignSendStep
)

ACT_STEPS: Final = (
    documents.SaveStep,
    documents.UpdatePeopleStep,
    documents.ExportStep,
    documents.WaitAllStep,
    documents.TestStep,
    documents.ReactedStep,
    documents.CampaignSendStep,
)
"""The models of these steps."""

_Compiled: TypeAlias = tuple[compiled.CampaignStep, Made]


@dataclass(frozen=True, slots=True)
class ActStepCompiler:
    """Compiles one step; `number` is its place in the list."""

    scope: CampaignScope
    margin: Margin
    number: int

    def compile(self, step: ActStepDocument) -> _Compiled:
        source, taken = self.scope.source(step.source, self.number, self.margin, "from")
        made = Made(self._outputs(step), taken.columns, taken.row_since, taken.is_known)
        base = StepBase(
            id=step.id,
            sources=(source,),
            after=self.scope.after(step.after, self.margin),
            outputs=made.outputs,
            columns=made.columns,
            grain=made.grain,
        )
        match step:
            case documents.SaveStep():
                return self._save(step, taken, base), made
            case documents.UpdatePeopleStep():
                return self._update(step, taken, base), made
            case documents.ExportStep():
                return self._export(step, taken, base), made
            case documents.WaitAllStep():
                return self._wait(step, taken, base), made
            case documents.TestStep():
                return self._test(step, base), made
            case documents.ReactedStep():
                return self._reacted(step, taken, base), made
            case documents.CampaignSendStep():
                return self._send(step, taken, base), made
        assert_never(step)

    def _outputs(self, step: ActStepDocument) -> tuple[str, ...]:
        match step:
            case documents.CampaignSendStep():
                return (MAIN, REFUSED)
            case documents.ReactedStep():
                return (MAIN, REST)
            case documents.TestStep():
                return tuple(
                    arm.otherwise if isinstance(arm, documents.TestOtherwise) else arm.name for arm in step.test
                )
            case _:
                return (MAIN,)

    def _save(self, step: documents.SaveStep, taken: Made, base: StepBase) -> compiled.Save:
        self.scope.need_people(taken, "a save", self.margin, "save")
        audiences, name = self.scope.documents.audiences, step.save
        if name in self.scope.unread:
            pass  # it has been told what is wrong with it
        elif name in audiences.conditions:
            self.margin.error(f"{name!r} is an audience by a condition: save to one of another name", "save")
        elif name not in audiences.saved and "audiences" not in self.scope.declared.unread:
            line = f"{name}: {{saved: true}}"
            self.margin.error(f"no saved audience {quoted(name)} is declared: add {line!r} to audiences.yaml", "save")
        key = None if step.key is None else self.scope.value(self.margin, step.key, taken.columns, COMPARED, "key")
        return compiled.Save(**base, audience=self._audience(name), mode=step.mode, key=key)

    def _audience(self, name: str) -> str:
        return self.scope.declared.definition_keys.audience(name)

    def _update(self, step: documents.UpdatePeopleStep, taken: Made, base: StepBase) -> compiled.UpdatePeople:
        self.scope.need_people(taken, "an update", self.margin, "update")
        traits, values = self.scope.declared.traits, dict[str, SetExpression]()
        for name, text in step.update.items():
            if name not in traits and "traits" not in self.scope.declared.unread:
                self.margin.error(f"unknown trait {quoted(name)}{nearest(name, traits)}", "update", name)
            place = trait(name, traits.get(name, "any"))
            values[name] = self.scope.value(self.margin, text, taken.columns, place, "update", name)
        return compiled.UpdatePeople(**base, values=values)

    def _export(self, step: documents.ExportStep, taken: Made, base: StepBase) -> compiled.Export:
        export, values = step.export, list[tuple[str, Criterion]]()
        for number, text in enumerate(export.columns):
            if text == PERSON and PERSON not in taken.columns:
                values.append((PERSON, PERSON))
            else:
                expression = as_expression(text, taken.columns)
                column = self.scope.value(self.margin, expression, taken.columns, ANY, "export", "columns", number)
                values.append((text, column))
        kind = format_of(export.file)
        assert kind is not None, "the model has looked at the file's name"
        return compiled.Export(**base, file=export.file, format=kind, values=tuple(values))

    def _wait(self, step: documents.WaitAllStep, taken: Made, base: StepBase) -> compiled.WaitAll:
        self.scope.need_people(taken, "a wait", self.margin, "wait")
        return compiled.WaitAll(**base, wait=compiled_wait(step.id, step.wait, None, self._until))

    def _until(self, text: str, place: ExpectedKind) -> Expression:
        return value(self.margin, text, self.scope.names_of_set(), place, "wait", "until")

    def _test(self, step: documents.TestStep, base: StepBase) -> compiled.Test:
        names = replace(self.scope.names_of_set(), sets=self.scope.set_names())
        arms, otherwise = list[tuple[str, Expression]](), ""
        for number, arm in enumerate(step.test):
            if isinstance(arm, documents.TestOtherwise):
                otherwise = arm.otherwise
            else:
                arms.append((arm.name, condition(self.margin, arm.when, names, "test", number, "when")))
        return compiled.Test(**base, arms=tuple(arms), otherwise=otherwise)

    def _reacted(self, step: documents.ReactedStep, taken: Made, base: StepBase) -> compiled.Reacted:
        self.scope.need_people(taken, "a step for reactions", self.margin, "reacted")
        reacted, of = step.reacted, step.reacted.of
        found: compiled.OwnSend | compiled.OtherSend
        send: documents.CampaignSendStep | SendStep | None
        if isinstance(of, str):
            send = self._own_send(of)
            found = compiled.OwnSend(of, reacted.within or 0)
        else:
            send = self._other_send(of)
            kind, name = ("campaign", of.campaign) if of.campaign is not None else ("journey", of.journey)
            assert name is not None, "the model has one of the two"
            last = reacted.runs == "last"
            found = compiled.OtherSend(
                "campaign" if kind == "campaign" else "journey", name, of.step, reacted.since, last
            )
        if send is not None and reacted.channel is not None:
            message = self.scope.declared.messages.get(send.send)
            channels = send.named_channels or (tuple(message.contents) if message else ())
            if channels and reacted.channel not in channels:
                hint = nearest(reacted.channel, channels)
                self.margin.error(
                    f"the step {send.id!r} does not send on {reacted.channel!r}{hint}", "reacted", "channel"
                )
        return compiled.Reacted(**base, of=found, reaction=reacted.reaction, channel=reacted.channel, link=reacted.link)

    def _own_send(self, name: str) -> documents.CampaignSendStep | None:
        above = self.scope.document.steps[: self.number]
        sends = {each.id: each for each in above if isinstance(each, documents.CampaignSendStep)}
        if name in sends:
            return sends[name]
        unsure = [each.id for number, each in enumerate(above) if self.scope.is_lost(number)]
        if name not in unsure and not self.scope.ids_unread:
            known = any(each.id == name for each in self.scope.document.steps)
            fault = f"{name!r} is no send step above" if known else f"unknown step {quoted(name)}"
            self.margin.error(fault + nearest(name, sends), "reacted", "of")
        return None

    def _other_send(self, of: documents.OtherSendDocument) -> documents.CampaignSendStep | SendStep | None:
        """The send step of another campaign or of a journey; None, with a finding, where there is none."""
        documents_of = self.scope.documents
        key = "campaign" if of.campaign is not None else "journey"
        wanted = of.campaign or of.journey or ""
        sends: Mapping[str, dict[str, documents.CampaignSendStep | SendStep]]
        if of.campaign is not None:
            sends = {
                each.campaign: {s.id: s for s in each.steps if isinstance(s, documents.CampaignSendStep)}
                for each in documents_of.campaigns
            }
        else:
            sends = {
                each.journey: {s.id: s for s in each.steps if isinstance(s, SendStep)} for each in documents_of.journeys
            }
        if wanted not in sends:
            if key not in self.scope.declared.unread:
                self.margin.error(f"unknown {key} {quoted(wanted)}{nearest(wanted, sends)}", "reacted", "of", key)
            return None
        if of.step not in sends[wanted]:
            hint = nearest(of.step, sends[wanted])
            self.margin.error(f"{quoted(of.step)} is no send step of {wanted!r}{hint}", "reacted", "of", "step")
            return None
        return sends[wanted][of.step]

    def _send(self, step: documents.CampaignSendStep, taken: Made, base: StepBase) -> compiled.SendToSet:
        self.scope.need_people(taken, "a send", self.margin, "send")
        self._warn_of_rate(step)
        lost = partial(self.scope.has_lost, self.number)
        names = self.scope.names(taken.columns)
        sent = SendCompiler(self.scope.declared, self.margin, names, lost, lambda paths: None).compile(step)
        message = self.scope.declared.messages.get(step.send)
        row_paths = () if message is None else checked_paths(message, taken, names, self.margin)
        own = [*sent.to.values(), *([] if sent.prefer is None else [sent.prefer])]
        own_paths = {path.removeprefix(f"{ROW}.") for each in own for path in each.paths if path.startswith(f"{ROW}.")}
        return compiled.SendToSet(
            **base,
            message=step.send,
            to={channel: set_expression(address) for channel, address in sent.to.items()},
            only_first=sent.only_first,
            prefer=None if sent.prefer is None else set_expression(sent.prefer),
            people_per_second=people_per_second(step.rate),
            waves=None if step.waves is None else compiled.Waves(step.waves.parts, step.waves.every),
            window=_window(step.window),
            row_paths=tuple(sorted({*row_paths, *own_paths})),
        )

    def _warn_of_rate(self, step: documents.CampaignSendStep) -> None:
        """Warn of a rate that a window may make faster; how many people there will be is known to nobody here."""
        rate = people_per_second(step.rate)
        if rate is None or step.window is None:
            return
        if isinstance(step.window, documents.LocalTimeDocument):
            self.margin.warn("whoever waits for a time of day is due at it, whatever the rate", "rate")
            return
        length_s = 60 * ((minute_of(step.window.closes) - minute_of(step.window.opens)) % DAY_MINUTES)
        if (most := rate * length_s) < MANY_PEOPLE:
            said = f"an opening of the window has room for {most:,} people at this rate: where more wait for it, all of"
            self.margin.warn(f"{said} them are spread over that one, faster than the rate", "rate")


def _window(
    window: documents.OpeningDocument | documents.LocalTimeDocument | None,
) -> compiled.Opening | compiled.LocalTime | None:
    if window is None:
        return None
    days = frozenset(DAYS.index(day) for day in window.days)
    if isinstance(window, documents.LocalTimeDocument):
        return compiled.LocalTime(minute_of(window.time), days, window.zone)
    return compiled.Opening(minute_of(window.opens), minute_of(window.closes), days, window.zone)
