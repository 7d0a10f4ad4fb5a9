"""A page of figures is one document that anybody can read, and that stays small whatever is counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from tests.insight.page.unfriendly import IMAGE, LONG, SCRIPT

from parcours.errors import CallerError
from parcours.insight.page.content import Block, Chapter, CsvTable, Figure, PageContent, ShownTable
from parcours.insight.page.document import PAGE_BYTES_MAX, page_of

SVG = '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="bars"></svg>\n'


class Read(HTMLParser):
    """The elements of a page, each with its attributes, and whether each that was begun has ended."""

    VOID = ("meta", "br", "hr", "link", "input")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open += [] if tag in self.VOID else [tag]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]


def content(rows: int = 3, text: str = "plain", width: int = 2) -> PageContent:
    """A page with a table of so many rows."""
    shown = ShownTable(f"Of {text}", [text, "times"], [[text, f"{number}"] for number in range(rows)])
    file = CsvTable("Rows", [("what", "times"), *((text, number, *"x" * (width - 2)) for number in range(rows))])
    block = Block(
        text,
        notes=[text],
        warnings=[text],
        figures=[Figure(text, text, text)],
        picture=SVG,
        said=text,
        tables=[shown],
        files=[file],
    )
    return PageContent(text, [text], [Chapter("One", [block], [text]), Chapter("Two", [], ["Nothing to tell."])])


def test_the_page_has_landmarks_one_title_and_links_to_its_chapters() -> None:
    page = page_of(content())
    read = Read(page)

    assert read.open == []
    assert page.startswith('<!doctype html>\n<html lang="en">') and page.endswith("</html>\n")
    assert [len(read.of(tag)) for tag in ("h1", "main", "header", "footer", "nav")] == [1, 1, 1, 1, 1]
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"] for link in read.of("a")} == {"#main", "#chapter-1", "#chapter-2"}
    assert {str(link["href"])[1:] for link in read.of("a")} <= set(ids)
    assert {str(each["aria-labelledby"]) for each in (*read.of("section"), *read.of("article"))} <= set(ids)


def test_a_table_has_a_caption_and_its_headings_say_what_they_are_of() -> None:
    page = page_of(content(rows=2))

    assert "<caption>Of plain</caption>" in page
    assert '<thead><tr><th scope="col">plain</th><th scope="col" class="number">times</th></tr></thead>' in page
    assert '<tbody><tr><th scope="row">plain</th><td class="number">0</td></tr>' in page
    assert (
        '<details><summary>Rows as CSV</summary><pre tabindex="0">what,times\nplain,0\nplain,1\n</pre></details>'
        in page
    )


def test_boxes_of_equal_titles_are_told_apart_by_where_they_are() -> None:
    table = ShownTable("Rates", ["of", "rate"], [["sent", "1"]])
    blocks = [Block("", tables=[table]), Block("order", picture=SVG, tables=[table])]

    page = page_of(PageContent("it", [], [Chapter("Channels", blocks), Chapter("Messages", blocks)]))

    boxes = [str(each["aria-label"]) for each in Read(page).of("div") if each.get("role") == "region"]
    assert boxes == [
        "Table: Rates, Channels", "Picture: order, Channels", "Table: Rates, order, Channels",
        "Table: Rates, Messages", "Picture: order, Messages", "Table: Rates, order, Messages",
    ]  # fmt: skip


def test_there_is_nothing_to_load_and_nothing_to_run() -> None:
    page = page_of(content())
    read = Read(page)

    assert read.of("script") == read.of("link") == read.of("img") == []
    policy = next(each for each in read.of("meta") if each.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'")
    assert set(re.findall(r"https?://[^\"'\s<>]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in page.split("</style>")[0]


@pytest.mark.parametrize("text", [SCRIPT, IMAGE, "\u202eback", "</details></table></style>", "a" * 10_000])
def test_whatever_is_chosen_by_somebody_stays_a_text(text: str) -> None:
    read, plain = Read(page_of(content(text=text))), Read(page_of(content()))

    assert [tag for tag, _ in read.elements] == [tag for tag, _ in plain.elements]
    assert [sorted(attributes) for _, attributes in read.elements if attributes.get("class") != "long"] != []
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)


def test_a_name_without_end_is_cut_where_it_is_shown_and_whole_in_csv() -> None:
    page = page_of(content(rows=1, text=LONG))

    before, csv, _ = re.split("<pre[^>]*>|</pre>", page)
    assert LONG in csv
    assert len(before.split("</style>")[1]) < 10_000


def test_the_same_content_gives_the_same_page() -> None:
    assert page_of(content()) == page_of(content())


def test_rows_that_are_left_out_are_said() -> None:
    page = page_of(content(rows=1_234))

    assert "<p>1,034 rows more: `parcours report` shows all.</p>" in page
    assert "<p>234 rows more: --format csv has all.</p>" in page


def test_a_page_that_would_be_too_large_has_less_of_its_tables() -> None:
    page = page_of(content(rows=1_000, text="b" * 1_900))

    assert len(page.encode()) <= PAGE_BYTES_MAX
    assert "900 rows more: `parcours report` shows all." in page


def test_a_page_that_cannot_get_small_enough_is_refused() -> None:
    def blocks() -> Iterator[Block]:
        for number in range(200):
            yield Block(f"{number}", picture="<svg>" + "x" * 6_000 + "</svg>")

    with pytest.raises(CallerError, match="name a KIND"):
        page_of(PageContent("large", [], [Chapter("One", list(blocks()))]))
