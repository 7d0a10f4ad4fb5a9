"""`parcours campaign preview`: what a campaign would do, before it does it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from tests.simulation.campaign_shop import campaign, people, project_in, tracked
from tests.simulation.test_kept_audiences import PEOPLE, keeping
from tests.simulation.test_kept_audiences import shop as keeping_shop
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.insight.summary import Summary

STEPS = (
    {"id": "all", "read": {"where": "profile.score >= 0"}},
    {"id": "split", "split": {"even": ["a", "b"]}},
    {"id": "mail", "from": "split.a", "send": "news", "channels": ["email"]},
    {"id": "opened", "reacted": {"of": "mail", "reaction": "opened", "within": "1d"}},
    {"id": "text", "from": "opened.rest", "send": "news", "channels": ["sms"]},
)

AT = "2026-01-01T10:00:00Z"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A project with a campaign `push`, and what has happened beside it."""
    project_in(tmp_path / "shop", campaign(*STEPS))
    calls = [*people(6), {"type": "consent", "userId": "u3", "channel": "email", "granted": False}]
    calls[-1]["timestamp"] = "2026-01-01T09:30:00Z"
    calls.append(tracked("u1", "Seen", 5))
    (tmp_path / "events.ndjson").write_text("\n".join(map(json.dumps, calls)))
    return tmp_path


def run(shop: Path, *arguments: str) -> Result:
    """The command with the project `SHOP` and the events `EVENTS`."""
    named = {"SHOP": str(shop / "shop"), "EVENTS": str(shop / "events.ndjson")}
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), [named.get(each, each) for each in arguments])


def preview(shop: Path, *arguments: str, campaign: str = "push") -> Result:
    return run(shop, "campaign", "preview", "SHOP", campaign, "--events", "EVENTS", *arguments)


def test_a_preview_has_the_sets_that_the_run_then_makes(shop: Path) -> None:
    done = run(shop, "simulate", "SHOP", "--events", "EVENTS", "--out", str(shop / "out"))
    assert done.exit_code == 0, done.output
    ran = json.loads((shop / "out/summary.json").read_text())["campaigns"]["push"]["steps"]

    shown = preview(shop, "--at", AT, "--format", "json", "--sample", "2")

    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    for step in ("all", "split", "mail"):
        assert {key: found["steps"][step][key] for key in ran[step]} == ran[step]
    assert found["steps"]["opened"]["unforeseen"] and found["steps"]["text"]["outputs"] == {"main": 0, "refused": 0}
    assert [len(rows) for rows in found["sample"].values()] == [2, 2, 2, 2, 0]
    assert found["sample"]["all"] == [{"person": "u0"}, {"person": "u1"}]


def test_sets_are_there_whichever_sends_a_step_waits_for(shop: Path) -> None:
    text = {"id": "text", "from": "all", "send": "news", "channels": ["sms"]}
    both = {"id": "both", "from": "mail", "after": ["text"], "filter": "profile.score > 0"}
    some = {"id": "some", "from": "text", "filter": "profile.score > 1"}
    last = {"id": "last", "intersect": ["some", "mail"]}
    mail = {"id": "mail", "send": "news", "channels": ["email"]}
    project_in(shop / "shop", campaign(STEPS[0], mail, text, both, some, last))

    shown = preview(shop, "--at", AT, "--format", "json")

    assert shown.exit_code == 0, shown.output
    outputs = {name: each["outputs"]["main"] for name, each in json.loads(shown.stdout)["steps"].items()}
    assert outputs == {"all": 6, "mail": 6, "text": 6, "both": 5, "some": 4, "last": 4}


def test_it_says_what_gates_would_refuse_and_changes_nobody(shop: Path) -> None:
    shown = preview(shop, "--at", AT, "--format", "json")

    steps = json.loads(shown.stdout)["steps"]
    in_a = {row["person"] for row in json.loads(shown.stdout)["sample"]["split.a"]}
    assert steps["mail"].get("gates", {}) == ({"consent": 1} if "u3" in in_a else {})
    assert steps["mail"]["outputs"] == {"main": 3, "refused": int("u3" in in_a)}


def test_a_table_is_for_people_and_is_as_of_the_last_event_without_a_time(shop: Path) -> None:
    shown = preview(shop, "--sample", "1")

    assert shown.exit_code == 0, shown.output
    assert "as of 2026-01-01T14:00:00.000Z: nobody is sent anything" in shown.stdout
    assert "What follows on opened is not foreseen, and shown as nobody." in shown.stdout
    assert "split.a\n  u" in shown.stdout


def test_a_graph_is_drawn_on_demand(shop: Path) -> None:
    shown = preview(shop, "--format", "mermaid")

    assert shown.stdout.startswith("flowchart"), shown.output
    assert '-->|"a 3"|' in shown.stdout


def test_a_graph_has_the_sizes_that_a_simulation_counted(shop: Path) -> None:
    done = run(shop, "simulate", "SHOP", "--events", "EVENTS", "--out", str(shop / "out"))
    assert done.exit_code == 0, done.output

    plain = run(shop, "graph", "SHOP", "push")
    counted = run(shop, "graph", "SHOP", "push", "--counts", str(shop / "out"))

    assert '-->|"6"|' in counted.stdout and '-->|"a 3"|' in counted.stdout
    assert re.sub(r' ?\d+"\|', '"|', counted.stdout).replace('|""|', "") == plain.stdout


@pytest.mark.parametrize(
    ("name", "counts", "code", "said"),
    [
        ("push", ".", 1, "holds no summary.json: name the folder that `parcours simulate` wrote."),
        ("push", "elsewhere", 1, "elsewhere has no counts of the campaign 'push'. There are: none."),
        ("push", "nowhere", 2, "does not exist"),
    ],
)
def test_a_graph_without_its_counts_says_what_is_missing(
    name: str, counts: str, code: int, said: str, shop: Path
) -> None:
    (shop / "elsewhere").mkdir()
    (shop / "elsewhere" / "summary.json").write_bytes(msgspec.json.encode(Summary(journeys={}, channels={}, gates={})))

    shown = run(shop, "graph", "SHOP", name, "--counts", str(shop / counts))

    assert (shown.exit_code, said in " ".join(shown.stderr.replace("│", " ").split())) == (code, True), shown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "yesterday"), "is no time with a zone"),
        (("--sample", "-1"), "should be greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_refused(shop: Path, arguments: tuple[str, ...], said: str) -> None:
    shown = preview(shop, *arguments)

    assert shown.exit_code == 2 and said in shown.stderr


def test_an_unknown_campaign_is_named(shop: Path) -> None:
    shown = preview(shop, campaign="pusch")

    assert shown.exit_code == 1
    assert "there is no campaign 'pusch', did you mean 'push'?" in shown.stderr


def test_the_report_of_facts_has_the_campaigns_of_the_simulation(shop: Path) -> None:
    done = run(shop, "simulate", "SHOP", "--events", "EVENTS", "--out", str(shop / "out"), "--facts")
    assert done.exit_code == 0, done.output

    of_facts, of_out = (run(shop, "report", *each) for each in (["--facts", f"{shop}/out/facts"], [f"{shop}/out"]))

    assert of_facts.exit_code == 0, of_facts.output
    assert campaigns_in(of_facts.stdout) == campaigns_in(of_out.stdout)
    assert "push" in campaigns_in(of_facts.stdout)[0]
    assert run(shop, "insight", "check", f"{shop}/out").output.startswith("All facts add up, and to what summary.json")


def test_the_report_of_facts_has_the_audiences_that_are_kept_up_to_date(tmp_path: Path) -> None:
    keeping_shop(tmp_path / "shop", keeping(), parcours={"project": "shop"})
    (tmp_path / "events.ndjson").write_text("\n".join(map(json.dumps, PEOPLE)))
    out = tmp_path / "out"
    done = run(tmp_path, "simulate", "SHOP", "--events", "EVENTS", "--out", str(out), "--facts")
    assert done.exit_code == 0, done.output

    of_facts, of_out = (run(tmp_path, "report", *each) for each in (["--facts", f"{out}/facts"], [str(out)]))

    assert of_facts.exit_code == 0, of_facts.output
    kept = [campaigns_in(each.stdout, "kept.almost")[:6] for each in (of_facts, of_out)]
    assert kept[0] == kept[1] and kept[0][0] == "kept.almost  version 1"
    assert [line.split() for line in kept[0][-2:]] == [["people", "4", "main", "4"], ["save", "4", "main", "4"]]


def campaigns_in(report: str, first_one: str = "push") -> list[str]:
    """The lines of a report from its campaigns on, without what facts do not tell."""
    lines = report.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(first_one))
    return [
        line.rstrip() for line in lines[first:] if line.strip() and not line.startswith(("Lines read", "The clock"))
    ]
