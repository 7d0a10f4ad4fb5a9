"""Where does HTML lead to, and how do other addresses get into it? Everything around them stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import escape, unescape
from html.entities import html5
from typing import Final, NamedTuple

_TAG: Final = re.compile(r"<([A-Za-z][^\s/>]*)")
_ATTRIBUTE: Final = re.compile(r"""[\s/]*([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_REFERENCE: Final = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9A-Fa-f]+;?|([A-Za-z][A-Za-z0-9]*)(?:;|(?![=A-Za-z0-9])))")
_BODY_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)

_IGNORED: Final = dict.fromkeys(map(ord, "\t\r\n"))
"""What browsers pass over, wherever it stands in an address."""

_BLANK: Final = "".join(map(chr, range(0x21)))
"""What they pass over at both ends of one."""

LEADING: Final = frozenset({"a", "area"})
"""Elements that lead whoever clicks on them; so do those of Outlook's drawings, whose names begin with `v:`."""

ACTIVE: Final = frozenset({"data", "javascript", "vbscript"})
"""Schemes of addresses that run or show what stands in them."""

PIXEL: Final = '<img src="{}" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">'


class Link(NamedTuple):
    """An address in HTML, and the places between which it stands, quotes included."""

    element: str
    url: str
    start: int
    end: int


def links_in(html: str) -> Iterator[Link]:
    """Each `href`, also those in comments, for Outlook reads some."""
    place = 0
    while (tag := _TAG.search(html, place)) is not None:
        place = tag.end()
        while (attribute := _ATTRIBUTE.match(html, place)) is not None:
            place = attribute.end()
            if attribute[1].lower() == "href" and attribute[2] is not None:
                quoted = attribute[2]
                value = quoted[1:-1] if quoted[0] in "\"'" else quoted
                url = _REFERENCE.sub(_referred, value).translate(_IGNORED).strip(_BLANK)
                yield Link(tag[1].lower(), url, attribute.start(2), attribute.end(2))


def _referred(reference: re.Match[str]) -> str:
    """What a reference in an attribute stands for. In `?a=1&copy=2` browsers see none, and neither does this."""
    return unescape(reference[0]) if reference[1] is None else html5.get(reference[0][1:], reference[0])


def scheme_of(url: str) -> str:
    """The scheme of an address in lower case, empty for one without."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else ""


def with_urls(html: str, instead: Callable[[str], str]) -> str:
    """The HTML with another address for each web page to which a click leads."""
    parts: list[str] = []
    done = 0
    for link in links_in(html):
        if (link.element in LEADING or link.element.startswith("v:")) and scheme_of(link.url) in ("http", "https"):
            parts += [html[done : link.start], '"', escape(instead(link.url)), '"']
            done = link.end
    return "".join([*parts, html[done:]])


def with_pixel(html: str, url: str) -> str:
    """The HTML with a picture of one pixel at its end."""
    ends = list(_BODY_END.finditer(html))
    place = ends[-1].start() if ends else len(html)
    return f"{html[:place]}{PIXEL.format(escape(url))}{html[place:]}"
