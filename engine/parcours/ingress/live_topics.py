"""What can be followed while somebody looks on? Topics, named in the query of a stream.

journeys               a line for each journey
journey:NAME           its figures and the counts of its steps, of all versions together
journey:NAME@2         those of one version
step:NAME.STEP         the figures of one step, of all versions together; step:NAME@2.STEP those of one
engine                 where the shards stand
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, cast

from parcours.ingress.exchange import Problem
from parcours.journey.model.forms import NAME_CHARACTERS_MAX

TOPICS_MAX: Final = 8
"""Of one stream: more than any screen has."""

TOPIC_CHARACTERS_MAX: Final = 2 * NAME_CHARACTERS_MAX + 20

_NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]*"

_TOPIC: Final = re.compile(
    rf"(?P<kind>journeys|engine|journey|step)(?::(?P<journey>{_NAME})(?:@(?P<version>[1-9][0-9]{{0,8}}))?"
    rf"(?:\.(?P<step>{_NAME}))?)?"
)

Kind: TypeAlias = Literal["journeys", "journey", "step", "engine"]

Figures: TypeAlias = dict[str, Any]
"""What is told of a topic, for JSON. Where a value is a dict, too, only what has changed of it is told."""

PARTS: Final[dict[Kind, tuple[bool, bool]]] = {
    "journeys": (False, False),
    "engine": (False, False),
    "journey": (True, False),
    "step": (True, True),
}
"""Whether a topic of this kind names a journey, and whether a step of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """
    name     as it was asked for
    root     what stands before the door's paths in the links that it tells
    version  None: all of them together
    """

    name: str
    root: str = ""
    kind: Kind
    journey: str = ""
    version: str | None = None
    step: str = ""


def topic_name(journey: str, version: str | None, step: str | None = None) -> str:
    """The name of the topic of a journey, or of a step of it."""
    of = journey if version is None else f"{journey}@{version}"
    return f"journey:{of}" if step is None else f"step:{of}.{step}"


def topic_of(name: str, root: str = "") -> Topic:
    """The topic of this name. Raises Problem for what is none."""
    found = _TOPIC.fullmatch(name) if len(name) <= TOPIC_CHARACTERS_MAX else None
    if found is None:
        raise Problem(400, "invalid", f"there is no topic {name[:80]!r}")
    kind = cast(Kind, found["kind"])
    journey, version, step = found.group("journey", "version", "step")
    if PARTS[kind] != (journey is not None, step is not None):
        raise Problem(400, "invalid", f"there is no topic {name[:80]!r}")
    return Topic(name=name, root=root, kind=kind, journey=journey or "", version=version, step=step or "")


def topics_of(names: str, root: str = "") -> Sequence[Topic]:
    """Those of a query, each once. Raises Problem where one is none, and where there are none or too many."""
    topics = list(dict.fromkeys(topic_of(name, root) for name in names.split(",")[: TOPICS_MAX + 1] if name))
    if not topics:
        raise Problem(400, "invalid", "?topics= names what is to be followed, such as journeys or journey:NAME")
    if len(topics) > TOPICS_MAX:
        raise Problem(400, "invalid", f"a stream has at most {TOPICS_MAX} topics")
    return topics


def changed(before: Figures, now: Figures) -> Figures:
    """What differs, and None for what is there no more."""
    told: Figures = {}
    for name, value in now.items():
        old = before.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := changed(old, value):
                told[name] = inner
        elif value != old:
            told[name] = value
    return told | dict.fromkeys(before.keys() - now.keys())
