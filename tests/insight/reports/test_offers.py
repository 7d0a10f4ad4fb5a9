"""What does a report count of offers, and how does it tell that a fact of one is missing?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.insight.reports.simulated import differences, take_out
from tests.insight.reports.test_reports import asked, rows, table
from tests.insight.warehouse.rows import Journal
from tests.projects import write_texts
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.core.fact import Decided
from parcours.core.time_text import time_text
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.told import ReportAsked, ReportTold
from parcours.journey.project import Project
from parcours.simulation.simulation import simulate

DAY = 24 * 60
START = 1_772_442_000_000
"""2026-03-02T09:00:00Z"""

HOUR_MS = 3_600_000


def decide(journal: Journal, at: float, person: str, *given: tuple[str, str], capped: tuple[str, ...] = ()) -> None:
    """A decision at the banner: the offers with their keys, and those that a cap keeps away."""
    looked = [*((offer, "c", 1, "") for offer, _ in given), *((offer, "p", None, "1 of 1") for offer in capped)]
    offers = [(offer, key, 1, False) for offer, key in given]
    value = json.dumps(("banner", "r-1", offers, False, [(0, False, looked, 0, "")]))
    journal.tell("changes", at, person, what="decided", name="best", value=value)


def mark(journal: Journal, at: float, person: str, offer: str, key: str, *marks: str) -> None:
    for each in marks:
        value = json.dumps((key, "best", "banner", each))
        journal.tell("changes", at, person, what="proposition", name=offer, value=value)


@pytest.fixture
def journal() -> Journal:
    """Ann takes what she gets; Ben dismisses it; Cem's mail is refused and sent later; Dan got his long ago."""
    journal = Journal()
    decide(journal, -91 * DAY, "dan", ("free", "k0"))
    decide(journal, 0, "ann", ("free", "k1"), ("pack", "k2"))
    mark(journal, 1, "ann", "free", "k1", "shown", "clicked")
    mark(journal, 90, "ann", "free", "k1", "converted")
    decide(journal, 2, "ben", ("free", "k3"), capped=("pack",))
    mark(journal, 3, "ben", "free", "k3", "dismissed")
    decide(journal, 4, "cem", ("free", "k4"))
    mark(journal, 5, "cem", "free", "k4", "given_back")
    decide(journal, 61, "cem", ("pack", "k4"), capped=("free",))
    decide(journal, 95, "eve")
    return journal


def test_of_what_was_decided_at_one_instant_the_first_is_pushed_out_first(tmp_path: Path) -> None:
    names = [f"o{number}" for number in range(30)]
    decisions = {"all": {"choose": [{"collection": "all"}], "count": 30, "distinct": False}}
    content = {each: {"text": "?"} for each in ("top", "side")}
    offers = {
        "placements": {each: {"channel": "web", "format": "text"} for each in content},
        "offers": {name: {"priority": 99 - number, "content": content} for number, name in enumerate(names)},
        "decisions": decisions,
    }
    write_texts(tmp_path / "shop", {"parcours.yaml": "project: shop\n", "offers.yaml": json.dumps(offers)})
    asked = [{"decision": "all", "placement": each, "count": 25} for each in content]
    call = {"type": "decision", "userId": "sarah", "timestamp": time_text(START)}
    lines = [{**call, "requestId": "r1", "decisions": asked}, {**call, "requestId": "r2", "decisions": asked[1:]}]
    (tmp_path / "events").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    shop, out = tmp_path / "shop", tmp_path / "out"
    assert ask("simulate", shop, "--events", tmp_path / "events", "--out", out, "--facts").exit_code == 0

    told = json.loads(ask("report", out, "offer", "--project", shop, "--format", "json").stdout)

    columns, found = (told["tables"]["Offers"][each] for each in ("columns", "rows"))
    figures = [dict(zip(columns, row, strict=True)) for row in found]
    pushed_out = [(each["placement"], each["never shown"]) for each in figures if each["never shown"]]
    assert pushed_out == [("top", 1)] * 25, "the second request has pushed out what the first gave first"


def test_what_was_decided_is_shown_or_pending_or_was_never_shown(journal: Journal, tmp_path: Path) -> None:
    report = asked(journal, tmp_path, Asked("offer"))

    nothing = {"shown": 0, "given back": 0, "never shown": 0}
    assert table(report, "Offers") == [
        {
            "offer": "free", "placement": "banner", "decided": 3, "shown": 1, "pending": 0, "never shown": 2,
            "given back": 1, "capped": 1,
        },
        {"offer": "pack", "placement": "banner", "decided": 2, "pending": 2, "capped": 1, **nothing},
    ]  # fmt: skip
    assert table(report, "Marks") == [
        {"offer": "free", "placement": "banner", "clicked": 1, "dismissed": 1, "converted": 1}
    ]
    assert rows(report, "Rates") == [
        ("free", "banner", "shown / decided", 1, 3, 1 / 3),
        ("free", "banner", "clicked / shown", 1, 1, 1.0),
        ("free", "banner", "converted / decided", 1, 3, 1 / 3),
        ("pack", "banner", "shown / decided", 0, 2, 0.0),
        ("pack", "banner", "converted / decided", 0, 2, 0.0),
    ]
    assert rows(report, "Reasons") == [("free", "banner", "capped", 1), ("pack", "banner", "capped", 1)]


def test_a_window_counts_what_was_decided_in_it_or_what_happened_in_it(journal: Journal, tmp_path: Path) -> None:
    by_hour = table(asked(journal, tmp_path, Asked("offer", "free", by="hour")), "Offers")
    told = [(row["hour"], row["decided"], row["shown"], row["given back"], row["capped"]) for row in by_hour]
    assert told == [
        ("2025-10-02T10:00Z", 1, 0, 0, 0),
        ("2026-01-01T10:00Z", 2, 1, 1, 0),
        ("2026-01-01T11:00Z", 0, 0, 0, 1),
    ]

    moved = asked(journal, tmp_path, Asked("offer", "free", cohort="moved", by="hour"))
    assert [(row["hour"], row["decided"], row["given back"]) for row in table(moved, "Offers")] == [
        ("2025-10-02T10:00Z", 1, 0),
        ("2026-01-01T10:00Z", 3, 1),
        ("2026-01-01T11:00Z", 0, 0),
    ]
    assert [(row["hour"], row["clicked"], row["converted"]) for row in table(moved, "Marks")] == [
        ("2026-01-01T10:00Z", 1, 0),
        ("2026-01-01T11:00Z", 0, 1),
    ]


def test_what_is_pushed_out_by_newer_ones_cannot_be_shown_any_more(tmp_path: Path) -> None:
    journal = Journal()
    for number in range(53):
        decide(journal, number, "ann", ("free", f"k{number:02}"))

    (row,) = table(asked(journal, tmp_path, Asked("offer")), "Offers")

    assert (row["decided"], row["pending"], row["never shown"]) == (53, 50, 3)


def test_a_report_comes_through_a_door_as_it_is(journal: Journal, tmp_path: Path) -> None:
    told = ReportTold.of(asked(journal, tmp_path, Asked("offer")))

    assert ReportTold.of(told.report()) == told and told.kind == "offer"
    assert ReportAsked.of(Asked("offer", "free")).asked() == Asked("offer", "free")


def test_views_tell_of_decisions_in_sql(journal: Journal, tmp_path: Path) -> None:
    with journal.warehouse(tmp_path) as warehouse:
        given = [*warehouse.rows("select person, unnest(offers).offer, fallback from decisions order by time, 2")]
        marks = [*warehouse.rows("select person, mark from propositions order by time, n, mark")]
        away = [
            *warehouse.rows("select person, offer, reason, why from looked_offers where reason <> 'chosen' order by 1")
        ]

    assert given[:3] == [("dan", "free", False), ("ann", "free", False), ("ann", "pack", False)]
    assert marks[:2] == [("ann", "clicked"), ("ann", "shown")]
    assert away == [("ben", "pack", "capped", "1 of 1"), ("cem", "free", "capped", "1 of 1")]


SHOP = {
    "parcours.yaml": "project: shop\n",
    "events.yaml": "events: {Asked: {}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}}
        offers: {free: {caps: [{max: 1}], content: {agent: {text: A free class}}}}
        decisions: {best: {choose: [{collection: all}]}}
    """,
    "journeys/ask.yaml": """\
        journey: ask
        entry: {event: Asked}
        reentry: always
        steps: [{id: pick, decide: best, placement: agent, as: best}]
    """,
}


def ask(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), [str(each) for each in arguments])


def line(at_ms: int, **told: Any) -> str:
    return json.dumps({**told, "timestamp": time_text(START + at_ms)})


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Ann asks twice, and clicks what she gets the first time: the second time a cap keeps it away."""
    write_texts(tmp_path / "shop", SHOP)
    asks = [line(hour * HOUR_MS, type="track", userId="ann", event="Asked", messageId=f"{hour}") for hour in (0, 2)]
    found = simulate(Project.load(tmp_path / "shop"), [each.encode() for each in asks])
    key = next(each.offers[0].proposition for each in found.facts if isinstance(each, Decided))
    clicked = line(HOUR_MS, type="proposition", userId="ann", proposition=key, mark="clicked")
    (tmp_path / "events").write_text("".join(f"{each}\n" for each in (asks[0], clicked, asks[1])))
    done = ask("simulate", tmp_path / "shop", "--events", tmp_path / "events", "--out", tmp_path / "out", "--facts")
    assert done.exit_code == 0, done.output
    return tmp_path / "out"


def test_the_summary_counts_offers_last_and_facts_come_to_the_same(out: Path) -> None:
    summary = json.loads((out / "summary.json").read_text())

    assert [*summary][-1] == "offers"
    assert summary["offers"] == {
        "free": {
            "agent": {
                "decided": 1, "shown": 1, "clicked": 1, "dismissed": 0, "converted": 0, "given_back": 0, "capped": 1,
            }
        }
    }  # fmt: skip
    checked = ask("insight", "check", out)
    assert checked.output == "All facts add up, and to what summary.json says.\n"
    counted = ask("report", out).output.partition("\nOffers\n")[2].splitlines()[:3]
    assert [each.split() for each in counted][::2] == [
        ["offer", "decided", "shown", "clicked", "converted", "capped"],
        ["free", "at", "agent", "1", "1", "1", "0", "1"],
    ]


def test_it_is_told_in_all_forms(out: Path, tmp_path: Path) -> None:
    told = json.loads(ask("report", out, "offer", "--format", "json").output)
    assert told["tables"]["Offers"]["rows"] == [["free", "agent", 1, 1, 0, 0, 0, 1]]
    assert "Offers,free,agent,1,1,0,0,0,1" in ask("report", out, "offer", "free", "--format", "csv").output
    assert "each offer\nOffers that people got" in ask("report", out, "offer").output
    for arguments in (("offer", "--format", "html"), ("--format", "html")):
        page = ask("report", out, *arguments, "--out", tmp_path / "page.html")
        assert page.exit_code == 0, page.output
        assert ">Offers</h2>" in (tmp_path / "page.html").read_text()
    assert "Facts tell of no offer 'fre', did you mean 'free'?" in ask("report", out, "offer", "fre").output


def is_change(what: str, mark: str = "") -> Callable[[dict[str, Any]], bool]:
    return lambda row: row["what"] == what and mark in (row["value"] or "")


@pytest.mark.parametrize(
    ("fact", "equation"),
    [
        (is_change("decided"), "decided = shown + pending + never shown, but 0 is not 1"),
        (is_change("proposition", "shown"), "clicked = clicked and shown, but 1 is not 0"),
    ],
)
def test_a_fact_that_is_taken_out_is_an_error(out: Path, fact: Callable[[dict[str, Any]], bool], equation: str) -> None:
    take_out(out, "changes", fact)

    result = ask("report", out, "offer", "--from", "2027-01-01T00:00:00Z")

    assert result.exit_code == 1
    heading, told = result.output.splitlines()
    assert heading == "Facts do not add up; some are missing, or are there twice."
    assert told.startswith("free at agent, proposition ") and told.endswith(f": {equation}")
    assert equation in str([*map(str, differences(out))])


def test_a_click_that_is_taken_out_is_missed_by_the_summary(out: Path) -> None:
    take_out(out, "changes", is_change("proposition", "clicked"))

    result = ask("insight", "check", out)

    assert result.exit_code == 1
    assert "offers.free.agent.clicked: summary.json = report from facts, but 1 is not 0" in result.output


def test_conversions_are_credited_to_offers(out: Path) -> None:
    words = ["Asked", "--touches", "propositions:clicked", "--models", "last", "--format", "csv"]

    found = ask("attribution", out, *words)

    assert found.exit_code == 0, found.output
    assert [each.split(",")[:2] for each in found.stdout.splitlines()[1:]] == [["last", "free"], ["last", "(none)"]]
    wrong = ask("attribution", out, "Asked", "--touches", "propositions:seen", "--models", "last")
    assert wrong.exit_code != 0 and "shown" in wrong.output
