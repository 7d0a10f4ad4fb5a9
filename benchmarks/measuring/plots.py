"""How does a run look? A row of bars for each figure: the median of each case, its range, and every round's point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from measuring.results import CPU, Result

WIDTH = 460

BAR_STEP = 22
"""Height of a case."""


def plot(result: Result, path: Path) -> None:
    """Write it as SVG. Raises SystemExit where the library of charts is not installed."""
    try:
        import vl_convert
    except ModuleNotFoundError:
        raise SystemExit("--plot needs the extra `insight`: pip install 'parcours[insight]'") from None
    path.write_text(vl_convert.vegalite_to_svg(specification(result)))


def specification(result: Result) -> dict[str, Any]:
    """In the language of Vega-Lite."""
    panels = [_panel(result, name) for name in result.figures if not name.startswith(f"{CPU} ")]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "title": {"text": result.workload, "subtitle": _about(result), "anchor": "start"},
        "vconcat": panels,
        "config": {"font": "sans-serif", "view": {"stroke": None}},
    }


def _about(result: Result) -> str:
    machine = result.machine
    return f"{len(result.rounds)} rounds, {machine.cores} cores of {machine.cpu}, commit {machine.commit or 'unknown'}"


def _panel(result: Result, name: str) -> dict[str, Any]:
    """One figure of all cases that have it."""
    figure = result.figures[name]
    spreads = [
        {"case": case, "median": figures[name].median, "low": figures[name].low, "high": figures[name].high}
        for case, figures in result.summary.items()
        if name in figures
    ]
    points = [
        {"case": measured.case, "value": measured.figures.get(name, sum(measured.cpu_us.values()))}
        for each in result.rounds
        for measured in each
        if name in measured.figures or (name == CPU and measured.cpu_us)
    ]
    y = {"field": "case", "type": "nominal", "sort": None, "title": None}
    title = f"{name}, {figure.unit} ({figure.better} is better)"
    return {
        "width": WIDTH,
        "height": {"step": BAR_STEP},
        "layer": [
            {
                "data": {"values": spreads},
                "mark": {"type": "bar", "color": "#9ecae1", "height": 12},
                "encoding": {"y": y, "x": {"field": "median", "type": "quantitative", "title": title}},
            },
            {
                "data": {"values": spreads},
                "mark": {"type": "rule", "color": "#08519c"},
                "encoding": {"y": y, "x": {"field": "low", "type": "quantitative"}, "x2": {"field": "high"}},
            },
            {
                "data": {"values": points},
                "mark": {"type": "point", "color": "#08519c", "size": 18, "filled": True},
                "encoding": {"y": y, "x": {"field": "value", "type": "quantitative"}},
            },
        ],
    }
