"""Which engine makes sets of people? The setting `sets`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class SetsSettings(BaseModel, frozen=True, extra="forbid"):
    """A part of the engine's settings: `{engine: duckdb}` or `{engine: daft}`."""

    engine: Literal["duckdb", "daft"] = Field(
        default="duckdb",
        description="`duckdb` makes them in one process, `daft` on all machines of a cluster (extra `sets-cluster`).",
    )
