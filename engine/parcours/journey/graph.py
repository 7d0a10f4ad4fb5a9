"""A journey's Mermaid flowchart: its entry, steps, listeners, timeouts and exits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import assert_never

from parcours.expression.duration import DAYS, format_duration
from parcours.expression.expression import to_iso
from parcours.expression.values import from_ms
from parcours.journey import program
from parcours.journey.model.steps import PERCENT_TOTAL
from parcours.journey.step_parts import ways

_WORD_MAX = 60
"""Characters of a condition in a label: beyond these a picture is no longer read at a glance."""


@dataclass(frozen=True, slots=True)
class Way:
    """An edge out of a step: its label, and the step that it leads to (None: the end)."""

    label: str
    target: str | None
    dotted: bool = False


def mermaid(journey: program.Journey) -> str:
    """The flowchart as Mermaid text, ending in a line break. The same journey gives the same text."""
    nodes = {name: f"s{number}" for number, name in enumerate(journey.steps)}
    lines = ["flowchart TD", f"    entry([{_quoted(_entry(journey))}])", f"    entry --> {nodes[journey.first]}"]
    for name, step in journey.steps.items():
        lines.append(f"    {nodes[name]}{_shape(step)}")
        for way in _ways(step):
            arrow = "-.->" if way.dotted else "-->"
            label = f"|{_quoted(way.label)}|" if way.label else ""
            lines.append(f"    {nodes[name]} {arrow}{label} {nodes[way.target] if way.target else 'finish'}")
    if any(way.target is None for step in journey.steps.values() for way in _ways(step)):
        lines.append(f"    finish(({_quoted('end')}))")
    lines += _exits(journey)
    return "\n".join(lines) + "\n"


def _exits(journey: program.Journey) -> Iterator[str]:
    for number, rule in enumerate(journey.exits):
        cause = _trigger(rule) if isinstance(rule, program.Trigger) else _change(rule)
        yield f"    exit{number}>{_quoted(f'exit: {cause}')}]"
    if journey.goal is not None:
        within = f" within {format_duration(journey.goal.within_ms)}" if journey.goal.within_ms is not None else ""
        yield f"    goal>{_quoted(f'goal: {_trigger(journey.goal.trigger)}{within}')}]"


def _entry(journey: program.Journey) -> str:
    entry = journey.entry
    if isinstance(entry, program.EventEntry):
        return f"{journey.name}: {' or '.join(map(_trigger, entry.triggers))}"
    if isinstance(entry, program.AudienceTrigger):
        return f"{journey.name}: {_change(entry)}"
    again = f", again by {entry.rule}" if entry.rule else ""
    return f"{journey.name}: read {entry.audience} at {_moment(entry.at_ms)}{again}"


def _change(trigger: program.AudienceTrigger | program.AudienceListener) -> str:
    state = {"entered": "inside", "left": "outside"}
    at_once = isinstance(trigger, program.AudienceListener) and trigger.at_once
    return f"{trigger.audience} {state[trigger.change] if at_once else trigger.change}"


def _moment(at_ms: int) -> str:
    moment = from_ms(at_ms)
    return to_iso(moment) if isinstance(moment, datetime) else str(at_ms)


def _trigger(trigger: program.Trigger) -> str:
    return trigger.event if trigger.when is None else f"{trigger.event} when {_short(trigger.when.text)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WORD_MAX else f"{line[:_WORD_MAX]}…"


def _quoted(text: str) -> str:
    """Text in the quotes of a label. Mermaid reads entities as `#code;`, and markup in labels as HTML."""
    codes = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", ";": "#59;"}
    return '"' + "".join(codes.get(character, character) for character in " ".join(text.split())) + '"'


def _shape(step: program.Step) -> str:
    match step:
        case program.Send():
            on = "on the first of" if step.only_first else "on"
            return f"[/{_quoted(f'{step.id}: send {step.message} {on} {_listed(step.to)}')}/]"
        case program.WaitFor():
            return f"{{{{{_quoted(f'{step.id}: wait for')}}}}}"
        case program.WaitDuration():
            return f"([{_quoted(f'{step.id}: wait {format_duration(step.duration_ms)}')}])"
        case program.WaitUntil():
            offset = f" {format_duration(step.offset_ms)}" if step.offset_ms else ""
            yearly = ", yearly" if step.yearly else ""
            time = f" at {step.minute // 60:02}:{step.minute % 60:02}" if step.minute else ""
            return f"([{_quoted(f'{step.id}: wait until {_short(step.until.text)}{offset}{time}{yearly}')}])"
        case program.WaitLocalTime():
            days = "" if len(step.days) == len(DAYS) else " " + ", ".join(DAYS[day] for day in sorted(step.days))
            return f"([{_quoted(f'{step.id}: wait for {step.minute // 60:02}:{step.minute % 60:02}{days}')}])"
        case program.Branch():
            return f"{{{_quoted(f'{step.id}: branch')}}}"
        case program.Split():
            return f"{{{_quoted(f'{step.id}: split')}}}"
        case program.Update():
            return f"[{_quoted(f'{step.id}: update {_listed(step.values)}')}]"
        case program.CallAction():
            return f"[[{_quoted(f'{step.id}: call {step.action}')}]]"
        case program.End():
            return f"(({_quoted(f'{step.id}: end')}))"
    assert_never(step)


def _ways(step: program.Step) -> list[Way]:
    match step:
        case program.Send():
            refused = [Way("refused", step.on_refused, dotted=True)] if step.has_on_refused else []
            return [Way("", step.next), *refused]
        case program.WaitFor():
            timeout = [] if step.timeout_ms is None else [_timeout(step, step.timeout_ms)]
            return [*(Way(_listener(each), each.next) for each in step.listeners), *timeout]
        case program.Branch():
            return [*(Way(_short(when.text), target) for when, target in step.arms), Way("otherwise", step.otherwise)]
        case program.Split():
            bounds = [0, *(bound for bound, _ in step.arms)]
            shares = [(after - before) * 100 / PERCENT_TOTAL for before, after in pairwise(bounds)]
            return [Way(f"{share:g}%", target) for share, (_, target) in zip(shares, step.arms, strict=True)]
        case _:
            return [Way("", target) for target in ways(step)]


def _timeout(step: program.WaitFor, timeout_ms: int) -> Way:
    return Way(f"after {format_duration(timeout_ms)}", step.on_timeout, dotted=True)


def _listener(listener: program.Listener) -> str:
    if isinstance(listener, program.EventListener):
        return _trigger(listener.trigger)
    if isinstance(listener, program.AudienceListener):
        return _change(listener)
    channel = f" on {listener.channel}" if listener.channel else ""
    return f"{listener.of} {listener.reaction}{channel}"
