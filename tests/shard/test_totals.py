"""What a shard's facts add up to comes back from its store exactly, and agrees with its people."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.shard.recorded_batches import recorded_batch

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.clock import ManualClock
from parcours.config import DAY_MS, MINUTE_MS, Settings
from parcours.core.fact import Fact
from parcours.core.identity import SlotMap, slot_of
from parcours.core.totals import OTHER, FactCounter, Totals
from parcours.insight.summary import EventCount, Tally, journey_counts, summary_of
from parcours.shard.host import ShardHost
from parcours.shard.messages import FactsAfter
from parcours.shard.requests import (
    GetTotals,
    NewestFacts,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from parcours.shard.shard import Shard
from parcours.shard.slots import OWN
from parcours.shard.timekeeping import VirtualTime
from parcours.shard.totals import TOTALS, StoredTotals
from parcours.store.memory import VolatileStore

if TYPE_CHECKING:
    from tests.shard.conftest import Lines, World

SLOT = 7
PEOPLE = [name for name in map(str, range(10_000)) if slot_of(name) == SLOT][:4]

SEVERAL_STORES = [
    Settings(),  # all facts are counted again
    Settings(totals_facts_max=7),  # the totals are written now and then
    Settings(totals_facts_max=7, journal_bytes_max=1),  # and so are images, behind which the journal is trimmed
    Settings(journal_bytes_max=1, totals_max=5, reasons_max=1),  # and not all is counted apart
]

LIVES = st.lists(
    st.one_of(
        st.lists(
            st.tuples(
                st.sampled_from(PEOPLE),
                st.sampled_from(["identify", "Started", "Started", "Bought", "Ordered", "Emptied", "Posted"]),
                st.sampled_from(["c1", "c2"]),
            ),
            min_size=1,
            max_size=5,
        ),
        st.sampled_from([1, 20_001, 5 * MINUTE_MS, DAY_MS + 1]),
        st.sampled_from(
            [Accepted("k"), NotSent("k", "busy"), Ambiguous("k", "?"), Refused("k", "no"), Refused("k", "550 gone")]
        ),
    ),
    min_size=1,
    max_size=20,
)


@given(LIVES, st.sets(st.integers(0, 19)), st.sampled_from(SEVERAL_STORES))
def test_totals_come_back_as_if_there_had_been_no_crash_and_are_those_of_all_facts(
    new_world: Callable[..., World], lines: Lines, life: list[object], crashes: set[int], settings: Settings
) -> None:
    world, twin = new_world(slot=SLOT, settings=settings), new_world(slot=SLOT, settings=settings)
    told: list[Fact] = []

    for number, part in enumerate(life):
        live(twin, lines, part)
        live(world, lines, part)
        told += facts_since(world, told)
        world.store.read_through(world.shard.commits.sequence)
        twin.store.read_through(twin.shard.commits.sequence)
        if number in crashes:
            before = world.shard.totals.totals(), world.shard.totals.newest(0).newest
            world.reopen()
            assert (world.shard.totals.totals(), world.shard.totals.newest(0).newest) == before

    assert world.shard.totals.totals() == twin.shard.totals.totals()
    assert msgspec.structs.replace(world.shard.totals.totals(), lines=(0, 0, 0, 0)) == counted(told, settings)
    assert summary(world) == tally(world, told, settings)
    assert check(world) == []


def live(world: World, lines: Lines, part: object) -> None:
    match part:
        case list(calls):
            world.take(
                *[
                    lines.identify(person) if event == "identify" else lines.track(person, event, cart)
                    for person, event, cart in calls
                ]
            )
        case int(duration_ms):
            world.pass_ms(duration_ms)
        case Accepted() | NotSent() | Ambiguous() | Refused():
            world.settle(*[answered(part, outgoing.key) for outgoing in world.claim()])
        case _:
            raise AssertionError(part)


def answered(receipt: Receipt, key: str) -> Receipt:
    return msgspec.structs.replace(receipt, key=key)


def facts_since(world: World, told: list[Fact]) -> list[Fact]:
    """The facts of the newest record, or of none: each part of a life is one commit at most."""
    newest = world.shard.totals.newest(len(told))
    assert newest.first == len(told) + 1 and newest.newest == len(told) + len(newest.facts)
    return newest.facts


def counted(facts: list[Fact], settings: Settings) -> Totals:
    counter = FactCounter(settings.totals_max, settings.reasons_max)
    counter.add(facts)
    return counter.totals()


def summary(world: World) -> object:
    totals = world.shard.totals.totals()
    counts = journey_counts(totals, world.program.journeys)
    return summary_of(totals, dict(counts), EventCount(), None)


def tally(world: World, facts: list[Fact], settings: Settings) -> object:
    summed = Tally(world.program.journeys, settings)
    summed.add(facts)
    return summed.summary(EventCount(), None)


def check(world: World) -> list[str]:
    differences: list[str] = []
    while not world.shard.totals.is_checked:
        differences += world.shard.totals.check(1)
    return differences


EVERYWHERE = st.lists(
    st.tuples(
        st.sampled_from([str(number) for number in range(30)]),
        st.sampled_from(["Ordered", "Started", "Bought", "Emptied"]),
    ),
    min_size=1,
    max_size=8,
)


@given(EVERYWHERE, st.lists(EVERYWHERE, min_size=1, max_size=6))
def test_the_check_of_who_waits_may_go_on_while_people_move(
    new_world: Callable[..., World],
    lines: Lines,
    before: list[tuple[str, str]],
    meanwhile: list[list[tuple[str, str]]],
) -> None:
    world = new_world()
    world.take(*[lines.track(person, event) for person, event in before])
    world.reopen()

    differences: list[str] = []
    for calls in meanwhile:
        differences += world.shard.totals.check(2)
        world.take(*[lines.track(person, event) for person, event in calls])
        world.pass_ms(9_000)

    assert differences + check(world) == []


def wrong(totals: Totals) -> Totals:
    """Sums that some fault has left: nobody was seen to reach one step, and two too many another one."""
    steps = {step: counts for step, counts in totals.steps if step[2] != "way"}
    inflow, gone_on, ended = steps["remind", 1, "bought"]
    steps["remind", 1, "bought"] = inflow + 2, gone_on, ended
    return msgspec.structs.replace(totals, steps=sorted(steps.items()))


def with_wrong_totals(world: World, lines: Lines) -> None:
    """Three runs wait; a record of the journal says something else."""
    world.take(lines.track("anna", "Started"), lines.track("bert", "Ordered"), lines.track("cleo", "Ordered"))
    (newest,) = world.store.records(after=world.shard.commits.sequence - 1)
    stored = StoredTotals(newest.sequence + 1, wrong(world.shard.totals.totals()))
    entry = (OWN, TOTALS, msgspec.msgpack.encode(stored))
    record = {"sequence": newest.sequence + 1, "profiles": [entry], "facts": b"", "seen": [], "outbox": []}
    world.store.append(msgspec.structs.replace(newest, **record))
    world.reopen()


def waiting(world: World) -> dict[str, int]:
    counts = [count for _, count in journey_counts(world.shard.totals.totals(), world.program.journeys)]
    assert all(each.inflow == each.waiting + each.gone_on + each.ended for c in counts for each in c.steps.values())
    return {step: each.waiting for count in counts for step, each in count.steps.items() if each.waiting}


def test_totals_that_differ_from_the_people_are_told_and_put_right_for_good(world: World, lines: Lines) -> None:
    with_wrong_totals(world, lines)
    assert waiting(world) == {"bought": 3}

    assert check(world) == [
        "remind@1.bought: 3 runs were counted as waiting, and 1 are there",
        "ship@1.way: 0 runs were counted as waiting, and 2 are there",
    ]

    assert waiting(world) == {"bought": 1, "way": 2}
    world.take(lines.track("dora", "Started"))  # with it they are written
    world.reopen()
    assert waiting(world) == {"bought": 2, "way": 2}
    assert check(world) == []


class Said(logging.Handler):
    """Keeps what is logged, and says when there is something."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.said = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
        self.said.set()


def test_the_host_checks_what_waits_by_itself_and_logs_what_differs(world: World, lines: Lines) -> None:
    with_wrong_totals(world, lines)
    said = Said()

    async def scenario() -> Totals:
        host = ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda channel: None)
        host.look()
        await asyncio.wait_for(said.said.wait(), timeout=10)
        totals = await host.ask(GetTotals())
        await host.close()
        return totals

    logging.getLogger("parcours").addHandler(said)
    try:
        totals = asyncio.run(scenario())
    finally:
        logging.getLogger("parcours").removeHandler(said)

    assert "remind@1.bought: 3 runs were counted as waiting, and 1 are there" in said.texts[0]
    assert dict(totals.steps)["ship", 1, "way"] == (2, 0, 0)


def test_what_waits_is_counted_by_the_version_and_each_way_by_its_reason(world: World, lines: Lines) -> None:
    world.take(lines.identify("anna"), lines.track("anna", "Started"), lines.track("anna", "Bought"))
    world.take(lines.track("bert", "Started"))
    (outgoing,) = world.claim()
    world.settle(Refused(outgoing.key, "no such mailbox", code="550"))

    totals = world.shard.totals.totals()

    assert dict(totals.steps) == {
        ("remind", 1, "bought"): (2, 1, 0),
        ("remind", 1, "done"): (1, 0, 1),
        ("remind", 1, "thank"): (1, 1, 0),
    }
    assert dict(totals.ways) == {
        ("remind", 1, "", "entered", "Started"): 2,
        ("remind", 1, "bought", "matched", "Bought"): 1,
        ("remind", 1, "done", "ended", "end step"): 1,
    }
    assert dict(totals.deliveries) == {("remind", 1, "thank", "email", "failed", ""): 1}
    assert dict(totals.reasons) == {("email", "failed", "no such mailbox (550)"): 1}


def test_lines_are_counted_by_what_became_of_them(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(settings=Settings(totals_facts_max=1))
    world.take(lines.track("anna", "Ordered", message_id="m1"), lines.track("anna", "Unheard of"), b"{}")
    world.take(lines.track("anna", "Ordered", message_id="m1"), lines.track("bert", "Looked"))

    world.reopen()

    assert world.shard.totals.totals().lines == (2, 1, 1, 1)
    world.take(lines.track("bert", "Looked"))
    world.reopen()
    assert world.shard.totals.totals().lines == (3, 1, 1, 1)


def test_ids_that_are_not_merged_are_counted_and_come_back(new_world: Callable[..., World]) -> None:
    world = new_world(settings=Settings(totals_facts_max=1))
    both = {"type": "identify", "userId": "anna", "anonymousId": "undefined"}
    world.take(*[msgspec.json.encode({**both, "messageId": name}) for name in ("m1", "m2", "m1")])

    world.reopen()

    totals = world.shard.totals.totals()
    assert (totals.not_merged, totals.merges) == ([("identify", 2)], [("no_id", 2)])
    assert [fact.at for fact in world.facts()] == [world.now_ms, world.now_ms]


def test_a_commit_that_tells_nothing_counts_and_writes_nothing(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(settings=Settings(totals_facts_max=1))
    world.take(lines.track("anna", "Ordered"), lines.identify("bert"))
    before = world.shard.totals.totals()
    world.take(lines.track("anna", "Looked"), lines.identify("bert"))

    written, quiet = [[row[1] for row in record.profiles] for record in world.store.records()]
    assert TOTALS in written and TOTALS not in quiet
    assert world.shard.totals.totals() == msgspec.structs.replace(before, lines=(4, 0, 0, 0))


def test_only_the_newest_facts_are_at_hand_and_their_numbers_go_on_after_a_restart(
    new_world: Callable[..., World], lines: Lines
) -> None:
    world = new_world(settings=Settings(newest_facts_max=3, totals_facts_max=4))
    world.take(lines.track("anna", "Ordered"), lines.track("bert", "Started"))
    facts = world.facts()

    newest = world.shard.totals.newest(0)
    assert newest == FactsAfter(len(facts) - 2, facts[-3:], len(facts))
    assert world.shard.totals.newest(len(facts) - 1).facts == facts[-1:]
    assert world.shard.totals.newest(len(facts)) == FactsAfter(len(facts) + 1, [], len(facts))

    world.reopen()
    world.take(lines.track("cleo", "Started"))

    later = world.shard.totals.newest(len(facts))
    assert (later.first, later.facts) == (len(facts) + 1, world.facts()[len(facts) :])


def test_what_there_is_no_room_for_is_counted_as_other(new_world: Callable[..., World], lines: Lines) -> None:
    world = new_world(settings=Settings(totals_max=1))
    world.take(*[lines.track(str(number), event) for number in range(3) for event in ("Ordered", "Started")])

    totals = world.shard.totals.totals()

    assert [step for step, _ in totals.steps] == [(OTHER, 0, ""), ("ship", 1, "confirm")]
    assert sum(inflow - gone_on - ended for _, (inflow, gone_on, ended) in totals.steps) == 6
    assert sum(times for (*_, what, _), times in totals.ways if what == "entered") == 6
    assert check(world) == []


def test_under_virtual_time_the_shard_counts_nothing(world: World, lines: Lines) -> None:
    shard = Shard(0, SlotMap(1), world.program, VolatileStore(), Settings(), time=VirtualTime())
    shard.open(0)
    line = msgspec.json.decode(lines.track("anna", "Ordered")) | {"timestamp": "2026-01-01T00:00:00Z"}

    shard.take(recorded_batch("recording", 1, [1], [msgspec.json.encode(line)]), 0)

    assert shard.collect_facts()
    assert shard.totals.totals() == Totals()
    assert shard.totals.newest(0).facts == []
    assert shard.totals.is_checked


def test_totals_and_newest_facts_are_asked_for_across_processes(world: World, lines: Lines) -> None:
    world.take(lines.track("anna", "Ordered"))

    async def answers() -> tuple[Totals, FactsAfter]:
        host = ShardHost(world.shard, world.store, ManualClock(world.now_ms), lambda channel: None)
        totals, newest = GetTotals(), NewestFacts(2)
        return (
            decode_answer(totals, encode_answer(await decode_request(encode_request(totals)).put_to(host))),
            decode_answer(newest, encode_answer(await decode_request(encode_request(newest)).put_to(host))),
        )

    assert asyncio.run(answers()) == (world.shard.totals.totals(), FactsAfter(3, world.facts()[2:], len(world.facts())))
