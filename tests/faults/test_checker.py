"""Each rule of the checker sees a ledger that breaks it, and a run without faults breaks none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from parcours.channel import INBOX
from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.core.inbox_entry import InboxEntry
from parcours.core.profile import DeliveryState, Profile, Run
from parcours.core.totals import NOTHING
from parcours.journey.publish.ledger import Ledger
from parcours.shard.intake import SET_ASIDE
from parcours.testing.faults.changes import Changed
from parcours.testing.faults.checker import RULES, check
from parcours.testing.faults.client import Line
from parcours.testing.faults.ledgers import Ledgers, ShardEnd
from parcours.testing.faults.plan import Change, plan_of
from parcours.testing.faults.provider import Attempt
from parcours.testing.faults.simulate import simulate

BUSY = 7
"""A seed in which something of every kind is sent, exported, and set aside."""


@pytest.fixture(scope="module")
def good() -> Ledgers:
    """The ledgers of a run in which nothing went wrong."""
    ledgers = simulate(msgspec.structs.replace(plan_of(BUSY), faults=())).ledgers
    assert ledgers is not None
    return ledgers


def test_a_run_without_faults_breaks_no_rule_and_meets_all_of_them(good: Ledgers) -> None:
    checked: Counter[str] = Counter()

    assert check(good, checked) == []
    assert set(checked) == {rule.__name__.replace("_", " ") for rule in RULES}


def test_what_was_seen_on_the_way_is_a_violation(good: Ledgers) -> None:
    assert check(replace(good, found=["stale epoch: record 7"]), Counter()) == ["stale epoch: record 7"]


def with_lines(ledgers: Ledgers, change: Callable[[Line], Line]) -> Ledgers:
    return replace(ledgers, lines=[change(line) for line in ledgers.lines])


def with_shards(ledgers: Ledgers, change: Callable[[ShardEnd], ShardEnd]) -> Ledgers:
    return replace(ledgers, shards=[change(shard) for shard in ledgers.shards])


def with_profiles(ledgers: Ledgers, change: Callable[[Profile], object]) -> Ledgers:
    """Changed copies of all profiles at the end."""

    def changed(profile: Profile) -> Profile:
        copy: Profile = msgspec.msgpack.decode(msgspec.msgpack.encode(profile), type=Profile)
        change(copy)
        return copy

    def on(shard: ShardEnd) -> ShardEnd:
        return replace(shard, states={person: changed(profile) for person, profile in shard.states.items()})

    return with_shards(ledgers, on)


def with_facts(ledgers: Ledgers, change: Callable[[list[Fact]], list[Fact]]) -> Ledgers:
    """Other facts in each record."""

    def on(shard: ShardEnd) -> ShardEnd:
        commits = [msgspec.structs.replace(commit, facts=change(commit.facts)) for commit in shard.commits]
        return replace(shard, commits=commits)

    return with_shards(ledgers, on)


def doubled_history(ledgers: Ledgers) -> Ledgers:
    def double(profile: Profile) -> None:
        for entries in profile.series.values():
            entries.times, entries.values = 2 * entries.times, 2 * entries.values

    return with_profiles(ledgers, double)


def lost_history(ledgers: Ledgers) -> Ledgers:
    return with_profiles(ledgers, lambda profile: profile.series.clear())


def never_acknowledged(ledgers: Ledgers) -> Ledgers:
    return with_lines(ledgers, lambda line: replace(line, acked=None))


def rejected(ledgers: Ledgers) -> Ledgers:
    return with_lines(ledgers, lambda line: replace(line, rejected="it is no call"))


def set_aside_for_ever(ledgers: Ledgers) -> Ledgers:
    return with_shards(ledgers, lambda shard: replace(shard, letters=1))


def rejected_without_a_letter(ledgers: Ledgers) -> Ledgers:
    return with_lines(ledgers, lambda line: replace(line, rejected=SET_ASIDE))


def handed_in_often(ledgers: Ledgers) -> Ledgers:
    return with_lines(ledgers, lambda line: replace(line, tries=2))


def acknowledged_the_other_way_round(ledgers: Ledgers) -> Ledgers:
    moments = {line.data: len(ledgers.lines) - place for place, line in enumerate(ledgers.lines)}
    return with_lines(ledgers, lambda line: replace(line, given=moments[line.data], acked=moments[line.data]))


def earlier_stamps(ledgers: Ledgers) -> Ledgers:
    def on(shard: ShardEnd) -> ShardEnd:
        commits = [msgspec.structs.replace(commit, stamp_ms=commit.stamp_ms - 1) for commit in shard.commits]
        return replace(shard, commits=commits)

    return with_shards(ledgers, on)


def a_timer_lost(ledgers: Ledgers) -> Ledgers:
    def without(facts: list[Fact]) -> list[Fact]:
        return [fact for fact in facts if not (isinstance(fact, Moved) and fact.what == "timed_out")]

    return with_facts(ledgers, without)


def another_end(ledgers: Ledgers) -> Ledgers:
    return with_profiles(ledgers, lambda profile: profile.traits.update(seen=-1))


def forgotten_on_disk(ledgers: Ledgers) -> Ledgers:
    return with_shards(ledgers, lambda shard: replace(shard, restored={}))


def wrong_totals(ledgers: Ledgers) -> Ledgers:
    return with_shards(ledgers, lambda shard: replace(shard, totals=NOTHING))


def exported_with_a_gap(ledgers: Ledgers) -> Ledgers:
    return with_shards(ledgers, lambda shard: replace(shard, exported=(shard.exported or ())[1:]))


def exported_twice(ledgers: Ledgers) -> Ledgers:
    return with_shards(ledgers, lambda shard: replace(shard, exported=[*(shard.exported or ())] * 2))


def published_in_one_shard(ledgers: Ledgers) -> Ledgers:
    other = replace(ledgers.shards[1], ledger=Ledger(number=2))
    return replace(ledgers, shards=[ledgers.shards[0], other])


def a_change_answered_and_lost(ledgers: Ledgers) -> Ledgers:
    return replace(ledgers, changes=[Changed(Change(1.0, "stop", "order"), 99)])


def arrived_twice(ledgers: Ledgers) -> Ledgers:
    return replace(ledgers, attempts=[attempt for attempt in ledgers.attempts for _ in range(2)])


def nothing_arrived(ledgers: Ledgers) -> Ledgers:
    attempts: list[Attempt] = []
    return replace(ledgers, attempts=attempts)


def left_before_it_was_claimed(ledgers: Ledgers) -> Ledgers:
    def on(facts: list[Fact]) -> list[Fact]:
        left = [
            Moved(fact.at, fact.person, fact.journey, fact.version, fact.run, fact.step, "exited")
            for fact in facts
            if isinstance(fact, DeliveryReached) and fact.outcome == "claimed"
        ]
        return [*left, *facts]

    return with_facts(ledgers, on)


def still_queued(ledgers: Ledgers) -> Ledgers:
    def queue(profile: Profile) -> None:
        delivery = DeliveryState("key", "step", 1, "email", "receipt", None, "queued")
        profile.runs.append(Run("order", 1, 99, None, 0, deliveries=[delivery]))

    return with_profiles(ledgers, queue)


def without(ledgers: Ledgers, *outcomes: str) -> Ledgers:
    def on(facts: list[Fact]) -> list[Fact]:
        return [fact for fact in facts if not (isinstance(fact, DeliveryReached) and fact.outcome in outcomes)]

    return with_facts(ledgers, on)


def told_twice(ledgers: Ledgers, outcome: str) -> Ledgers:
    def on(facts: list[Fact]) -> list[Fact]:
        again = [fact for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome == outcome]
        return [*facts, *again]

    return with_facts(ledgers, on)


def laid_twice(ledgers: Ledgers) -> Ledgers:
    return told_twice(ledgers, "sent")


def never_laid(ledgers: Ledgers) -> Ledgers:
    return without(ledgers, "sent")


def withdrawn_twice(ledgers: Ledgers) -> Ledgers:
    return told_twice(ledgers, "withdrawn")


def left_and_not_taken_back(ledgers: Ledgers) -> Ledgers:
    def on(facts: list[Fact]) -> list[Fact]:
        left = [
            Moved(fact.at, fact.person, fact.journey, fact.version, fact.run, fact.step, "exited")
            for fact in facts
            if isinstance(fact, DeliveryReached) and fact.outcome == "sent" and fact.channel in INBOX
        ]
        return [*facts, *left]

    return with_facts(ledgers, on)


def lies_for_ever(ledgers: Ledgers) -> Ledgers:
    return without(ledgers, "withdrawn", "dismissed")


def lies_and_nobody_told(ledgers: Ledgers) -> Ledgers:
    entry = InboxEntry("key", "card", "offer", 0, 1, False, b"{}", ())
    return with_profiles(ledgers, lambda profile: profile.inbox.append(entry))


def nothing_seen(ledgers: Ledgers) -> Ledgers:
    return replace(ledgers, looks=[msgspec.structs.replace(look, keys=()) for look in ledgers.looks])


def seen_twice(ledgers: Ledgers) -> Ledgers:
    return replace(ledgers, looks=[msgspec.structs.replace(look, keys=2 * look.keys) for look in ledgers.looks])


def seen_after_it_was_gone(ledgers: Ledgers) -> Ledgers:
    late = {number: len(shard.commits) for number, shard in enumerate(ledgers.shards)}
    return replace(ledgers, looks=[msgspec.structs.replace(look, commits=late[look.shard]) for look in ledgers.looks])


@pytest.mark.parametrize(
    "rule, broken",
    [
        ("applied once", doubled_history),
        ("applied once", lost_history),
        ("acknowledged", never_acknowledged),
        ("acknowledged", rejected),
        ("dead letters", set_aside_for_ever),
        ("dead letters", rejected_without_a_letter),
        ("brought home", handed_in_often),
        ("order", acknowledged_the_other_way_round),
        ("early", earlier_stamps),
        ("twin", a_timer_lost),
        ("twin", another_end),
        ("recovery", forgotten_on_disk),
        ("published", published_in_one_shard),
        ("published", a_change_answered_and_lost),
        ("totals", wrong_totals),
        ("exported", exported_with_a_gap),
        ("exported", exported_twice),
        ("duplicates", arrived_twice),
        ("marketing", arrived_twice),
        ("transactional", nothing_arrived),
        ("not after", left_before_it_was_claimed),
        ("at rest", still_queued),
        ("laid once", laid_twice),
        ("laid once", never_laid),
        ("laid once", withdrawn_twice),
        ("taken back", left_and_not_taken_back),
        ("in inboxes", lies_for_ever),
        ("in inboxes", lies_and_nobody_told),
        ("seen in inboxes", nothing_seen),
        ("seen in inboxes", seen_twice),
        ("seen in inboxes", seen_after_it_was_gone),
    ],
)
def test_a_broken_rule_is_told(good: Ledgers, rule: str, broken: Callable[[Ledgers], Ledgers]) -> None:
    violations = check(broken(good), Counter())

    assert [violation for violation in violations if violation.startswith(f"{rule}: ")]
