"""Where Daft works for the tests of sets: in threads, in whatever order they come."""

from __future__ import annotations

import pytest
from tests.campaigns.sets.engines import keep_daft_in_threads


@pytest.fixture(autouse=True, scope="module")
def daft_in_threads() -> None:
    keep_daft_in_threads()
