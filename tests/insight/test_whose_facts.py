"""Which facts are a person's, of those that were told under the names that she has had."""

from __future__ import annotations

import pytest

from parcours.core.fact import Fact, JoiningCall, Looked, Merged, NotMerged, RunMerged, Unmatched
from parcours.insight.whose_facts import Told, merged_names, owner_by_facts, told_of

A, B = "@anonymous/7f3a", "@anonymous/9c"
UNUSED = RunMerged("cart", 1, 1, None, "unused", "rest")


def done(at: int, person: str) -> Unmatched:
    return Unmatched(at, person, "opened", "why")


def merged(at: int, name: str = A, person: str = "ann", *runs: RunMerged) -> Merged:
    return Merged(at, person, name, "identify", tuple(runs))


def test_what_was_told_under_a_name_is_hers_until_the_merge_and_somebody_else_s_from_then_on() -> None:
    facts: list[Fact] = [done(1, A), done(5, A), done(6, A), done(3, "ann"), merged(5), done(7, "ann"), done(4, B)]

    told = told_of(facts, "ann", used=True)

    assert told == [done(1, A), done(3, "ann"), done(5, A), merged(5), done(7, "ann")]
    assert told_of(told, "ann", used=True) == told
    assert told_of(facts, "ann", used=False) == [done(3, "ann"), merged(5), done(7, "ann")]
    assert told_of(facts, A, used=True) == [done(1, A), done(5, A), done(6, A)]


def test_of_a_name_of_which_it_is_forgotten_when_it_was_merged_all_is_hers_as_long_as_she_has_it() -> None:
    facts: list[Fact] = [done(1, A), done(2, B), done(3, "ann")]

    assert told_of(facts, "ann", used=True, names=[A]) == [done(1, A), done(3, "ann")]


def test_what_did_not_count_at_the_time_of_the_merge_is_not_told_later_either() -> None:
    facts: list[Fact] = [done(1, A), done(2, B), merged(5, A, "ann", UNUSED), merged(6, B)]

    assert told_of(facts, "ann", used=True) == [done(2, B), merged(5, A, "ann", UNUSED), merged(6, B)]


def test_what_a_resumed_journey_has_made_up_for_stands_where_it_was_told() -> None:
    facts: list[Fact] = [done(1, A), done(3, "ann"), done(9, "ann"), done(4, "ann"), merged(9)]

    assert told_of(facts, "ann", used=True) == [done(1, A), done(3, "ann"), done(9, "ann"), done(4, "ann"), merged(9)]


def shared(at: int, other: str = "7f3a", call: JoiningCall = "identify") -> NotMerged:
    return NotMerged(at, "bob", call, other, "shared")


@pytest.mark.parametrize(
    "facts, owner",
    [
        ([], A),
        ([done(1, A), merged(5)], "ann"),
        ([merged(5, B)], A),
        ([merged(5), Looked(7, A, "care", "GET /people/{id}")], "ann"),  # a look moves nobody
        ([merged(5), shared(6)], A),  # somebody else was called by it
        ([merged(5), shared(6, "9c")], "ann"),  # that was another id
        ([shared(4), merged(5)], "ann"),
        ([done(6, A), merged(5)], A),  # something has happened to her since
        ([merged(9, A, "eve"), done(8, A), merged(5)], "eve"),
    ],
)
def test_a_name_belongs_to_whom_it_was_merged_into_last_unless_it_is_a_person_s_own_again(
    facts: list[Fact], owner: str
) -> None:
    assert owner_by_facts(facts, A) == owner


def test_what_is_told_knows_its_names() -> None:
    facts: list[Fact] = [done(1, A), merged(5), merged(6, B), merged(6, "@anonymous/1", "bob")]

    assert merged_names(facts, "ann") == {A, B}
    assert Told.of("ann", [A], facts, used=True).facts == [done(1, A), merged(5), merged(6, B)]
