"""Charts as Vega-Lite specifications: plain dicts, with their data inside and nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from msgspec import UNSET

from parcours.insight.analyses.attribution import Attributed
from parcours.insight.analyses.cohort import CohortResult
from parcours.insight.analyses.credit import NONE
from parcours.insight.analyses.metric import MetricResult
from parcours.insight.asking.shape import Shape
from parcours.insight.experiments.result import Estimate, ExperimentResult
from parcours.insight.figures import percent_text
from parcours.insight.pictures.theme import CONFIG, SERIES

Spec: TypeAlias = dict[str, Any]

_WIDTH: Final = 420
_BAR: Final = 22
"""The height of a bar and its gap."""

_COUNT: Final = ",.6~g"
_INVISIBLE_UNDER: Final = 0.06
_STRONGEST: Final = 0.45
"""How strong the colour of a cell is behind its number, at least and at most: the number stays readable."""


def bar_chart(title: str, values: Mapping[str, float | None], measure: str) -> Spec:
    """Horizontal bars by name, in the order given, each with its number; a missing value has no bar."""
    rows = [{"name": name, "value": value} for name, value in values.items()]
    y = {"field": "name", "type": "nominal", "title": None, "scale": {"domain": list(values)}}
    x = {"field": "value", "type": "quantitative", "title": measure}
    shown = {"field": "value", "type": "quantitative", "format": _COUNT}
    return _spec(
        title,
        rows,
        width=_WIDTH,
        height={"step": _BAR},
        encoding={"y": y},
        layer=[
            {"mark": {"type": "bar"}, "encoding": {"x": x}},
            {"mark": {"type": "text", "align": "left", "dx": 4}, "encoding": {"x": x, "text": shown}},
        ],
    )


def line_chart(title: str, series: Mapping[str, Sequence[tuple[str, float | None]]], measure: str) -> Spec:
    """Lines over names in their order, such as days; where a value is missing, the line is broken."""
    return _lines(title, series, measure, "linear")


def step_chart(title: str, series: Mapping[str, Sequence[tuple[str, float | None]]], measure: str) -> Spec:
    """As `line_chart`, each value holding until the next one."""
    return _lines(title, series, measure, "step-after")


def _lines(
    title: str,
    series: Mapping[str, Sequence[tuple[str, float | None]]],
    measure: str,
    interpolate: Literal["linear", "step-after"],
) -> Spec:
    rows = [{"series": name, "at": at, "value": value} for name, points in series.items() for at, value in points]
    encoding: Spec = {
        "x": {
            "field": "at",
            "type": "ordinal",
            "sort": None,
            "title": None,
            "axis": {"labelAngle": 0, "labelOverlap": "greedy"},
        },
        "y": {"field": "value", "type": "quantitative", "title": measure},
    }
    if len(series) > 1:
        told = {"field": "series", "type": "nominal", "sort": None, "title": None}
        encoding |= {"color": told, "strokeDash": told}
    mark = {"type": "line", "interpolate": interpolate, "invalid": "break-paths-show-domains", "point": {"size": 30}}
    return _spec(title, rows, width=_WIDTH + 160, height=220, mark=mark, encoding=encoding)


def metric_chart(result: MetricResult, *, name: str, over_time: bool = False) -> Spec:
    """A metric by its groups; `over_time` where they are days, hours or weeks in their order."""
    groups = {"all": result.value} if result.groups is UNSET else result.groups
    if over_time:
        return step_chart(name, {name: list(groups.items())}, name)
    return bar_chart(name, groups, name)


def attribution_chart(shape: Shape, result: Attributed, *, title: str = "Attribution") -> Spec:
    """The conversions of each key, one field a model; keys by their credit over all models, `(none)` last."""
    total: dict[str, float] = {}
    for credited in result.models.values():
        for key, credit in credited.items():
            total[key] = total.get(key, 0.0) + credit.conversions
    order = sorted(total, key=lambda key: (key == NONE, -total[key], key))
    heads = {name: f"{name} (does not add up)" if name in shape.apart else name for name in shape.models}
    rows = [
        {"model": heads[model], "key": key, "conversions": credited[key].conversions}
        for model, credited in result.models.items()
        for key in order
        if key in credited
    ]
    x = {"field": "conversions", "type": "quantitative", "title": "conversions", "axis": {"tickCount": 4}}
    shown = {"field": "conversions", "type": "quantitative", "format": _COUNT}
    field = {
        "width": 170,
        "height": {"step": _BAR},
        "encoding": {"y": {"field": "key", "type": "nominal", "sort": order, "title": None}, "x": x},
        "layer": [
            {"mark": {"type": "bar"}},
            {"mark": {"type": "text", "align": "left", "dx": 4}, "encoding": {"text": shown}},
        ],
    }
    facet = {"field": "model", "type": "nominal", "sort": list(heads.values()), "title": None}
    return _spec(title, rows, facet=facet, columns=3, spec=field)


def cohort_chart(result: CohortResult, *, title: str = "Cohorts", unit: str = "period") -> Spec:
    """Who of each row came back in which period: the share stands in the cell, which is the stronger, the more did."""
    shares = [
        {
            "start": f"{row.start} ({row.people:,})",
            "period": period,
            "share": returned / row.people,
            "shown": percent_text(returned, row.people),
        }
        for row in result.rows
        for period, returned in enumerate(row.returned)
        if returned is not None and row.people
    ]
    y = {"field": "start", "type": "nominal", "sort": None, "title": "start (people)", "axis": {"domain": False}}
    x = {"field": "period", "type": "ordinal", "title": f"{unit}s since", "axis": {"labelAngle": 0, "orient": "top"}}
    opacity = {
        "field": "share",
        "type": "quantitative",
        "legend": None,
        "scale": {"domainMin": 0, "range": [_INVISIBLE_UNDER, _STRONGEST]},
    }
    shown = {"field": "shown", "type": "nominal"}
    return _spec(
        title,
        shares,
        width={"step": 58},
        height={"step": 26},
        encoding={"y": y, "x": x},
        layer=[
            {"mark": {"type": "rect", "fill": SERIES[0]}, "encoding": {"fillOpacity": opacity}},
            {"mark": {"type": "text"}, "encoding": {"text": shown}},
        ],
    )


def experiment_chart(result: ExperimentResult, *, title: str = "Experiment") -> Spec:
    """The difference of each variant from control, with both intervals, and the verdict below the title."""
    rows: list[Spec] = []
    measures: list[str] = []
    for name, variant in result.variants.items():
        compared = {"rate": variant.rate, "value": variant.value, "with CUPED": variant.cuped}
        for measure, comparison in compared.items():
            if not isinstance(comparison, Estimate) or comparison.difference is None:
                continue
            measures += [] if measure in measures else [measure]
            for kind, interval in (("fixed horizon", comparison.fixed), ("always valid", comparison.always_valid)):
                low, high = interval if interval is not None else (None, None)
                told = {"variant": f"{name} (n {variant.n:,})", "measure": measure, "interval": kind}
                rows.append({**told, "difference": comparison.difference, "low": low, "high": high})
    kinds: Spec = {"field": "interval", "type": "nominal", "sort": None, "title": None}
    silent = {**kinds, "legend": None}
    wide = {"padding": 12}
    side = {"field": "variant", "type": "nominal", "sort": None, "title": None}
    field = {
        "width": _WIDTH,
        "height": {"step": 30},
        "encoding": {"y": side, "yOffset": kinds, "color": silent},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 3},
                "encoding": {
                    "x": {"field": "low", "type": "quantitative", "title": "difference from control", "scale": wide},
                    "x2": {"field": "high"},
                    "strokeDash": kinds,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"x": {"field": "difference", "type": "quantitative"}, "shape": silent},
            },
            {
                "mark": {"type": "rule", "color": CONFIG["axis"]["domainColor"]},
                "encoding": {"x": {"datum": 0}, "y": None, "yOffset": None, "color": None},
            },
        ],
    }
    facet = {"field": "measure", "type": "nominal", "sort": measures, "title": None}
    heading = {"text": title, "subtitle": result.verdict}
    return _spec(heading, rows, facet=facet, columns=1, spec=field, resolve={"scale": {"x": "independent"}})


def _spec(title: str | Spec, rows: list[Spec], **parts: object) -> Spec:
    schema = "https://vega.github.io/schema/vega-lite/v6.json"
    return {"$schema": schema, "title": title, "data": {"values": rows}, **parts, "config": CONFIG}
