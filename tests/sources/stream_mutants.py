"""Mutants of sources and snapshots: each breaks a promise by a few words, and a storm of a few kills finds it."""

from __future__ import annotations

from typing import Final

from tests.faults.mutants import Mutant

MUTANTS: Final = {
    "applied once": (
        Mutant(
            "the position runs ahead of what is answered",
            "sources/session.py",
            "            self._reading.below = self._under_way[0][0]\n",
            "            self._reading.below = self.position or 0\n",
        ),
        Mutant(
            "what has been taken of a partition is not restored",
            "shard/batches.py",
            "        for part in (self.positions, self.partitions):",
            "        for part in (self.positions,):",
        ),
        Mutant(
            "lines that have been taken are taken again",
            "shard/partitions.py",
            "if number >= below and number not in taken]",
            "if number >= below]",
        ),
    ),
    "whole files": (
        Mutant(
            "a snapshot lacks somebody",
            "service/snapshots.py",
            "        for person, row in rows:\n",
            "        for person, row in rows[1:]:\n",
        ),
    ),
}
"""By the rule of the checker that finds them."""
