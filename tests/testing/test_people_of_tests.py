"""Who has no user id acts in tests as well, under the name that results have; slips in names are found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parcours.core.fact import DeliveryReached, Merged, Moved, RunMerged
from parcours.core.identity import namespace_of
from parcours.journey.project import Project
from parcours.testing.cases.run import run_cases
from parcours.testing.clocks import PersonClocks
from parcours.testing.explore.properties import PROPERTIES, World
from parcours.testing.explore.traffic import Traffic

SCENE = """\
- test: a visitor
  people:
    sarah: {email: s@luma.example}
    "@anonymous/7f3a": {email: visitor@luma.example}
    "@anonymous/new": null
    "@loyalty/4711": {email: card@luma.example}
  start: 2026-03-02T09:00:00Z
  given:
    - {who: "@anonymous/7f3a", event: Product Added, properties: {cart: {total: 80}}}
    - {who: "@anonymous/new", event: Product Added, properties: {cart: {total: 80}}}
    - {who: "@loyalty/4711", event: Store Visit, properties: {card: 4711}}
    - {who: sarah, identify: {first_name: Sarah}}
  until: +10d
  expect:
    - {who: "@anonymous/7f3a", channel: email, to: visitor@luma.example, at: +1h}
    - {who: "@anonymous/new", channel: email, outcome: refused, gate: address}
    - {who: "@loyalty/4711", journey: visit}
"""
EVENTS = "  Store Visit: {key: {namespace: loyalty, value: event.card}, properties: {card: integer}}\n"
JOURNEY = "{journey: visit, entry: {event: Store Visit}, steps: [{id: done, end: true}]}\n"

CasesOf = Callable[[str], Any]


@pytest.fixture
def visited(luma_copy: Path, cases_of: CasesOf) -> CasesOf:
    """The cases of Luma, where people visit stores as well."""
    with (luma_copy / "events.yaml").open("a") as file:
        file.write(EVENTS)
    (luma_copy / "journeys" / "visit.yaml").write_text(JOURNEY)
    return cases_of


def test_whoever_has_no_user_id_acts_under_the_name_that_results_have(visited: CasesOf) -> None:
    project, cases, findings = visited(SCENE)

    (verdict,) = run_cases(project, cases)

    assert (findings, verdict.refused) == ([], ())
    assert verdict.failures == ()


IDENTIFY = "identify: {first_name: Sarah}"


@pytest.mark.parametrize(
    "change, finding",
    [
        ((IDENTIFY, "merge: '@anonymous/7f3b'"),
         "given[3].merge: unknown person '@anonymous/7f3b', did you mean '@anonymous/7f3a'?"),
        ((IDENTIFY, "identify: {anonymous: 7f3b}"),
         "given[3].identify.anonymous: unknown person '@anonymous/7f3b', did you mean '@anonymous/7f3a'?"),
        ((IDENTIFY, "identify: {loyalty: 7e3}"),
         "given[3].identify.loyalty: an id is a text or a whole number: one such as 7e3 needs quotes"),
        ((f"who: sarah, {IDENTIFY}", "who: '@anonymous/7f3a', identify: {loyalty: 4711}"),
         "given[3].who: only a user takes somebody in"),
        ((f"who: sarah, {IDENTIFY}", "who: '@loyalty/4711', merge: sarah"),
         "given[3].who: only a user takes somebody in"),
        (("{card: 4711}", "{card: 4712}"), "given[2].who: no key of this event's type names '@loyalty/4711'"),
        ((f"who: sarah, {IDENTIFY}", "who: '@loyalty/4711', reaction: opened, of: abandoned-cart.remind"),
         "given[3].who: only a user or an anonymous person reacts in a test"),
        ((IDENTIFY, "identify: {nickname: x}"), "trait 'nickname' is not declared"),
    ],
)  # fmt: skip
def test_a_slip_in_who_is_merged_into_whom_is_found(change: tuple[str, str], finding: str, visited: CasesOf) -> None:
    assert change[0] in SCENE

    findings = visited(SCENE.replace(*change))[2]

    assert [each for each in findings if finding in each] != [], findings


@pytest.mark.parametrize("who", ["@a/b", "@sarah", "a/b"])
def test_a_user_id_that_looks_like_a_name_of_no_namespace_is_one(who: str, visited: CasesOf) -> None:
    scene = re.sub(r"\bsarah\b", f"'{who}'", SCENE)

    project, cases, findings = visited(scene + f"    - {{who: '{who}', journey: visit, times: 0}}\n")

    assert findings == []
    (verdict,) = run_cases(project, cases)
    assert verdict.failures == ()


def test_some_people_of_made_up_traffic_log_in_and_a_few_share_a_device(luma: Project) -> None:
    acts = Traffic(luma, 1).acts(20_000)

    log_ins = [act for act in acts if "anonymousId" in act.call]
    devices = Counter(act.call["anonymousId"] for act in log_ins)
    shared = sum(count for count in devices.values() if count > 1)
    assert 0.15 < len(log_ins) / 2_000 < 0.27
    assert 0.01 < shared / 2_000 < 0.04
    calls = [act.as_call() for act in acts if namespace_of(act.person) == "anonymous"]
    assert calls
    assert not [call for call in calls if "userId" in call]
    for log_in in log_ins:
        assert log_in.as_call() == {**log_in.call, "userId": log_in.person, "timestamp": log_in.as_call()["timestamp"]}


VISITOR = "@anonymous/7f3a"


def moved(at: int, person: str, what: Any, step: str | None, run: int, left: str | None = None) -> Moved:
    return Moved(at, person, "checkout", 1, run, step, what, None, left)


def delivered(at: int, person: str, key: str, outcome: Any) -> DeliveryReached:
    return DeliveryReached(
        at, person, "checkout", 1, 1, "s", "sms", "cart-reminder", "+3361", outcome, None, key, None, None,
        1, "marketing", "cart", 1, None,
    )  # fmt: skip


def test_a_run_that_goes_on_as_another_person_s_breaks_nothing_and_its_loss_does(luma: Project) -> None:
    before = [
        *(moved(0, who, "entered", None, 1) for who in (VISITOR, "u")),
        *(moved(0, who, "reached", "wait", 1) for who in (VISITOR, "u")),
        moved(1, "u", "ended", "wait", 1),
    ]
    merged = Merged(2, "u", VISITOR, "identify", (RunMerged("checkout", 1, 1, 2, None, "wait"),))
    after = [moved(3, "u", "matched", "wait", 2), moved(3, "u", "ended", "wait", 2)]
    world = World(luma.program, PersonClocks(luma.program, []), {})

    def broken(*facts: Any) -> set[str]:
        return {name for name, holds in PROPERTIES.items() if next(holds(world, facts), None) is not None}

    assert broken(*before, merged, *after) == set()
    assert broken(*before, merged, *after, *after) != set()
    assert broken(*before, *after) != set()


def test_a_merge_may_fill_a_window_above_its_cap_and_nothing_is_queued_into_it(luma: Project) -> None:
    world = World(luma.program, PersonClocks(luma.program, []), {"caps": [{"max": 1, "per": "1d"}]})

    def sent(at: int, person: str, key: str) -> list[Any]:
        return [delivered(at, person, key, outcome) for outcome in ("queued", "sent")]

    merged = Merged(3, "u", VISITOR, "identify")
    apart = [*sent(1, VISITOR, "a"), *sent(2, "u", "b"), merged]

    holds = PROPERTIES["no cap exceeded"]
    assert list(holds(world, apart)) == []
    assert [breach.fact for breach in holds(world, [*apart, *sent(4, "u", "c")])] == [sent(4, "u", "c")[1]]


def test_the_clock_of_a_person_goes_by_the_zone_of_whoever_was_merged_if_she_has_none(luma: Project) -> None:
    known = [(0, VISITOR, {"timezone": "Asia/Tokyo"}), (0, "home", {"timezone": "UTC"})]
    hour = 3_600_000
    facts = [
        Merged(1, person, VISITOR, "identify") for person in ("u", "home")
    ] + [delivered(hour, person, person, "sent") for person in ("u", "home")]  # fmt: skip

    local = [time.hour for _, time in PersonClocks(luma.program, known).along(facts) if time is not None]

    assert local == [10, 1]
