"""Each rule of who is who sees a ledger that breaks it; where people log in and nothing fails, none is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from parcours.core.fact import Changed, DeliveryReached, Fact, Merged, Moved
from parcours.core.profile import Identity, Profile
from parcours.testing.faults.checker import check
from parcours.testing.faults.inbox_rules import Inboxes
from parcours.testing.faults.ledgers import Ledgers, ShardEnd
from parcours.testing.faults.plan import plan_of
from parcours.testing.faults.simulate import simulate

LOG_INS = 10
"""A seed in which people log in."""


@pytest.fixture(scope="module")
def good() -> Ledgers:
    """The ledgers of a run in which nothing went wrong."""
    ledgers = simulate(msgspec.structs.replace(plan_of(LOG_INS), faults=())).ledgers
    assert ledgers is not None
    return ledgers


def broken(ledgers: Ledgers) -> set[str]:
    """The rules that are broken."""
    return {violation.partition(":")[0] for violation in check(ledgers, Counter())}


def with_shards(ledgers: Ledgers, change: Callable[[ShardEnd], ShardEnd]) -> Ledgers:
    return replace(ledgers, shards=[change(shard) for shard in ledgers.shards])


def with_identities(ledgers: Ledgers, change: Callable[[str, Identity], Identity | None]) -> Ledgers:
    """The names of everybody at the end changed."""

    def changed(name: str, profile: Profile) -> Profile:
        return msgspec.structs.replace(profile, identity=change(name, profile.identity or Identity()))

    return with_shards(
        ledgers,
        lambda shard: replace(shard, states={name: changed(name, profile) for name, profile in shard.states.items()}),
    )


def with_facts(ledgers: Ledgers, change: Callable[[Fact], list[Fact]]) -> Ledgers:
    """Others in place of each fact."""

    def on(shard: ShardEnd) -> ShardEnd:
        commits = [
            msgspec.structs.replace(commit, facts=[other for fact in commit.facts for other in change(fact)])
            for commit in shard.commits
        ]
        return replace(shard, commits=commits)

    return with_shards(ledgers, on)


def test_people_are_merged_and_no_rule_is_broken(good: Ledgers) -> None:
    assert any(isinstance(fact, Merged) and fact.runs for fact in good.facts)
    assert broken(good) == set()


def test_what_lies_there_of_a_run_that_was_over_when_she_moved_is_not_of_another_run_of_that_number() -> None:
    def lies(person: str, key: str) -> DeliveryReached:
        where = ("cards", 1, 1, "lay", "card", "offer")
        return DeliveryReached(
            1, person, *where, person, "sent", None, key, None, None, 1, "transactional", None, 1, None
        )

    def left(person: str) -> Moved:
        return Moved(2, person, "cards", 1, 1, "over", "exited", "Emptied")

    inboxes = Inboxes()
    for fact in (lies("@anonymous/a", "hers"), Merged(2, "u", "@anonymous/a", "identify"), left("u")):
        inboxes.take(fact)

    assert inboxes.of("u") == ["hers"]
    assert inboxes.lies["hers"] not in inboxes.left


def test_a_run_in_two_profiles_is_found(good: Ledgers) -> None:
    first = next(each for each in good.states.values() if any(run.origin for run in each.past))
    copied = msgspec.structs.replace(first, identity=None)

    doubled = with_shards(good, lambda shard: replace(shard, states={**shard.states, "another": copied}))

    assert "one person s" in broken(doubled)


def test_a_run_told_of_under_its_old_name_is_found(good: Ledgers) -> None:
    first = next(fact for fact in good.facts_in_order if isinstance(fact, Merged) and fact.runs)
    run = first.runs[0]
    old = Moved(first.at, first.name, run.journey, run.version, run.number, run.step, "timed_out")

    late = with_facts(good, lambda fact: [fact, old] if fact == first else [fact])

    assert "one person s" in broken(late)


@pytest.mark.parametrize(
    "change",
    [
        lambda name, identity: msgspec.structs.replace(identity, names={}),
        lambda name, identity: msgspec.structs.replace(identity, moved_to=None),
        lambda name, identity: msgspec.structs.replace(identity, returning=True),
        lambda name, identity: msgspec.structs.replace(identity, names={"@anonymous/x": 1}),
    ],
    ids=["no list", "no address", "returning", "two people's"],
)
def test_names_that_disagree_are_found(good: Ledgers, change: Callable[[str, Identity], Identity]) -> None:
    assert "names" in broken(with_identities(good, change))


def test_a_known_person_who_was_merged_is_found(good: Ledgers) -> None:
    known = next(fact.person for fact in good.facts_in_order if isinstance(fact, Merged))

    def glued(fact: Fact) -> list[Fact]:
        return [fact, msgspec.structs.replace(fact, name=known)] if isinstance(fact, Merged) else [fact]

    assert "known people" in broken(with_facts(good, glued))


def test_a_claim_of_what_one_of_both_had_withdrawn_is_found(good: Ledgers) -> None:
    def withdrawn_before(fact: Fact) -> list[Fact]:
        if not isinstance(fact, DeliveryReached) or fact.outcome != "claimed":
            return [fact]
        return [Changed(fact.at, fact.person, "consent", "email", "withdrawn"), fact]

    assert "withdrawn" in broken(with_facts(good, withdrawn_before))


def test_a_key_by_another_number_is_found(good: Ledgers) -> None:
    def numbered(fact: Fact) -> list[Fact]:
        return [msgspec.structs.replace(fact, key="0" * 37)] if isinstance(fact, DeliveryReached) else [fact]

    assert "keys" in broken(with_facts(good, numbered))


def test_whoever_stands_still_in_the_end_is_found(good: Ledgers) -> None:
    assert "goes on" in broken(with_shards(good, lambda shard: replace(shard, standing_still=["p1"])))


def test_a_sum_over_all_shards_that_is_wrong_is_found(good: Ledgers) -> None:
    first, *others = good.shards
    step, (inflow, gone_on, ended) = first.totals.steps[0]
    steps = [(step, (inflow + 1, gone_on, ended)), *first.totals.steps[1:]]
    more = replace(first, totals=msgspec.structs.replace(first.totals, steps=steps))

    assert "balance" in broken(replace(good, shards=[more, *others]))
