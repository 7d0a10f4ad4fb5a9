"""A document of insight/ as a door is asked for its answers, and as it tells them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from parcours.insight.analyses.attribution import Attributed
from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.flow import FlowResult
from parcours.insight.analyses.funnel import FunnelResult
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.windows import WindowAsked
from parcours.journey.model.insight import KeptTable


class DocumentAsked(WindowAsked, frozen=True, kw_only=True):
    """`document` is as insight/*.yaml has it; there is no telling yet whether it is one."""

    document: dict[str, Any]


class DocumentTold(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """The results by the keys and names of the document, each in the form of docs/insight.md.

    since       the window: from this time on, and before `until`; null leaves it open
    as_of       the instant up to which everything is known, null where nothing is
    cut_before  by table, before which instant rows that would count are gone: they were kept for long enough
    warnings    about the document, a sentence each
    """

    since: str | None
    until: str | None
    as_of: str | None
    cut_before: dict[KeptTable, str]
    warnings: list[str]
    metrics: dict[str, MetricResult] | UnsetType = UNSET
    funnels: dict[str, FunnelResult] | UnsetType = UNSET
    flows: dict[str, FlowResult] | UnsetType = UNSET
    attributions: dict[str, Attributed] | UnsetType = UNSET
    cohorts: dict[str, CohortResult] | UnsetType = UNSET
