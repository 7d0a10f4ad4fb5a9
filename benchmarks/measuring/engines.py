"""Which engine is measured? One of the run's own, here or in a Ray cluster of the reader's, or one that runs already.

An engine of its own has a fresh store for each round, below the place that `--store` names. It starts Ray on this
machine, or with `--address` its shards run on that cluster. With `--attach` lines go to the engine that runs that
project in the cluster: its own journeys are what they meet, and they stay in its store.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import ray

from measuring.processes import Meter, of_ray
from measuring.stores import fresh_store
from parcours import Engine, Project, Service
from parcours.runtime.cluster.runtime import start_ray
from parcours.runtime.runtimes import RuntimeName


def add_options(parser: ArgumentParser, *, elsewhere: bool = True, runs_already: bool = False) -> None:
    """
    elsewhere     whether shards may be in a Ray cluster that is there already
    runs_already  whether the workload may be given to an engine that it has not opened
    """
    parser.add_argument("--runtime", choices=["ray", "local"], default="ray")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--store", metavar="URL", help="where the rounds' stores are made: sqlite:///FOLDER, "
                        "postgresql://HOST/DATABASE or memory:, without it a temporary folder")  # fmt: skip
    parser.set_defaults(address=None)
    if elsewhere:
        parser.add_argument("--address", metavar="RAY", help="of a Ray cluster for the shards, such as auto")
    if runs_already:
        parser.add_argument("--attach", metavar="DIR", help="feed the engine that runs this project at --address")


@dataclass(frozen=True)
class Target:
    """What the options say of it."""

    runtime: RuntimeName
    shards: int
    store: str | None
    address: str | None
    attached: Project | None

    @classmethod
    def of(cls, asked: Namespace) -> Target:
        """Raises SystemExit for options that do not go together. Starts Ray where it is wanted: its helper processes
        go on starting for seconds after it has returned, which is no round's."""
        attached = getattr(asked, "attach", None)
        if attached and not asked.address:
            raise SystemExit("--attach DIR needs the --address of the Ray cluster in which the engine runs")
        if asked.address and asked.runtime == "local":
            raise SystemExit("--address is for --runtime ray")
        if asked.address and not attached:
            _join(asked.address)
        elif asked.runtime == "ray" and not attached:
            start_ray()
        return cls(asked.runtime, asked.shards, asked.store, asked.address, attached and Project.load(attached))

    @contextmanager
    def engine(self, project: Project, records: Sequence[str] = ("email",)) -> Iterator[Opened]:
        """The engine that is measured: of this project on a fresh store, or the one that runs already."""
        if self.attached is not None:
            assert self.address is not None, "which is checked with the options"
            with Engine.attach(self.address, self.attached) as engine:
                yield Opened(engine, None, self.processes())
            return
        with (
            fresh_store(self.store) as address,
            Engine.open(
                project, address, shards=self.shards, runtime=self.runtime, records=records
            ) as engine,
        ):  # fmt: skip
            yield Opened(engine, address, self.processes())

    @asynccontextmanager
    async def service(self, project: Project, records: Sequence[str] = ()) -> AsyncGenerator[Service]:
        """The same of the run's own, on the caller's loop; channels that do not record send."""
        with fresh_store(self.store) as address:
            async with Service.open(
                project, address, shards=self.shards, runtime=self.runtime, records=records
            ) as service:
                yield service

    def processes(self) -> dict[int, str]:
        """Those of a Ray cluster that was there before; what this process has started is found as its children."""
        return of_ray() if self.address else {}


def _join(address: str) -> None:
    try:
        ray.init(address=address, log_to_driver=False)
    except ConnectionError as error:
        raise SystemExit(f"--address {address}: there is no Ray cluster that can be reached: {error}") from None


@dataclass(frozen=True)
class Opened:
    """
    engine     that is measured
    store      its address, None if the engine runs already
    processes  that belong to it and are no children of this one, with their names
    """

    engine: Engine
    store: str | None
    processes: Mapping[int, str]

    def meter(self) -> Meter:
        return Meter(self.processes)
