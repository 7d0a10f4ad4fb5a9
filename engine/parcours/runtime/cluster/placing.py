"""On which machines of a cluster may actors be? Any, or those whose node of Ray has a label (`actor_nodes`).

Actors ask for no processor, so without a label Ray may put one on any node, the head and those of doors among them.
"""

from __future__ import annotations

from typing import Any

import ray

from parcours.errors import SettingInvalid


def placed(nodes: str) -> dict[str, Any]:
    """The options of an actor that is only on nodes with this label, such as `role=actors`, or `role=!door`."""
    return {"label_selector": dict([_parts(nodes)])} if nodes else {}


def check_nodes(nodes: str) -> None:
    """Raises SettingInvalid where no node of the cluster has the label now: nothing would ever begin there."""
    if not nodes:
        return
    there = ray.nodes()  # type: ignore[no-untyped-call]  # Ray has no types for it
    if not any(each["Alive"] and _is_meant(each["Labels"], *_parts(nodes)) for each in there):
        raise SettingInvalid(
            f"actor_nodes={nodes!r}: no node of the Ray cluster is so; `ray start --labels {nodes.replace('!', '')}` "
            "gives it a label"
        )


def _parts(nodes: str) -> tuple[str, str]:
    key, _, value = nodes.partition("=")
    return key, value


def _is_meant(labels: dict[str, str], key: str, value: str) -> bool:
    return labels.get(key) != value[1:] if value.startswith("!") else labels.get(key) == value
