"""How actors of an engine are called in Ray, and how they are found by that.

An engine has a namespace. A name is never used twice: an actor that is frozen keeps its own for a minute after another
one has been put in its place, so each carries the epoch of who keeps the engine, and which life of that kind it is.
Where an engine on another store has just ended, Ray may still have such a name; the next life's is taken then.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import ray

from parcours.errors import ShardUnavailable

KEEPER: Final = "keeper"


def namespace_of(project: str) -> str:
    """The namespace of the engine that runs a project and stays when who has opened it goes."""
    return f"parcours/{project}"


def named(kind: str, epoch: int, life: int) -> str:
    """The name of an actor, such as `shard-3@17.1`: that of shard 3 in its first life under the keeper of epoch 17."""
    return f"{kind}@{epoch}.{life}"


def check_connected() -> None:
    """Raises ShardUnavailable unless this process is in a cluster: Ray would start one of its own where it is not."""
    if not ray.is_initialized():
        raise ShardUnavailable("the process has left its Ray cluster")


def find(name: str, namespace: str) -> Any:
    """The actor of this name. Raises ShardUnavailable where there is none now, and as `check_connected`."""
    check_connected()
    try:
        return ray.get_actor(name, namespace)
    except ValueError:
        raise ShardUnavailable(f"there is no actor {name}") from None


def end_others(namespace: str, kept: set[str]) -> None:
    """End all actors of the engine but these, such as those that an earlier keeper has left.

    One that is frozen, or on a machine that is, ends when it wakes up.
    """
    for each in ray.util.list_named_actors(all_namespaces=True):
        if each["namespace"] == namespace and each["name"] not in kept:
            with suppress(ValueError):
                ray.kill(ray.get_actor(each["name"], namespace))
