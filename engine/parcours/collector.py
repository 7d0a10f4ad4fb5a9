"""Settings of the garbage collector for a process that holds many people: it runs seldom, for it would find nothing.

What a shard holds is bytes in dicts, which the collector need not look at, and what a batch makes is gone after it.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

COLLECT_EVERY = 100_000
"""Objects allocated and not freed between two collections: about what one full batch allocates at once."""


def spare_from_the_start() -> None:
    """For a process of our own, before it loads anything: collect seldom. To load a command it would run 200 times."""
    gc.set_threshold(COLLECT_EVERY, *gc.get_threshold()[1:])


def spare_for_good() -> None:
    """For a process that does nothing else: collect seldom, and never over what has just been loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY)


@contextmanager
def spared() -> Iterator[None]:
    """For somebody else's process: collect seldom in here, unless it collects more seldom still, or not at all.

    Several threads may be in here at a time: the last one to leave puts back what the first one has found.
    """
    with _sparing.lock:
        if not _sparing.inside:
            before = _sparing.before = gc.get_threshold()
            gc.set_threshold(max(before[0], COLLECT_EVERY) if before[0] else 0, *before[1:])
        _sparing.inside += 1
    try:
        yield
    finally:
        with _sparing.lock:
            _sparing.inside -= 1
            if not _sparing.inside:
                gc.set_threshold(*_sparing.before)


@dataclass
class _Sparing:
    """How many are in there, and what the first one has found."""

    lock: Lock = field(default_factory=Lock)
    inside: int = 0
    before: tuple[int, int, int] = (0, 0, 0)


_sparing = _Sparing()
