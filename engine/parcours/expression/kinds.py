"""Expected kinds: the kinds of values that a place in a document takes. A wrong expression fails at load time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from parcours.expression.values import MISSING, is_number, to_date, to_timestamp


@dataclass(frozen=True, slots=True)
class ExpectedKind:
    """The kinds that a place takes, and the words for it in a message."""

    expected: str
    kinds: tuple[str, ...]

    def takes(self, kind: str) -> bool:
        """Whether a value of this kind may stand here. Null and missing always may, with a meaning that the place
        gives.
        """
        return kind in (*self.kinds, "any", "missing") or "any" in self.kinds


ADDRESS: Final = ExpectedKind("an address is a string", ("string",))
CHANNEL: Final = ExpectedKind("the name of a channel is a string", ("string",))
TIME_ZONE: Final = ExpectedKind("the name of a time zone is a string", ("string",))
REGION: Final = ExpectedKind("a country is a string of two letters", ("string",))
INSTANT: Final = ExpectedKind("the time until which to wait is a timestamp or a date", ("timestamp", "date"))
DATE: Final = ExpectedKind("only a date comes yearly or has a time of day", ("date",))
KEY: Final = ExpectedKind("a key that names a person is a string or an integer", ("string", "number"))
PLACE: Final = ExpectedKind("the name of a place is a string", ("string",))
WAY: Final = ExpectedKind("what somebody did at a place is a string, enter or exit", ("string",))
DEGREES: Final = ExpectedKind("a position is a number of degrees", ("number",))
ACCURACY: Final = ExpectedKind("an accuracy is a number of metres", ("number",))
CORRELATION: Final = ExpectedKind(
    "a correlation is a string, a number, a boolean or a timestamp",
    ("string", "number", "boolean", "timestamp", "date"),
)

_FITTING: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("string", "timestamp", "date", "duration"),  # times are kept as text
    "date": ("date", "string"),
    "timestamp": ("timestamp", "string"),
    "integer": ("number",),
}
"""For each kind of trait, the kinds of values that can be stored in it; those not named here take only their own."""


IS_OF: Final[Mapping[str, Callable[[object], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "boolean": lambda value: isinstance(value, bool),
    "timestamp": lambda value: to_timestamp(value) is not MISSING,
    "date": lambda value: to_date(value) is not MISSING,
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
}
"""For each kind that a document declares for what comes as JSON, whether a value is of it."""


def trait(name: str, declared: str) -> ExpectedKind:
    """The expected kind of a value that is assigned to a trait."""
    return ExpectedKind(f"the trait {name!r} is {in_words(declared)}", _FITTING.get(declared, (declared,)))


def in_words(kind: str) -> str:
    """The kind with its article."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
