"""Everybody as of one instant, from shards in other processes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.engine.people_tables import is_of_one_instant

pytestmark = pytest.mark.ray


def test_all_are_of_one_instant_though_everybody_changes(tmp_path: Path) -> None:
    asyncio.run(is_of_one_instant(tmp_path, "ray"))
