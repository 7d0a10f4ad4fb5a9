"""Decisions of journeys in a simulation: as an independent chooser says, in the same bytes on any number of shards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from tests.projects import write_texts

from parcours.config import Settings
from parcours.core.delivery.proposition_key import code_of
from parcours.core.fact import Decided, Fact, OfferMarked
from parcours.core.time_text import time_text
from parcours.journey.project import Project
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import simulate

START, HOUR, DAY = 1_772_442_000_000, 3_600_000, 86_400_000

SHOP = {
    "parcours.yaml": "project: shop\n",
    "profile.yaml": "traits: {city: string}\n",
    "events.yaml": "events: {Asked: {properties: {total: number}}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}}
        offers:
          weekly: {priority: 9, caps: [{max: 2, per: 7d}], content: {agent: {text: Weekly}}}
          large: {priority: 5, eligible: event.total > 50, content: {agent: {text: Large}}}
          once: {priority: 1, caps: [{max: 1}], content: {agent: {text: Once}}}
          news: {priority: -1, content: {agent: {text: News}}}
        collections: {some: {offers: [weekly, large, once]}}
        decisions: {best: {choose: [{collection: some}], fallback: news}}
    """,
    "journeys/ask.yaml": """\
        journey: ask
        entry: {event: Asked}
        reentry: always
        steps:
          - {id: later, wait: 3h}
          - {id: pick, decide: best, placement: agent, as: best}
          - {id: how, branch: [{when: offers.best.fallback, next: nothing}]}
          - {id: done, end: true}
          - {id: nothing, end: true}
    """,
}

REMEMBERED = "of one request 3 can be remembered (propositions_max)"

Asks = dict[str, list[tuple[int, int]]]


def shop(folder: Path) -> Project:
    write_texts(folder, SHOP)
    return Project.load(folder)


def asks_of(seed: int, people: int = 7) -> Asks:
    """When people ask within twenty days, hours apart, each time for how much."""
    chance = Random(seed)
    return {
        f"u{number}": [
            (START + hour * 4 * HOUR, chance.randrange(100)) for hour in sorted(chance.sample(range(120), 9))
        ]
        for number in range(people)
    }


def chosen_of(asks: Sequence[tuple[int, int]]) -> list[tuple[int, str]]:
    """By hand: what somebody gets, three hours after each time that she asks."""
    got: list[tuple[int, str]] = []
    for asked, total in asks:
        at = asked + 3 * HOUR
        weekly = [when for when, name in got if name == "weekly" and at - 7 * DAY < when]
        if len(weekly) < 2:
            name = "weekly"
        elif total > 50:
            name = "large"
        elif any(name == "once" for _, name in got):
            name = "news"
        else:
            name = "once"
        got.append((at, name))
    return got


def lines_of(asks: Asks) -> list[bytes]:
    calls = sorted(
        (at, who, json.dumps({"type": "track", "userId": who, "event": "Asked", "properties": {"total": total},
                              "messageId": f"{who}-{at}", "timestamp": time_text(at)}))
        for who, done in asks.items() for at, total in done
    )  # fmt: skip
    return [line.encode() for _, _, line in calls]


def decided_of(facts: Sequence[Fact], who: str) -> list[tuple[int, str]]:
    return [
        (each.at, offer.offer)
        for each in facts
        if isinstance(each, Decided) and each.person == who
        for offer in each.offers
    ]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_everybody_gets_what_an_independent_chooser_says_in_the_same_bytes(tmp_path: Path, seed: int) -> None:
    project, asks = shop(tmp_path / "shop"), asks_of(seed)
    files = []
    for shards in (1, 2, 8):
        found = simulate(project, lines_of(asks), shards=shards)
        assert {who: decided_of(found.facts, who) for who in asks} == {
            who: chosen_of(each) for who, each in asks.items()
        }
        write_results(tmp_path / str(shards), found.facts, found.summary)
        files.append({path.name: path.read_bytes() for path in (tmp_path / str(shards)).iterdir()})

    assert files[0] == files[1] == files[2]
    rows = [json.loads(line) for line in files[0]["decisions.ndjson"].splitlines()]
    assert [*rows[0]] == [
        "at", "profile", "decision", "placement", "origin", "offer", "rank", "score", "fallback", "proposition",
    ]  # fmt: skip
    assert sorted((row["profile"], row["at"], row["offer"]) for row in rows) == sorted(
        (who, time_text(at), name) for who, each in asks.items() for at, name in chosen_of(each)
    )
    assert all(row["fallback"] == (row["offer"] == "news") == (row["score"] is None) for row in rows)
    assert len({row["proposition"] for row in rows}) == len(rows)
    moves = [json.loads(line) for line in files[0]["transitions.ndjson"].splitlines()]
    assert [row["why"] for row in moves if row["what"] == "decided"] == [row["offer"] for row in rows]
    assert sum(row["step"] == "nothing" and row["what"] == "reached" for row in moves) == sum(
        row["fallback"] for row in rows
    )


def test_who_was_given_nothing_has_a_line_and_a_project_that_decides_nothing_no_file(tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", SHOP | {"offers.yaml": SHOP["offers.yaml"].replace(", fallback: news", "")})
    asks: Asks = {"u": [(START, 5), (START + 4 * HOUR, 5), (START + 8 * HOUR, 5), (START + 12 * HOUR, 5)]}
    found = simulate(Project.load(tmp_path / "shop"), lines_of(asks))

    write_results(tmp_path / "out", found.facts, found.summary)

    last = json.loads((tmp_path / "out" / "decisions.ndjson").read_bytes().splitlines()[-1])
    assert (last["offer"], last["rank"], last["score"], last["fallback"], last["proposition"]) == (
        None, None, None, False, None,
    )  # fmt: skip
    write_results(tmp_path / "out", [], found.summary)
    assert not (tmp_path / "out" / "decisions.ndjson").exists()


MORE = {
    "events.yaml": "events: {Asked: {properties: {total: number}}, Bought: {}, Redeemed: {properties: {code: string}}}",
    "offers.yaml": SHOP["offers.yaml"].replace("{priority: 9,", "{priority: 9, goal: {event: Bought},"),
}


def test_marks_and_goals_that_no_journey_listens_to_are_taken_all_the_same(tmp_path: Path) -> None:
    write_texts(tmp_path, SHOP | MORE)
    project = Project.load(tmp_path)
    asked = lines_of({"u1": [(START, 5)]})
    key = _given(simulate(project, asked).facts)
    later = [
        {"type": "track", "event": "Bought"},
        {"type": "proposition", "proposition": key, "mark": "shown"},
        {"type": "track", "event": "Bought"},
    ]
    lines = [
        json.dumps({**each, "userId": "u1", "timestamp": time_text(START + 4 * HOUR + number)}).encode()
        for number, each in enumerate(later)
    ]

    told = simulate(project, [*asked, *lines]).facts

    marked = [(each.at - START - 4 * HOUR, each.mark) for each in told if isinstance(each, OfferMarked)]
    assert marked == [(1, "shown"), (2, "converted")]

    redeemed = {"type": "track", "event": "Redeemed", "properties": {"code": code_of(key)}, "userId": "u1"}
    line = json.dumps({**redeemed, "timestamp": time_text(START + 5 * HOUR)}).encode()
    again = simulate(project, [*asked, line]).facts
    assert [each.mark for each in again if isinstance(each, OfferMarked)] == ["converted"]


def _given(facts: Sequence[Fact]) -> str:
    (decided,) = [each for each in facts if isinstance(each, Decided)]
    return decided.offers[0].proposition


SHOWING = {
    "messages/card.yaml": """\
        message: card
        class: transactional
        offers: {hero: {decision: best, placement: {card: tray}}}
        card: {title: "{{ offers.hero.name }}", body: "{{ offers.hero.content }}"}
    """,
    "journeys/show.yaml": """\
        journey: show
        entry: {event: Asked}
        reentry: always
        steps: [{id: send, send: card}, {id: seen, wait: 1m}]
    """,
    "offers.yaml": SHOP["offers.yaml"]
    .replace("placements: {", "placements: {tray: {channel: card, format: text}, ")
    .replace("content: {agent: {text: Weekly}}", 'content: {agent: {text: W}, tray: {text: "For {{ event.total }}"}}')
    .replace("content: {agent: {text: News}}", "content: {agent: {text: N}, tray: {text: News}}"),
}


def test_messages_show_the_same_offers_on_any_number_of_shards(tmp_path: Path) -> None:
    write_texts(tmp_path / "shop", SHOP | SHOWING)
    project, asks = Project.load(tmp_path / "shop"), asks_of(3)
    files = []
    for shards in (1, 2, 8):
        found = simulate(project, lines_of(asks), shards=shards)
        write_results(tmp_path / str(shards), found.facts, found.summary)
        files.append({path.name: path.read_bytes() for path in (tmp_path / str(shards)).iterdir()})

    assert files[0] == files[1] == files[2]
    rows = [json.loads(line) for line in files[0]["decisions.ndjson"].splitlines()]
    shown = [row for row in rows if row["placement"] == "tray"]
    assert len(shown) == sum(map(len, asks.values())) and {row["offer"] for row in shown} == {"weekly", "news"}
    assert all(row["origin"].startswith("show/") and row["origin"].endswith("/send/1/card") for row in shown)


def test_a_recorded_decision_that_cannot_be_made_is_left_out_with_the_reason(tmp_path: Path) -> None:
    def line(**more: object) -> bytes:
        asked = [{"decision": "best", "placement": "agent"}]
        told = {"type": "decision", "userId": "u", "requestId": "r", "decisions": asked, "timestamp": time_text(START)}
        return json.dumps({**told, **more}).encode()

    lines = [
        line(dry=True),
        line(decisions=[{"decision": "bst", "placement": "agent"}]),
        line(decisions=[{"decision": "best", "placement": "agnt"}]),
        line(context={"page": "a"}),
        line(event={"event": "Asked"}),
        line(dry=False),
    ]
    rejected: list[tuple[int, str]] = []
    simulate(shop(tmp_path / "shop"), lines, rejected=lambda number, reason: rejected.append((number, reason)))

    assert [number for number, _ in rejected] == [1, 2, 3, 4, 5]
    reasons = " / ".join(reason for _, reason in rejected)
    for why in ("dry is for", "mean 'best'?", "mean 'agent'?", "context.page: no decision", "goes on a track line"):
        assert why in reasons


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_a_request_counts_once_in_a_recording_and_one_for_too_many_offers_is_left_out(
    tmp_path: Path, shards: int
) -> None:
    def line(at: int, request: str, count: int = 1) -> bytes:
        asked = [{"decision": "best", "placement": "agent", "count": count}]
        call = {"type": "decision", "userId": "ann", "requestId": request, "decisions": asked}
        return json.dumps({**call, "timestamp": time_text(START + at)}).encode()

    lines = [line(0, "r"), line(1, "r"), line(2, "r", 2), line(3, "s", 4), line(DAY, "r")]
    few = Settings(propositions_max=3)

    left_out = list[tuple[int, str]]()

    found = simulate(
        shop(tmp_path / "shop"),
        lines,
        shards=shards,
        settings=few,
        rejected=lambda number, reason: left_out.append((number, reason)),
    )

    given = [each for each in found.facts if isinstance(each, Decided)]
    assert [(each.at - START, each.offers[0].offer) for each in given] == [(0, "weekly"), (DAY, "weekly")]
    assert len({each.offers[0].proposition for each in given}) == 2, "a day later it is another request"
    assert left_out == [(4, f"the decisions of the call may give 4 offers, and {REMEMBERED}: ask for fewer")]
