"""The colours and the style sheet of charts, funnels and flows, in both themes.

Vega writes colours as attributes of elements. A rule that asks for the attribute's value puts the one of the dark theme
in its place, so that one SVG serves both.
"""

from __future__ import annotations

from typing import Any, Final

from parcours.journey.picture.look import DARK, FONT, LIGHT

SERIES: Final = ("#0b5fd1", "#b45309", "#19692c", "#7c3aed", "#b4231f", "#0f766e")
"""For what is told apart by colour as well as by words."""

_SERIES_DARK: Final = ("#7db2fe", "#f5a65b", "#7fd694", "#c4a6ff", "#ff9c94", "#5eead4")

TO_DARK: Final = {LIGHT[name]: DARK[name] for name in ("ground", "sheet", "ink", "soft", "line", "edge")} | dict(
    zip(SERIES, _SERIES_DARK, strict=True)
)
"""What each colour of the light theme is in the dark one."""

CONFIG: Final[dict[str, Any]] = {
    "background": LIGHT["sheet"],
    "font": FONT.replace('"', "'"),
    "axis": {
        "labelColor": LIGHT["ink"], "titleColor": LIGHT["soft"], "gridColor": LIGHT["line"],
        "domainColor": LIGHT["edge"], "tickColor": LIGHT["edge"], "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "labelLimit": 220,
    },
    "header": {"labelColor": LIGHT["ink"], "titleColor": LIGHT["soft"], "labelFontSize": 12, "labelFontWeight": 700},
    "legend": {"labelColor": LIGHT["ink"], "symbolStrokeColor": LIGHT["soft"], "labelFontSize": 12, "symbolSize": 200},
    "title": {"color": LIGHT["ink"], "fontSize": 14, "anchor": "start", "subtitleColor": LIGHT["soft"], "offset": 14},
    "padding": 12,
    "view": {"stroke": None},
    "range": {"category": list(SERIES)},
    "mark": {"color": SERIES[0]},
    "line": {"strokeWidth": 2},
    "text": {"color": LIGHT["ink"], "fontSize": 12},
}  # fmt: skip
"""Of every Vega-Lite specification."""


def chart_sheet() -> str:
    """CSS for charts, funnels and flows, in a file of their own or in a page."""
    dark = "".join(
        f".chart [{attribute}='{light}']{{{attribute}:{dark}}}"
        for light, dark in TO_DARK.items()
        for attribute in ("fill", "stroke")
    )
    return (
        f".chart text{{font-family:{FONT};font-variant-numeric:tabular-nums}}"
        f"@media screen and (prefers-color-scheme:dark){{{dark}}}"
    )
