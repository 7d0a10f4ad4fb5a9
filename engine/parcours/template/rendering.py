"""What templates share while one delivery is rendered: its time, the reader's zone, and the work that is left.

Templates are an author's, but what they are filled with is anybody's. So the work of a filter is estimated from what
it is given, and refused before it begins: a limit that is looked at afterwards has already taken the memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from liquid import RenderContext
from liquid.exceptions import ResourceLimitError

RENDERING: Final = "$rendering"
"""Under this name filters find the rendering; no template can name it."""

PREFERENCES: Final = "preferences_url"
"""The one name of a template that is no root with something below it: the person's preference page."""

OUTPUT_BYTES_MAX: Final = 1_000_000
"""Output of one template, and result of one filter: larger than any mail a provider takes."""

WORK_MAX: Final = 20_000_000
"""Characters and items that the filters of one delivery may go through together: about a second at worst."""

NUMBER_BITS_MAX: Final = 1_024
"""Longest whole number that is calculated with; a few multiplications more would fill the memory."""


@dataclass(slots=True)
class Rendering:
    """One delivery being rendered; `work` is what its filters have gone through so far."""

    now: datetime
    zone: tzinfo = UTC
    work: int = 0

    def charge(self, given: int, more: int) -> None:
        """Count what a filter is given and the most that it adds. Raises ResourceLimitError if that is too much."""
        if given + more > OUTPUT_BYTES_MAX:
            raise ResourceLimitError(f"a filter's result may exceed the limit of {OUTPUT_BYTES_MAX}", token=None)
        self.work += given + more
        if self.work > WORK_MAX:
            raise ResourceLimitError(f"the filters exceed their limit of work, {WORK_MAX}", token=None)


def rendering_of(context: RenderContext) -> Rendering:
    """The rendering that a filter is part of."""
    rendering = context.globals[RENDERING]
    assert isinstance(rendering, Rendering), "the renderer gives it to every template"
    return rendering


def extent(value: object, most: int) -> int:
    """Characters and items in the value, counted no further than just above `most`."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, range):
        return value.stop - value.start
    if not isinstance(value, list | tuple | dict):
        return value.bit_length() // 3 + 1 if isinstance(value, int) else 8
    found, waiting = 0, [value]
    while waiting and found <= most:
        inner = waiting.pop()
        items = [each for pair in inner.items() for each in pair] if isinstance(inner, dict) else inner
        found += len(items)
        for each in items:
            if isinstance(each, list | tuple | dict):
                waiting.append(each)
            else:
                found += extent(each, most)
    return found
