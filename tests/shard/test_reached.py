"""A shard remembers who was reached at an address, for as long as it says, and after a restart too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from parcours.channel import Feedback
from parcours.config import DAY_MS, Settings
from parcours.core.fact import DeliveryReached, LimitReached
from parcours.core.identity import slot_of
from parcours.segment.reports import TEXT_RECEIVED, person_line
from parcours.shard.messages import LineOutcome
from parcours.shard.reached import address_hash

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewWorld = Callable[..., "World"]


def order(world: World, lines: Lines, *people: str) -> None:
    """A mail is claimed for each of them."""
    world.take(*(line for person in people for line in (lines.identify(person), lines.track(person, "Ordered"))))
    assert [each.person for each in world.claim()] == list(people)


def reached(world: World, person: str, channel: str = "email") -> list[str]:
    return world.shard.standing.reached(channel, f"{person}@shop.example")


def test_whoever_a_delivery_was_claimed_for_was_reached_at_its_address(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Ordered"))
    assert reached(world, "anna") == [], "nothing has left"

    world.claim()

    assert reached(world, "anna") == ["anna"]
    assert reached(world, "anna", "sms") == [] and reached(world, "bert") == []


def test_several_people_are_reached_at_one_address(world: World, lines: Lines) -> None:
    shared = lines.identify("anna").replace(b"anna@shop.example", b"home@shop.example")
    other = shared.replace(b'"anna"', b'"bert"')
    world.take(shared, lines.track("anna", "Ordered"), other, lines.track("bert", "Ordered"))
    world.claim()
    assert reached(world, "home") == ["anna", "bert"]


@pytest.mark.parametrize("journal_bytes_max", [64 * 1024 * 1024, 1])
def test_who_was_reached_is_known_after_the_shard_was_opened_again(
    new_world: NewWorld, lines: Lines, journal_bytes_max: int
) -> None:
    world = new_world(settings=Settings(journal_bytes_max=journal_bytes_max), slot=None)
    for person in ("anna", "bert", "anna"):
        order(world, lines, person)
        world.pass_ms(2 * DAY_MS)  # her run is over
    world.reopen()
    assert [reached(world, person) for person in ("anna", "bert")] == [["anna"], ["bert"]]


def test_an_address_is_forgotten_in_time_and_a_later_delivery_renews_it(new_world: NewWorld, lines: Lines) -> None:
    world = new_world(settings=Settings(reached_for_ms=10 * DAY_MS), slot=None)
    order(world, lines, "anna", "bert")
    world.pass_ms(8 * DAY_MS)
    order(world, lines, "anna")
    world.pass_ms(8 * DAY_MS)
    assert [reached(world, person) for person in ("anna", "bert")] == [["anna"], []]


def test_what_has_lapsed_makes_room_as_further_addresses_come(new_world: NewWorld, lines: Lines) -> None:
    world = new_world(settings=Settings(reached_for_ms=DAY_MS), slot=None)
    people = [f"u{number}" for number in range(4_000)]
    one, other = next((a, b) for a in people[:40] for b in people if a < b and same_slot(a, b))
    order(world, lines, one)
    world.pass_ms(30 * DAY_MS)
    order(world, lines, other)
    assert address_hash("email", f"{one}@shop.example") not in all_addresses(world)
    assert address_hash("email", f"{other}@shop.example") in all_addresses(world)
    assert not [fact for fact in world.facts() if isinstance(fact, LimitReached)]


def same_slot(one: str, other: str) -> bool:
    return slot_of(one) == slot_of(other)


def all_addresses(world: World) -> set[bytes]:
    return {address for slot in world.shard._slots.owned.values() for address in slot.reached}


def test_bounds_are_told_when_they_are_reached(new_world: NewWorld, lines: Lines) -> None:
    people = [f"u{number}" for number in range(4_000)]
    one, other = next((a, b) for a in people[:40] for b in people if a < b and same_slot(a, b))
    world = new_world(settings=Settings(reached_addresses_max=1, reached_people_max=1), slot=None)
    order(world, lines, one)
    order(world, lines, other)
    assert [reached(world, person) for person in (one, other)] == [[], [other]]

    world.pass_ms(2 * DAY_MS)
    shared = lines.identify(one).replace(f"{one}@".encode(), f"{other}@".encode())
    world.take(shared, lines.track(one, "Ordered"))
    world.claim()
    assert reached(world, other) == [one]
    told = [fact.setting for fact in world.facts() if isinstance(fact, LimitReached)]
    assert told == ["reached_addresses_max", "reached_people_max"]


def test_somebody_who_is_erased_was_reached_nowhere_and_others_were(world: World, lines: Lines) -> None:
    shared = lines.identify("anna").replace(b"anna@shop.example", b"home@shop.example")
    one, other = "u0", next(f"u{number}" for number in range(1, 4_000) if same_slot("u0", f"u{number}"))
    for person in (one, other):
        world.take(shared.replace(b'"anna"', f'"{person}"'.encode()), lines.track(person, "Ordered"))
    world.claim()
    assert reached(world, "home") == sorted((one, other))

    work = world.shard.commits.begin(world.now_ms)
    world.shard._leaving.reached.forget(work, slot_of(one), one)
    world.shard.commits.commit(work)

    assert reached(world, "home") == [other]
    world.reopen()
    assert reached(world, "home") == [other]


def test_a_report_on_a_person_is_taken_by_her_name_whatever_it_is(world: World, lines: Lines) -> None:
    order(world, lines, "anna")
    report = Feedback(address="anna@shop.example", reaction="unsubscribed", report_id="SM1")
    names = ("anna", "@loyalty/4711", "@anonymous/7f3a")
    batch = [person_line(report, name, "email", as_event=False) for name in names]

    first, second = world.take(*batch), world.take(*batch)

    assert set(first.outcomes) == {LineOutcome.ACCEPTED}
    assert set(second.outcomes) == {LineOutcome.DUPLICATE}
    for name in names:
        profile = world.shard.profile(name)
        assert profile is not None and list(profile.suppressed["email"]) == ["anna@shop.example"]
    assert "unsubscribed" in [fact.outcome for fact in world.facts() if isinstance(fact, DeliveryReached)]


def test_the_same_words_count_again_under_another_id_of_the_provider() -> None:
    report = Feedback(address="+33612345678", reaction="replied", text="ok", report_id="SM1")
    later = Feedback(address="+33612345678", reaction="replied", text="ok", report_id="SM2")
    lines = {person_line(each, "anna", "sms", as_event=True) for each in (report, report, later)}
    assert len(lines) == 2
    assert all(TEXT_RECEIVED.encode() in line for line in lines)


def test_a_report_that_names_a_person_and_something_else_is_rejected(world: World) -> None:
    report = person_line(Feedback(address="a@b.example", reaction="opened"), "anna", "email", as_event=False)
    both = report.replace(b'"person"', b'"key":"k","person"')
    nowhere = report.replace(b'"channel":"email",', b"")
    answer = world.take(both, nowhere, report.replace(b"opened", b"eaten"))
    assert set(answer.outcomes) == {LineOutcome.REJECTED}
    assert [reason.partition(";")[0] for reason in answer.reasons] == [
        "feedback names a delivery by its key or a person by her name, and nobody by an id",
        "feedback on a person needs the channel",
        "unknown reaction 'eaten'",
    ]
