"""The rate of a channel: the one key under `channels: {NAME: ...}` that is the engine's own, with every channel."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from pydantic import WithJsonSchema

RATE_KEY: Final = "rate"

PERIODS_S: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3_600}

_RATE: Final = re.compile(r"([1-9][0-9]{0,6})/([smh])")

RATE_WORDS: Final = "a rate is written like 10/s, 600/m or 5000/h"

DESCRIPTION: Final = (
    "How many deliveries leave by the channel in a second, minute or hour, such as 10/s, spread evenly. Without it as "
    "many as the channel can carry."
)


class SendRate(NamedTuple):
    """So many deliveries in so many seconds."""

    deliveries: int
    period_s: int


ChannelSettings: TypeAlias = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {RATE_KEY: {"type": "string", "pattern": f"^{_RATE.pattern}$", "description": DESCRIPTION}},
        }
    ),
]
"""What parcours.yaml holds for a channel: its own settings, and the rate."""


def rate_of(settings: Mapping[str, object]) -> SendRate | None:
    """The rate among the settings of a channel, None if there is none. Raises ValueError for what is no rate."""
    if RATE_KEY not in settings:
        return None
    value = settings[RATE_KEY]
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(RATE_WORDS)
    return SendRate(int(match[1]), PERIODS_S[match[2]])


def rate_text(rate: SendRate) -> str:
    """A rate as it is written."""
    unit = next(unit for unit, period_s in PERIODS_S.items() if period_s == rate.period_s)
    return f"{rate.deliveries}/{unit}"


def own_settings(settings: Mapping[str, object]) -> dict[str, object]:
    """The settings as the channel's own model has them."""
    return {key: value for key, value in settings.items() if key != RATE_KEY}
