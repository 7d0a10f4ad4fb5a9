"""Answers as pictures and reports as pages: what is on them, what they refuse, and what has to be installed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from tests.insight.page.test_document import Read
from tests.insight.page.unfriendly import IMAGE, ORDERED, SCRIPT, TURNED, VIEWED, write_unfriendly
from tests.insight.reports.simulated import take_out
from typer.testing import CliRunner

from parcours.cli import build

if TYPE_CHECKING:
    from tests.cli.conftest import Ask

ASKED = [
    ("funnel", "to-order"),
    ("flow", "before"),
    ("attribution", "orders"),
    ("cohort", "weekly"),
    ("metric", "revenue"),
    ("experiment", "order.test"),
]
"""Everything that can be drawn, each by its name."""

CHAPTERS = [
    "Overview", "Journeys", "Channels", "Messages", "Events", "Funnels", "Flows", "Attributions", "Cohorts", "Metrics",
    "Experiments", "Hold-outs",
]  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Facts of a project whose texts try to be more than that."""
    folder = tmp_path_factory.mktemp("unfriendly")
    project, events = write_unfriendly(folder)
    arguments = ["simulate", project, "--events", events, "--out", folder / "out", "--facts"]
    done = CliRunner().invoke(build(), [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return folder / "out"


@pytest.fixture(scope="module")
def page(out: Path) -> str:
    """The page of everything."""
    return CliRunner().invoke(build(), ["report", str(out), "--format", "html"]).stdout


@pytest.mark.parametrize("command, name", ASKED)
def test_every_answer_can_be_drawn(command: str, name: str, ask: Ask, out: Path, tmp_path: Path) -> None:
    svg = ask(command, out, name, "--format", "svg")
    png = ask(command, out, name, "--format", "png", "--out", tmp_path / "a.png")
    page = ask(command, out, name, "--format", "html", "--out", tmp_path / "a.html")

    assert [each.exit_code for each in (svg, png, page)] == [0, 0, 0], svg.output + png.output + page.output
    root = ElementTree.fromstring(svg.stdout)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert str(root.get("aria-label")).startswith(name)
    assert "As of 2026-03-20T11:00:00.000Z." in svg.stderr
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    read = Read((tmp_path / "a.html").read_text())
    assert (len(read.of("svg")), len(read.of("h1"))) == (1, 1)
    assert read.of("table") and read.of("details")
    assert page.output == ""


def test_an_answer_in_words_is_drawn_with_them(ask: Ask, out: Path) -> None:
    page = ask("funnel", out, f'"{VIEWED}" > "{ORDERED}"', "--within", "1d", "--format", "html")

    assert page.exit_code == 0, page.output
    assert "script" not in {tag for tag, _ in Read(page.stdout).elements}
    assert "All that is known." in page.stdout


@pytest.mark.parametrize("command, name", [ASKED[0], ASKED[-1]])
def test_a_picture_in_png_needs_a_file(command: str, name: str, ask: Ask, out: Path) -> None:
    refused = ask(command, out, name, "--format", "png")

    assert refused.exit_code == 2
    assert "Invalid value for --out: a picture in PNG is no text: name the file." in refused.stderr


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("report", "OUT", "--format", "png"), "'png' is not one of 'table', 'json', 'csv', 'html'"),
        (("report", "OUT", "channel", "--format", "svg"), "'svg' is not one of 'table', 'json', 'csv', 'html'"),
        (("insight", "sql", "select 1", "OUT", "--format", "html"), "'html' is not one of 'table', 'json', 'csv'"),
        (("report", "OUT", "--format", "html", "--by", "day"), "Invalid value for --by: it goes with KIND."),
        (("report", "OUT", "--format", "json"), "Invalid value for --format: it goes with KIND."),
    ],
)
def test_a_form_that_there_is_not_is_refused(arguments: tuple[str, ...], told: str, ask: Ask, out: Path) -> None:
    refused = ask(*(out if each == "OUT" else each for each in arguments))

    assert refused.exit_code == 2
    assert told in " ".join(refused.stderr.split())


def test_where_the_library_of_pictures_is_missing_one_line_says_what_to_install(
    ask: Ask, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)

    for command, name, form in (("cohort", "weekly", "svg"), ("funnel", "to-order", "png")):
        refused = ask(command, out, name, "--format", form, "--out", tmp_path / "picture")
        assert refused.exit_code == 1
        assert refused.stderr == "A picture of an analysis needs the extra [insight]: pip install 'parcours[insight]'\n"
        assert not (tmp_path / "picture").exists()
    assert ask("funnel", out, "to-order", "--format", "svg").exit_code == 0, "it is our own drawing"


def test_a_page_of_everything_has_a_chapter_for_each_kind_and_all_that_the_commands_say(
    page: str, ask: Ask, out: Path
) -> None:
    read = Read(page)
    assert re.findall(r'<h2 id="chapter-\d+">([^<]+)</h2>', page) == CHAPTERS
    assert [tag for tag in ("script", "img", "b", "link") if read.of(tag)] == []
    assert "48 in · 48 on · 0 out" in page, "the counts stand in the boxes of the journey"
    assert '<g class="mark waiting">' in page
    assert "of 2,000 simulated experiments without any effect" in page
    assert "Verdict: not decided" in page
    assert "program by buyers" in page
    names = [attributes.get("aria-label") for _, attributes in read.elements]
    assert len([each for each in read.of("svg") if not each.get("aria-label")]) == 0
    assert "Journey order: 4 steps" in names
    assert page == ask("report", out, "--format", "html").stdout, "the same facts, the same bytes"
    assert len(page.encode()) <= 1_000_000


def test_texts_of_people_and_authors_are_texts_on_it(page: str) -> None:
    texts = "".join(Read(page).texts)
    for text in (SCRIPT, IMAGE):
        assert text in texts
        assert text not in page
    assert "\u202e" not in page and TURNED.replace("\u202e", "\ufffd") in texts


def test_a_page_of_one_kind_has_this_kind_only_and_may_be_of_one_name_or_divided(ask: Ask, out: Path) -> None:
    one = ask("report", out, "journey", "order", "--format", "html").stdout
    divided = ask("report", out, "journey", "--by", "day", "--format", "html").stdout
    events = ask("report", out, "event", "--format", "html").stdout

    assert (one.count("<h2"), events.count("<h2")) == (1, 1)
    assert "<h1><bdi>Report of shop: journey order</bdi></h1>" in one
    assert "48 in · 48 on · 0 out" in divided, "the picture is of all days together"
    assert '<th scope="row">2026-03-02</th>' in divided
    assert "Runs entered at any time." in one
    assert "Events that happened at any time." in events


def test_the_window_of_a_page_is_that_of_all_that_is_on_it(ask: Ask, out: Path) -> None:
    bounds = ["--from", "2026-03-01T00:00:00Z", "--to", "2026-03-02T00:00:00Z"]

    page = ask("report", out, "--format", "html", "--cohort", "moved", *bounds).stdout
    live = ask("report", out, "event", "--format", "html", "--live").stdout

    assert "From 2026-03-01T00:00:00.000Z and before 2026-03-02T00:00:00.000Z." in page
    assert "3 people with any of what is asked for." in page, "three have come on the first day"
    assert "Moves that happened are counted, not runs." in page
    assert "Events that happened from 2026-03-19T11:00:00.000Z on." in live


def test_deliveries_that_were_not_kept_are_said_though_the_window_begins_later(
    ask: Ask, out: Path, tmp_path: Path
) -> None:
    copytree(out / "facts", tmp_path / "facts")
    cut = '{"shard": 0, "before": {"deliveries": "2026-03-01"}, "made_ms": 0, "format": 1}'
    (tmp_path / "facts" / "_done" / "0.cut.json").write_text(cut)

    page = ask("report", "--facts", tmp_path / "facts", "--format", "html", "--from", "2026-03-02T00:00:00Z").stdout

    assert "There are no deliveries from before 2026-03-01T00:00:00.000Z: they were kept for long enough." in page


def test_facts_without_a_project_are_told_without_pictures_of_journeys(ask: Ask, out: Path, tmp_path: Path) -> None:
    (tmp_path / "facts").symlink_to(out / "facts")

    page = ask("report", "--facts", tmp_path / "facts", "--format", "html")

    assert page.exit_code == 0, page.output
    assert "It is not known of which project the facts are" in page.stdout
    assert Read(page.stdout).of("svg") == []
    assert re.findall(r'<h2 id="chapter-\d+">([^<]+)</h2>', page.stdout) == CHAPTERS[:5]


def test_a_page_of_facts_that_do_not_add_up_is_refused(ask: Ask, tmp_path: Path) -> None:
    project, events = write_unfriendly(tmp_path, people=12)
    done = ask("simulate", project, "--events", events, "--out", tmp_path / "out", "--facts")
    assert done.exit_code == 0, done.output
    take_out(tmp_path / "out", "moves", lambda row: row["what"] == "reached" and row["step"] == "done")

    for kind in ((), ("journey",)):
        refused = ask("report", tmp_path / "out", *kind, "--format", "html", "--out", tmp_path / "page.html")
        assert refused.exit_code == 1
        assert "Facts do not add up" in refused.stderr
    assert not (tmp_path / "page.html").exists()
