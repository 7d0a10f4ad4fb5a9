"""The headers of outbound calls: which names an author may give, and what a value can be (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema

from parcours.journey.model.references import is_reference, names_nothing

TOKEN_PATTERN: Final = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"

VALUE_CHARACTERS_MAX: Final = 8_000
"""What common servers take in one line without being told otherwise."""

_CLIENT: Final = "it is the HTTP client's"

TAKEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accept-encoding": "of an answer no more is unpacked than may be read",
        "connection": _CLIENT,
        "content-encoding": "the body is JSON as it is",
        "content-length": _CLIENT,
        "expect": _CLIENT,
        "host": "it is that of the url",
        "idempotency-key": "it is the key of the call, the same for each attempt",
        "keep-alive": _CLIENT,
        "te": _CLIENT,
        "trailer": _CLIENT,
        "transfer-encoding": _CLIENT,
        "upgrade": _CLIENT,
    }
)
"""Headers that no author can give, in lower case, each with the reason."""


def unfit(value: str) -> str | None:
    """Why no header can have this value, in words that do not repeat it; None for one that fits."""
    if "\n" in value or "\r" in value:
        return "it holds a line break"
    if any(character != "\t" and not " " <= character <= "~" for character in value):
        return "it holds a character that is not printable ASCII"
    if len(value) > VALUE_CHARACTERS_MAX:
        return f"it has more than {VALUE_CHARACTERS_MAX} characters"
    return None


def _name(name: str) -> str:
    if re.fullmatch(TOKEN_PATTERN, name) is None:
        raise ValueError("a header's name has letters, digits and -")
    if (reason := TAKEN.get(name.lower())) is not None:
        raise ValueError(f"{name} cannot be given: {reason}")
    return name


def _value(value: str) -> str:
    if is_reference(value):
        if reason := names_nothing(value):
            raise ValueError(f"the reference {reason}")
    elif reason := unfit(value):
        raise ValueError(f"a header cannot have this value: {reason}")
    return value


def _once(headers: dict[str, str]) -> dict[str, str]:
    """Upper and lower case of names are one."""
    seen: dict[str, str] = {}
    for name in headers:
        if seen.setdefault(name.lower(), name) != name:
            raise ValueError(f"{seen[name.lower()]} and {name} are the same header")
    return headers


Headers: TypeAlias = Annotated[
    dict[
        Annotated[
            str,
            AfterValidator(_name),
            Field(max_length=100),
            WithJsonSchema({"type": "string", "pattern": TOKEN_PATTERN, "maxLength": 100}),
        ],
        Annotated[str, AfterValidator(_value)],
    ],
    AfterValidator(_once),
]
"""Headers by name: each value is a text, or a reference to one."""
