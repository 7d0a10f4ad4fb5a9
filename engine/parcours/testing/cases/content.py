"""The comparison of a message's rendered content with a test's expectation. Fields not named are not compared.

`content` compares a field whole, but for white space around a text; `contains` expects a part of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import unified_diff
from functools import cached_property
from itertools import islice
from typing import Any, Final

from parcours.channel import CALL
from parcours.dispatch.recorded_rendering import contents_of
from parcours.dispatch.registry import Registry
from parcours.dispatch.render import Renderer
from parcours.journey.program import CallAction, Send
from parcours.journey.project import Project
from parcours.testing.cases.document import DeliveryExpected

LINES_MAX: Final = 12
"""Lines shown of a text that is not as expected."""

WIDTH: Final = 160
"""Characters shown of a line; an HTML part may be a single long one."""


def differences(said: Mapping[str, Any] | None, expected: DeliveryExpected) -> list[str]:
    """The differences as lines; none if all is as expected. `said` is None where the message could not be rendered."""
    if not (expected.content or expected.contains):
        return []
    if said is None:
        return ["it could not be rendered or is not to leave, so it says nothing"]
    return [*_compared("", said, expected.content, _unequal), *_compared("", said, expected.contains, _lacking)]


def _compared(
    path: str, found: object, wanted: object, compare: Callable[[str, object, object], Iterator[str]]
) -> Iterator[str]:
    """The differences of a value; of an object only the expected keys are compared."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name, inner in wanted.items():
            yield from _compared(f"{path}.{name}" if path else name, found.get(name), inner, compare)
    else:
        yield from compare(path, found, wanted)


def _unequal(path: str, found: object, wanted: object) -> Iterator[str]:
    if isinstance(found, str) and isinstance(wanted, str):
        if found.strip() != wanted.strip():
            yield from _differing_texts(path, found.strip(), wanted.strip())
    elif found != wanted or isinstance(found, bool) != isinstance(wanted, bool):
        yield f"{path} is {_shown(found)}, and not {_shown(wanted)}"


def _differing_texts(path: str, found: str, wanted: str) -> Iterator[str]:
    if "\n" not in found + wanted:
        first = next((place for place, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), 0)
        yield f"{path} is  {_clipped(found, first)!r}"
        yield f"{'and not':>{len(path) + 3}}  {_clipped(wanted, first)!r}"
        return
    yield f"{path} differs: - expected, + found"
    lines = islice(unified_diff(wanted.splitlines(), found.splitlines(), n=1, lineterm=""), 2, None)
    yield from _first_lines(f"  {line[:WIDTH]}" for line in lines if not line.startswith("@@"))


def _lacking(path: str, found: object, wanted: object) -> Iterator[str]:
    if not isinstance(found, str):
        yield f"{path} is {_shown(found)}, and no text that contains {wanted!r}"
    elif str(wanted) not in found:
        yield f"{path} does not contain {wanted!r}:"
        yield from _first_lines(f"  {line[:WIDTH]}" for line in found.strip().splitlines())


def _first_lines(lines: Iterator[str]) -> Iterator[str]:
    yield from islice(lines, LINES_MAX)
    if next(lines, None) is not None:
        yield "  ..."


def _clipped(text: str, first: int) -> str:
    """The part of a long text in which it first differs."""
    start = max(0, first - WIDTH // 4)
    before, after = "..." if start else "", "..." if start + WIDTH < len(text) else ""
    return before + text[start : start + WIDTH] + after


def _shown(value: object) -> str:
    return "missing" if value is None else _clipped(repr(value), 0)


class Fields:
    """The content fields of a project's channels, loaded on first use."""

    def __init__(self, project: Project) -> None:
        self._project = project

    @cached_property
    def _renderer(self) -> Renderer:
        return Renderer(self._project.program, contents_of(self._project, Registry.installed()))

    def of(self, expected: DeliveryExpected) -> set[str]:
        """Every field of the deliveries that the expectation may match."""
        fields: set[str] = set()
        for journey in (*self._project.program.journeys, *self._project.program.taking):
            for step in journey.steps.values() if expected.journey in (None, journey.name) else ():
                if expected.step in (None, step.id):
                    fields |= self._of_step(step, expected)
        return fields

    def _of_step(self, step: object, expected: DeliveryExpected) -> set[str]:
        if isinstance(step, Send) and expected.message in (None, step.message):
            channels = [channel for channel in step.to if expected.channel in (None, channel)]
            return {field for channel in channels for field in self._renderer.fields(step.message, channel)}
        if (
            isinstance(step, CallAction)
            and expected.message in (None, step.action)
            and expected.channel in (None, CALL)
        ):
            action = self._project.program.actions[step.action]
            return {*action.query, *action.body}
        return set()
