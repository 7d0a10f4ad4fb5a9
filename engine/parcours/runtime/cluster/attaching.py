"""The way of a process to an engine that runs in a Ray cluster of its own."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from parcours.errors import SettingInvalid, ShardUnavailable
from parcours.routing.plan import Plan
from parcours.runtime.cluster.actor_port import ActorPort, Whereabouts
from parcours.runtime.cluster.naming import KEEPER, find, namespace_of
from parcours.runtime.cluster.resident import BIRTH_S, LOOK_EVERY_S, Resident, ResidentPort, put
from parcours.runtime.cluster.runtime import start_ray
from parcours.store.address import is_durable


@dataclass(frozen=True, slots=True)
class Attached:
    """A connection to an engine: what it was opened with, its shards, and whoever keeps it.

    was_running  whether it was there before anybody asked for it
    """

    plan: Plan
    ports: Sequence[ActorPort]
    keeper: ResidentPort
    is_connected_here: bool
    was_running: bool

    def close(self) -> None:
        """Leave the cluster, if this process has come into it for this."""
        if self.is_connected_here:
            ray.shutdown()


def attach(address: str, project: str) -> Attached:
    """Attach to the engine that runs a project in the Ray cluster at this address.

    Raises SettingInvalid where there is no cluster, ShardUnavailable where there is no such engine.
    """
    connected = connect(address)
    try:
        keeper = ResidentPort(namespace_of(project), find(KEEPER, namespace_of(project)))
        return _attached(keeper, project, connected=connected, was_running=True)
    except BaseException:
        if connected:
            ray.shutdown()
        raise


def keep(address: str, plan: Plan, desk: Callable[[Plan], Resident]) -> Attached:
    """Attach to the engine of the plan's project; where there is none, one is opened by the plan, and stays.

    desk  makes what keeps it
    Raises as opening it does, and there is none then.
    """
    if not is_durable(plan.store):
        raise SettingInvalid(f"store={plan.store!r}: an engine that stays in a cluster has a store that outlives it")
    connected = connect(address)
    namespace = namespace_of(plan.project.name)
    try:
        keeper, is_new = put(pickle.dumps(partial(desk, plan)), namespace, plan.settings.actor_nodes)
        try:
            return _attached(keeper, plan.project.name, connected=connected, was_running=not is_new)
        except BaseException:
            if is_new:
                ray.kill(find(KEEPER, namespace))
            raise
    except BaseException:
        if connected:
            ray.shutdown()
        raise


@contextmanager
def cluster_here() -> Iterator[str]:
    """A Ray cluster on this machine for as long as it runs, unless this process is in one already; its address."""
    has_started = start_ray()
    try:
        yield str(ray.get_runtime_context().gcs_address)
    finally:
        if has_started:
            ray.shutdown()


def connect(address: str) -> bool:
    """Come into the cluster at this address, unless this process is in one already; whether it has come now."""
    if ray.is_initialized():
        return False
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise SettingInvalid(f"address={address!r}: there is no Ray cluster that can be reached: {error}") from error
    return True


def _attached(keeper: ResidentPort, project: str, *, connected: bool, was_running: bool) -> Attached:
    plan: Plan = pickle.loads(_answer(keeper, "plan"))
    whereabouts = Whereabouts(plan.store, plan.shards, namespace_of(project))
    finder = whereabouts.finder()
    ports = [ActorPort(number, None, finder) for number in range(plan.shards)]
    return Attached(plan, ports, keeper, connected, was_running)


def _answer(keeper: ResidentPort, name: str) -> Any:
    """What a call comes to while the keeper says that it is there, for whoever has no loop to wait on."""
    try:
        asked = keeper.asked(name)
        while not ray.wait([asked], timeout=LOOK_EVERY_S)[0]:
            ray.get(keeper.asked_process_id(), timeout=BIRTH_S)
        return ray.get(asked)
    except RayTaskError as error:
        raise error.cause from None
    except RayError as error:
        raise ShardUnavailable(f"nobody keeps the engine now: {type(error).__name__}") from error
