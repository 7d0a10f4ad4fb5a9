"""What the tests of the fault harness share: where plans are kept, and how one is read."""

from __future__ import annotations

from pathlib import Path

import msgspec

from parcours.testing.faults.plan import Plan

FOLDER = Path(__file__).parent


def kept(folder: str) -> list[Path]:
    """The plans that are kept in a folder beside the tests."""
    return sorted((FOLDER / folder).glob("*.json"))


def read_plan(path: Path) -> Plan:
    return msgspec.json.decode(path.read_bytes(), type=Plan)
