"""The successors and the expressions of a step: the one place that takes every kind of compiled step apart."""

from __future__ import annotations

from typing import assert_never

from parcours.expression.expression import Expression
from parcours.journey import program


def ways(step: program.Step) -> list[str | None]:
    """The successors of a step; None is the end of the run."""
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
        case (
            program.WaitDuration()
            | program.WaitUntil()
            | program.WaitLocalTime()
            | program.Update()
            | program.CallAction()
            | program.Decide()
        ):
            return [step.next]
        case program.End() | program.Standby():
            return []
    assert_never(step)


def expressions(step: program.Step) -> list[Expression]:
    """The expressions evaluated when a step is carried out; those of its listeners belong to their triggers."""
    match step:
        case program.Send():
            return [*step.to.values(), *([step.prefer] if step.prefer is not None else [])]
        case program.WaitUntil():
            return [step.until]
        case program.Branch():
            return [when for when, _ in step.arms]
        case program.Update():
            return list(step.values.values())
        case (
            program.WaitFor()
            | program.WaitDuration()
            | program.WaitLocalTime()
            | program.Split()
            | program.CallAction()  # the body is the action's
            | program.Decide()  # what it looks at is everybody's, and not the journey's
            | program.End()
            | program.Standby()
        ):
            return []
    assert_never(step)
