"""The control-flow check of a journey: each step is reachable, and no cycle runs without waiting.

A cycle is harmless only if some step on it certainly waits. A duration does, and so does a listener for an event: an
event moves a run once. A time of day that is already reached, an instant in the past and a reaction that the delivery
already has go on at once, so they do not count.

A cycle that waits and has no way out is allowed, and warned of where it writes to people without their doing anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

from parcours.journey import program, step_parts
from parcours.journey.compile.schedules import check_schedule
from parcours.journey.read.finding import Margin

_ExitRule: TypeAlias = program.Trigger | program.AudienceTrigger

ADVICE: Final = "a step such as 'wait: 1m' between them would do"


def check_shape(journey: program.Journey, order: Sequence[str], margin: Margin) -> None:
    """Note unreachable steps, cycles without waiting or without an end, and listeners that an exit rule preempts."""
    place = {step: number for number, step in reversed(list(enumerate(order)))}
    reached = _reached(journey.steps, [journey.first], step_parts.ways)
    for step in journey.steps:
        if step not in reached:
            margin.error(f"no way leads to the step {step!r}", "steps", place[step])
    unwaiting = _circles(journey.steps)
    for circle in unwaiting:
        way = " → ".join([*circle, circle[0]])
        margin.error(f"the steps go round without waiting ({way}); {ADVICE}", "steps", place[circle[0]])
    if not journey.exits and not unwaiting:
        for circle in _endless(journey.steps):
            way = " → ".join([*circle, circle[0]])
            fault = f"whoever gets here is written to for ever ({way}): no step leads out, and there is no exit rule"
            margin.warn(fault, "steps", place[circle[0]])
    _check_shadowed(journey, place, margin)


def _reached(
    steps: Mapping[str, program.Step], start: Iterable[str | None], ways: Callable[[program.Step], Iterable[str | None]]
) -> dict[str, str | None]:
    """Every step reachable from the start, each with its predecessor on a shortest path."""
    before: dict[str, str | None] = {step: None for step in start if step is not None and step in steps}
    waiting = deque(before)
    while waiting:
        step = waiting.popleft()
        for target in ways(steps[step]):
            if target is not None and target in steps and target not in before:
                before[target] = step
                waiting.append(target)
    return before


def _instant_ways(step: program.Step) -> list[str | None]:
    """The successors that can be reached in the instant of arrival, apart from those by reactions."""
    match step:
        case program.WaitDuration():
            return [] if step.duration_ms > 0 else [step.next]
        case program.WaitUntil():
            return [] if _moves_with_now(step) else [step.next]
        case program.WaitFor():
            return [step.on_timeout] if step.timeout_ms == 0 else []
        case _:
            return step_parts.ways(step)


def _moves_with_now(step: program.WaitUntil) -> bool:
    return "now" in step.until.text and step.offset_ms >= 0


def _circles(steps: Mapping[str, program.Step]) -> list[list[str]]:
    """Cycles without waiting, each step in one of them at most."""
    circles: list[list[str]] = []
    for name, step in steps.items():
        if any(name in circle for circle in circles):
            continue
        found = _circle(steps, name, _instant_ways(step), _instant_ways)
        if found is None and isinstance(step, program.WaitFor):
            found = _reaction_circle(steps, step) or _membership_circle(steps, step)
        if found is not None:
            circles.append(found)
    return circles


def _circle(
    steps: Mapping[str, program.Step],
    name: str,
    start: Sequence[str | None],
    ways: Callable[[program.Step], Iterable[str | None]],
) -> list[str] | None:
    """A shortest cycle through `name` that begins with one of the steps of `start`."""
    before = _reached(steps, start, ways)
    if name not in before:
        return None
    way, current = list[str](), before[name]
    while current is not None:
        way.append(current)
        current = before[current]
    return [name, *reversed(way)]


def _reaction_circle(steps: Mapping[str, program.Step], step: program.WaitFor) -> list[str] | None:
    """A cycle through a reaction that is already there: one that does not pass the send step afresh."""
    for listener in step.listeners:
        if isinstance(listener, program.ReactionListener):
            others = {name: each for name, each in steps.items() if name != listener.of}
            found = _circle(others, step.id, [listener.next], _instant_ways)
            if found is not None:
                return found
    return None


def _membership_circle(steps: Mapping[str, program.Step], step: program.WaitFor) -> list[str] | None:
    """A cycle through listeners for being inside, or outside, which all match at once, but not both of one audience."""
    for listener in step.listeners:
        if not isinstance(listener, program.AudienceListener) or not listener.at_once:
            continue
        found = _circle(steps, step.id, [listener.next], partial(_ways_at_once, found=listener))
        if found is not None:
            return found
    return None


def _ways_at_once(step: program.Step, found: program.AudienceListener) -> list[str | None]:
    """The successors that can be reached at once by somebody for whom that listener has matched."""
    listeners = step.listeners if isinstance(step, program.WaitFor) else ()
    matching = [
        each.next
        for each in listeners
        if isinstance(each, program.AudienceListener)
        and each.at_once
        and (each.audience != found.audience or each.change == found.change)
    ]
    return [*_instant_ways(step), *matching]


def _endless(steps: Mapping[str, program.Step]) -> list[list[str]]:
    """Cycles that send, need nobody to do anything, and lead nowhere else; each step in one of them at most."""
    circles: list[list[str]] = []
    for name, step in steps.items():
        if not isinstance(step, program.Send) or any(name in circle for circle in circles):
            continue
        circle = _circle(steps, name, _ways_alone(step), _ways_alone)
        if circle is not None and not _ends(steps, name):
            circles.append(circle)
    return circles


def _ways_alone(step: program.Step) -> list[str | None]:
    """The successors that a run reaches by itself, whether it waits before them or not."""
    if isinstance(step, program.WaitFor):
        return [] if step.timeout_ms is None else [step.on_timeout]
    return step_parts.ways(step)


def _ends(steps: Mapping[str, program.Step], name: str) -> bool:
    """Whether some way from the step ends the run."""
    reached = [steps[each] for each in _reached(steps, [name], step_parts.ways)]
    return any(isinstance(each, program.End) or None in step_parts.ways(each) for each in reached)


def _check_shadowed(journey: program.Journey, place: Mapping[str, int], margin: Margin) -> None:
    for step in journey.steps.values():
        if not isinstance(step, program.WaitFor):
            continue
        for number, listener in enumerate(step.listeners):
            keys = ("steps", place[step.id], "wait_for", number)
            if isinstance(listener, program.EventListener) and _shadowed(listener.trigger, journey.exits):
                event = listener.trigger.event
                margin.warn(f"an exit rule ends the run at {event!r} before this listener can match", *keys, "event")
            elif isinstance(listener, program.AudienceListener) and _same_change(listener, journey.exits):
                margin.warn(
                    f"an exit rule ends the run when somebody has {listener.change} {listener.audience!r},"
                    " before this listener can match",
                    *keys,
                    "audience",
                )


def _shadowed(trigger: program.Trigger, exits: Iterable[_ExitRule]) -> bool:
    rules = [rule for rule in exits if isinstance(rule, program.Trigger)]
    return any(rule.event == trigger.event and rule.when in (None, trigger.when) for rule in rules)


def _same_change(listener: program.AudienceListener, exits: Iterable[_ExitRule]) -> bool:
    # Who is outside from the beginning has not left, so an exit rule does not preempt this.
    possible = listener.change == "entered" or not listener.at_once
    return possible and program.AudienceTrigger(listener.audience, listener.change) in exits


def check_entry(journey: program.Journey, margin: Margin, timezone: str) -> None:
    """Note an entry that can never succeed, because of the exits or the dates of the journey."""
    entry = journey.entry
    if isinstance(entry, program.EventEntry):
        _check_events(entry, margin)
        return
    if isinstance(entry, program.CampaignEntry):
        return
    entered = isinstance(entry, program.ReadEntry) or entry.change == "entered"
    if entered and program.AudienceTrigger(entry.audience, "entered") in journey.exits:
        margin.error(f"nobody can enter: whoever is in {entry.audience!r} is kept out by an exit rule", "entry")
    if isinstance(entry, program.ReadEntry):
        _check_read(journey, entry, margin.below("entry"), timezone)


def _check_events(entry: program.EventEntry, margin: Margin) -> None:
    """Note events of a list that an earlier one always comes before."""
    taken = set[str]()
    for number, trigger in enumerate(entry.triggers):
        if trigger.event in taken:
            fault = f"this is never looked at: {trigger.name!r} without a condition stands before it"
            margin.warn(fault, "entry", number)
        if trigger.when is None:
            taken.add(trigger.event)


def _check_read(journey: program.Journey, entry: program.ReadEntry, margin: Margin, timezone: str) -> None:
    never = "nobody can enter: the audience is only read outside the dates of the journey"
    check_schedule(entry.at_ms, entry.rule, journey.starts_ms, journey.ends_ms, timezone, never, margin)
