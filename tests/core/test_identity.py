"""No two people share a name, and everybody has one shard."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from parcours.core.identity import SLOTS, SlotMap, name_hash, person_asked_for, person_in, person_name, slot_of

ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ["@user/@a", "@a", "@anonymous/a", "a", "@loyalty/a", "@", "@user/a", "/", "@/", "@anonymous/"]
)
namespaces = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,8}", fullmatch=True) | st.just("loyalty")
named = st.one_of(
    st.tuples(st.just("user"), ids),
    st.tuples(st.just("anonymous"), ids),
    st.tuples(namespaces, ids),
)


def name_of(identity: tuple[str, str]) -> str:
    namespace, value = identity
    if namespace == "user":
        person = person_name(value, None)
    elif namespace == "anonymous":
        person = person_name(None, value)
    else:
        person = person_in(namespace, value)
    assert person is not None
    return person


@given(named, named)
@example(("user", "@anonymous/a"), ("anonymous", "a"))
@example(("user", "@user/@a"), ("user", "@a"))
def test_two_people_never_share_a_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    assume(one != other)

    assert name_of(one) != name_of(other)


@given(ids)
def test_the_namespaces_user_and_anonymous_are_those_of_the_ids_themselves(value: str) -> None:
    assert person_in("user", value) == person_name(value, None)
    assert person_in("anonymous", value) == person_name(None, value)


@pytest.mark.parametrize(
    "text, person",
    [
        ("sarah", "sarah"),
        ("a/b", "a/b"),
        ("@sarah", "@user/@sarah"),  # a user id
        ("@", "@user/@"),
        ("@user/@sarah", "@user/@sarah"),  # names, copied from a result
        ("@anonymous/7f3a", "@anonymous/7f3a"),
        ("@user/@a/b", "@user/@a/b"),
    ],
)
def test_somebody_is_asked_for_by_user_id_or_by_name(text: str, person: str) -> None:
    assert person_asked_for(text) == person


@pytest.mark.parametrize("value", [None, "", True, False, 1.5, ["a"], {"a": 1}])
def test_what_cannot_name_anybody_names_nobody(value: object) -> None:
    assert person_in("loyalty", value) is None


@given(ids, st.integers(1, 64))
def test_every_person_lies_in_one_shard(person: str, shards: int) -> None:
    slot = slot_of(person)

    assert 0 <= slot < SLOTS
    assert 0 <= SlotMap(shards).shard(person) < shards
    assert SlotMap(shards).slot(person) == SlotMap(shards).slot_of_bytes(person.encode()) == slot
    assert slot in SlotMap(shards).owned_by(SlotMap(shards).shard(person))


def test_whoever_has_a_home_lives_there_and_everybody_else_where_her_name_says() -> None:
    moved = SlotMap(4, {"zoë": 7, "@anonymous/a": 900})

    for name, home in (("zoë", 7), ("@anonymous/a", 900), ("sarah", slot_of("sarah"))):
        assert moved.slot(name) == moved.slot_of_bytes(name.encode()) == home
        assert moved.slot_of_hash(slot_of(name), name_hash(name)) == home
        assert moved.shard(name) == moved.owner(home)


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 64, SLOTS])
def test_each_shard_has_its_share_of_the_slots(shards: int) -> None:
    sizes = [len(SlotMap(shards).owned_by(shard)) for shard in range(shards)]

    assert sum(sizes) == SLOTS
    assert max(sizes) - min(sizes) <= 1
