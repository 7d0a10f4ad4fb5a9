"""What holds for every test: no Ray outside tests/cluster, the same examples on each run, who runs with whom."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings
from tests import shared_memory
from typer.main import get_command

from parcours.journey.read.yaml_text import load_yaml

pytest_plugins = ["tests.postgres"]

CLUSTER = Path(__file__).parent / "cluster"

TOGETHER = ("tests/browser/", "tests/cluster/", "tests/demo/", "tests/tidy/")
"""Folders whose tests stay in one process: they share a browser, a cluster, a demo's run, what tools remember."""

APART = (
    "tests/cluster/",
    "tests/faults/",
    "tests/model/",
    "tests/docs/test_benchmarks.py",
    "tests/benchmarks/test_workloads.py",
    "tests/docs/test_decisions.py",
    "tests/campaigns/sets/test_chains.py",
    "tests/engine/test_killed_",
    "tests/browser/",
    "tests/demo/",
    "tests/tidy/",
)
"""What takes longest, begun first and in this order. What need not stay together goes test by test."""

COLLECT_EVERY = 50_000
"""Objects allocated and not freed between two runs of the garbage collector, which finds little among tests."""

TEXTS_MAX = 2_000
"""Texts whose YAML a process remembers."""

# `pytest --hypothesis-profile=explore` looks for new examples; the suite tries the same ones each time.
settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("explore", deadline=None, max_examples=2_000)
settings.load_profile("suite")


def pytest_configure() -> None:
    """Let every process of the tests keep what it compiles: a hundred of them import the same libraries.

    And let what tests write lie in memory, if there is room: with it goes a quarter of the time of those with a store.
    """
    if (memory := shared_memory.folder()) is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(memory))  # below which pytest makes its folders
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def pytest_sessionstart() -> None:
    """Collect garbage seldom: half a million objects of the tests themselves would be looked at again and again."""
    gc.set_threshold(COLLECT_EVERY, *gc.get_threshold()[1:])


def pytest_collection_finish() -> None:
    """Nor is anything that has been imported by now ever looked at."""
    gc.freeze()


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


@pytest.fixture(autouse=True, scope="session")
def made_once() -> Iterator[None]:
    """Make once what is the same each time, for much of the time of tests went into it.

    That is the YAML of a text, for the examples are read thousands of times, and the commands of the command line, for
    which typer reads all signatures again at each call.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("parcours.journey.read.source.load_yaml", lru_cache(TEXTS_MAX)(load_yaml))
        patch.setattr("typer.testing._get_command", cache(get_command))
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several processes: what takes longest comes first, so that none works on it when the others are done."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: next((at for at, start in enumerate(APART) if item.nodeid.startswith(start)), 99))


@pytest.hookimpl(optionalhook=True)  # pytest-xdist asks for it, and plain runs do without
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With several processes: the folders of TOGETHER as wholes, what is APART test by test, the rest by module.

    By the path of a test rather than by the mark `xdist_group`, which has no effect under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
        def _split_scope(self, nodeid: str) -> str:
            """Which tests go as one: those of equal text."""
            folder = next((folder for folder in TOGETHER if nodeid.startswith(folder)), None)
            return folder or (nodeid if nodeid.startswith(APART) else nodeid.partition("::")[0])

    config.option.loadscopereorder = False  # they are in order
    return ByFolder(config, log)
