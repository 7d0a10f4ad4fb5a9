"""One Ray cluster for all tests of this folder, and the shop of tests/engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Desk, write_asking_shop, write_shop
else:
    spec = importlib.util.spec_from_file_location(
        "engine_conftest", Path(__file__).parents[1] / "engine" / "conftest.py"
    )
    engine_conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(engine_conftest)
    Desk = engine_conftest.Desk
    write_shop, write_asking_shop = engine_conftest.write_shop, engine_conftest.write_asking_shop

from parcours.journey.project import Project


@pytest.fixture(scope="session")
def one_cluster() -> Iterator[Callable[[], object]]:
    """Starts Ray when it is first called: it takes four seconds, and no other folder may."""
    import ray

    from parcours.runtime.cluster.runtime import start_ray

    yield start_ray
    ray.shutdown()


@pytest.fixture(scope="module", autouse=True)
def cluster(ray_only_in_cluster: None, one_cluster: Callable[[], object]) -> None:
    """Ray runs, the same one for every module; whether it may be started is settled first."""
    del ray_only_in_cluster
    one_cluster()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The shop of tests/engine, for tests that only look at it."""
    return Project.load(write_shop(tmp_path_factory.mktemp("shop"), {}))


@pytest.fixture
def shop_folder(tmp_path: Path) -> Path:
    """The folder of the shop of tests/engine."""
    return write_shop(tmp_path / "shop", {})


@pytest.fixture
def new_shop(tmp_path: Path) -> Callable[..., Project]:
    """The shop of tests/engine; takes settings by channel."""
    return lambda **channels: Project.load(write_shop(tmp_path / f"shop-{len(channels)}", channels))


@pytest.fixture
def asking_shop(tmp_path: Path) -> Callable[[str], Project]:
    """The shop of tests/engine that calls out; takes the URL."""
    return lambda url: Project.load(write_asking_shop(tmp_path / "asking", url))


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Whom the asking shop may ask, at `desk.url`."""
    with Desk() as desk:
        yield desk
