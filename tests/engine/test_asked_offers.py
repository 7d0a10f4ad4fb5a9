"""Whoever asks a running engine which offers somebody gets is answered once that is committed, or else in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.projects import write_texts

from parcours import Engine
from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.fact import Decided as DecidedFact
from parcours.core.fact import OfferMarked
from parcours.errors import CallerError, ShardUnavailable
from parcours.journey.project import Project
from parcours.service.decided import Asking, OfferDecided
from parcours.service.service import Service

START = 1_772_442_000_000

SHOP = {
    "parcours.yaml": "project: shop\n",
    "profile.yaml": "traits: {city: string}\n",
    "events.yaml": "events: {Seen: {properties: {page: string}}}\n",
    "offers.yaml": """\
        placements: {banner: {channel: web, format: json}, agent: {channel: agent, format: text}}
        offers:
          free:
            priority: 9
            attributes: {store: Atlanta}
            eligible: context.page == "yoga" || count("Seen", "1d") == 1
            caps: [{max: 2, of: decided}]
            content:
              banner: {json: {text: "Free in {{ profile.city }}, {{ offer.attributes.store }}"}, url: "https://a.example"}
              agent: {text: "Offer {{ context.page }}"}
          ten: {priority: 5, content: {banner: {json: {text: Ten}}, agent: {text: Ten}}}
          news: {content: {banner: {json: {text: News}}}}
        collections: {some: {offers: [free, ten]}}
        decisions:
          best: {choose: [{collection: some}], fallback: news, context: {page: string}}
          bare: {choose: [{collection: some}]}
    """,
}


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    write_texts(tmp_path / "shop", SHOP)
    return Project.load(tmp_path / "shop")


def opened(shop: Project, store: str = "memory:", shards: int = 2) -> Engine:
    patient = Settings(decision_timeout_ms=60_000)  # a busy machine is no reason for fallbacks here
    return Engine.open(shop, store, runtime="local", shards=shards, clock=ManualClock(START), settings=patient)


def test_the_answer_says_what_the_offer_says_to_her_and_is_remembered(shop: Project) -> None:
    with opened(shop) as engine:
        engine.identify("sarah", {"city": "Rome"}).result()

        told = engine.decide("sarah", "best", placement="banner", context={"page": "yoga"}).result()

        (offer,) = told.offers
        assert (offer.name, offer.score, offer.fallback, told.is_late) == ("free", 9, False, False)
        assert offer.attributes == {"store": "Atlanta"}
        assert offer.content["json"] == {"text": "Free in Rome, Atlanta"}
        assert str(offer.content["url"]).startswith("https://a.example?offer_code=")
        (fact,) = [each for each in engine.facts("sarah") if isinstance(each, DecidedFact)]
        assert [each.proposition for each in fact.offers] == [offer.proposition]
        assert offer.proposition is not None
        engine.mark_offer("sarah", offer.proposition, "clicked").result()
        assert [each.mark for each in engine.facts("sarah") if isinstance(each, OfferMarked)] == ["shown", "clicked"]


def test_the_same_request_again_is_answered_the_same_after_a_restart_too(shop: Project, tmp_path: Path) -> None:
    answers = []
    for _ in range(2):
        with opened(shop, f"sqlite:///{tmp_path / 'store'}") as engine:
            for _ in range(2):
                asked = engine.decide("sarah", "best", placement="agent", context={"page": "yoga"}, request_id="r1")
                answers.append(asked.result().offers)
            other = engine.decide("tom", "best", placement="agent", context={"page": "yoga"}, request_id="r1").result()
            assert other.offers[0].proposition != answers[0][0].proposition, "it is another person's request"

    assert len({each[0].proposition for each in answers}) == 1
    with opened(shop, f"sqlite:///{tmp_path / 'store'}") as engine:
        assert len([each for each in engine.facts("sarah") if isinstance(each, DecidedFact)]) == 1


@pytest.mark.parametrize("shards", [1, 2, 8])
def test_a_cap_is_never_exceeded_however_many_ask_at_once(shop: Project, shards: int) -> None:
    with opened(shop, shards=shards) as engine:
        asked = [
            engine.decide(f"u{number % 5}", "best", placement="agent", context={"page": "yoga"}) for number in range(50)
        ]

        given = [(number % 5, each.result().offers[0].name) for number, each in enumerate(asked)]

    assert [given.count((person, "free")) for person in range(5)] == [2] * 5


def test_several_decisions_of_a_request_give_an_offer_once_and_know_the_event_before(shop: Project) -> None:
    seen = {"event": "Seen"}
    with opened(shop) as engine:
        asked = [Asking("bare", "banner"), Asking("bare", "agent", 2)]

        told = engine.decisions("sarah", asked, before=[seen], request_id="r2").result()

    assert [[each.name for each in one.offers] for one in told.decisions] == [["free"], ["ten"]]
    assert told.request_id == "r2"


def test_who_is_not_known_is_known_by_what_she_gets_and_by_nothing_else(shop: Project) -> None:
    with opened(shop) as engine:
        assert engine.decide(None, "bare", placement="agent", anonymous_id="a1").result().offers[0].name == "ten"
        assert engine.profile("@anonymous/a1") is not None

    bare = SHOP["offers.yaml"].replace("ten: {priority: 5,", "ten: {priority: 5, eligible: profile.city == 'Rome',")
    write_texts(shop.folder, {"offers.yaml": bare})
    with opened(Project.load(shop.folder)) as engine:
        assert engine.decide("tom", "bare", placement="agent").result().offers == ()
        assert engine.profile("tom") is None


def test_where_the_shard_does_not_answer_the_fallback_comes_in_time(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ShardUnavailable("it restarts")

    with opened(shop) as engine:
        monkeypatch.setattr(Service, "take_lines", away)

        best = engine.decide("sarah", "best", placement="banner").result()
        bare = engine.decide("sarah", "bare", placement="banner").result()

    assert best.is_late and best.offers == (OfferDecided("news", {"json": {"text": "News"}}, {}, None, True),)
    assert bare.is_late and bare.offers == ()


@pytest.mark.parametrize(
    "decision, placement, more, fault",
    [
        ("bests", "agent", {}, "there is no decision 'bests', did you mean 'best'?"),
        ("best", "agents", {}, "there is no placement 'agents', did you mean 'agent'?"),
        ("best", "agent", {"context": {"pages": 1}}, "context.pages: no decision that is asked for declares it"),
        ("bare", "agent", {"context": {"page": "a"}}, "context.page: no decision that is asked for declares it"),
        ("best", "agent", {"context": {"page": 3}}, "context.page is a string, and not 3"),
        ("best", "agent", {"context": {"page": {"a"}}}, "context.page is a string, and not {'a'}"),
        ("best", "agent", {"request_id": "\ud800"}, "a text that UTF-8 can write is expected"),
        ("best", "agent", {"anonymous_id": "\ud800"}, "a text that UTF-8 can write is expected"),
        ("best", "agent", {"count": 31}, "decision: decisions are a list of objects with decision and placement"),
        ("best", "agent", {"request_id": ""}, "request_id=''"),
        ("best", "agent", {"request_id": "r" * 201}, "decision: a requestId longer than 200 characters"),
    ],
)
def test_what_nobody_knows_is_refused_when_it_is_asked(
    shop: Project, decision: str, placement: str, more: dict[str, object], fault: str
) -> None:
    with opened(shop) as engine, pytest.raises(CallerError) as raised:
        engine.decide("sarah", decision, placement=placement, **more)  # type: ignore[arg-type]

    assert fault in str(raised.value)


@pytest.mark.parametrize("asked", [["best"], "best", [Asking("best", "agent"), None], Asking("best", "agent"), None])
def test_what_is_no_list_of_askings_is_refused(shop: Project, asked: Any) -> None:
    with opened(shop) as engine, pytest.raises(CallerError, match="a list of Asking is expected"):
        engine.decisions("sarah", asked)


@pytest.mark.parametrize("context, fault", [({"page": 3}, "a string, and not 3"), ({"pages": 1}, "mean 'page'")])
def test_a_preview_takes_the_context_that_is_declared(shop: Project, context: dict[str, object], fault: str) -> None:
    with opened(shop) as engine, pytest.raises(CallerError, match=fault):
        engine.preview_offers("best", context=context)


def test_what_is_only_tried_says_why_and_changes_nothing(shop: Project) -> None:
    with opened(shop) as engine:
        engine.identify("sarah", {"city": "Rome"}).result()
        before = engine.profile("sarah")

        told = engine.decide("sarah", "best", placement="banner", dry=True).result()
        nobody = engine.decide("tom", "best", placement="agent", context={"page": "yoga"}, dry=True).result()

        assert [(each.name, each.proposition, each.content) for each in told.offers] == [
            ("ten", None, {"json": {"text": "Ten"}})
        ]
        assert told.why.startswith("best at banner: ten (score 5); free: not eligible, context.page")
        assert [each.content for each in nobody.offers] == [{"text": "Offer yoga"}]
        assert engine.profile("sarah") == before and engine.profile("tom") is None
        assert [each for each in engine.facts("sarah") if isinstance(each, DecidedFact)] == []


def test_strangers_who_are_forgotten_get_what_nobody_counts_and_leave_no_trace(shop: Project) -> None:
    settings = Settings(decision_timeout_ms=60_000, strangers="forget")
    with Engine.open(shop, "memory:", runtime="local", clock=ManualClock(START), settings=settings) as engine:
        yoga = {"page": "yoga"}
        asked = [engine.decide("tom", "best", placement="agent", context=yoga, request_id="r") for _ in range(2)]
        known = engine.decide("sarah", "best", placement="agent", context=yoga)  # free has a cap
        tried = engine.decide("ann", "best", placement="agent", context=yoga, dry=True).result()
        engine.identify("sarah", {"city": "Rome"}).result()
        sarah = engine.decide("sarah", "best", placement="agent", context=yoga).result()

        for told in (*[each.result() for each in asked], known.result()):
            assert [(each.name, each.proposition, each.content) for each in told.offers] == [
                ("ten", None, {"text": "Ten"})
            ]
            assert not told.is_late and not told.why
        assert tried.why == "best at agent: ten (score 5); free: capped, nothing is counted of strangers"
        assert engine.profile("tom") is None and engine.facts("tom") == []
        assert [(each.name, bool(each.proposition)) for each in sarah.offers] == [("free", True)]


def test_what_is_only_tried_is_as_if_her_timers_had_fired(shop: Project) -> None:
    write_texts(
        shop.folder,
        {
            "journeys/move.yaml": """\
                journey: move
                entry: {event: Seen}
                steps:
                  - {id: wait, wait: 1h}
                  - {id: move, update: {city: '"Rome"'}}
            """
        },
    )
    clock = ManualClock(START)
    patient = Settings(decision_timeout_ms=60_000)
    with Engine.open(Project.load(shop.folder), "memory:", runtime="local", clock=clock, settings=patient) as engine:
        engine.track("sarah", "Seen", {}).result()
        moved = [engine.decide("sarah", "best", placement="banner", dry=True).result().offers[0].content]
        clock.move_to(START + 3_600_001)
        moved.append(engine.decide("sarah", "best", placement="banner", dry=True).result().offers[0].content)
        assert (sarah := engine.profile("sarah")) is not None and not sarah.traits, "nothing of it is kept"

    assert [each["json"] for each in moved] == [{"text": "Free in , Atlanta"}, {"text": "Free in Rome, Atlanta"}]
