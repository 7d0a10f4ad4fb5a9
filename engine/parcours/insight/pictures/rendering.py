"""Specifications become SVG, and SVG becomes PNG, without a browser and without a network.

Only this module knows vl-convert, and it is imported when the first picture is made: that takes two seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from parcours.errors import ExtraMissing
from parcours.insight.pictures.theme import TO_DARK, chart_sheet
from parcours.journey.picture import look
from parcours.journey.picture.svg_text import escaped, readable

if TYPE_CHECKING:
    from types import ModuleType

EXTRA: Final = "insight"

_ALL_TO_DARK: Final = {**TO_DARK, **{light: look.DARK[name] for name, light in look.LIGHT.items()}}
_COLOUR: Final = re.compile("#[0-9a-f]{6}")

_TAG: Final = re.compile("<[a-z][^>]*>")
_PART: Final = re.compile(' (role|aria-[a-z]+)="[^"]*"')
"""What calls parts of a chart pictures of their own, some without a name. The chart is one picture, with one label."""


def svg_of(spec: Mapping[str, Any], *, embedded: bool = False, said: str = "") -> str:
    """A Vega-Lite specification as SVG for both themes. The same one gives the same text on the same machine.

    embedded  for a page that has the style sheet (`theme.chart_sheet`)
    said      for those who do not look
    Raises ExtraMissing.
    """
    drawn: str = _library().vegalite_to_svg(dict(spec), vl_version="6.4", allowed_base_urls=[])
    sheet = "" if embedded else f"<style>{chart_sheet()}</style>"
    head, end, rest = drawn.partition(">")
    assert 'class="marks"' in head, head
    parts = _TAG.sub(lambda tag: _PART.sub("", tag.group()), rest)
    label = f' aria-label="{escaped(said)}"' if said else ""
    return f'{head.replace("marks", "chart", 1)} role="img"{label}{end}{sheet}{readable(parts)}\n'


def png_of(picture: Mapping[str, Any] | str, *, theme: Literal["light", "dark"] = "light", scale: float = 2.0) -> bytes:
    """A specification, or an SVG of ours, as PNG; `scale` pixels for each unit. Raises ExtraMissing."""
    svg = picture if isinstance(picture, str) else svg_of(picture)
    if theme == "dark":
        svg = _COLOUR.sub(lambda found: _ALL_TO_DARK.get(found.group(), found.group()), svg)
    png: bytes = _library().svg_to_png(svg, scale=scale)
    return png


def _library() -> ModuleType:
    try:
        import vl_convert
    except ModuleNotFoundError as error:
        raise ExtraMissing.of("A picture of an analysis", EXTRA) from error
    return vl_convert
