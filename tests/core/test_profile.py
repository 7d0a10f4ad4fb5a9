"""A profile survives its bytes, and its bytes tell when it is due."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.core.paths import keep, replaced
from parcours.core.places.state import Position, Whereabouts
from parcours.core.profile import (
    NEVER,
    Archive,
    DeliveryState,
    Identity,
    Profile,
    Run,
    Timer,
    decode_profile,
    encode_profile,
    is_empty,
    is_unknown_data,
    name_alone,
    next_due,
)
from parcours.core.storable import NESTING_MAX, objection

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
moments = st.integers(0, 2**50)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, plain, max_size=3)
deliveries = st.builds(
    DeliveryState,
    key=texts,
    step=texts,
    visit=st.integers(1, 9),
    channel=texts,
    message=texts,
    to=st.none() | texts,
    state=st.sampled_from(["held", "queued", "claimed", "unknown", "sent", "failed"]),
    may_have_left=st.booleans(),
    marks=st.dictionaries(texts, moments, max_size=2),
    links=st.dictionaries(texts, moments, max_size=2),
)
runs = st.builds(
    Run,
    journey=texts,
    version=st.integers(1, 5),
    number=st.integers(1, 5),
    correlation=st.none() | texts,
    entered_at=moments,
    step=st.none() | texts,
    entry=objects,
    event=objects,
    deliveries=st.lists(deliveries, max_size=2),
    goal_at=st.none() | moments,
    ended_at=st.none() | moments,
)
timers = st.builds(
    Timer, moments, st.integers(1, 99), st.sampled_from(["wait", "timeout", "retry", "reaction", "read"]), texts
)
profiles = st.builds(
    Profile,
    traits=objects,
    runs=st.lists(runs, max_size=2),
    archives=st.dictionaries(texts, st.builds(Archive, left_at=st.none() | moments), max_size=2),
    timers=st.lists(timers, max_size=4),
    counts=st.dictionaries(texts, st.integers(1, 9), max_size=2),
    sequence=st.integers(0, 99),
)


@given(profiles)
def test_a_profile_survives_its_bytes(profile: Profile) -> None:
    data = encode_profile(profile)

    assert decode_profile(data) == profile
    assert encode_profile(decode_profile(data)) == data


@given(profiles)
def test_the_bytes_tell_when_the_next_timer_is_due(profile: Profile) -> None:
    assert next_due(encode_profile(profile)) == min((timer.due for timer in profile.timers), default=NEVER)


ANYTHING = {"change_number": 3, "reserved_ms": 1, "sequence": 1} | {
    field: {"a": 1} for field in ("traits", "counts", "consents", "suppressed", "audiences", "series")
}


@pytest.mark.parametrize("field", Profile.__struct_fields__)
def test_whatever_is_known_of_a_person_makes_her_profile_no_empty_one_but_for_what_has_passed_for_everybody(
    field: str,
) -> None:
    profile = Profile()
    setattr(profile, field, ANYTHING.get(field, [Timer(5, 1, "wait")]))

    assert is_empty(profile) == (field in ("change_number", "reads"))


@given(profiles | st.builds(Profile, change_number=st.integers(0, NEVER)))
def test_the_bytes_tell_whether_a_profile_is_empty(profile: Profile) -> None:
    assert is_unknown_data(encode_profile(profile)) == is_empty(profile)


@pytest.mark.parametrize("parts", [20, 21, 22])
def test_what_an_earlier_release_wrote_is_read_as_it_is(parts: int) -> None:
    """A profile was an array of fewer parts then, which its first bytes say."""

    def written(profile: Profile) -> bytes:
        return encode_profile(profile)[:8] + msgspec.msgpack.encode(list(msgspec.structs.astuple(profile))[:parts])

    moved = Identity(moved_to="sarah")
    assert decode_profile(written(Profile(traits={"city": "Paris"}))) == Profile(traits={"city": "Paris"})
    assert name_alone(written(Profile(identity=moved))) == name_alone(encode_profile(Profile(identity=moved))) == moved
    assert is_unknown_data(written(Profile())) and is_unknown_data(encode_profile(Profile()))
    assert not is_unknown_data(written(Profile(traits={"city": "Paris"})))


def test_whoever_is_somewhere_is_known() -> None:
    profile = Profile(whereabouts=Whereabouts(Position(1, 1, 33.7, -84.4)))

    assert not is_unknown_data(encode_profile(profile))
    assert decode_profile(encode_profile(profile)) == profile


def test_profiles_share_nothing_of_their_defaults() -> None:
    one, other = Profile(), Profile()

    one.traits["city"] = "Rome"
    one.counts["trip"] = 1

    assert other == Profile() == decode_profile(encode_profile(Profile()))


@pytest.mark.parametrize(
    "paths, kept",
    [
        (["a"], {"a": {"b": 1, "c": {"d": 2}}}),
        (["a.b"], {"a": {"b": 1}}),
        (["a.c.d", "a.b"], {"a": {"b": 1, "c": {"d": 2}}}),
        (["a", "a.b"], {"a": {"b": 1, "c": {"d": 2}}}),
        (["e"], {}),  # null counts as absent
        (["a.b.x", "nothing", "f.x"], {}),
    ],
)
def test_only_the_paths_that_are_named_are_kept(paths: list[str], kept: dict[str, object]) -> None:
    source = {"a": {"b": 1, "c": {"d": 2}}, "e": None, "f": "text", "g": 9}

    assert keep(source, frozenset(paths)) == kept
    assert source == {"a": {"b": 1, "c": {"d": 2}}, "e": None, "f": "text", "g": 9}


@given(objects, st.lists(st.sampled_from("abc"), min_size=1, max_size=3), plain)
def test_replacing_a_path_changes_nothing_of_the_source(
    source: dict[str, object], names: list[str], value: object
) -> None:
    before = repr(source)

    changed = replaced(source, ".".join(names), value)

    assert repr(source) == before
    inner: object = changed
    for name in names:
        inner = inner.get(name) if isinstance(inner, dict) else None
    assert inner == value


def nested(levels: int) -> object:
    value: object = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    "value, reason",
    [
        ({"a": [1, 2.5, "x", None, True]}, None),
        ({"a": 2**64 - 1, "b": -(2**63)}, None),
        ({"a": 2**64}, "a whole number of more than 64 bits"),
        ([[{"a": -(2**63) - 1}]], "a whole number of more than 64 bits"),
        (nested(NESTING_MAX), None),
        (nested(NESTING_MAX + 1), "nested more than 64 levels deep"),
        (nested(100_000), "nested more than 64 levels deep"),
    ],
    ids=["plain", "64 bits", "too large", "too small", "as deep as allowed", "too deep", "far too deep"],
)
def test_which_values_are_kept_out(value: object, reason: str | None) -> None:
    assert objection(value) == reason
