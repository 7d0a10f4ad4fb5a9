"""Under virtual time it makes no difference when providers answer, or in which order; live, nor does a restart."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.shard.recorded_batches import recorded_batch

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SlotMap
from parcours.journey.project import Project
from parcours.shard.messages import Batch, Claims
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.shard.timekeeping import VirtualTime
from parcours.store.memory import MemoryStore, VolatileStore

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording

START_MS = 1_709_287_200_000
MINUTE, DAY = 60_000, 86_400_000

PROJECT = {
    "parcours.yaml": "{project: shop, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "traits: {email: string, phone: string}",
    "events.yaml": "events: {Start: {}, Seen: {}, Left: {}}",
    "messages/note.yaml": "{message: note, email: {subject: Hello, text: Hello}, sms: {text: Hello}}",
    "messages/bill.yaml": "{message: bill, class: transactional, email: {subject: Hello, text: Hello}}",
    "journeys/trip.yaml": """
journey: trip
entry: {event: Start}
exit: [{event: Left}]
steps:
  - {id: write, send: note}
  - id: listen
    wait_for: [{reaction: failed, of: write, next: bill}, {event: Seen, next: bill}]
    timeout: 3m
  - {id: pause, wait: 2m}
  - {id: bill, send: bill}
  - {id: again, wait: 1m}
  - {id: last, send: note}
""",
    "journeys/side.yaml": """
journey: side
entry: {event: Start}
reentry: {after: 2m}
steps:
  - {id: bill, send: bill}
  - {id: listen, wait_for: [{event: Seen}], timeout: 4m}
  - {id: write, send: note}
""",
    "actions.yaml": "actions: {rate: {url: 'https://crm.example/rate', answer: {rank: integer}}}",
    "journeys/rated.yaml": """
journey: rated
entry: {event: Start}
exit: [{event: Left}]
steps:
  - {id: rate, call: rate}
  - id: listen
    wait_for: [{reaction: answered, of: rate, next: look}, {reaction: failed, of: rate, next: over}]
  - {id: look, branch: [{when: event.rank > 120, next: bill}]}
  - {id: over, end: true}
  - {id: bill, send: bill}
""",
}
CHANNELS = ("email", "sms", "call")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder: Path = tmp_path_factory.mktemp("project")
    for name, text in PROJECT.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return Project.load(folder)


@pytest.fixture
def batches(recording: Recording) -> list[Batch]:
    """Twelve people over an hour, four lines in a batch."""
    chance = Random(11)
    for number in range(12):
        recording.identify(0, f"p{number}", email=f"p{number}@mail.example", phone=f"+3361234567{number % 10}")
    for _ in range(160):
        at, who, name = chance.randrange(60) * MINUTE, f"p{chance.randrange(12)}", chance.choice(["Start", "Seen"])
        recording.track(at, who, "Left" if chance.random() < 0.1 else name)
    lines = sorted(recording.lines, key=lambda line: line[:40])
    return [
        recorded_batch("door", number + 1, list(range(start, start + 4)), lines[start : start + 4])
        for number, start in enumerate(range(0, len(lines), 4))
    ]


def answer_to(outgoing: Outgoing) -> Receipt:
    """What the provider says, fixed by the delivery and the attempt."""
    key = outgoing.key
    chance = blake2b(f"{key} {outgoing.attempt}".encode()).digest()
    match chance[0] % 6:
        case 0:
            return NotSent(key, "busy")
        case 1:
            return NotSent(key, "slow down", retry_after_s=100)
        case 2:
            return Ambiguous(key, "the line went dead")
        case 3:
            return Refused(key, "no such address", permanent=True)
        case _ if outgoing.channel == "call":
            return Accepted(key, answer={"rank": chance[1]})
        case _:
            return Accepted(key, "provider")


def told(facts: list[Fact]) -> dict[str, list[Fact]]:
    """The facts of each person. Of deliveries that start together, the order of starting is nobody's business."""
    people: dict[str, list[Fact]] = {}
    for fact in facts:
        if not (isinstance(fact, DeliveryReached) and fact.outcome == "claimed"):
            people.setdefault(fact.person, []).append(fact)
    return people


class Virtual:
    """A shard under virtual time, whose providers are as late as they like."""

    def __init__(self, project: Project) -> None:
        self.shard = Shard(0, SlotMap(1), project.program, VolatileStore(), Settings(), time=VirtualTime())
        self.shard.open(0)
        self.under_way: list[tuple[int, Receipt]] = []
        self._requests = 0

    def _exchange(self, receipts: list[tuple[int, Receipt]], channel: str, most: int) -> Claims:
        self._requests += 1
        return self.shard.exchange(ExchangeDeliveries(receipts, channel, most, "d", self._requests), 0)

    def claim(self, channel: str, most: int) -> None:
        claims = self._exchange([], channel, most)
        self.under_way += [(self._requests, answer_to(outgoing)) for outgoing in claims.outgoing]

    def settle(self, count: int) -> None:
        settled, self.under_way = self.under_way[:count], self.under_way[count:]
        self._exchange(settled, "email", 0)

    def finish(self) -> dict[str, list[Fact]]:
        """Let everything be answered and everything that is due happen."""
        while True:
            self.shard.pass_time(START_MS + 30 * DAY)
            for channel in CHANNELS:
                self.claim(channel, 1_000)
            status = self.shard.status()
            if not self.under_way and not status.standing_still:
                next_ms = status.next_ms
                if next_ms is None or next_ms >= START_MS + 30 * DAY:
                    return told(self.shard.collect_facts())
            self.settle(len(self.under_way))


@given(st.randoms(use_true_random=False))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_makes_no_difference_when_and_in_which_order_providers_answer(
    project: Project, batches: list[Batch], chance: Random
) -> None:
    prompt, late = Virtual(project), Virtual(project)
    for batch in batches:
        prompt.shard.take(batch, 0)
        while prompt.shard.ready():
            for channel in CHANNELS:
                prompt.claim(channel, 1_000)
            prompt.settle(1_000)

        late.shard.take(batch, 0)
        for _ in range(chance.randrange(4)):
            late.claim(chance.choice(CHANNELS), chance.randrange(1, 4))
            chance.shuffle(late.under_way)
            late.settle(chance.randrange(4))

    assert late.finish() == prompt.finish()


def test_the_providers_gave_every_kind_of_answer(project: Project, batches: list[Batch]) -> None:
    shard = Virtual(project)
    for batch in batches:
        shard.shard.take(batch, 0)

    facts = [fact for facts in shard.finish().values() for fact in facts]

    outcomes = {fact.outcome for fact in facts if isinstance(fact, DeliveryReached)}
    assert outcomes == {"queued", "sent", "answered", "failed", "unknown", "retried", "refused", "cancelled"}


class Live:
    """A shard under the real clock, with a store that it can come back from."""

    def __init__(self, project: Project) -> None:
        self._requests = 0
        self._program = project.program
        self._store = MemoryStore()
        self.shard = self.restart(0)

    def restart(self, now_ms: int) -> Shard:
        self.shard = Shard(0, SlotMap(1), self._program, self._store, Settings())
        self.shard.open(now_ms)
        return self.shard

    def deliver(self, now_ms: int) -> None:
        for channel in CHANNELS:
            number, self._requests = self._requests + 1, self._requests + 2
            claims = self.shard.exchange(ExchangeDeliveries([], channel, 1_000, "d", number), now_ms)
            receipts = [(number, answer_to(outgoing)) for outgoing in claims.outgoing]
            self.shard.exchange(ExchangeDeliveries(receipts, "email", 0, "d", number + 1), now_ms)

    def facts(self) -> dict[str, list[Fact]]:
        kept = [record.facts for record in self._store.records() if record.facts]
        return told([fact for facts in kept for fact in decode_facts(facts, "a record")])


@given(st.randoms(use_true_random=False))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_shard_that_comes_back_again_and_again_ends_as_its_undisturbed_twin(
    project: Project, batches: list[Batch], chance: Random
) -> None:
    twin, disturbed = Live(project), Live(project)
    now_ms = START_MS
    for batch in [*batches, *[None] * 60]:
        now_ms += chance.randrange(3 * MINUTE)
        for live in (twin, disturbed):
            if batch is not None:
                live.shard.take(batch, now_ms)
            live.shard.pass_time(now_ms)
            live.deliver(now_ms)
        if chance.random() < 0.3:
            disturbed.restart(now_ms)
            if batch is not None:
                disturbed.shard.take(batch, now_ms + 1)  # a router that missed the answer sends the batch again

    assert disturbed.facts() == twin.facts()
    assert [disturbed.shard.profile(f"p{number}") for number in range(12)] == [
        twin.shard.profile(f"p{number}") for number in range(12)
    ]
