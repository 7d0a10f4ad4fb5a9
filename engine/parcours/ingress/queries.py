"""What does a query say? Its texts as a struct, whose flags are written `true` or `false`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from parcours.ingress.exchange import Problem, Request

Struct = TypeVar("Struct", bound=msgspec.Struct)

FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False}


DIGITS_MAX: Final = 9


def whole_number(name: str, text: str) -> int:
    """The number that a field of the query says. Raises Problem for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise Problem(400, "invalid", f"?{name}= is a whole number")
    return int(text)


def queried(request: Request, kind: type[Struct]) -> Struct:
    """The query as a struct of this kind, of texts and flags. Raises Problem for what is none."""
    flags = {each.encode_name for each in msgspec.structs.fields(kind) if each.type is bool}
    told = {name: FLAGS.get(text, text) if name in flags else text for name, text in request.query.items()}
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid", f"the query cannot be read: {error}") from None
