"""Does every way through a journey lead somewhere? Each step is reached, and no circle goes round without waiting.

A circle is harmless only if some step on it surely waits. A duration does, and so does a listener for
an event: an event moves a run once. A time of day that is already here, an instant in the past and a
reaction that the delivery already has go on at once, so they do not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, assert_never

from parcours.journey import program
from parcours.journey.finding import Margin

ADVICE: Final = "a step such as 'wait: 1m' between them would do"


def check_shape(journey: program.Journey, order: Sequence[str], margin: Margin) -> None:
    """Note unreachable steps, circles without waiting, and listeners that an exit rule makes idle."""
    place = {step: number for number, step in reversed(list(enumerate(order)))}
    reached = _reached(journey.steps, [journey.first], every_way)
    for step in journey.steps:
        if step not in reached:
            margin.error(f"no way leads to the step {step!r}", "steps", place[step])
    for circle in _circles(journey.steps):
        way = " → ".join([*circle, circle[0]])
        margin.error(f"the steps go round without waiting ({way}); {ADVICE}", "steps", place[circle[0]])
    _check_shadowed(journey, place, margin)


def every_way(step: program.Step) -> list[str | None]:
    """Where a step can lead; None is the end of the run."""
    match step:
        case program.Send():
            return [step.next, step.on_refused] if step.has_on_refused else [step.next]
        case program.WaitFor():
            timeout = [step.on_timeout] if step.timeout_ms is not None else []
            return [*(listener.next for listener in step.listeners), *timeout]
        case program.Branch():
            return [*(target for _, target in step.arms), step.otherwise]
        case program.Split():
            return [target for _, target in step.arms]
        case program.WaitDuration() | program.WaitUntil() | program.WaitLocalTime() | program.Update():
            return [step.next]
        case program.End():
            return []
    assert_never(step)


def _reached(
    steps: Mapping[str, program.Step], start: Iterable[str | None], ways: Callable[[program.Step], Iterable[str | None]]
) -> dict[str, str | None]:
    """Every step that the ways lead to from the start, each with the step before it on a shortest way."""
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
    """The ways that can be taken in the instant of arrival, apart from reactions."""
    match step:
        case program.WaitDuration():
            return [] if step.duration_ms > 0 else [step.next]
        case program.WaitUntil():
            return [] if _moves_with_now(step) else [step.next]
        case program.WaitFor():
            return [step.on_timeout] if step.timeout_ms == 0 else []
        case _:
            return every_way(step)


def _moves_with_now(step: program.WaitUntil) -> bool:
    return "now" in step.until.text and step.offset_ms >= 0


def _circles(steps: Mapping[str, program.Step]) -> list[list[str]]:
    """Circles without waiting, each step in one of them at most."""
    circles: list[list[str]] = []
    for name, step in steps.items():
        if any(name in circle for circle in circles):
            continue
        found = _circle(steps, name, _instant_ways(step), _instant_ways)
        if found is None and isinstance(step, program.WaitFor):
            found = _reaction_circle(steps, step)
        if found is not None:
            circles.append(found)
    return circles


def _circle(
    steps: Mapping[str, program.Step],
    name: str,
    start: Sequence[str | None],
    ways: Callable[[program.Step], Iterable[str | None]],
) -> list[str] | None:
    """A shortest way from `name` back to itself that begins with one of the steps of `start`."""
    before = _reached(steps, start, ways)
    if name not in before:
        return None
    way, current = list[str](), before[name]
    while current is not None:
        way.append(current)
        current = before[current]
    return [name, *reversed(way)]


def _reaction_circle(steps: Mapping[str, program.Step], step: program.WaitFor) -> list[str] | None:
    """A circle through a reaction that is already there: one that does not pass the send step afresh."""
    for listener in step.listeners:
        if isinstance(listener, program.ReactionListener):
            others = {name: each for name, each in steps.items() if name != listener.of}
            found = _circle(others, step.id, [listener.next], _instant_ways)
            if found is not None:
                return found
    return None


def _check_shadowed(journey: program.Journey, place: Mapping[str, int], margin: Margin) -> None:
    for step in journey.steps.values():
        if not isinstance(step, program.WaitFor):
            continue
        for number, listener in enumerate(step.listeners):
            if isinstance(listener, program.EventListener) and _shadowed(listener.trigger, journey.exits):
                margin.warn(
                    f"an exit rule ends the run at {listener.trigger.event!r} before this listener can match",
                    *("steps", place[step.id], "wait_for", number, "event"),
                )


def _shadowed(trigger: program.Trigger, exits: Iterable[program.Trigger]) -> bool:
    return any(rule.event == trigger.event and rule.when in (None, trigger.when) for rule in exits)
