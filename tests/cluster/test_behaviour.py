"""An engine on Ray behaves like one in this process."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.behaviour import EngineBehaviour
    from tests.engine.life_behaviour import LifeBehaviour
else:

    def suite(name: str) -> object:
        """A class of tests/engine, which is no package."""
        path = Path(__file__).parents[1] / "engine" / name
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    EngineBehaviour = suite("behaviour.py").EngineBehaviour
    LifeBehaviour = suite("life_behaviour.py").LifeBehaviour


@pytest.mark.ray
class TestEngineOnRay(EngineBehaviour, LifeBehaviour):
    """Both at once, so that they share an engine."""

    runtime = "ray"
    shards = 1  # an actor takes a second to start; test_simulation.py has many
