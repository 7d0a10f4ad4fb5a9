"""How does a picture look: the icon of each kind of box, and the style sheet of both themes?

A box is told by its icon and its words; colours only help. The sheet names each colour where it is used, because many
viewers of SVG know no variables. On paper it is black on white.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.journey.picture.diagram import Kind

FONT: Final = 'system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,"DejaVu Sans",sans-serif'

TITLE_SIZE: Final = 13.5
WORDS_SIZE: Final = 12.0
FIGURES_SIZE: Final = 11.5

ICONS: Final[Mapping[Kind, str]] = {
    "entry": "M3 10h10M9 6l4 4-4 4M16 4v12",
    "send": "M3 5h14v10H3zM3 5l7 6 7-6",
    "listen": "M3 10a7 7 0 1 0 14 0a7 7 0 1 0-14 0M7 10a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    "wait": "M5 3h10M5 17h10M6 3c0 5 8 9 8 14M14 3c0 5-8 9-8 14",
    "branch": "M10 3l7 7-7 7-7-7z",
    "split": "M10 3v5L4 12v5M10 8l6 4v5",
    "update": "M4 14l9-9 3 3-9 9H4z",
    "call": "M7 3v4M13 3v4M5 7h10v3a5 5 0 0 1-10 0zM10 15v3",
    "decide": "M3 10V4h6l8 8-6 6zM6.5 7.5v.5",
    "standby": "M7 4v12M13 4v12",
    "end": "M5 5h10v10H5z",
    "finish": "",
    "read": "M4 5c0-3 12-3 12 0v10c0 3-12 3-12 0zM4 5c0 3 12 3 12 0",
    "filter": "M3 4h14l-5 6v6l-4-2v-4z",
    "dedupe": "M4 4h9v9H4zM16 8v8H8",
    "union": "M3 10a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0M8 10a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0M10 10h0",
    "intersection": "M4 16v-6a6 6 0 0 1 12 0v6",
    "exclusion": "M3 10a7 7 0 1 0 14 0a7 7 0 1 0-14 0M6 10h8",
    "enrich": "M10 4v12M4 10h12",
    "save": "M4 4h10l2 2v10H4zM7 4v4h6V4M7 16v-5h6v5",
    "export": "M10 13V3M6 7l4-4 4 4M4 12v5h12v-5",
    "test": "M8 7a2.5 2.5 0 1 1 3 2.5c-1 .5-1 1-1 2M10 15v.5M10 3l7 7-7 7-7-7z",
    "reacted": "M4 10l4 4 8-9",
}
"""The path of each kind in a square of 20."""

LIGHT: Final = {
    "ground": "#f6f5f2", "sheet": "#ffffff", "ink": "#1c1d1f", "soft": "#595c62", "line": "#d0cec7", "edge": "#75787f",
    "accent": "#0b5fd0", "wait": "#7a4200", "wait-soft": "#ffe3b8", "bad": "#8f1512", "bad-soft": "#ffd9d6",
}  # fmt: skip
DARK: Final = {
    "ground": "#131416", "sheet": "#1f2225", "ink": "#ecebe7", "soft": "#abafb6", "line": "#41454c", "edge": "#878c95",
    "accent": "#7db2ff", "wait": "#ffcf91", "wait-soft": "#4a3517", "bad": "#ffb3ad", "bad-soft": "#571f1c",
}  # fmt: skip
_PAPER: Final = {
    "ground": "#ffffff", "sheet": "#ffffff", "ink": "#000000", "soft": "#333333", "line": "#999999", "edge": "#333333",
    "accent": "#000000", "wait": "#000000", "wait-soft": "#dddddd", "bad": "#000000", "bad-soft": "#dddddd",
}  # fmt: skip
_FORCED: Final = {
    "ground": "Canvas", "sheet": "Canvas", "ink": "CanvasText", "soft": "CanvasText", "line": "CanvasText",
    "edge": "CanvasText", "accent": "Highlight", "wait": "CanvasText", "wait-soft": "Canvas", "bad": "CanvasText",
    "bad-soft": "Canvas",
}  # fmt: skip

_SHAPES: Final = (
    f".picture{{font:{WORDS_SIZE:g}px {FONT};font-variant-numeric:tabular-nums}}"
    f".picture .name{{font-size:{TITLE_SIZE:g}px;font-weight:700}}.picture .figures{{font-size:{FIGURES_SIZE:g}px}}"
    ".picture .box>rect{stroke-width:1.2}.picture .send>rect{stroke-width:2}.picture .mark text{font-weight:700}"
    ".picture .icon{fill:none;stroke-width:1.7;stroke-linejoin:round;stroke-linecap:round}"
    ".picture .way{fill:none;stroke-width:1.5}.picture .late{stroke-dasharray:5 4}"
    ".picture .way[data-hot]{stroke-width:3.5}"
    ".picture a:hover>rect,.picture a:focus>rect,.picture [aria-current]>rect{stroke-width:2.6}"
)


def style_sheet() -> str:
    """CSS for pictures, in a file of their own or in a page: both themes, paper, and forced colours."""
    dark = f"@media screen and (prefers-color-scheme:dark){{{_colours(DARK)}}}"
    rest = f"@media print{{{_colours(_PAPER)}}}@media (forced-colors:active){{{_colours(_FORCED)}}}"
    return f"{_SHAPES}{_colours(LIGHT)}{dark}{rest}"


def _colours(of: Mapping[str, str]) -> str:
    rules = {
        ".ground": f"fill:{of['ground']}",
        ".box>rect": f"fill:{of['sheet']};stroke:{of['edge']}",
        "text": f"fill:{of['ink']}",
        ".soft": f"fill:{of['soft']}",
        ".icon": f"stroke:{of['soft']}",
        ".way": f"stroke:{of['edge']}",
        ".tip": f"fill:{of['edge']}",
        ".label rect": f"fill:{of['ground']};stroke:{of['line']}",
        ".waiting rect": f"fill:{of['wait-soft']};stroke:{of['wait']}",
        ".waiting text": f"fill:{of['wait']}",
        ".parked rect": f"fill:{of['bad-soft']};stroke:{of['bad']}",
        ".parked text": f"fill:{of['bad']}",
        ".differs rect": f"fill:{of['sheet']};stroke:{of['accent']}",
        ".differs text": f"fill:{of['accent']}",
        "a:hover>rect": f"stroke:{of['accent']}",
        "a:focus>rect": f"stroke:{of['accent']}",
        "[aria-current]>rect": f"stroke:{of['accent']}",
    }
    return "".join(f".picture {name}{{{rule}}}" for name, rule in rules.items())
