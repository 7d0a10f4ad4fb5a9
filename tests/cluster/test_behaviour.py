"""An engine on Ray behaves like one in this process."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.behaviour import EngineBehaviour
else:
    spec = importlib.util.spec_from_file_location(
        "engine_behaviour", Path(__file__).parents[1] / "engine" / "behaviour.py"
    )
    behaviour = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(behaviour)
    EngineBehaviour = behaviour.EngineBehaviour


@pytest.mark.ray
class TestEngineOnRay(EngineBehaviour):
    runtime = "ray"
    shards = 1  # an actor takes a second to start; test_simulation.py has many
