"""Warnings in the log of limits that people have reached: of each setting one, and not with every input."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from parcours.config import MINUTE_MS
from parcours.core.fact import LimitReached
from parcours.wording import ForeignText

log = logging.getLogger("parcours")

WARN_EVERY_MS: Final = MINUTE_MS
"""How long a setting is not warned of again: where one person reaches a limit, thousands may."""


class LimitWarnings:
    """Those of one shard."""

    def __init__(self) -> None:
        self._warned_ms: dict[str, int] = {}

    def hear(self, reached: Iterable[LimitReached], now_ms: int) -> None:
        """Warn of these limits, unless it has been done within the minute. Facts tell each of them, and of whom."""
        for fact in reached:
            warned_ms = self._warned_ms.get(fact.setting)
            if warned_ms is None or now_ms - warned_ms >= WARN_EVERY_MS:
                self._warned_ms[fact.setting] = now_ms
                log.warning("the limit %s was reached: %s", fact.setting, ForeignText(fact.why))
