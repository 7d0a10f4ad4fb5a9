"""Which lines of a router wait, until when, and what a shard that opens again still knows of it."""

from __future__ import annotations

from parcours.config import Settings
from parcours.shard.deferrals import Deferrals
from parcours.shard.messages import Again, Batch, Deferred, Settled
from parcours.shard.positions import Positions

ACCEPTED = bytes(3)


def batch(number: int, *numbers: int, again: int = 0, settled: dict[str, int] | None = None) -> Batch:
    """Its lines have these numbers; so many at the front come again."""
    told = [Settled(name, line) for name, line in (settled or {}).items()]
    return Batch("r", number, list(numbers), [b"{}"] * len(numbers), again=[Again("anna")] * again, settled=told)


def test_later_lines_of_a_name_wait_and_those_that_come_again_do_not() -> None:
    deferrals = Deferrals({"anna": 4}, batch(2, 3, 5, again=1), 10)

    assert not deferrals.has_to_wait(0, "anna")
    assert deferrals.has_to_wait(1, "anna")
    assert not deferrals.has_to_wait(1, "bert")


def test_a_line_that_comes_again_waits_for_one_before_it_in_its_batch() -> None:
    deferrals = Deferrals({"anna": 4}, batch(2, 3, 4, again=2), 10)
    deferrals.defer(0, "anna", "later")

    assert deferrals.has_to_wait(1, "anna") and not deferrals.has_to_wait(1, "bert")


def test_a_name_is_free_once_its_newest_line_has_been_dealt_with() -> None:
    assert Deferrals({"anna": 4}, batch(2, 5, settled={"anna": 3}), 10).waiting == {"anna": 4}
    assert Deferrals({"anna": 4}, batch(2, 5, settled={"anna": 4, "bert": 9}), 10).waiting == {}


def test_beyond_the_bound_all_others_wait_as_one_name() -> None:
    deferrals = Deferrals({"anna": 1}, batch(2, 2, 3, 4), 1)
    deferrals.defer(0, "bert", "moved", "carl")
    deferrals.defer(1, "anna", "later")

    assert deferrals.deferred == [Deferred(0, "bert", "moved", "carl", with_others=True), Deferred(1, "anna", "later")]
    assert [each.waits_as for each in deferrals.deferred] == ["", "anna"]
    assert deferrals.waiting == {"anna": 3, "": 2}
    assert deferrals.has_to_wait(2, "dora"), "whoever it is"


def test_a_batch_that_comes_again_is_told_what_was_deferred_also_by_a_shard_that_has_opened_again() -> None:
    settings = Settings(batches_in_flight_max=2)
    positions, entries = Positions(settings), dict[str, bytes]()
    first = batch(1, 1, 2, 3)
    deferrals = positions.deferrals(first)
    deferrals.defer(1, "anna", "moved", "bert")
    for each, told in ((first, deferrals), (batch(2, 4), None)):
        name, entry = positions.advance(each, bytes(len(each.lines)), each.number, told)
        entries[name] = entry
    opened = Positions(settings)
    opened.restore(entries)

    assert opened.outcomes(first) == ACCEPTED and opened.deferred(first) == [Deferred(1, "anna", "moved", "bert")]
    assert opened.deferrals(batch(3, 5)).waiting == {"anna": 2}
    opened.advance(batch(3, 5), bytes(1), 3)
    assert opened.deferred(first) == [], "as little as its outcomes are kept"
