"""The keys under `channels: {NAME: ...}` that are the engine's own, with every channel: `rate` and `dispatchers`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from pydantic import WithJsonSchema

RATE_KEY: Final = "rate"

DISPATCHERS_KEY: Final = "dispatchers"

OWN_KEYS: Final = frozenset({RATE_KEY, DISPATCHERS_KEY})

PERIODS_S: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3_600}

_RATE: Final = re.compile(r"([1-9][0-9]{0,6})/([smh])")

DISPATCHERS_MAX: Final = 64
"""Each is a process that keeps a core busy: more is a slip of the pen."""

RATE_WORDS: Final = "a rate is written like 10/s, 600/m or 5000/h"

DISPATCHERS_WORDS: Final = f"a whole number from 1 to {DISPATCHERS_MAX} is expected"

RATE_DESCRIPTION: Final = (
    "How many deliveries leave by the channel in a second, minute or hour, such as 10/s, spread evenly. Without it as "
    "many as the channel can carry."
)

DISPATCHERS_DESCRIPTION: Final = (
    "How many processes send on the channel where shards run on Ray, each for shards of its own; one without it. More "
    "than there are shards are not started."
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
            "properties": {
                RATE_KEY: {"type": "string", "pattern": f"^{_RATE.pattern}$", "description": RATE_DESCRIPTION},
                DISPATCHERS_KEY: {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": DISPATCHERS_MAX,
                    "description": DISPATCHERS_DESCRIPTION,
                },
            },
        }
    ),
]
"""What parcours.yaml holds for a channel: its own settings, and the engine's keys."""


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


def dispatchers_of(settings: Mapping[str, object]) -> int:
    """How many dispatchers the settings of a channel ask for. Raises ValueError for what is no such number."""
    value = settings.get(DISPATCHERS_KEY, 1)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= DISPATCHERS_MAX:
        raise ValueError(DISPATCHERS_WORDS)
    return value


def key_faults(settings: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Each of the engine's keys among the settings of a channel that holds what it cannot, with what it is told."""
    for key, read in ((RATE_KEY, rate_of), (DISPATCHERS_KEY, dispatchers_of)):
        try:
            read(settings)
        except ValueError as error:
            yield key, str(error)


def own_settings(settings: Mapping[str, object]) -> dict[str, object]:
    """The settings as the channel's own model has them."""
    return {key: value for key, value in settings.items() if key not in OWN_KEYS}
