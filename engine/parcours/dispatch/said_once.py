"""Warnings that a process gives once, whatever number of shards it opens and of addresses it judges."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Final

SAID_MAX: Final = 256
"""Warnings that are remembered; beyond it the oldest may be given again. Lines can name any channel."""

log = logging.getLogger("parcours")


@lru_cache(SAID_MAX)
def warn_once(text: str, *arguments: str) -> None:
    """Log a warning unless the process has given it before, with the same arguments."""
    log.warning(text, *arguments)
