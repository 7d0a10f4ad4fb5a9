"""The style sheet of a page of figures: two themes by the reader's choice, narrow screens, and A4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.insight.pictures.theme import chart_sheet
from parcours.journey.picture.look import DARK, FONT, LIGHT, style_sheet

_PAPER: Final = LIGHT | {"ground": "#ffffff", "sheet": "#ffffff", "ink": "#000000", "soft": "#333333"}

_SHAPES: Final = f"""
*{{box-sizing:border-box}}
body{{margin:0 auto;max-width:70rem;padding:1rem;font:15px/1.5 {FONT};font-variant-numeric:tabular-nums;
background:var(--ground);color:var(--ink);overflow-wrap:anywhere}}
h1{{font-size:1.7rem;line-height:1.2;margin:.5rem 0}}
h2{{font-size:1.3rem;margin:2.5rem 0 .5rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}}
h3{{font-size:1.1rem;margin:0 0 .5rem}}
p{{margin:.3rem 0;max-width:46rem}}
header p,article>p,section>p,footer{{color:var(--soft)}}
a{{color:var(--accent)}}
.skip{{position:absolute;left:-99rem}}.skip:focus{{position:static}}
nav ul{{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;margin:1rem 0 0}}
article{{background:var(--sheet);border:1px solid var(--line);border-radius:8px;padding:1rem;margin:1rem 0}}
p.warning{{color:var(--bad);background:var(--bad-soft);padding:.4rem .7rem;border-radius:4px}}
dl.figures{{display:flex;flex-wrap:wrap;gap:.6rem 2rem;margin:.3rem 0 .8rem}}
dt{{color:var(--soft);font-size:.85rem}}
dd{{margin:0;font-size:1.5rem;line-height:1.2}}
dd small{{color:var(--soft);font-size:.85rem;margin-left:.5rem}}
figure{{margin:.8rem 0}}
figure svg{{display:block}}
.beside{{display:flex;flex-wrap:wrap;gap:0 2rem}}
.beside>*{{min-width:0;max-width:100%}}
.beside>div{{flex:1 1 34rem;display:flex;flex-wrap:wrap;gap:0 2.5rem;align-items:flex-start;align-content:flex-start}}
.beside>div>div{{min-width:0;max-width:100%}}
.scroll{{overflow-x:auto;max-width:100%}}
:focus-visible{{outline:2px solid var(--accent);outline-offset:2px}}
table{{border-collapse:collapse;margin:.8rem 0 .2rem;font-size:.9rem;overflow-wrap:normal}}
caption{{text-align:left;font-weight:700;padding:.2rem 0}}
th,td{{padding:.25rem .8rem .25rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);
font-weight:400;white-space:nowrap}}
thead th{{color:var(--soft);border-bottom-color:var(--edge)}}
.number{{text-align:right;min-width:3.2rem}}
.long{{white-space:normal;overflow-wrap:anywhere;min-width:14rem;max-width:28rem}}
details{{margin:.3rem 0;color:var(--soft);font-size:.9rem}}
summary{{cursor:pointer}}
pre{{overflow:auto;max-height:20rem;background:var(--ground);color:var(--ink);padding:.6rem;border-radius:4px;font-size:.8rem}}
footer{{margin:2rem 0 1rem;font-size:.85rem}}
"""

_ON_PAPER: Final = """
@page{size:A4;margin:14mm}
body{max-width:none;padding:0;font-size:10pt}
nav,details,.skip{display:none}
article{border:0;padding:0}
p.warning{border:1px solid #000}
.scroll{overflow:visible}
.beside,.beside>div{display:block}
figure svg{max-width:100%;height:auto}
figure,tr,dl{break-inside:avoid}
h2,h3,caption{break-after:avoid}
table{font-size:8.5pt}
th,td{padding-right:.5rem;white-space:normal;overflow-wrap:anywhere}
.number{white-space:nowrap;min-width:0}
.long{min-width:0}
"""


def page_sheet() -> str:
    """CSS of a page, of the pictures of journeys and of the charts in it."""
    dark = f"@media screen and (prefers-color-scheme:dark){{{_colours(DARK)}}}"
    paper = f"@media print{{{_colours(_PAPER)}{_one_line(_ON_PAPER)}}}"
    return f"{_colours(LIGHT)}{_one_line(_SHAPES)}{dark}{style_sheet()}{chart_sheet()}{paper}"


def _colours(of: Mapping[str, str]) -> str:
    return f":root{{{';'.join(f'--{name}:{colour}' for name, colour in of.items())}}}"


def _one_line(sheet: str) -> str:
    return "".join(sheet.split("\n"))
