"""Elements of a page are written as they are asked for, and whatever is not ours stays a text."""

from __future__ import annotations

import pytest
from tests.insight.page.unfriendly import IMAGE, SCRIPT

from parcours.insight.page.markup import Markup, drawn, element, together
from parcours.journey.picture.svg_text import escaped_lines


def test_an_element_has_its_children_in_order_and_its_attributes_by_their_names_in_html() -> None:
    written = element(
        "p", "one ", element("b", "two"), None, [" three", element("i", " four")], class_="a", aria_label=5
    )

    assert written == '<p class="a" aria-label="5">one <b>two</b> three<i> four</i></p>'
    assert element("input", disabled=True, name=None, checked=False) == "<input disabled>"
    assert together("<", element("br")) == "&lt;<br>"
    assert drawn("<svg></svg>\n") == "<svg></svg>"


@pytest.mark.parametrize(
    "text, shown",
    [
        (SCRIPT, "&lt;script&gt;document.title = &#x27;taken&#x27;&lt;/script&gt;"),
        ("a & b", "a &amp; b"),
        ("\"'", "&quot;&#x27;"),
        ("two\nlines", "two\nlines"),
        ("a\u202eb\u2066c", "a\ufffdb\ufffdc"),  # what turns around the text behind it
        ("\u05e9\u200f", "\u05e9\u200f"),  # a mark turns nothing but itself
        ("\x00\x1b\ud800", "\ufffd" * 3),  # what no document can hold
    ],
)
def test_a_text_and_an_attribute_are_escaped_in_the_same_way(text: str, shown: str) -> None:
    assert escaped_lines(text) == shown
    assert element("p", text, title=text) == f'<p title="{shown}">{shown}</p>'


def test_an_element_that_was_put_into_another_text_shows_as_text() -> None:
    mistaken = f"{element('b', IMAGE)} and more"

    assert not isinstance(mistaken, Markup)
    assert element("p", mistaken).startswith("<p>&lt;b&gt;")
