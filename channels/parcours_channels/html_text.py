"""HTML as plain text, for readers of mail that show no HTML."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

SILENT: Final = frozenset({"head", "script", "style", "title"})
"""Elements of which nothing is seen."""

BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "div",
        "dl",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "tr",
        "ul",
    ]
)
"""Elements that begin and end a line."""

_BLANKS: Final = re.compile(r"[ \t\r\n\f\xa0]+")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_BODY: Final = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)

PREHEADER: Final = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{}</div>'


class _Text(HTMLParser):
    """Collects what is seen, with the addresses of links behind their texts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0
        self._link: tuple[str, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in SILENT:
            self._silent += 1
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "a":
            self._link = attributes.get("href") or "", len(self.parts)  # links do not nest
        elif tag == "img" and not self._silent:
            self.parts.append(attributes.get("alt") or "")
        elif tag in BLOCKS:
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag == "a" and self._link is not None:
            (href, start), self._link = self._link, None
            said = "".join(self.parts[start:]).strip()
            if href.startswith(("http:", "https:", "mailto:")) and href.removeprefix("mailto:") != said:
                self.parts.append(f" ({href})" if said else href)
        elif tag in BLOCKS:
            self.parts.append("\n\n" if tag == "p" else "\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(_BLANKS.sub(" ", data))


def text_of(html: str) -> str:
    """What the HTML says, a line for each block; links have their addresses behind them."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = [_BLANKS.sub(" ", line).strip() for line in "".join(parser.parts).split("\n")]
    return _EMPTY_LINES.sub("\n\n", "\n".join(lines)).strip() + "\n"


def with_preheader(html: str, preheader: str) -> str:
    """The HTML with a text in front that a list of mails shows behind the subject, and the mail itself does not."""
    hidden = PREHEADER.format(escape(preheader))
    body = _BODY.search(html)
    place = body.end() if body else 0
    return f"{html[:place]}{hidden}{html[place:]}"
