"""Who would get which offer, asked of recorded events and of a store: what is told is what a decision then gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.projects import write_texts
from typer.testing import CliRunner, Result

from parcours import Engine, Project, Settings
from parcours.cli import build
from parcours.core.time_text import time_text

START = 1_772_442_000_000
"""2026-03-02T09:00:00Z"""

SHOP = {
    "parcours.yaml": "project: shop\n",
    "profile.yaml": "traits: {city: string, age: integer}\n",
    "events.yaml": "events: {Asked: {properties: {total: number}}, Seen: {}}\n",
    "audiences.yaml": 'audiences:\n  grown: profile.age > 17\n  keen: count("Asked", "30d") > 1\n',
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}, web: {channel: web, format: text}}
        offers:
          local: {priority: 9, eligible: profile.city == "Atlanta", content: {agent: {text: Local}}}
          once: {priority: 5, caps: [{max: 1}], content: {agent: {text: Once}, web: {text: Once}}}
          page: {priority: 4, eligible: context.page == "classes", content: {agent: {text: Page}}}
          news: {content: {agent: {text: News}}}
        collections: {some: {offers: [local, once, page]}}
        decisions: {best: {choose: [{collection: some}], fallback: news, context: {page: string}}}
    """,
    "journeys/ask.yaml": """\
        journey: ask
        entry: {event: Asked}
        reentry: always
        steps: [{id: pick, decide: best, placement: agent, as: best}]
    """,
}

PEOPLE: dict[str, dict[str, Any]] = {
    "ann": {"city": "Atlanta", "age": 33},
    "ben": {"city": "Seattle", "age": 40},
    "cem": {"city": "Seattle", "age": 12},
    "dan": {"age": 50},
}


def ask(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), [str(each) for each in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_texts(tmp_path / "shop", SHOP)
    return tmp_path / "shop"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Ben has asked, and got what comes once."""
    lines = [
        {"type": "identify", "userId": name, "traits": traits, "timestamp": time_text(START + number)}
        for number, (name, traits) in enumerate(PEOPLE.items())
    ]
    lines.append({"type": "track", "userId": "ben", "event": "Asked", "timestamp": time_text(START + 60_000)})
    (tmp_path / "events").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    return tmp_path / "events"


def told(*arguments: str | Path) -> dict[str, Any]:
    found = ask("offers", "preview", *arguments, "--json")
    assert found.exit_code == 0, found.output
    answer: dict[str, Any] = json.loads(found.output)
    return answer


def test_an_audience_is_told_who_would_get_what_and_why_not_the_rest(shop: Path, events: Path) -> None:
    answer = told(shop, "best", "--audience", "grown", "--placement", "agent", "--events", events)

    assert (answer["decision"], answer["people"], answer["at"]) == ("best", 3, START + 60_000)
    assert answer["placements"] == {
        "agent": {
            "offers": {"local": 1, "news": 1, "once": 1},
            "fallback": 1,
            "nothing": 0,
            "reasons": {
                "local": {"not_eligible": 2},
                "once": {"capped": 1, "outranked": 1},
                "page": {"not_eligible": 3},
            },
        }
    }
    assert [each["person"] for each in answer["sample"]] == ["ann", "ben", "dan"]
    assert answer["sample"][1] == {
        "person": "ben",
        "placements": {"agent": ["news"]},
        "reasons": {"agent": {"local": "not_eligible", "once": "capped", "page": "not_eligible"}},
    }


def test_a_condition_and_the_context_say_of_whom_and_what(shop: Path, events: Path) -> None:
    where = 'profile.city == "Seattle" && !in_audience("grown")'
    answer = told(shop, "best", "--where", where, "--context", "page=classes", "--events", events)

    assert answer["people"] == 1
    assert {place: each["offers"] for place, each in answer["placements"].items()} == {
        "agent": {"once": 1}, "web": {"once": 1},
    }  # fmt: skip
    assert answer["placements"]["web"]["reasons"] == {"local": {"no_content": 1}, "page": {"no_content": 1}}
    assert told(shop, "best", "--where", 'count("Asked", "7d") > 0', "--events", events)["people"] == 1


def test_one_person_is_told_as_of_an_instant(shop: Path, events: Path) -> None:
    found = ask("offers", "preview", shop, "best", "--as", "ben", "--placement", "agent", "--events", events)
    assert found.output.splitlines() == [
        "best as of 2026-03-02T09:01:00.000Z, of 1 person; nobody is given anything",
        "",
        "at agent",
        "  news: 1",
        "  as the fallback: 1",
        "  not local: not_eligible 1",
        "  not once: capped 1",
        "  not page: not_eligible 1",
        "",
        "ben at agent: news; local: not_eligible; once: capped; page: not_eligible",
    ]
    before = told(shop, "best", "--as", "ben", "--events", events, "--at", "2026-03-02T09:00:30Z")
    assert before["sample"][0]["placements"] == {"agent": ["once"], "web": ["once"]}


def test_a_store_is_asked_as_of_its_end_and_what_is_told_is_what_is_given_then(shop: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store'}"
    project, patient = Project.load(shop), Settings(decision_timeout_ms=10_000)
    with Engine.open(project, store, runtime="local", settings=patient) as engine:
        for name, traits in PEOPLE.items():
            engine.identify(name, traits).result()
        engine.track("ben", "Asked").result()

    answer = told(shop, "best", "--audience", "grown", "--placement", "agent", "--store", store)

    with Engine.open(project, store, runtime="local", settings=patient) as engine:
        live = engine.preview_offers("best", audience="grown", placements=["agent"])
        one = engine.preview_offers("best", person="ben", placements=["agent"])
        given = {
            name: [each.name for each in engine.decide(name, "best", placement="agent").result().offers]
            for name in ("ann", "ben", "dan")
        }
    assert {each["person"]: each["placements"]["agent"] for each in answer["sample"]} == given
    assert {each.person: each.placements["agent"] for each in live.sample} == given
    assert (one.people, [each.person for each in one.sample]) == (1, ["ben"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["best"], 2, "choose one of --as, --audience and --where"),
        (["best", "--as", "ann", "--audience", "grown"], 2, "choose one of --as, --audience and --where"),
        (["bets", "--as", "ann"], 1, "there is no decision 'bets', did you mean 'best'?"),
        (["best", "--as", "nobody"], 1, "nothing is known of 'nobody'"),
        (["best", "--audience", "grow"], 1, "there is no audience 'grow', did you mean 'grown'?"),
        (["best", "--as", "ann", "--placement", "wbe"], 1, "there is no placement 'wbe', did you mean 'web'?"),
        (["best", "--as", "ann", "--context", "pag=1"], 1, "context.pag: no decision that is asked for declares it"),
        (["best", "--as", "ann", "--context", "page"], 2, "NAME=VALUE is expected"),
        (["best", "--where", "profile.cty == 'x'"], 1, "did you mean 'profile.city'?"),
        (["best", "--where", "profile.age + 1"], 1, "a condition is true or false"),
        (["best", "--where", 'count("Seen", "7d") > 0'], 1, "no history of 'Seen' is kept that tells this"),
        (["best", "--where", 'count("Asked", "31d") > 0'], 1, "no history of 'Asked' is kept that tells this"),
    ],
)
def test_what_cannot_be_asked_is_said(shop: Path, events: Path, arguments: list[str], code: int, words: str) -> None:
    found = ask("offers", "preview", shop, *arguments, "--events", events)

    assert (found.exit_code, words in " ".join(found.output.split())) == (code, True), found.output
