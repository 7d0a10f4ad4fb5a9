"""What stands in a picture of a journey: the entry, each step, its ways, the exits and the goal, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from parcours.expression.definition_keys import plain
from parcours.expression.duration import DAYS, format_duration
from parcours.expression.expression import to_iso
from parcours.expression.values import from_ms
from parcours.journey import program
from parcours.journey.campaign_steps import SendToSet
from parcours.journey.step_parts import ways

WORD_MAX: Final = 60
"""Characters of a condition in a label: beyond these a picture is no longer read at a glance."""

WHOLE: Final = 1_000_000
"""In its place, where the words are read and not looked at."""


@dataclass(frozen=True, slots=True)
class Way:
    """An edge out of a step: its label, and the step that it leads to (None: the end)."""

    label: str
    target: str | None
    dotted: bool = False


def entry_words(
    entry: program.EventEntry | program.ReadEntry | program.AudienceTrigger | program.CampaignEntry,
    most: int = WORD_MAX,
) -> str:
    """How people come in. Here as in all words, `most` is how many characters of a condition stand there."""
    match entry:
        case program.EventEntry():
            return " or ".join(trigger_words(each, most) for each in entry.triggers)
        case program.AudienceTrigger():
            return change_words(entry)
        case program.CampaignEntry():
            return "campaign"
        case program.ReadEntry():
            again = f", again by {entry.rule}" if entry.rule else ""
            return f"read {plain(entry.audience)} at {moment_words(entry.at_ms)}{again}"
    assert_never(entry)


def exit_words(rule: program.Trigger | program.AudienceTrigger, most: int = WORD_MAX) -> str:
    """By what people leave at once."""
    return trigger_words(rule, most) if isinstance(rule, program.Trigger) else change_words(rule)


def goal_words(goal: program.Goal, most: int = WORD_MAX) -> str:
    """What the goal is, and within which time."""
    within = f" within {format_duration(goal.within_ms)}" if goal.within_ms is not None else ""
    return f"{trigger_words(goal.trigger, most)}{within}"


def change_words(trigger: program.AudienceTrigger | program.AudienceListener) -> str:
    """A change of audience, in words."""
    state = {"entered": "inside", "left": "outside"}
    at_once = isinstance(trigger, program.AudienceListener) and trigger.at_once
    return f"{plain(trigger.audience)} {state[trigger.change] if at_once else trigger.change}"


def moment_words(at_ms: int) -> str:
    """An instant, in words."""
    moment = from_ms(at_ms)
    return to_iso(moment) if isinstance(moment, datetime) else str(at_ms)


def trigger_words(trigger: program.Trigger, most: int = WORD_MAX) -> str:
    """An event and its condition, in words."""
    return trigger.name if trigger.when is None else f"{trigger.name} when {short(trigger.when.text, most)}"


def listed_words(names: Iterable[str]) -> str:
    """Names in a list."""
    return ", ".join(names)


def short(text: str, most: int = WORD_MAX) -> str:
    """The text of an expression as far as a label has room."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


def step_words(step: program.Step, most: int = WORD_MAX) -> str:
    """What a step does."""
    match step:
        case program.Send():
            return send_words(step)
        case program.WaitFor():
            return "wait for"
        case program.WaitDuration() | program.WaitUntil() | program.WaitLocalTime():
            return wait_words(step, most)
        case program.Branch():
            return "branch"
        case program.Split():
            return "split"
        case program.Update():
            return f"update {listed_words(step.values)}"
        case program.CallAction():
            return f"call {step.action}"
        case program.Decide():
            return f"decide {step.decision}"
        case program.Standby():
            return "stand by"
        case program.End():
            return "end"
    assert_never(step)


def send_words(step: program.Send | SendToSet) -> str:
    """A send, in words."""
    on = "on the first of" if step.only_first else "on"
    return f"send {step.message} {on} {listed_words(step.to)}"


def wait_words(wait: program.Wait, most: int = WORD_MAX) -> str:
    """A wait, in words."""
    match wait:
        case program.WaitDuration():
            return f"wait {format_duration(wait.duration_ms)}"
        case program.WaitUntil():
            offset = f" {format_duration(wait.offset_ms)}" if wait.offset_ms else ""
            yearly = ", yearly" if wait.yearly else ""
            time = f" at {time_words(wait.minute)}" if wait.minute else ""
            return f"wait until {short(wait.until.text, most)}{offset}{time}{yearly}"
        case program.WaitLocalTime():
            return f"wait for {time_words(wait.minute)}{days_words(wait.days)}"
    assert_never(wait)


def time_words(minute: int) -> str:
    """A minute of the day, as a clock shows it."""
    return f"{minute // 60:02}:{minute % 60:02}"


def days_words(days: frozenset[int]) -> str:
    """Days of the week behind a time, nothing where it is all of them."""
    return "" if len(days) == len(DAYS) else " " + ", ".join(DAYS[day] for day in sorted(days))


def ways_shown(step: program.Step, most: int = WORD_MAX) -> list[Way]:
    """The ways out of a step with their words, in the order of `step_parts.ways`."""
    match step:
        case program.Send():
            refused = [Way("refused", step.on_refused, dotted=True)] if step.has_on_refused else []
            return [Way("", step.next), *refused]
        case program.WaitFor():
            timeout = [] if step.timeout_ms is None else [_timeout(step, step.timeout_ms)]
            return [*(Way(_listener(each, most), each.next) for each in step.listeners), *timeout]
        case program.Branch():
            return [
                *(Way(short(when.text, most), target) for when, target in step.arms),
                Way("otherwise", step.otherwise),
            ]
        case program.Split():
            shares = zip(step.names, step.percents, step.arms, strict=True)
            return [Way(f"{name} {share:g}%" if name else f"{share:g}%", target) for name, share, (_, target) in shares]
        case _:
            return [Way("", target) for target in ways(step)]


def _timeout(step: program.WaitFor, timeout_ms: int) -> Way:
    return Way(f"after {format_duration(timeout_ms)}", step.on_timeout, dotted=True)


def _listener(listener: program.Listener, most: int) -> str:
    if isinstance(listener, program.EventListener):
        return trigger_words(listener.trigger, most)
    if isinstance(listener, program.AudienceListener):
        return change_words(listener)
    channel = f" on {listener.channel}" if listener.channel else ""
    return f"{listener.of} {listener.reaction}{channel}"
