"""What holds for every test: no Ray outside tests/cluster, the same examples on each run, who runs with whom."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings

pytest_plugins = ["tests.postgres"]

CLUSTER = Path(__file__).parent / "cluster"

TOGETHER = ("tests/browser/", "tests/cluster/", "tests/demo/", "tests/tidy/")
"""Folders whose tests stay in one process: they share a browser, a cluster, a demo's run, what tools remember."""

# `pytest --hypothesis-profile=explore` looks for new examples; the suite tries the same ones each time.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Let every process of the tests keep what it compiles: a hundred of them import the same libraries."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_report_header() -> str:
    """Which random cases are about to be tried, so that a log tells how to make one of them again."""
    from tests.model.seeds import told

    return told()


class RayGuard:
    """Lets `ray.init` through only while a test that may use Ray runs; starting it costs four seconds.

    It waits on the import path for the first `import ray`, so that a run without Ray never pays for it.
    """

    allowed = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "ray":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec("ray")
        assert spec is not None and spec.loader is not None, "Ray is a dependency of Parcours"
        execute = spec.loader.exec_module

        def execute_and_guard(module: ModuleType) -> None:
            execute(module)
            self.guard(module)

        spec.loader.exec_module = execute_and_guard  # type: ignore[method-assign]  # one loader, for this one import
        return spec

    def guard(self, ray: ModuleType) -> None:
        init = ray.init

        def guarded_init(*arguments: Any, **options: Any) -> Any:
            if not self.allowed:
                raise AssertionError("only the tests in tests/cluster may start Ray")
            return init(*arguments, **options)

        ray.init = guarded_init  # type: ignore[attr-defined]  # the module is only known as a module here


ray_guard = RayGuard()
sys.meta_path.insert(0, ray_guard)


@pytest.fixture(autouse=True, scope="module")
def ray_only_in_cluster(request: pytest.FixtureRequest) -> Iterator[None]:
    """Open the guard for the modules of tests/cluster, shut it behind them."""
    ray_guard.allowed = CLUSTER in request.path.parents
    yield
    ray_guard.allowed = False


@pytest.hookimpl(optionalhook=True)  # pytest-xdist asks for it, and plain runs do without
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several processes: the folders of TOGETHER as wholes and first, as they take longest, then test by test.

    By the path of a test rather than by the mark `xdist_group`, which has no effect under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        def _split_scope(self, nodeid: str) -> str:
            """Which tests go as one: those of equal text."""
            return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)

    return ByFolder(config, log)
