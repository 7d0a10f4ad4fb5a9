"""What does retentioneering count on its clickstream? One line of JSON; clickstream.py runs it without a network."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def counts(asked: Any) -> dict[str, Any]:
    """Funnels by person and by visit, the step matrices around anchors, and how often an event followed another."""
    stream = importlib.import_module("retentioneering").datasets.load_ecom()
    visited = stream.split_sessions(session_col="visit", timeout=asked["visit_pause"])
    columns = {"person": "user_id", "visit": "visit"}
    return {
        "funnels": [
            [step["unique_paths"] for step in visited.funnel_data(each["steps"], path_col=columns[each["by"]])["steps"]]
            for each in asked["funnels"]
        ],
        "matrices": [matrix(visited, each, columns[each["by"]], asked["columns"]) for each in asked["anchors"]],
        "followed": {
            by: {
                origin: {target: int(times) for target, times in row.items() if times}
                for origin, row in visited.transition_graph_data("count", path_col=column).iterrows()
            }
            for by, column in columns.items()
        },
    }


def matrix(stream: Any, asked: Any, path_col: str, columns: int) -> dict[str, dict[str, int]]:
    """By column how many paths are at each node; a matrix has shares of the paths with the anchor."""
    paths = stream.funnel_data([asked["event"]], path_col=path_col)["steps"][0]["unique_paths"]
    anchor = {"pattern": asked["event"], "occurrence": asked["which"]}
    (block,) = stream.step_sankey_data(max_steps=columns, anchor=anchor, path_col=path_col)
    return {
        str(offset): {node: whole(share * paths) for node, share in block[offset].items() if share}
        for offset in block.columns
    }


def whole(count: float) -> int:
    """A count that went through a share."""
    assert abs(count - round(count)) < 1e-6, count
    return round(count)


if __name__ == "__main__":
    print(json.dumps(counts(json.load(sys.stdin))))
