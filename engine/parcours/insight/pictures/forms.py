"""What pictures read of results: their JSON form, as far as it is drawn.

A result is a struct, a dataclass or plain JSON; what is not drawn is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

T = TypeVar("T")


class FunnelStep(msgspec.Struct, frozen=True):
    step: str
    reached: int
    median_ms: float | None = None
    lost: int = 0


class FunnelGroup(msgspec.Struct, frozen=True):
    steps: tuple[FunnelStep, ...]


class Funnel(msgspec.Struct, frozen=True):
    """`groups` by value; none where it was not split."""

    steps: tuple[FunnelStep, ...]
    groups: Mapping[str, FunnelGroup] | None = None


class FlowColumn(msgspec.Struct, frozen=True):
    offset: int
    nodes: Mapping[str, int]


class FlowLink(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """`offset` is that of the column that it comes from; it leads to the next one."""

    offset: int
    source: str
    target: str
    count: int


class Flow(msgspec.Struct, frozen=True):
    columns: tuple[FlowColumn, ...]
    links: tuple[FlowLink, ...]


class Credit(msgspec.Struct, frozen=True):
    conversions: float
    value: float = 0.0


class Attribution(msgspec.Struct, frozen=True):
    models: Mapping[str, Mapping[str, Credit]]


class CohortRow(msgspec.Struct, frozen=True):
    """`returned` by periods since the start, None where a period is not over."""

    start: str
    people: int
    returned: tuple[int | None, ...]


class Cohort(msgspec.Struct, frozen=True):
    rows: tuple[CohortRow, ...]


class Comparison(msgspec.Struct, frozen=True):
    """The difference from control with both intervals; None where there is too little to say."""

    difference: float | None = None
    fixed: tuple[float, float] | None = None
    always_valid: tuple[float, float] | None = None


class Variant(msgspec.Struct, frozen=True):
    n: int
    conversions: int = 0
    rate: Comparison | None = None
    value: Comparison | None = None
    cuped: Comparison | None = None


class Experiment(msgspec.Struct, frozen=True):
    variants: Mapping[str, Variant]
    verdict: str = ""


class Metric(msgspec.Struct, frozen=True):
    value: float | None
    groups: Mapping[str, float | None] | None = None


def read_form(result: object, form: type[T]) -> T:
    """A result in the form that is drawn. Raises msgspec.ValidationError for something else."""
    return msgspec.convert(msgspec.to_builtins(result), form)


def percent(part: int, whole: int) -> str:
    """A share, rounded half up to a tenth; nothing where there is no whole."""
    if not whole:
        return ""
    tenths = (2_000 * part + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10} %"
