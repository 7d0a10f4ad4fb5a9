"""A filter within bounds: how many arguments it takes, what it may cost, and nulls as missing values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from typing import Final

from liquid import RenderContext
from liquid.exceptions import FilterArgumentError, ResourceLimitError

from parcours.template.nothing import NOTHING, is_nothing
from parcours.template.rendering import NUMBER_BITS_MAX, OUTPUT_BYTES_MAX, extent, rendering_of

Growth = Callable[[object, Sequence[object]], int]
"""The most that a filter's result is longer than all that it is given."""

DIGITS_MAX: Final = 100
"""Digits to which a number is rounded."""


def _replaced(left: object, arguments: Sequence[object]) -> int:
    text, (sought, by) = str(left), (*map(str, arguments[:2]), "", "")[:2]
    return text.count(sought) * len(by)


def _joined(left: object, arguments: Sequence[object]) -> int:
    return extent(left, OUTPUT_BYTES_MAX) * len(str(arguments[0])) if arguments else extent(left, OUTPUT_BYTES_MAX)


def _times(most: int) -> Growth:
    return lambda left, arguments: most * extent(left, OUTPUT_BYTES_MAX)


GROWTH: Final[Mapping[str, Growth]] = {
    "replace": _replaced,
    "join": _joined,
    "escape": _times(5),  # &quot;
    "escape_once": _times(5),
    "newline_to_br": _times(6),
    "url_encode": _times(11),  # four bytes in UTF-8, three characters each
    "base64_encode": _times(5),
    "base64_url_safe_encode": _times(5),
    "json": _times(5),
    "escapejs": _times(5),
}
"""Filters whose result may be longer than what they are given."""

FREE: Final = frozenset({"size", "first", "last", "default"})
"""Filters that go through nothing."""


class BoundedFilter:
    """One filter of the dialect, under its name in templates."""

    with_context = True

    def __init__(self, name: str, function: Callable[..., object]) -> None:
        self.name = name
        self._function = function
        self._growth = GROWTH.get(name)
        self._asks = [
            each for each in ("context", "environment") if getattr(function, f"with_{each}", False)
        ]  # fmt: skip
        taken = [each for key, each in signature(function).parameters.items() if key not in ("context", "environment")]
        positional = [each for each in taken[1:] if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
        self._least = sum(each.default is Parameter.empty for each in positional)
        self._most = len(positional)
        self._named = frozenset(each.name for each in taken[1:])

    def __call__(self, left: object, *arguments: object, context: RenderContext, **named: object) -> object:
        left, *given = (NOTHING if each is None else each for each in (left, *arguments))
        if self.name not in FREE:
            self._charge(left, given, context)
        offered = {"context": context, "environment": context.env}
        result = self._function(left, *given, **named, **{each: offered[each] for each in self._asks})
        if isinstance(result, list):
            return [NOTHING if is_nothing(each) else each for each in result]
        return result

    def _charge(self, left: object, arguments: Sequence[object], context: RenderContext) -> None:
        rendering = rendering_of(context)
        for each in (left, *arguments):
            if isinstance(each, int) and each.bit_length() > NUMBER_BITS_MAX:
                raise ResourceLimitError(f"a number exceeds the limit of {NUMBER_BITS_MAX} bits", token=None)
        if self.name == "round" and any(isinstance(each, int) and abs(each) > DIGITS_MAX for each in arguments):
            raise FilterArgumentError(f"round takes at most {DIGITS_MAX} digits", token=None)
        given = sum(extent(each, OUTPUT_BYTES_MAX) for each in (left, *arguments))
        rendering.charge(given, 0)  # before the estimate, which goes through the same
        if self._growth is not None:
            rendering.charge(0, self._growth(left, arguments))

    def complaint(self, positional: int, named: Sequence[str]) -> str | None:
        """What is wrong with a call that has so many arguments and these named ones, None if nothing is."""
        unknown = next((each for each in named if each not in self._named), None)
        if unknown is not None:
            return f"the filter {self.name!r} has no argument {unknown!r}"
        if not self._least <= positional + len(named) or positional > self._most:
            counts = f"{self._least}" if self._least == self._most else f"{self._least} to {self._most}"
            noun = "argument" if counts == "1" else "arguments"
            return f"the filter {self.name!r} takes {counts} {noun}, not {positional + len(named)}"
        return None
