"""A shard finds people by their addresses without looking through anybody, and after a restart too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours.config import Settings
from parcours.core.fact import LimitReached
from parcours.core.identity import slot_of

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

NewWorld = Callable[..., "World"]


def with_email(person: str, email: str | None) -> bytes:
    return msgspec.json.encode({"type": "identify", "userId": person, "traits": {"email": email}})


def found(world: World, address: str, channel: str = "email") -> list[str]:
    return world.shard.persons.find(channel, address)


def test_whoever_has_an_address_is_found_by_it_though_nothing_has_left(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.identify("bert"))

    assert found(world, "anna@shop.example") == ["anna"]
    assert found(world, "anna@shop.example", "sms") == [] and found(world, "cleo@shop.example") == []


def test_several_people_share_an_address_until_one_of_them_has_another(world: World, lines: Lines) -> None:
    world.take(*(with_email(person, "home@shop.example") for person in ("anna", "bert")))
    assert found(world, "home@shop.example") == ["anna", "bert"]

    world.take(lines.identify("anna"))

    assert found(world, "home@shop.example") == ["bert"] and found(world, "anna@shop.example") == ["anna"]


def test_whoever_has_taken_an_address_away_is_found_by_it_only_where_something_has_left_for_there(
    world: World, lines: Lines
) -> None:
    world.take(lines.identify("anna"), lines.identify("bert"), lines.track("anna", "Ordered"))
    world.claim()
    world.take(*(with_email(person, None) for person in ("anna", "bert")))

    assert found(world, "anna@shop.example") == ["anna"] and found(world, "bert@shop.example") == []


@pytest.mark.parametrize("journal_bytes_max", [64 * 1024 * 1024, 1])
def test_people_are_found_after_the_shard_was_opened_again(
    new_world: NewWorld, lines: Lines, journal_bytes_max: int
) -> None:
    world = new_world(settings=Settings(journal_bytes_max=journal_bytes_max), slot=None)
    for _ in range(2):
        world.take(lines.identify("anna"), lines.identify("bert"))
        world.take(with_email("bert", "new@shop.example"))
    world.reopen()

    told = [found(world, address) for address in ("anna@shop.example", "bert@shop.example", "new@shop.example")]
    assert told == [["anna"], [], ["bert"]]


def test_a_bound_is_told_when_it_is_reached(new_world: NewWorld) -> None:
    first, second, third = sorted(p for p in map("u{}".format, range(8_000)) if slot_of(p) == slot_of("u0"))[:3]
    world = new_world(settings=Settings(address_people_max=2), slot=None)
    world.take(*(with_email(person, "home@shop.example") for person in (first, second, third)))

    assert found(world, "home@shop.example") == [second, third]
    assert [fact.setting for fact in world.facts() if isinstance(fact, LimitReached)] == ["address_people_max"]


def test_whoever_is_erased_is_found_by_no_address(world: World) -> None:
    world.take(*(with_email(person, "home@shop.example") for person in ("anna", "bert", "cleo")))
    world.take(with_email("cleo", "own@shop.example"))
    shard = world.shard
    with shard.commits.whole():
        work = shard.commits.begin(world.now_ms)
        shard.persons._addresses.forget(work, slot_of("anna"), "anna")
        shard.commits.commit(work)

    assert found(world, "own@shop.example") == ["cleo"] and found(world, "home@shop.example") == ["bert"]
