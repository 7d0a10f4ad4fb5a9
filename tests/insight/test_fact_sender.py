"""Do all facts of a shard reach a destination, in order and under names of their own, whatever fails on the way?"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from parcours.core.fact import Changed, DeliveryReached, Fact, Merged, Moved, NotMerged
from parcours.core.fact_block import encode_facts
from parcours.destination import FactRow
from parcours.errors import ShardUnavailable
from parcours.insight.exporter import fact_sender
from parcours.insight.exporter.fact_rows import FactRows
from parcours.insight.exporter.fact_sender import FactSender, FactSenders
from parcours.insight.exporter.rows import Telling
from parcours.journey.model.document import EventsDocument, ProjectDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.fact_destinations import FactsTo
from parcours.shard.erasures import Erasure, person_hash
from parcours.shard.messages import ExportRecord, FactSlice
from parcours.shard.requests import ReadFacts, TellFacts
from parcours.testing.contracts import FactsDestinationContract
from parcours.testing.doubles import FactStream, FactStreamDestination
from parcours.testing.doubles.facts import FactStreamSettings

TELLING = Telling(2, frozenset(), clear=True)
TO = FactsTo("lake", "stream", {}, frozenset({"moves", "deliveries", "changes"}), batch=5)


KNOWN = "the provider has said that nothing arrives at this address: 550"
REASON = f"{KNOWN} <anna@mail.example> unknown"


def moved(number: int, person: str = "anna") -> Moved:
    return Moved(1_000 * number, person, "j", 1, number, "s", "entered", None)


def delivered() -> DeliveryReached:
    return DeliveryReached(
        at=1, person="anna", journey="j", version=1, run=1, step="s", visit=1, channel="email", message="m",
        outcome="failed", gate=None, key="k", attempt=1, reason=REASON, code="550",
        to="anna@mail.example", message_class="marketing", purpose=None, link=None,
    )  # fmt: skip


class Journal:
    """The port of a shard whose records each hold these facts; two of them come in a slice.

    position  up to which record the destination is known to be told, with how many facts it has taken and refused
    """

    def __init__(self, *records: Sequence[Fact]) -> None:
        self.records = list(records)
        self.erased: list[Erasure] = []
        self.position = self.rows = self.refused = self.commits = 0
        self.is_away = self.is_known = False

    async def ask(self, request: Any, /) -> Any:
        if self.is_away:
            raise ShardUnavailable("gone")
        match request:
            case ReadFacts("lake", after):
                begin = self.position if after is None else after
                found = list(enumerate(self.records, start=1))[begin : begin + 2]
                told = [ExportRecord(number, 0, encode_facts(facts)) for number, facts in found if facts]
                through = begin + len(found)
                return FactSlice(told, through, through < len(self.records), self.erased, 0)
            case TellFacts("lake", through, rows, refused):
                self.position, self.rows, self.refused = through, self.rows + rows, self.refused + refused
                self.commits += 1
                return None
            case _:
                raise AssertionError(request)


@pytest.fixture
def stream() -> FactStream:
    return FactStream()


@pytest.fixture
def journal() -> Journal:
    return Journal(*([moved(2 * number), moved(2 * number + 1, "bert")] for number in range(10)))


@pytest.fixture(autouse=True)
def commits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_sender, "COMMIT_EVERY_S", 0.0)


def opening(stream: FactStream) -> Callable[[], FactStreamDestination]:
    return lambda: FactStreamDestination(FactStreamSettings.model_validate(stream.settings()))


def sender(journal: Journal, stream: FactStream, to: FactsTo = TO) -> FactSender:
    return FactSender(to, opening(stream), FactRows(to, "shop"), 2, journal, lambda shard: TELLING)


async def step_through(one: FactSender) -> None:
    while await one.step():
        pass


def tell(journal: Journal, stream: FactStream, to: FactsTo = TO) -> None:
    asyncio.run(step_through(sender(journal, stream, to)))


def numbers(stream: FactStream) -> list[tuple[int, int]]:
    """(record, n) of each fact that is there, as it came."""
    return [(told["record"], told["n"]) for told in map(json.loads, (each.body for each in stream.once()))]


EVERYTHING = [(record, n) for record in range(1, 11) for n in range(2)]


def test_every_fact_is_told_once_and_in_order(journal: Journal, stream: FactStream) -> None:
    tell(journal, stream)

    assert numbers(stream) == EVERYTHING
    assert len(stream.facts) == len(EVERYTHING)
    assert (journal.position, journal.rows, journal.refused) == (10, 20, 0)


def test_a_fact_is_a_row_of_its_table_under_a_name_of_its_own(stream: FactStream) -> None:
    tell(Journal([moved(3)]), stream)

    (fact,) = stream.facts
    assert (fact.id, fact.table, fact.person) == ("shop/lake/2/1/0", "moves", "anna")
    assert json.loads(fact.body) == {
        "table": "moves", "time": "1970-01-01T00:00:03.000Z", "person": "anna", "kind": "journey", "journey": "j",
        "version": 1, "run": 3, "step": "s", "what": "entered", "why": None, "index": None,
        "shard": 2, "record": 1, "n": 0,
    }  # fmt: skip


def test_tables_that_are_not_named_stay_and_numbers_do_not_move(stream: FactStream) -> None:
    tell(Journal([delivered(), moved(1)]), stream, replace(TO, tables=frozenset({"moves"})))

    assert numbers(stream) == [(1, 1)]


def test_columns_with_personal_data_go_only_where_they_are_named(stream: FactStream) -> None:
    tell(Journal([delivered()]), stream)
    tell(Journal([delivered()]), stream, replace(TO, columns=frozenset({"address"})))

    without, named = (json.loads(each.body) for each in stream.facts)
    assert "anna@" not in stream.facts[0].body.decode()
    assert named.keys() - without.keys() == {"address"}
    assert named["address"] == "anna@mail.example"
    assert (without["reason"], without["code"]) == (KNOWN, "550")


def test_reasons_go_whole_only_where_they_are_named(stream: FactStream) -> None:
    parked = Moved(1, "anna", "j", 1, 1, "s", "parked", "no such key: 'anna@mail.example'")
    told = NotMerged(1, "anna", "identify", "7", "two_known")
    for columns in (frozenset[str](), frozenset({"reason"})):
        tell(Journal([delivered(), parked, told]), stream, replace(TO, columns=columns))

    reasons = [each.get("reason", each.get("why")) for each in map(json.loads, (each.body for each in stream.facts))]
    assert reasons == [KNOWN, "…", "two_known", REASON, parked.why, "two_known"]


def test_only_hashes_of_names_go_where_that_is_asked_for(stream: FactStream) -> None:
    merged = Merged(1, "anna", "@anonymous/7", "identify", ())
    not_merged = NotMerged(1, "anna", "identify", "anonymous-7", "two_known")
    trait = Changed(1, "anna", "trait", "city", '"Paris"')

    tell(Journal([merged, trait, not_merged]), stream, replace(TO, hashed=True, columns=frozenset({"value"})))

    for each in stream.facts:
        assert "anna" not in each.person + each.body.decode()
        assert "anonymous" not in each.body.decode()
        assert len(each.person) == 64
    assert json.loads(stream.facts[1].body)["name"] == "city"


@pytest.mark.parametrize("after", range(20))
def test_what_breaks_off_comes_again_and_is_known_again(journal: Journal, stream: FactStream, after: int) -> None:
    stream.breaks_after = after
    one = sender(journal, stream)

    async def lives() -> None:
        with pytest.raises(ConnectionError):
            await step_through(one)
        await step_through(one)

    asyncio.run(lives())

    assert numbers(stream) == EVERYTHING
    assert (journal.position, journal.rows) == (10, 20)


@pytest.mark.parametrize("after", range(0, 20, 3))
def test_whoever_follows_a_sender_that_has_died_leaves_nothing_out(
    journal: Journal, stream: FactStream, after: int
) -> None:
    stream.breaks_after = after
    with pytest.raises(ConnectionError):
        tell(journal, stream)

    tell(journal, stream)

    assert numbers(stream) == EVERYTHING
    assert (journal.position, journal.rows) == (10, 20)


def test_positions_are_committed_now_and_then_and_when_it_stops(
    journal: Journal, stream: FactStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_sender, "COMMIT_EVERY_S", 3_600.0)
    one = sender(journal, stream)
    asyncio.run(step_through(one))
    assert journal.commits == 0
    assert len(stream.facts) == 20

    one.end()
    asyncio.run(step_through(one))

    assert (journal.commits, journal.position) == (1, 10)


def test_what_comes_while_the_last_slice_is_told_is_told_before_it_stops(
    journal: Journal, stream: FactStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.records = [[moved(1)]]
    one, take = sender(journal, stream), stream.take

    def slowly(fact: FactRow) -> str | None:
        if len(journal.records) == 1:
            journal.records.append([moved(2)])
            one.end()
        return take(fact)

    monkeypatch.setattr(stream, "take", slowly)
    asyncio.run(one.follow())

    assert numbers(stream) == [(1, 0), (2, 0)]
    assert journal.position == 2


def test_where_nothing_is_told_nothing_is_committed(journal: Journal, stream: FactStream) -> None:
    journal.records = [[], [], []]

    tell(journal, stream)

    assert journal.commits == 0
    assert stream.facts == []


def test_what_the_other_side_will_never_have_is_left_out_and_counted(
    stream: FactStream, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal([moved(1), moved(2, "a" * 500)], [moved(3)])
    stream.longest = 400

    with caplog.at_level(logging.WARNING, "parcours"):
        tell(journal, stream)

    assert numbers(stream) == [(1, 0), (2, 0)]
    assert (journal.position, journal.rows, journal.refused) == (2, 2, 1)
    assert "the destination lake refuses the fact shop/lake/2/1/1: it is longer than 400 bytes" in caplog.text


def test_nothing_is_told_of_somebody_who_was_erased_meanwhile(stream: FactStream) -> None:
    journal = Journal([moved(1), moved(2, "bert")], [moved(3)])
    journal.erased = [Erasure("1-x", b"salt", person_hash(b"salt", "anna"), 5, 1)]

    tell(journal, stream)

    assert numbers(stream) == [(1, 1), (2, 0)], "what comes after the erasure is of somebody new"


@contextmanager
def at_work(senders: FactSenders, *journals: Journal) -> Iterator[Callable[[], None]]:
    """While it lasts facts are told; the function lets it go on for a moment."""
    with asyncio.Runner() as runner:

        async def start() -> None:
            senders.start(journals)

        runner.run(start())
        yield lambda: runner.run(asyncio.sleep(0.01))
        runner.run(senders.stop())


def program() -> Program:
    return Project.of(ProjectDocument.model_validate({"project": "shop"}), events=EventsDocument(events={})).program


def all_senders(stream: FactStream) -> FactSenders:
    return FactSenders([(TO, opening(stream))], program(), "shop", None)


def test_while_the_other_side_is_away_it_is_a_trouble_and_then_it_goes_on(
    journal: Journal, stream: FactStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_sender, "PAUSE_S", 0.001)
    senders = all_senders(stream)
    stream.is_away = True
    with at_work(senders, journal) as go_on:
        while not (told := [each for each in (senders.trouble,) if each]):
            go_on()
        stream.is_away = False
        while len(stream.facts) < 20:
            go_on()

    assert told == [f"the destination lake does not take the facts of shard 0: {stream.name} cannot be reached"]
    assert senders.trouble is None
    assert numbers(stream) == EVERYTHING


def test_a_shard_that_is_away_is_asked_again_and_is_no_trouble_of_the_destination(
    journal: Journal, stream: FactStream
) -> None:
    senders = all_senders(stream)
    journal.is_away = True
    with at_work(senders, journal) as go_on:
        go_on()
        assert senders.trouble is None
        journal.is_away = False

    assert numbers(stream) == EVERYTHING, "and what there is is told before it stops"


class TestFactStream(FactsDestinationContract[FactStream]):
    destination = FactStreamDestination

    @contextmanager
    def other(self) -> Iterator[FactStream]:
        yield FactStream()

    def settings(self, other: FactStream) -> dict[str, Any]:
        return other.settings()

    def taken(self, other: FactStream) -> list[tuple[str, bytes]]:
        return [(each.id, each.body) for each in other.facts]

    def cut_off(self, other: FactStream) -> Any:
        return other.away()

    def too_long(self, other: FactStream) -> int:
        other.longest = 1_000
        return other.longest
