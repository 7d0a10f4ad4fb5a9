"""Of which kinds may the value be that an author gives at a place? Of those that the engine can work with there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ExpectedKind:
    """What is expected there, in words, and the kinds that will do."""

    expected: str
    kinds: tuple[str, ...]

    def takes(self, kind: str) -> bool:
        """Whether a value of this kind may do. What is null or missing has its own meaning at every place."""
        return kind in (*self.kinds, "any", "missing") or "any" in self.kinds


ADDRESS: Final = ExpectedKind("an address is a string", ("string",))
TIME_ZONE: Final = ExpectedKind("the name of a time zone is a string", ("string",))
INSTANT: Final = ExpectedKind("the time until which to wait is a timestamp", ("timestamp",))
KEY: Final = ExpectedKind("a key that names a person is a string or an integer", ("string", "number"))
CORRELATION: Final = ExpectedKind(
    "a correlation is a string, a number, a boolean or a timestamp", ("string", "number", "boolean", "timestamp")
)

_FITTING: Final[Mapping[str, tuple[str, ...]]] = {
    "string": ("string", "timestamp", "duration"),  # times are kept as text
    "timestamp": ("timestamp", "string"),
    "integer": ("number",),
}
"""By the kind of a trait, the kinds of values that can be kept in it; of any other kind only its own."""


def trait(name: str, declared: str) -> ExpectedKind:
    """The place of a value that a trait is set to."""
    return ExpectedKind(f"the trait {name!r} is {in_words(declared)}", _FITTING.get(declared, (declared,)))


def in_words(kind: str) -> str:
    """The kind with its article."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"
