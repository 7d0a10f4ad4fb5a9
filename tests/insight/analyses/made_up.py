"""Made-up events, written as `A0 B5 C5:2`: a name, an instant in ms, and after a colon the property `n`."""

from __future__ import annotations

import json

from parcours.expression.expression import compile_expression
from parcours.insight.analyses.happenings import Events, Happening
from parcours.journey.parts import Trigger


def happening(text: str) -> Happening:
    """An event such as `A0` or `A0:2`."""
    head, _, number = text.partition(":")
    return Happening(int(head[1:]), head[0], json.dumps({"n": int(number)}) if number else None)


def person(text: str, name: str = "ana", unit: int = 0) -> Events:
    """Everything that somebody did."""
    return Events(name, unit, [happening(each) for each in text.split()])


def trigger(text: str) -> Trigger:
    """A trigger such as `A` or `A event.n > 1`."""
    event, _, condition = text.partition(" ")
    return Trigger(event, compile_expression(condition) if condition else None)


def triggers(*texts: str) -> tuple[Trigger, ...]:
    return tuple(trigger(each) for each in texts)
