"""Test people as somebody writes them down: one with her traits, or up to a hundred."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml.error import YAMLError

from parcours.ingress.exchange import Problem
from parcours.ingress.page.sandbox import PEOPLE_MAX, Traits
from parcours.journey.read.finding import Finding
from parcours.journey.read.source import read_text

NAME_MAX: Final = 200
"""Characters of a test person's name, as in tests/*.yaml."""


def read_traits(text: str) -> Traits:
    """The traits of one person, as JSON or as lines `name: value`. Raises Problem."""
    told: Traits = _data(text, "traits")
    if not _is_object(told):
        raise _wrong("traits are written as JSON, or as lines such as plan: gold")
    return told


def read_people(text: str) -> dict[str, Traits]:
    """Several people and their traits: as the file of `parcours test --people`, or as identify calls line by line.

    Raises Problem.
    """
    calls = _calls(text)
    told = {str(each["userId"]): each.get("traits") or {} for each in calls} if calls else _data(text, "people")
    if _is_object(told) and _is_object(told.get("people")):
        told = told["people"]
    if not _is_object(told) or not all(each is None or _is_object(each) for each in told.values()):
        raise _wrong("people are written as NAME: {trait: value}, one a line, or as identify calls of JSON")
    if not 1 <= len(told) <= PEOPLE_MAX:
        raise _wrong(f"there are {len(told)} people: one to {PEOPLE_MAX} can be tried out at once")
    for name in told:
        check_name(name)
    return {name: each or {} for name, each in told.items()}


def check_name(name: str) -> str:
    """Raises Problem for what nobody can be called."""
    if not 1 <= len(name) <= NAME_MAX:
        raise _wrong(f"a test person has a name of one to {NAME_MAX} characters")
    return name


def _calls(text: str) -> list[Mapping[str, Any]]:
    """The identify calls that the lines are; none if they are anything else."""
    calls = []
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            call = json.loads(line)
        except (ValueError, RecursionError):
            return []
        if not _is_object(call) or "userId" not in call:
            return []
        calls.append(call)
    return calls


def _data(text: str, what: str) -> Any:
    findings: list[Finding] = []
    try:
        data = read_text(text, "tests", what, findings).data
    except (YAMLError, ValueError, RecursionError) as error:
        raise _wrong(f"{what} cannot be read: {' '.join(str(error).split())}") from None
    if findings:
        raise _wrong("; ".join(map(str, findings)))
    return {} if data is None else data


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _wrong(message: str) -> Problem:
    return Problem(400, "invalid", message)
