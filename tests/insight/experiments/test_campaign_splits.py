"""Does the experiment of a campaign's split come to what a program says that draws the parts by itself?"""

from __future__ import annotations

import json
import time
from collections import Counter
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pytest
from scipy.stats import chisquare
from tests.engine.campaign_behaviour import until
from tests.insight.experiments.test_asked_of_facts import DAY, asked, in_time, iso, ran
from tests.insight.experiments.test_asked_of_facts import Person as Buyer
from tests.projects import write_texts
from typer.testing import CliRunner

from parcours import Engine, Settings
from parcours.cli.app import build
from parcours.journey.project import Project

BEGIN = 1_772_409_600_000
"""2026-03-02T00:00:00Z, a Monday."""

WITHIN = 7 * DAY
WEEK = 7 * DAY
RUNS = 3
PARTS = {"mailed": 70, "control": 30}
GOAL = "{goal: {event: Order Completed, within: 7d}, control: control}"


def campaign(experiment: str | None = GOAL, split: str = "{parts: {mailed: 70%, control: 30%}}") -> str:
    compared = "" if experiment is None else f"\n    experiment: {experiment}"
    return f"""\
campaign: spring
schedule: {{at: 2026-03-09T00:00:00, rule: "FREQ=WEEKLY;COUNT=3"}}
steps:
  - {{id: all, read: {{where: has(profile.email)}}}}
  - id: half
    split: {split}{compared}
  - {{id: mail, from: half.mailed, send: news, channels: [email]}}
"""


def project(folder: Path, document: str) -> Path:
    texts = {
        "parcours.yaml": "project: shop\npolicies: {consent: {default: opt_out}}\n",
        "profile.yaml": "traits: {email: string}\n",
        "events.yaml": "events:\n  Order Completed: {properties: {total: number}}\n",
        "messages/news.yaml": "message: news\nemail: {subject: News, text: News}\n",
        "campaigns/spring.yaml": document,
    }
    write_texts(folder / "project", texts)
    return folder / "project"


def crowd(people: int) -> list[Buyer]:
    """People who order now and then, some of them at the bounds of the time for the goal."""
    chance, found = Random(11), []
    for number in range(people):
        split = BEGIN + WEEK
        orders = [(BEGIN + chance.randrange(5 * WEEK), 10.0) for _ in range(chance.randrange(3))]
        if number % 17 == 0:
            orders += [(split + WITHIN, 1.0)]
        if number % 19 == 0:
            orders += [(split + WITHIN + 1, 1.0)]
        found.append(Buyer(f"p{number}", [split + run * WEEK for run in range(RUNS)], sorted(orders)))
    return found


def simulated(folder: Path, document: str, people: list[Buyer]) -> tuple[Path, Path]:
    lines = [
        (BEGIN, {"type": "identify", "userId": each.name, "traits": {"email": f"{each.name}@mail.example"}})
        for each in people
    ]
    lines += [
        (at, {"type": "track", "event": "Order Completed", "userId": each.name, "properties": {"total": total}})
        for each in people
        for at, total in each.orders
    ]
    lines.append((BEGIN + 6 * WEEK, {"type": "track", "event": "Order Completed", "userId": "p0"}))
    source, out, written = folder / "events.ndjson", folder / "out", project(folder, document)
    told = [json.dumps({"timestamp": iso(at), **line}) for at, line in sorted(lines, key=lambda each: each[0])]
    source.write_text("\n".join(told))
    ran("simulate", written, "--events", source, "--out", out, "--facts", "--shards", "2")
    return written, out


def parts_of(run: int, people: list[Buyer], parts: dict[str, int]) -> dict[str, str]:
    """Who falls into which part of a run: by lot, and in exact shares."""
    drawn = sorted(people, key=lambda each: (lot(run, each.name), each.name))
    sizes = {name: len(people) * share // 100 for name, share in parts.items()}
    rests = sorted(parts, key=lambda name: -(len(people) * parts[name] % 100))
    for name in rests[: len(people) - sum(sizes.values())]:
        sizes[name] += 1
    names = [name for name, size in sizes.items() for _ in range(size)]
    return {each.name: name for each, name in zip(drawn, names, strict=True)}


def lot(run: int, name: str) -> bytes:
    return blake2b("\0".join(("spring", str(run), "half", name)).encode()).digest()[:8]


@pytest.mark.parametrize("by", ["person", "run"])
def test_everybody_counts_by_the_part_that_she_fell_into(by: str, tmp_path: Path) -> None:
    people = crowd(203)
    written, out = simulated(tmp_path, campaign(f"{GOAL[:-1]}, by: {by}}}"), people)

    told = asked(out, "spring.half", "--project", written)

    counted, reached = Counter[str](), Counter[str]()
    for run in range(1, RUNS + 1 if by == "run" else 2):
        falls = parts_of(run, people, PARTS)
        for each in people:
            at = each.added[run - 1]
            counted[falls[each.name]] += 1
            reached[falls[each.name]] += bool(in_time(each, at + 1, at + WITHIN))
    assert {name: (each["n"], each["conversions"]) for name, each in told["variants"].items()} == {
        name: (counted[name], reached[name]) for name in PARTS
    }
    assert sum(counted.values()) == (203 * RUNS if by == "run" else 203), "those to whom nothing is sent, too"
    expected = [sum(counted.values()) * share / 100 for share in PARTS.values()]
    chi2, p = chisquare([counted[name] for name in PARTS], expected)
    assert (told["sample_ratio"]["chi2"], told["sample_ratio"]["p"]) == pytest.approx((chi2, p))


def test_parts_of_one_size_are_compared_as_such(tmp_path: Path) -> None:
    people = crowd(30)
    written, out = simulated(tmp_path, campaign(GOAL, "{even: [mailed, other, control]}"), people)

    told = asked(out, "spring.half", "--project", written)

    assert {name: each["n"] for name, each in told["variants"].items()} == {"mailed": 10, "other": 10, "control": 10}
    assert told["sample_ratio"]["chi2"] == pytest.approx(0)


def test_it_is_among_the_experiments_of_a_page(tmp_path: Path) -> None:
    written, out = simulated(tmp_path, campaign(), crowd(20))

    done = CliRunner().invoke(build(), ["report", str(out), "--format", "html", "--project", str(written)])

    assert done.exit_code == 0, done.output
    assert "Verdict: not decided" in done.stdout.partition(">Experiments</h2>")[2].partition("spring.half</bdi>")[2]


def test_a_funnel_is_parted_by_them(tmp_path: Path) -> None:
    people = crowd(50)
    written, out = simulated(tmp_path, campaign(), people)
    words = [str(out), "Order Completed > Order Completed", "--split", "experiment:spring.half"]

    done = CliRunner().invoke(build(), ["funnel", *words, "--project", str(written), "--format", "json"])

    falls = parts_of(1, people, PARTS)
    bought = Counter(falls[each.name] for each in people if each.orders or each.name == "p0")
    assert done.exit_code == 0, done.output
    groups: dict[str, Any] = json.loads(done.stdout)["groups"]
    assert {name: each["steps"][0]["reached"] for name, each in groups.items()} == bought


@pytest.mark.parametrize(
    ("document", "name", "said"),
    [
        (
            campaign(None),
            "spring.half",
            "spring.half has no experiment, and facts tell the parts of a campaign's split",
        ),
        (campaign(), "spring.all", "'spring' has no random split 'all': its splits are half."),
        (campaign(), "sprung.half", "No journey, campaign or hold-out is called 'sprung', did you mean 'spring'?"),
    ],
)
def test_what_facts_do_not_tell_is_said(document: str, name: str, said: str, tmp_path: Path) -> None:
    written, out = simulated(tmp_path, document, crowd(3))

    done = CliRunner().invoke(build(), ["experiment", str(out), name, "--project", str(written)])

    assert done.exit_code == 1 and said in done.stderr.replace("\n", " "), done.stderr


def test_a_split_without_an_experiment_is_told_of_nobody(tmp_path: Path) -> None:
    written, out = simulated(tmp_path, campaign(None), crowd(20))

    done = ran("insight", "sql", "select what, count(*) from moves where step = 'half' group by all", out)

    assert "split" not in done.stdout and written.exists()


def test_a_live_campaign_tells_the_same_parts(tmp_path: Path) -> None:
    people, address = crowd(40), f"sqlite:///{tmp_path / 'store'}"
    written = project(tmp_path, campaign())
    settings = Settings(campaign_lead_ms=20)
    with Engine.open(
        Project.load(written), address, shards=2, runtime="local", records=["email"], settings=settings
    ) as engine:
        for each in people:
            engine.identify(each.name, {"email": f"{each.name}@mail.example"})
        engine.drain(30)
        engine.run_campaign("spring")
        until(lambda: engine.campaign("spring").runs[0].state == "done")
        time.sleep(0.01)  # an order at the instant of the split is none of its time
        for each in people[::2]:
            engine.track(each.name, "Order Completed", {"total": 3})
        engine.drain(30)

    told = asked("spring.half", "--store", address, "--so-far", "--project", written)["variants"]

    falls = parts_of(1, people, PARTS)
    for name in PARTS:
        assert told[name]["n"] == sum(falls[each.name] == name for each in people)
        assert told[name]["conversions"] == sum(falls[each.name] == name for each in people[::2])
