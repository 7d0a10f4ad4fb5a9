"""Does a router answer by itself only what nothing listens to, only under a lease, and as a shard would have?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parcours.clock import ManualClock
from parcours.config import Settings
from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.errors import ShardUnavailable
from parcours.journey.model.document import (
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.routing.alone import Alone
from parcours.routing.router import TELL_AFTER_S, Router
from parcours.routing.taken import Taken
from parcours.shard.archiving import heard_events, hears_more
from parcours.shard.host import ShardHost
from parcours.shard.leases import LEASE_S
from parcours.shard.messages import Answer, Lease
from parcours.shard.shard import Shard
from parcours.store.memory import MemoryStore

if TYPE_CHECKING:
    from tests.routing.conftest import Run, ScriptedShard

    NewShard = Callable[..., ScriptedShard]

LEDGER = 3

BOUNDS = Settings(event_bytes_max=1_000)


def shop(insight: Mapping[str, object] | None = None) -> Project:
    """Started and Bought move a journey, Thanked is a Seen that meets a rule, Read is counted; nothing hears Looked."""
    journey = {
        "journey": "j",
        "entry": {"event": "Started"},
        "steps": [{"id": "wait", "wait_for": [{"event": "Bought"}, {"event": "Thanked"}]}],
    }
    events = {
        **{name: {} for name in ("Started", "Bought", "Seen", "Read", "Looked", "Shown")},
        "Thanked": {"of": "Seen", "rule": "event.thanks == true", "properties": {"thanks": "boolean"}},
        "Carded": {"key": {"namespace": "card", "value": "event.card"}, "properties": {"card": "string"}},
    }
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "insight": dict(insight or {})}),
        ProfileDocument.model_validate({"traits": {"city": "string"}}),
        EventsDocument.model_validate({"events": events}),
        audiences=AudiencesDocument(audiences={"readers": 'count("Read", "30d") > 1'}),
        journeys=[JourneyDocument.model_validate(journey)],
    )


@pytest.mark.parametrize(
    "insight, archives, idle",
    [
        ({"events": "none"}, True, {"Looked", "Shown", "Carded", "unknown"}),
        ({"events": "declared"}, True, {"unknown"}),
        ({"events": ["Looked"]}, True, {"Shown", "Carded", "unknown"}),
        ({"events": "all"}, True, set()),
        ({"events": "none", "inputs": True}, True, set()),
        ({"events": "all", "inputs": True}, False, {"Looked", "Shown", "Carded", "unknown"}),  # nothing is kept there
    ],
)
def test_an_event_is_idle_that_moves_nobody_and_that_no_archive_wants(
    insight: Mapping[str, object], archives: bool, idle: set[str]
) -> None:
    heard = heard_events(shop(insight).program, archives=archives)

    names = {"Started", "Bought", "Seen", "Read", "Looked", "Shown", "Carded", "unknown"}
    assert (names - heard if heard is not None else set()) == idle


def test_who_archives_more_hears_more() -> None:
    none, some, all_of_them = (shop({"events": kept}).program for kept in ("none", ["Looked"], "all"))

    for was, will_be, more in [(none, some, True), (some, none, False), (some, all_of_them, True), (none, none, False)]:
        assert hears_more(was, will_be, archives=True) == more
        assert not hears_more(was, will_be, archives=False)
    assert not hears_more(all_of_them, some, archives=True)


# Under a lease, and without one


def line(event: str, person: str = "u1", **more: object) -> bytes:
    return msgspec.json.encode({"type": "track", "event": event, "userId": person, **more})


def leased(shard: ScriptedShard, alone: Alone) -> Router:
    """A router that knows what is published under LEDGER."""
    program = shop({"events": "none"}).program
    router = Router("r", [shard], program, Settings(), alone=alone)
    router.publish(program, LEDGER)
    return router


def loop_s() -> float:
    return asyncio.get_running_loop().time()


def test_what_shards_keep_reaches_them_whoever_opened_them(run: Run, new_shard: NewShard) -> None:
    async def scenario() -> None:
        shard, program = new_shard(), shop({"events": ["Looked"]}).program
        shard.lease, shard.archives = LEDGER, True
        router = Router("r", [shard], program, Settings(), alone=Alone(now_s=loop_s))
        router.publish(program, LEDGER)
        await router.take([line("Shown")])

        taken = await router.take([line("Looked"), line("Shown")])

        assert [given for _, given in shard.applied[1:]] == [line("Looked")]
        assert taken.alone == 1

    run(scenario())


def test_only_what_is_listened_to_reaches_a_shard_once_it_has_granted_a_lease(run: Run, new_shard: NewShard) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.lease = LEDGER
        router = leased(shard, Alone(now_s=loop_s))
        first = await router.take([line("Looked")])
        assert [given for _, given in shard.applied] == [line("Looked")], "before that it is the shard's"

        call = [line("Looked"), line("Started"), line("unknown"), b"rubbish", line("Shown")]
        taken = await router.take(call)

        assert [given for _, given in shard.applied[1:]] == [line("Started")]
        assert (first.alone, taken.alone, taken.accepted, taken.undeclared) == (0, 3, 4, 1)
        assert [place for place, _ in taken.rejected] == [3]
        assert taken.committed() == [0, 1, 2, 4]

    run(scenario())


@pytest.mark.parametrize("waited_s", [0.0, 0.04])
def test_a_lease_counts_from_when_the_batch_was_sent_and_had_waited_at_the_shard_and_runs_out(
    waited_s: float, run: Run, new_shard: NewShard
) -> None:
    async def scenario() -> None:
        shard = new_shard(["slow"])  # it takes 50 ms
        shard.waited_s = waited_s
        shard.lease = LEDGER
        router = leased(shard, Alone(now_s=loop_s))
        begun_s = loop_s()
        await router.take([line("Looked")])
        await asyncio.sleep(begun_s + waited_s + LEASE_S - loop_s() - 0.001)
        dealt = router.deal(call := [line("Shown")])
        assert list(dealt.alone) == [0]

        await asyncio.sleep(0.002)
        taken = await router.hand_in(call, dealt).done

        assert taken.alone == 0 and shard.applied[-1][1] == call[0]

    run(scenario())


@pytest.mark.parametrize("lease", [None, LEDGER - 1, LEDGER + 1])
def test_a_lease_is_of_the_ledger_whose_program_the_router_has(
    lease: int | None, run: Run, new_shard: NewShard
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.lease = lease
        router = leased(shard, Alone(now_s=loop_s))

        for _ in range(3):
            assert (await router.take([line("Looked")])).alone == 0

    run(scenario())


def test_a_router_that_is_told_of_no_ledger_answers_nothing_and_asks_for_no_lease(
    run: Run, new_shard: NewShard
) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.lease = LEDGER
        router = leased(shard, Alone(now_s=loop_s))
        await router.take([line("Looked")])
        router.publish(shop({"events": "none"}).program)

        assert (await router.take([line("Looked")])).alone == 0
        assert shard.batches[-1].alone is None

    run(scenario())


def test_a_router_asks_for_no_lease_as_long_as_everything_is_listened_to(run: Run, new_shard: NewShard) -> None:
    async def scenario() -> None:
        shard = new_shard()
        router = leased(shard, Alone(now_s=loop_s))

        await router.take([line("Started"), line("Seen")])
        await router.take([line("Looked")])

        assert [batch.alone for batch in shard.batches] == [None, (0, 0)]

    run(scenario())


# How many they were


def test_how_many_were_answered_travels_with_the_next_batch(run: Run, new_shard: NewShard) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.lease = LEDGER
        router = leased(shard, Alone(now_s=loop_s))
        await router.take([line("Looked")])
        await router.take([line("Looked"), line("Shown"), line("unknown")])
        await router.take([line("Looked")])

        await router.take([line("Started")])

        assert [batch.alone for batch in shard.batches] == [(0, 0), (3, 1)]

    run(scenario())


def test_where_no_batch_follows_one_without_lines_tells_it_and_the_router_is_not_idle_before(
    run: Run, new_shard: NewShard
) -> None:
    async def scenario() -> None:
        shard = new_shard(["fine", "answer lost"])
        shard.lease = LEDGER
        router = leased(shard, Alone(now_s=loop_s))
        await router.take([line("Looked")])
        await router.take([line("Looked")])
        assert not router.is_idle()

        await asyncio.sleep(10 * TELL_AFTER_S)

        assert [(batch.alone, batch.lines) for batch in shard.batches[1:]] == [((1, 0), [])]
        assert router.is_idle() and router.waiting_lines() == (0,)

    run(scenario())


def test_a_router_that_is_closed_tells_the_last_of_it(run: Run, new_shard: NewShard) -> None:
    async def scenario() -> None:
        shard = new_shard()
        shard.lease = LEDGER
        router = leased(shard, Alone(now_s=loop_s))
        await router.take([line("Looked")])
        await router.take([line("Looked")] * 5)

        await router.close()

        assert shard.batches[-1].alone == (5, 0)

    run(scenario())


# As a shard would have

PEOPLE = ("u1", "u2", "@u3", "@anonymous/7f", "", "é" * 40, "x" * 64, "x" * 65, "x" * 600, "a\0b", 5, None)
NAMES = ("Started", "Bought", "Seen", "Read", "Looked", "Shown", "Carded", "unknown", "", 7, None)

CALLS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(("track",) * 9 + ("page", "identify", "group", "nonsense", 5, None)),
        "event": st.sampled_from(NAMES),
        "userId": st.sampled_from(PEOPLE),
    },
    optional={
        "anonymousId": st.sampled_from(("7f", "", 3)),
        "messageId": st.sampled_from(("", "m" * 64, "m" * 65, "m" * 600, 4)),
        "timestamp": st.sampled_from(("2026-01-01T10:00:00Z", "0001-01-01T00:00:00Z", "2026-01-01", "soon", 5)),
        "properties": st.sampled_from(({"thanks": True}, {"card": "c1"}, {"note": "x" * 1_000}, [1], "text", None)),
        "traits": st.sampled_from(({"city": "Oslo"}, 5)),
    },
)

EVERYBODY_AND_EVERYTHING: list[dict[str, object] | bytes] = [
    {"type": "track", "event": event, "userId": person, **ids}
    for event, person, ids in product(NAMES, PEOPLE, ({}, {"anonymousId": "7f"}, {"messageId": "m" * 65}))
]

RAW = st.sampled_from(
    (b"rubbish", b"[]", b"{}", b'{"type":"track"}', b'{"type":"track","event":"\\ud800","userId":"u1"}')
)


class One:
    """A shard that nobody else has, and a router to it."""

    def __init__(self, project: Project, alone: Alone | None) -> None:
        self.store = MemoryStore()
        self.shard = Shard(0, SlotMap(1), project.program, self.store, BOUNDS, project=project, exports=True)
        self.shard.open(1_000_000)
        host = ShardHost(self.shard, self.store, ManualClock(1_000_000), lambda channel: None)
        self.router = Router("r", [host], project.program, BOUNDS, alone=alone)
        if alone is not None:
            self.router.publish(project.program, self.shard.holding().publications.ledger.number)

    async def life(self, lines: list[bytes]) -> tuple[list[Taken], list[Fact], dict[str, bytes], object]:
        """What becomes of the lines, and of whom they are of."""
        taken = [await self.router.take([line("Looked", "somebody")]), await self.router.take(lines)]
        await self.router.close()
        facts = [fact for each in self.store.records() for fact in decode_facts(each.facts, "a record")]
        people = {
            name: data for slot in self.shard.census._slots.owned.values() for name, data in slot.profiles.items()
        }
        return taken, facts, people, self.shard.totals.totals().lines


@settings(max_examples=200)
@given(calls=st.lists(st.one_of(CALLS, RAW), min_size=1, max_size=20))
@example(calls=EVERYBODY_AND_EVERYTHING)
def test_a_line_is_answered_the_same_by_its_router_and_by_its_shard(calls: list[dict[str, object] | bytes]) -> None:
    lines = [
        call if isinstance(call, bytes) else msgspec.json.encode(call | _unlike(n, call))
        for n, call in enumerate(calls)
    ]
    project = shop({"events": "none"})

    async def scenario() -> None:
        here, there = One(project, Alone(now_s=lambda: 0.0)), One(project, None)

        (first, taken), *became = await here.life(lines)
        (_, by_shard), *had_become = await there.life(lines)

        assert first.alone == by_shard.alone == 0
        counts = [(each.accepted, each.undeclared, each.duplicate, each.rejected) for each in (taken, by_shard)]
        assert counts[0] == counts[1]
        assert became == had_become

    asyncio.run(scenario())


@given(calls=st.lists(st.one_of(CALLS, RAW), min_size=1, max_size=20))
@example(calls=EVERYBODY_AND_EVERYTHING)
def test_a_line_that_is_not_answered_here_goes_where_it_would_have_gone(calls: list[dict[str, object] | bytes]) -> None:
    lines = [call if isinstance(call, bytes) else msgspec.json.encode(call) for call in calls]
    program = shop({"events": "none"}).program
    alone = Alone(now_s=lambda: 0.0)

    async def scenario() -> None:
        here, there = (Router("r", [AWAY] * 5, program, BOUNDS, alone=each) for each in (alone, None))
        here.publish(program, LEDGER)
        alone.hear(Answer(1, lease=Lease(LEDGER)), 0.0)

        dealt, by_shards = here.deal(lines), there.deal(lines)

        answered = set(dealt.alone)
        left = [[place for place in share if place not in answered] for share in by_shards.shares]
        assert dealt.shares == left and dealt.rejected == by_shards.rejected

    asyncio.run(scenario())


class Away:
    """A shard that nobody reaches."""

    async def ask(self, request: object, /) -> Any:
        raise ShardUnavailable(str(request))


AWAY = Away()


def _unlike(number: int, call: Mapping[str, object]) -> dict[str, object]:
    """A message id of the length of the call's own one that no other call has."""
    own = call.get("messageId")
    return {"messageId": f"{number:02}{own[2:]}"} if isinstance(own, str) and own else {}
