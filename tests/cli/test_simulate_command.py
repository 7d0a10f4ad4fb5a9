"""Recorded events go in, three files come out, and what cannot be used is named."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import threading
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from parcours.cli import build
from parcours.cli.lines import REPORTS_MAX
from parcours.core.fact import Moved
from parcours.insight.exporter.opening import recall_exported

LUMA = Path(str(files("parcours.demo") / "luma"))


def call(at: str, **fields: object) -> bytes:
    """One line about Sarah, on the first of March 2024."""
    return msgspec.json.encode({"userId": "sarah", "timestamp": f"2024-03-01T{at}Z", **fields})


IDENTIFIED = call("09:00:00", type="identify", traits={"first_name": "Sarah", "email": "sarah@mail.example"})
CART = {"cart_id": "c1", "cart": {"total": 80, "items": 2}, "email": "sarah@mail.example"}
PROCEEDED = call("10:00:00", type="track", event="Checkout Started", properties=CART)
BOUGHT = call("10:00:30", type="track", event="Order Completed", properties={**CART, "order_id": "L1", "total": 80})


def run(*arguments: str | Path, given: bytes | None = None) -> Result:
    return CliRunner().invoke(build(), ["simulate", *map(str, arguments)], input=given)


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def deliveries(out: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in (out / "deliveries.ndjson").read_text().splitlines()]
    return [(line["at"][11:], line["step"], line["outcome"]) for line in lines]


def test_recorded_events_become_three_files_and_a_report(tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", IDENTIFIED, PROCEEDED, BOUGHT)

    result = run(LUMA, "--events", events, "--out", tmp_path / "out")

    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "deliveries.ndjson", "summary.json", "transitions.ndjson",
    ]  # fmt: skip
    assert deliveries(tmp_path / "out") == [
        ("10:00:20.000Z", "invite-back", "sent"),
        ("10:00:30.000Z", "confirm", "sent"),
    ]
    assert "Lines read: 3 · used 3" in result.stdout
    assert result.stderr == ""


def test_packed_and_piped_events_give_the_same_bytes(tmp_path: Path) -> None:
    lines = b"\n".join([IDENTIFIED, PROCEEDED, BOUGHT])
    (tmp_path / "events.ndjson").write_bytes(lines)
    (tmp_path / "events.ndjson.gz").write_bytes(gzip.compress(lines))

    run(LUMA, "--events", tmp_path / "events.ndjson", "--out", tmp_path / "plain")
    run(LUMA, "--events", tmp_path / "events.ndjson.gz", "--out", tmp_path / "packed")
    run(LUMA, "--events", "-", "--out", tmp_path / "piped", given=lines)

    for name in ("deliveries.ndjson", "summary.json", "transitions.ndjson"):
        plain = (tmp_path / "plain" / name).read_bytes()
        assert plain
        assert (tmp_path / "packed" / name).read_bytes() == plain
        assert (tmp_path / "piped" / name).read_bytes() == plain


@pytest.mark.parametrize("asked, outcome", [((), "sent"), (("--render",), "failed")])
def test_messages_are_rendered_if_that_is_asked_for(tmp_path: Path, asked: tuple[str, ...], outcome: str) -> None:
    shutil.copytree(LUMA, tmp_path / "luma")
    message = tmp_path / "luma" / "messages" / "checkout-abandoned.yaml"
    dividing = message.read_text().replace("subject:", 'subject: "{{ 1 | divided_by: 0 }}" #')
    message.write_text(dividing)
    events = written(tmp_path / "events.ndjson", IDENTIFIED, PROCEEDED)

    result = run(tmp_path / "luma", "--events", events, "--out", tmp_path / "out", *asked)

    assert result.exit_code == 0, result.output
    assert deliveries(tmp_path / "out") == [("10:00:20.000Z", "invite-back", outcome)]
    assert ("divided_by: can't divide by 0" in " ".join(result.stdout.split())) is bool(asked)


def test_what_channels_remark_on_rendered_messages_is_reported_and_kept(tmp_path: Path) -> None:
    shutil.copytree(LUMA, tmp_path / "luma")
    message = tmp_path / "luma" / "messages" / "checkout-abandoned.yaml"
    message.write_text(message.read_text().replace("subject:", 'subject: "{{ profile.nickname }}" #'))
    profile = tmp_path / "luma" / "profile.yaml"
    profile.write_text(profile.read_text().replace("first_name: string", "first_name: string\n  nickname: string"))
    events = written(tmp_path / "events.ndjson", IDENTIFIED, PROCEEDED)

    plain = run(tmp_path / "luma", "--events", events, "--out", tmp_path / "plain")
    rendered = run(tmp_path / "luma", "--events", events, "--out", tmp_path / "rendered", "--render")
    reported = CliRunner().invoke(build(), ["report", str(tmp_path / "rendered")])

    summaries = [json.loads((tmp_path / out / "summary.json").read_text()) for out in ("plain", "rendered")]
    assert summaries[1] == {
        **summaries[0],
        "remarks": {"checkout": {"invite-back": {"email": {"the subject is empty": 1}}}},
    }
    assert "the subject is empty" not in plain.stdout
    for result in (rendered, reported):
        assert "email checkout.invite-back the subject is empty 1" in " ".join(result.stdout.split())


def test_lines_that_cannot_be_used_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    long = b'{"type":"track","padding":"' + b"x" * 2_000_000 + b'"}'
    events = written(tmp_path / "events.ndjson", IDENTIFIED, b"{oops", long, b"[1]", PROCEEDED)

    result = run(LUMA, "--events", events, "--out", tmp_path / "out")

    reports = result.stderr.splitlines()
    assert result.exit_code == 0
    assert [report.split(":")[0] for report in reports] == [f"line {number} is left out" for number in (2, 3, 4)]
    assert all(len(report) < 200 for report in reports)
    assert deliveries(tmp_path / "out") == [("10:00:20.000Z", "invite-back", "sent")]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["events"]["read"], summary["events"]["rejected"]) == (5, 3)


def test_a_file_of_rubbish_does_not_flood_the_screen_and_all_of_it_is_listed(tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", *[b"rubbish"] * (REPORTS_MAX + 80))
    rejected = tmp_path / "out" / "rejected.ndjson"

    result = run(LUMA, "--events", events, "--out", tmp_path / "out")

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == REPORTS_MAX + 2
    assert result.stderr.splitlines()[-1] == "None of the lines that were read could be used."
    assert result.stderr.splitlines()[-2] == f"and 80 more lines are left out; all of them are in {rejected}"
    listed = [json.loads(line) for line in rejected.read_text().splitlines()]
    assert [line["line"] for line in listed] == list(range(1, REPORTS_MAX + 81))
    assert {f"line {line['line']} is left out: {line['reason']}" for line in listed} >= set(
        result.stderr.splitlines()[:-2]
    )


def test_lines_that_do_nothing_here_are_not_used_either(tmp_path: Path) -> None:
    undeclared = call("09:00:00", type="track", event="Chekout Started")
    events = written(tmp_path / "events.ndjson", undeclared)

    result = run(LUMA, "--events", events, "--out", tmp_path / "out")

    assert (result.exit_code, result.stderr) == (1, "None of the lines that were read could be used.\n")
    assert (tmp_path / "out" / "summary.json").exists()


def test_a_simulation_of_nothing_is_in_order(tmp_path: Path) -> None:
    assert run(LUMA, "--events", written(tmp_path / "none.ndjson"), "--out", tmp_path / "out").exit_code == 0


def test_a_list_of_what_was_left_out_does_not_outlive_the_next_simulation(tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.ndjson", b"rubbish", IDENTIFIED)
    good = written(tmp_path / "good.ndjson", IDENTIFIED)

    run(LUMA, "--events", bad, "--out", tmp_path / "out")
    assert (tmp_path / "out" / "rejected.ndjson").exists()
    run(LUMA, "--events", good, "--out", tmp_path / "out")

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "deliveries.ndjson", "summary.json", "transitions.ndjson",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "until, sent",
    [
        ("2024-03-01T10:00:19.999Z", []),
        ("2024-03-01T10:00:20Z", [("10:00:20.000Z", "invite-back", "sent")]),  # due then is in time
        ("2024-03-01T11:00:20+01:00", [("10:00:20.000Z", "invite-back", "sent")]),
    ],
)
def test_time_stops_where_it_is_told_to(until: str, sent: list[tuple[str, str, str]], tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", IDENTIFIED, PROCEEDED)

    run(LUMA, "--events", events, "--out", tmp_path / "out", "--until", until)

    assert deliveries(tmp_path / "out") == sent


def test_events_out_of_order_are_sorted_unless_that_is_refused(tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", BOUGHT, PROCEEDED, IDENTIFIED)

    as_sorted = run(LUMA, "--events", events, "--out", tmp_path / "out")
    refused = run(LUMA, "--events", events, "--out", tmp_path / "none", "--unsorted", "refuse")

    assert as_sorted.exit_code == 0
    assert [step for _, step, _ in deliveries(tmp_path / "out")] == ["invite-back", "confirm"]
    assert refused.exit_code == 1
    assert "line 2" in refused.stderr
    assert not (tmp_path / "none").exists()


def test_the_largest_group_of_names_that_are_linked_is_told(tmp_path: Path) -> None:
    logged_in = call("09:30:00", type="identify", anonymousId="7f3a", traits={})
    events = written(tmp_path / "events.ndjson", IDENTIFIED, logged_in, PROCEEDED)

    result = run(LUMA, "--events", events, "--out", tmp_path / "out", "--json")
    nobody = run(LUMA, "--events", written(events, IDENTIFIED, PROCEEDED), "--out", tmp_path / "none", "--json")

    figures, bare = (json.loads(each.stdout.splitlines()[-1]) for each in (result, nobody))
    assert figures["largest_group"] == {"names": 2, "smallest": "@anonymous/7f3a"}
    assert bare["largest_group"] is None
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {name: figures[name] for name in ("events", "journeys", "channels", "gates")} == {
        name: summary[name] for name in ("events", "journeys", "channels", "gates")
    }


def test_standard_input_is_read_to_its_end_before_anything_happens(tmp_path: Path) -> None:
    logged_in = call("11:00:00", type="identify", anonymousId="7f3a", traits={})
    given = b"".join(line + b"\n" for line in (IDENTIFIED, PROCEEDED, logged_in))

    result = run(LUMA, "--events", "-", "--out", tmp_path / "out", "--unsorted", "refuse", "--json", given=given)

    assert json.loads(result.stdout.splitlines()[-1])["largest_group"]["names"] == 2
    assert deliveries(tmp_path / "out") == [("10:00:20.000Z", "invite-back", "sent")]


def test_a_byte_order_mark_costs_no_event(tmp_path: Path) -> None:
    events = tmp_path / "events.ndjson"
    events.write_bytes(b"\xef\xbb\xbf" + b"\n".join([IDENTIFIED, PROCEEDED]))

    result = run(LUMA, "--events", events, "--out", tmp_path / "out")

    assert (result.exit_code, result.stderr) == (0, "")
    assert deliveries(tmp_path / "out") == [("10:00:20.000Z", "invite-back", "sent")]


def test_events_may_come_from_a_device_or_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = threading.Thread(target=written, args=(pipe, IDENTIFIED, PROCEEDED))
    writing.start()

    piped = run(LUMA, "--events", pipe, "--out", tmp_path / "out")
    writing.join()
    nothing = run(LUMA, "--events", os.devnull, "--out", tmp_path / "nothing")

    assert (piped.exit_code, nothing.exit_code) == (0, 0)
    assert deliveries(tmp_path / "out") == [("10:00:20.000Z", "invite-back", "sent")]
    assert deliveries(tmp_path / "nothing") == []


@pytest.mark.parametrize("events, said", [("nowhere", "there is no file"), ("", "there is no file"), (".", "a folder")])
def test_events_that_cannot_be_read_are_refused_before_the_work(events: str, said: str, tmp_path: Path) -> None:
    result = run(LUMA, "--events", events, "--out", tmp_path / "out")

    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    "out, said",
    [
        ("", "the text is empty"),
        ("shop", "holds the project's documents"),
        ("shop/journeys", "holds the project's documents"),
        ("events", "is a file"),
    ],
)
def test_results_do_not_go_where_they_would_be_in_the_way(
    out: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(LUMA, tmp_path / "shop")
    written(tmp_path / "events", IDENTIFIED)
    monkeypatch.chdir(tmp_path)

    result = run("shop", "--events", "events", "--out", out)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("\u2502", "").split())
    assert not list(tmp_path.rglob("summary.json"))


BIRTHDAY = """
journey: birthday
entry: {event: Start}
steps:
  - {id: until, wait: {until: profile.birthday}}
"""


def test_a_parked_run_is_reported_with_its_step_and_reason(tmp_path: Path) -> None:
    project, out = tmp_path / "shop", tmp_path / "out"
    (project / "journeys").mkdir(parents=True)
    (project / "parcours.yaml").write_text("project: shop\n")
    (project / "profile.yaml").write_text("traits: {birthday: date}\n")
    (project / "events.yaml").write_text("events: {Start: {}}\n")
    (project / "journeys" / "birthday.yaml").write_text(BIRTHDAY)
    events = written(tmp_path / "events.ndjson", call("09:00:00", type="track", event="Start"))

    result = run(project, "--events", events, "--out", out)

    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(line.startswith("birthday.until wait until profile.birthday: profile.birthday is") for line in lines)
    assert json.loads((out / "summary.json").read_text())["parked"] == {"birthday": {"until": 1}}


LETTER = """
journey: letter
entry: {read: everybody, at: "2026-03-16T09:00:00Z", rule: FREQ=WEEKLYEND}
steps: [{id: done, end: true}]
"""


@pytest.mark.parametrize(
    "rule_end, until, entered, said",
    [
        ("", None, 0, True),
        ("", "2026-03-31T00:00:00Z", 3, False),
        (";COUNT=4", None, 4, False),
    ],
)
def test_reads_that_recur_without_end_are_said_to_have_ended(
    rule_end: str, until: str | None, entered: int, said: bool, tmp_path: Path
) -> None:
    project, out = tmp_path / "shop", tmp_path / "out"
    (project / "journeys").mkdir(parents=True)
    (project / "parcours.yaml").write_text("project: shop\n")
    (project / "profile.yaml").write_text("traits: {n: integer}\n")
    (project / "audiences.yaml").write_text("audiences: {everybody: has(profile.n)}\n")
    (project / "journeys" / "letter.yaml").write_text(LETTER.replace("END", rule_end))
    events = written(tmp_path / "events.ndjson", call("09:00:00", type="identify", traits={"n": 1}))

    result = run(project, "--events", events, "--out", out, *(["--until", until] if until else []))

    assert result.exit_code == 0, result.stderr
    assert json.loads((out / "summary.json").read_text())["journeys"]["letter"]["entered"] == entered
    sentence = (
        "The reads of letter recur without end; here they ended with the last event, and go on with --until TIME.\n"
    )
    assert (sentence in result.stderr) is said


LOOP = """
journey: loop
entry: {event: Start}
steps:
  - {id: sleep, wait: 30d, next: sleep}
"""


@pytest.mark.parametrize("until, said", [(None, True), ("2024-05-01T00:00:00Z", False)])
def test_a_journey_that_never_settles_is_said_to_be_cut_off(until: str | None, said: bool, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    (project / "journeys").mkdir(parents=True)
    (project / "parcours.yaml").write_text("project: shop\n")
    (project / "events.yaml").write_text("events: {Start: {}}\n")
    (project / "journeys" / "loop.yaml").write_text(LOOP)
    events = written(tmp_path / "events.ndjson", call("09:00:00", type="track", event="Start"))

    result = run(project, "--events", events, "--out", tmp_path / "out", *(["--until", until] if until else []))

    assert result.exit_code == 0, result.stderr
    assert ("Not everything had settled 400 days after the last event" in result.stderr) is said


@pytest.mark.parametrize(
    "until, said, code",
    [
        ("2024-02-01T00:00:00Z", "3 lines are of a later time than --until 2024-02-01T00:00:00Z, and left out.\n", 1),
        ("2024-03-01T10:00:10Z", "1 line is of a later time than --until 2024-03-01T10:00:10Z, and left out.\n", 0),
        ("2024-03-01T10:00:30Z", "", 0),
    ],
)
def test_lines_that_until_leaves_out_are_told(until: str, said: str, code: int, tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", IDENTIFIED, PROCEEDED, BOUGHT, b"{}")

    result = run(LUMA, "--events", events, "--out", tmp_path / "out", "--until", until)

    assert ("of a later time" in result.stderr, result.exit_code) == (bool(said), code)
    assert said in result.stderr


def test_with_facts_the_folder_of_an_export_lies_beside_the_same_three_files(tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", IDENTIFIED, PROCEEDED, BOUGHT)

    assert run(LUMA, "--events", events, "--out", tmp_path / "without").exit_code == 0
    result = run(LUMA, "--events", events, "--out", tmp_path / "with", "--facts")

    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "with").iterdir()) == [
        "deliveries.ndjson", "facts", "project.json", "summary.json", "transitions.ndjson",
    ]  # fmt: skip
    for path in (tmp_path / "without").iterdir():
        assert path.read_bytes() == (tmp_path / "with" / path.name).read_bytes()
    entered = [
        fact
        for fact in recall_exported(tmp_path / "with", "sarah").facts
        if isinstance(fact, Moved) and fact.what == "entered"
    ]
    summary = json.loads((tmp_path / "with" / "summary.json").read_text())
    assert len(entered) == sum(journey["entered"] for journey in summary["journeys"].values()) == 1


def test_facts_of_an_earlier_simulation_are_told_of(tmp_path: Path) -> None:
    events = written(tmp_path / "events.ndjson", IDENTIFIED, PROCEEDED)
    run(LUMA, "--events", events, "--out", tmp_path / "out", "--facts")

    result = run(LUMA, "--events", events, "--out", tmp_path / "out")

    assert result.exit_code == 0
    assert f"{tmp_path / 'out' / 'facts'} is of another simulation: --facts writes it anew." in result.stderr


def test_facts_without_the_extra_are_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    events = written(tmp_path / "events.ndjson", IDENTIFIED)

    result = run(LUMA, "--events", events, "--out", tmp_path / "out", "--facts")

    assert result.exit_code == 1
    assert "needs the extra [insight]: pip install 'parcours[insight]'" in result.stderr
    assert not (tmp_path / "out").exists()
