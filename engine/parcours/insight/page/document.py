"""A page of figures as one HTML document, which is never larger than anybody wants to mail."""

from __future__ import annotations

from typing import Final

from parcours.errors import CallerError
from parcours.insight.page.content import PageContent
from parcours.insight.page.markup import Markup, element, together
from parcours.insight.page.parts import Bounds, chapter, contents, paragraphs
from parcours.insight.page.sheet import page_sheet
from parcours.journey.picture.svg_text import cut

PAGE_BYTES_MAX: Final = 1_000_000

BOUNDS: Final = (Bounds(200, 1_000), Bounds(100, 200), Bounds(50, 50), Bounds(20, 0))
"""Tried one after the other until the page is small enough."""

TITLE_CHARACTERS_MAX: Final = 120

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""For browsers: the page has its style sheet in it, and there is nothing to load, to run or to send."""


def page_of(content: PageContent) -> str:
    """The page, ending in a line break. The same content gives the same text.

    Raises CallerError for a page that does not get small enough.
    """
    for bounds in BOUNDS:
        page = _page(content, bounds)
        if len(page.encode()) <= PAGE_BYTES_MAX:
            return page
    raise CallerError(
        f"The page would have more than {PAGE_BYTES_MAX:,} bytes, without any CSV: name a KIND, such as `journey`, or "
        "one of them by its name as well."
    )


def _page(content: PageContent, bounds: Bounds) -> str:
    several = len(content.chapters) > 1
    main = [chapter(each, number, bounds) for number, each in enumerate(content.chapters, start=1)]
    body = element(
        "body",
        element("a", "To the figures", href="#main", class_="skip"),
        element(
            "header",
            element("h1", element("bdi", cut(content.title, TITLE_CHARACTERS_MAX))),
            paragraphs(content.sentences),
        ),
        contents(content.chapters) if several else None,
        element("main", main, id="main"),
        element("footer", element("p", "Counted by Parcours from facts that anybody can read as Parquet.")),
    )
    return document(content.title, body, page_sheet())


def document(title: str, body: Markup, sheet: str) -> str:
    """A whole document: the head that every page of ours has, with this style sheet in it, and the body."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", cut(title, TITLE_CHARACTERS_MAX)),
        element("style", Markup(sheet)),
    )
    return together(Markup("<!doctype html>\n"), element("html", head, body, lang="en"), "\n")
