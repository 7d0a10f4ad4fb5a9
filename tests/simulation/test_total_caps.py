"""Total caps in a simulation: never exceeded, all given out, and the same files on any number of shards."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from tests.projects import write_texts

from parcours.core.fact import Decided, OfferMarked
from parcours.core.time_text import time_text
from parcours.journey.project import Project
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.result_files import write_results
from parcours.simulation.simulation import simulate

START, MINUTE, HOUR, DAY = 1_772_442_000_000, 60_000, 3_600_000, 86_400_000

SHOP = {
    "parcours.yaml": "project: shop\ntimezone: Europe/Rome\n",
    "profile.yaml": "traits: {city: string}\n",
    "events.yaml": "events: {Asked: {}, Told: {}, Gone: {}}\n",
    "offers.yaml": """\
        placements: {agent: {channel: agent, format: text}, news-card: {channel: card, format: text}}
        offers:
          few:
            priority: 9
            caps: [{max: 7, by: everybody}, {max: 2}]
            content: {agent: {text: Few}, news-card: {text: F}}
          daily: {priority: 8, caps: [{max: 3, by: everybody, per: day}], content: {agent: {text: Daily}}}
          some: {priority: 7, caps: [{max: 40, by: everybody}], content: {agent: {text: Some}, news-card: {text: S}}}
          rest: {content: {agent: {text: Rest}, news-card: {text: R}}}
        decisions: {best: {choose: [{collection: all}]}, three: {choose: [{collection: all}], count: 3}}
    """,
    "messages/hero.yaml": """\
        message: hero
        class: transactional
        offers: {hero: {decision: best, placement: {card: news-card}}}
        card: {title: "{{ offers.hero.name }}"}
    """,
    "journeys/ask.yaml": """\
        journey: ask
        entry: {event: Asked}
        reentry: always
        steps:
          - {id: pick, decide: best, placement: agent, as: first}
          - {id: later, wait: 3h}
          - {id: again, decide: three, placement: agent, as: second}
          - {id: done, end: true}
    """,
    "journeys/tell.yaml": """\
        journey: tell
        entry: {event: Told}
        reentry: always
        exit: [{event: Gone}]
        steps: [{id: tell, send: hero}, {id: stay, wait: 1d}]
    """,
}


def shop(folder: Path, **changed: str) -> Project:
    write_texts(folder, SHOP | changed)
    return Project.load(folder)


def line_of(who: str, event: str, at: int) -> bytes:
    call = {"type": "track", "userId": who, "event": event, "messageId": f"{who}-{event}-{at}"}
    return json.dumps({**call, "timestamp": time_text(at)}).encode()


def crowd(seed: int, people: int = 30) -> list[bytes]:
    """Everybody asks and is told something some times within three days, many of them at the same instants."""
    chance = Random(seed)
    calls = [
        (START + chance.randrange(36) * 2 * HOUR, f"u{number}", event)
        for number in range(people)
        for event in ("Asked", "Asked", "Told", "Gone")
    ]
    return [line_of(who, event, at) for at, who, event in sorted({*calls})]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_total_caps_give_the_same_files_on_any_number_of_shards(tmp_path: Path, seed: int) -> None:
    project, lines = shop(tmp_path / "shop"), crowd(seed)
    files = []
    for shards in (1, 2, 8):
        found = simulate(project, lines, shards=shards)
        write_results(tmp_path / str(shards), found.facts, found.summary)
        files.append({path.name: path.read_bytes() for path in (tmp_path / str(shards)).iterdir()})

    assert files[0] == files[1] == files[2]
    decided = [each for each in found.facts if isinstance(each, Decided)]
    given = Counter(offer.offer for each in decided for offer in each.offers)
    back = Counter(each.offer for each in found.facts if isinstance(each, OfferMarked) and each.mark == "given_back")
    days = Counter((each.at + HOUR) // DAY for each in decided for offer in each.offers if offer.offer == "daily")
    assert (given["few"] - back["few"], given["some"] - back["some"]) == (7, 40)
    assert max(days.values()) == 3 and given["rest"] > 0
    assert not any(letter == "u" for each in decided for tried in each.trace for _, letter, *_ in tried.looked)


def test_of_an_instant_those_come_first_whose_names_are_first(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop")
    lines = [line_of(f"u{number}", "Told", START) for number in (9, 5, 8, 3, 7, 1, 6, 2, 4)]

    facts = simulate(project, lines, shards=2).facts

    got = {each.person: each.offers[0].offer for each in facts if isinstance(each, Decided)}
    assert got == {f"u{number}": "few" if number <= 7 else "some" for number in range(1, 10)}
    (why,) = {each.trace[0].looked[0] for each in facts if isinstance(each, Decided) and each.person == "u8"}
    assert (why[0], why[1], why[3]) == ("few", "t", "7 of 7 for everybody")


def test_an_offer_that_went_to_two_together_is_asked_for_each(tmp_path: Path) -> None:
    project = shop(tmp_path / "shop")
    lines = [line_of("u1", "Asked", START)]

    (first, second) = (each for each in simulate(project, lines).facts if isinstance(each, Decided))

    assert [each.offer for each in first.offers] == ["few"]
    assert [each.offer for each in second.offers] == ["few", "daily", "some"]


def test_timers_of_people_without_later_events_ask_before_whoever_asks_later(tmp_path: Path) -> None:
    offers = SHOP["offers.yaml"].replace("max: 7", "max: 2")
    project = shop(tmp_path / "shop", **{"offers.yaml": offers})
    lines = [line_of("u9", "Asked", START), line_of("u1", "Asked", START + 4 * HOUR)]

    facts = simulate(project, lines, shards=2).facts

    assert [each.person for each in facts if isinstance(each, Decided) and "few" in {o.offer for o in each.offers}] == [
        "u9",
        "u9",
    ]


def test_a_campaign_gives_out_what_there_is(tmp_path: Path) -> None:
    campaign = """\
        campaign: push
        schedule: {at: 2026-03-02T12:00:00Z}
        steps: [{id: all, read: asked}, {id: mail, send: hero}]
    """
    audiences = 'audiences: {asked: \'count("Gone", "30d") > 0\'}\n'
    project = shop(tmp_path / "shop", **{"campaigns/push.yaml": campaign, "audiences.yaml": audiences})
    lines = [line_of(f"u{number}", "Gone", START) for number in range(10)]

    told = [simulate(project, lines, shards=shards, campaigns=CampaignsAsked()).facts for shards in (1, 2)]

    for facts in told:
        got = {each.person: each.offers[0].offer for each in facts if isinstance(each, Decided)}
        assert got == {f"u{number}": "few" if number < 7 else "some" for number in range(10)}
