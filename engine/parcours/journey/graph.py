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
from parcours.journey.campaign_program import CampaignProgram
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
    lines = ["flowchart TD", f"    entry([{quoted_label(_entry(journey))}])", f"    entry --> {nodes[journey.first]}"]
    for name, step in journey.steps.items():
        lines.append(f"    {nodes[name]}{_shape(step)}")
        for way in _ways(step):
            arrow = "-.->" if way.dotted else "-->"
            label = f"|{quoted_label(way.label)}|" if way.label else ""
            lines.append(f"    {nodes[name]} {arrow}{label} {nodes[way.target] if way.target else 'finish'}")
    if any(way.target is None for step in journey.steps.values() for way in _ways(step)):
        lines.append(f"    finish(({quoted_label('end')}))")
    lines += end_rules(journey)
    return "\n".join(lines) + "\n"


def end_rules(journey: program.Journey | CampaignProgram) -> Iterator[str]:
    """The nodes of the exits and the goal, which no way leads to."""
    for number, rule in enumerate(journey.exits):
        cause = trigger_words(rule) if isinstance(rule, program.Trigger) else change_words(rule)
        yield f"    exit{number}>{quoted_label(f'exit: {cause}')}]"
    if journey.goal is not None:
        within = f" within {format_duration(journey.goal.within_ms)}" if journey.goal.within_ms is not None else ""
        yield f"    goal>{quoted_label(f'goal: {trigger_words(journey.goal.trigger)}{within}')}]"


def _entry(journey: program.Journey) -> str:
    entry = journey.entry
    if isinstance(entry, program.EventEntry):
        return f"{journey.name}: {' or '.join(map(trigger_words, entry.triggers))}"
    if isinstance(entry, program.AudienceTrigger):
        return f"{journey.name}: {change_words(entry)}"
    if isinstance(entry, program.CampaignEntry):
        return f"{journey.name}: campaign"
    again = f", again by {entry.rule}" if entry.rule else ""
    return f"{journey.name}: read {entry.audience} at {moment_words(entry.at_ms)}{again}"


def change_words(trigger: program.AudienceTrigger | program.AudienceListener) -> str:
    """A change of audience, in words."""
    state = {"entered": "inside", "left": "outside"}
    at_once = isinstance(trigger, program.AudienceListener) and trigger.at_once
    return f"{trigger.audience} {state[trigger.change] if at_once else trigger.change}"


def moment_words(at_ms: int) -> str:
    """An instant, in words."""
    moment = from_ms(at_ms)
    return to_iso(moment) if isinstance(moment, datetime) else str(at_ms)


def trigger_words(trigger: program.Trigger) -> str:
    """An event and its condition, in words."""
    return trigger.event if trigger.when is None else f"{trigger.event} when {short(trigger.when.text)}"


def listed_words(names: Iterable[str]) -> str:
    """Names in a list."""
    return ", ".join(names)


def short(text: str) -> str:
    """The text of an expression as far as a label has room."""
    line = " ".join(text.split())
    return line if len(line) <= _WORD_MAX else f"{line[:_WORD_MAX]}…"


def quoted_label(text: str) -> str:
    """Text in the quotes of a label. Mermaid reads entities as `#code;`, and markup in labels as HTML."""
    codes = {'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", ";": "#59;"}
    return '"' + "".join(codes.get(character, character) for character in " ".join(text.split())) + '"'


def _shape(step: program.Step) -> str:
    match step:
        case program.Send():
            on = "on the first of" if step.only_first else "on"
            return f"[/{quoted_label(f'{step.id}: send {step.message} {on} {listed_words(step.to)}')}/]"
        case program.WaitFor():
            return f"{{{{{quoted_label(f'{step.id}: wait for')}}}}}"
        case program.WaitDuration() | program.WaitUntil() | program.WaitLocalTime():
            return f"([{quoted_label(f'{step.id}: {wait_words(step)}')}])"
        case program.Branch():
            return f"{{{quoted_label(f'{step.id}: branch')}}}"
        case program.Split():
            return f"{{{quoted_label(f'{step.id}: split')}}}"
        case program.Update():
            return f"[{quoted_label(f'{step.id}: update {listed_words(step.values)}')}]"
        case program.CallAction():
            return f"[[{quoted_label(f'{step.id}: call {step.action}')}]]"
        case program.Standby():
            return f"([{quoted_label(f'{step.id}: stand by')}])"
        case program.End():
            return f"(({quoted_label(f'{step.id}: end')}))"
    assert_never(step)


def wait_words(wait: program.Wait) -> str:
    """A wait, in words."""
    match wait:
        case program.WaitDuration():
            return f"wait {format_duration(wait.duration_ms)}"
        case program.WaitUntil():
            offset = f" {format_duration(wait.offset_ms)}" if wait.offset_ms else ""
            yearly = ", yearly" if wait.yearly else ""
            time = f" at {time_words(wait.minute)}" if wait.minute else ""
            return f"wait until {short(wait.until.text)}{offset}{time}{yearly}"
        case program.WaitLocalTime():
            return f"wait for {time_words(wait.minute)}{days_words(wait.days)}"
    assert_never(wait)


def time_words(minute: int) -> str:
    """A minute of the day, as a clock shows it."""
    return f"{minute // 60:02}:{minute % 60:02}"


def days_words(days: frozenset[int]) -> str:
    """Days of the week behind a time, nothing where it is all of them."""
    return "" if len(days) == len(DAYS) else " " + ", ".join(DAYS[day] for day in sorted(days))


def _ways(step: program.Step) -> list[Way]:
    match step:
        case program.Send():
            refused = [Way("refused", step.on_refused, dotted=True)] if step.has_on_refused else []
            return [Way("", step.next), *refused]
        case program.WaitFor():
            timeout = [] if step.timeout_ms is None else [_timeout(step, step.timeout_ms)]
            return [*(Way(_listener(each), each.next) for each in step.listeners), *timeout]
        case program.Branch():
            return [*(Way(short(when.text), target) for when, target in step.arms), Way("otherwise", step.otherwise)]
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
        return trigger_words(listener.trigger)
    if isinstance(listener, program.AudienceListener):
        return change_words(listener)
    channel = f" on {listener.channel}" if listener.channel else ""
    return f"{listener.of} {listener.reaction}{channel}"
