"""The parts of which funnels and flows are drawn: the frame, texts and rectangles, coloured as charts are."""

from __future__ import annotations

from typing import Final

from parcours.insight.pictures.theme import chart_sheet
from parcours.journey.picture.look import LIGHT
from parcours.journey.picture.svg_text import escaped, number

MARGIN: Final = 16.0
TITLE_HEIGHT: Final = 30.0
TEXT_SIZE: Final = 12.0


def framed(title: str, said: str, width: float, height: float, parts: list[str], *, embedded: bool) -> str:
    """The whole SVG: parts of so much width and height, below a title; `said` is for those who do not look."""
    head = TITLE_HEIGHT if title else 0.0
    whole = (round(width + 2 * MARGIN), round(height + head + 2 * MARGIN))
    view = f"{-MARGIN:g} {-MARGIN - head:g} {whole[0]} {whole[1]}"
    label = escaped(": ".join(filter(None, [title, said])))
    size = f'viewBox="{view}" width="{whole[0]}" height="{whole[1]}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" {size} role="img" aria-label="{label}">']
    if not embedded:
        lines.append(f"<style>{chart_sheet()}</style>")
    ground = f'width="{whole[0]}" height="{whole[1]}" fill="{LIGHT["sheet"]}"'
    lines.append(f'<rect x="{-MARGIN:g}" y="{-MARGIN - head:g}" {ground}/>')
    if title:
        lines.append(text(0, -12, title, size=14, weight=700))
    return "\n".join([*lines, *parts, "</svg>"]) + "\n"


def text(
    x: float, y: float, words: str, *, size: float = TEXT_SIZE, weight: int = 400, soft: bool = False, end: bool = False
) -> str:
    """One line of text, its baseline at `y`; `end`: it ends at `x`."""
    look = f'font-size="{size:g}" font-weight="{weight}" fill="{LIGHT["soft" if soft else "ink"]}"'
    side = ' text-anchor="end"' if end else ""
    return f'<text x="{number(x)}" y="{number(y)}" {look}{side}>{escaped(words)}</text>'


def bar(x: float, y: float, width: float, height: float, colour: str, title: str = "", opacity: float = 1.0) -> str:
    """A rectangle; `title` is shown by browsers where the pointer rests on it."""
    told = f"<title>{escaped(title)}</title>" if title else ""
    pale = f' fill-opacity="{opacity:g}"' if opacity < 1 else ""
    place = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f'<rect {place} rx="2" fill="{colour}"{pale}>{told}</rect>'
