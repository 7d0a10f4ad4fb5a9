"""How many people a second: the rate at which a read lets them enter, or a campaign sends to them."""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeAlias

from pydantic import BeforeValidator, Field

_RATE: Final = re.compile(r"([1-9][0-9]{0,6})/s")


def _written(value: object) -> object:
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a rate is written like 500/s, with seven digits at most")
    return value


PeopleRate: TypeAlias = Annotated[str, BeforeValidator(_written), Field(pattern=_RATE.pattern)]


def people_per_second(rate: str | None) -> int | None:
    """The number of a rate, None where there is none."""
    return int(rate.removesuffix("/s")) if rate else None
