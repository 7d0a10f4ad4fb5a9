"""The suite that every destination passes, those that come along and yours.

    class TestLedger(DestinationContract[Desk]):
        destination = LedgerDestination
        ...

Subclass it in a test module of your own and say how to open the other side's double, how to reach it, and how to make
it go wrong. Plain pytest runs it; no plugin is needed.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

import pydantic

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt
from parcours.destination import GROUP, Change, Destination, Member, SnapshotDestination
from parcours.dispatch.outsiders import storable

Other = TypeVar("Other")


def member(number: int, change: Change = "entered", attempt: int = 1) -> Member:
    """A change of somebody; the same one for the same number."""
    fields = {"city": "Zürich", "n": number} if change == "entered" else {}
    at = "2026-01-01T10:00:00.000Z"
    return Member(f"{number:037x}", at, "vip", change, f"key {number} \N{SNOWMAN}", fields, attempt)


class DestinationContract(ABC, Generic[Other]):
    """The contract suite of destinations. `Other` is the type of your double; each test opens a new one."""

    destination: ClassVar[type[Destination]]
    """The class under test."""

    entry_point: ClassVar[str | None] = None
    """The name of its entry point; None if it is not meant to be installed."""

    @abstractmethod
    def other(self) -> AbstractContextManager[Other]:
        """The other side, which takes everything; it closes with the context."""

    @abstractmethod
    def settings(self, other: Other) -> dict[str, Any]:
        """Settings that lead there. Called while it is open."""

    @abstractmethod
    def taken(self, other: Other) -> list[dict[str, Any]]:
        """The members that the other side has taken in, as JSON, in order."""

    def unreachable(self, other: Other) -> bool:
        """Let nothing be told from now on, for certain each time; False where that cannot come about."""
        del other
        return False

    def recognises(self) -> bool:
        """Whether the other side takes in a change once that comes again."""
        return False

    def told(self, other: Other, *calls: Sequence[Member]) -> list[Receipt]:
        """The receipts of one destination that is told of these members, call by call."""

        async def tell() -> list[Receipt]:
            opened = self.destination(self.destination.Settings.model_validate(self.settings(other)))
            await opened.start()
            try:
                return [receipt for members in calls for receipt in await opened.send(members)]
            finally:
                await opened.stop()

        return asyncio.run(tell())

    def test_it_is_a_destination_with_documented_closed_settings(self) -> None:
        assert issubclass(self.destination.Settings, pydantic.BaseModel)
        assert self.destination.Settings.model_config.get("extra") == "forbid"
        assert all(field.description for field in self.destination.Settings.model_fields.values())

    def test_it_is_found_by_its_entry_point(self) -> None:
        if self.entry_point is not None:
            (point,) = importlib.metadata.entry_points(group=GROUP, name=self.entry_point)
            assert point.load() is self.destination

    def test_each_member_arrives_whole_and_has_a_receipt(self) -> None:
        with self.other() as other:
            members = [member(1), member(2, "left"), member(3)]
            receipts = self.told(other, members[:2], members[2:])
            assert {receipt.key for receipt in receipts} == {each.id for each in members}
            assert all(isinstance(receipt, Accepted) for receipt in receipts)
            assert self.taken(other) == [
                {
                    "id": each.id,
                    "at": each.at,
                    "destination": "vip",
                    "change": each.change,
                    "key": each.key,
                    "fields": each.fields,
                }
                for each in members
            ]

    def test_calls_one_after_the_other_keep_their_order(self) -> None:
        with self.other() as other:
            self.told(other, *([member(number)] for number in range(20)))
            assert [each["id"] for each in self.taken(other)] == [member(number).id for number in range(20)]

    def test_an_empty_batch_tells_nothing_and_has_no_receipt(self) -> None:
        with self.other() as other:
            (receipt,) = self.told(other, [], [member(1)], [])
            assert receipt.key == member(1).id
            assert [each["id"] for each in self.taken(other)] == [member(1).id]

    def test_what_cannot_be_told_to_anybody_is_certainly_not_told(self) -> None:
        with self.other() as other:
            opened = self.destination(self.destination.Settings.model_validate(self.settings(other)))

            async def tell() -> list[Receipt] | None:
                await opened.start()
                try:
                    return await opened.send([member(1), member(2)]) if self.unreachable(other) else None
                finally:
                    await opened.stop()

            receipts = asyncio.run(tell())
            if receipts is None:
                return
            assert {receipt.key for receipt in receipts} == {member(1).id, member(2).id}
            assert all(isinstance(receipt, NotSent) and receipt.of_channel for receipt in receipts)

    def test_a_change_that_comes_again_is_taken_again_or_recognised(self) -> None:
        with self.other() as other:
            receipts = self.told(other, [member(1), member(2)], [member(2, attempt=2), member(3)])
            assert all(isinstance(receipt, Accepted) for receipt in receipts)
            arrived = [each["id"] for each in self.taken(other)]
            again = [] if self.recognises() else [member(2).id]
            assert arrived == [member(1).id, member(2).id, *again, member(3).id]

    def test_a_snapshot_is_there_once_it_is_finished_and_one_that_is_abandoned_changes_nothing(self) -> None:
        at = "2026-01-01T10:00:00.001Z"
        of_all = [replace(member(number), change="member", at=at, snapshot=at) for number in (2, 3, 4)]

        async def tell(opened: SnapshotDestination) -> None:
            await opened.start()
            try:
                await opened.send([member(1)])
                await opened.begin(at)
                await opened.abandon()
                await opened.begin(at)
                await opened.add(of_all[:2])
                await opened.add(of_all[2:])
                await opened.finish()
                await opened.send([member(5)])
            finally:
                await opened.stop()

        with self.other() as other:
            opened = self.destination(self.destination.Settings.model_validate(self.settings(other)))
            if not isinstance(opened, SnapshotDestination):
                return
            asyncio.run(tell(opened))
            taken = [each for each in self.taken(other) if each["id"] != member(1).id]
            assert taken == [*(json.loads(each.as_json()) for each in of_all), json.loads(member(5).as_json())]
            assert {each["snapshot"] for each in taken[:3]} == {at}

    def test_receipts_can_be_stored(self) -> None:
        with self.other() as other:
            for receipt in self.told(other, [member(1)]):
                assert storable(receipt) == receipt
                assert not isinstance(receipt, Ambiguous)
