"""The suite that every destination of facts passes, those that come along and yours.

    class TestLake(FactsDestinationContract[Lake]):
        destination = LakeDestination
        ...

Subclass it as the one of destinations of members.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Generic, TypeVar

import pydantic
import pytest

from parcours.destination import FactRow, FactsDestination, FactsRefused

Other = TypeVar("Other")


def fact(number: int, person: str | None = None) -> FactRow:
    """A fact of one of seven people, or of this one; the same one for the same number."""
    person = f"p{number % 7} Zoë" if person is None else person
    told = {
        "table": "moves",
        "time": "2026-01-01T10:00:00.000Z",
        "person": person,
        "shard": 3,
        "record": number,
        "n": 0,
    }
    return FactRow(f"shop/lake/3/{number}/0", "moves", person, json.dumps(told, ensure_ascii=False).encode())


class FactsDestinationContract(ABC, Generic[Other]):
    """The contract suite of destinations of facts. `Other` is the type of your double; each test opens a new one."""

    destination: ClassVar[type[FactsDestination]]
    """The class under test."""

    @abstractmethod
    def other(self) -> AbstractContextManager[Other]:
        """The other side, which takes everything; it closes with the context."""

    @abstractmethod
    def settings(self, other: Other) -> dict[str, Any]:
        """Settings that lead there. Called while it is open."""

    @abstractmethod
    def taken(self, other: Other) -> list[tuple[str, bytes]]:
        """(id, body) of the facts that the other side has, those of one person in its order."""

    def cut_off(self, other: Other) -> AbstractContextManager[object] | None:
        """While it lasts the other side cannot be reached; None where that cannot come about."""
        del other
        return None

    def too_long(self, other: Other) -> int | None:
        """How long a body is that the other side will never have; None where it has all."""
        del other
        return None

    def recognises(self) -> bool:
        """Whether the other side takes in a fact once that comes again."""
        return False

    def opened(self, other: Other) -> FactsDestination:
        """One that is not started yet."""
        return self.destination(self.destination.Settings.model_validate(self.settings(other)))

    def publish(self, other: Other, *batches: Sequence[FactRow]) -> None:
        """Let one destination hand over these batches."""

        async def hand_over() -> None:
            opened = self.opened(other)
            await opened.start()
            try:
                for batch in batches:
                    await opened.publish(batch)
            finally:
                await opened.stop()

        asyncio.run(hand_over())

    def by_person(self, facts: Sequence[tuple[str, bytes]]) -> dict[str, list[tuple[str, bytes]]]:
        """The facts of each person in their order."""
        found: dict[str, list[tuple[str, bytes]]] = {}
        for each in facts:
            found.setdefault(json.loads(each[1])["person"], []).append(each)
        return found

    def test_it_takes_facts_and_its_settings_are_documented_and_closed(self) -> None:
        assert issubclass(self.destination.Settings, pydantic.BaseModel)
        assert self.destination.Settings.model_config.get("extra") == "forbid"
        assert all(field.description for field in self.destination.Settings.model_fields.values())
        with self.other() as other:
            assert isinstance(self.opened(other), FactsDestination)

    def test_facts_are_there_with_their_ids_and_those_of_a_person_in_order(self) -> None:
        facts = [fact(number) for number in range(200)]
        with self.other() as other:
            self.publish(other, facts[:150], facts[150:151], facts[151:])
            assert self.by_person(self.taken(other)) == self.by_person([(each.id, each.body) for each in facts])

    def test_an_empty_batch_hands_over_nothing(self) -> None:
        with self.other() as other:
            self.publish(other, [], [fact(1)], [])
            assert self.taken(other) == [(fact(1).id, fact(1).body)]

    def test_a_fact_of_nobody_arrives(self) -> None:
        with self.other() as other:
            self.publish(other, [fact(1, ""), fact(2, "")])
            assert sorted(self.taken(other)) == [(each.id, each.body) for each in (fact(1, ""), fact(2, ""))]

    def test_a_fact_that_comes_again_is_taken_again_or_recognised(self) -> None:
        with self.other() as other:
            self.publish(other, [fact(1), fact(2)])
            self.publish(other, [fact(2), fact(3)])
            arrived = sorted(key for key, _ in self.taken(other))
            again = [] if self.recognises() else [fact(2).id]
            assert arrived == sorted([fact(1).id, fact(2).id, *again, fact(3).id])

    def test_while_the_other_side_is_away_it_raises_and_a_new_one_goes_on(self) -> None:
        async def hand_over(opened: FactsDestination) -> None:
            try:
                await opened.start()
                await opened.publish([fact(1), fact(2)])
            finally:
                await opened.stop()

        with self.other() as other:
            away = self.cut_off(other)
            if away is None:
                return
            with away, pytest.raises(Exception):  # noqa: B017, PT011  # which one is its own affair
                asyncio.run(hand_over(self.opened(other)))
            self.publish(other, [fact(1), fact(2)])
            assert {key for key, _ in self.taken(other)} == {fact(1).id, fact(2).id}

    def test_what_the_other_side_will_never_have_is_refused_alone(self) -> None:
        with self.other() as other:
            length = self.too_long(other)
            if length is None:
                return
            long = FactRow("shop/lake/3/2/0", "moves", "p", json.dumps({"person": "p", "text": "x" * length}).encode())
            with pytest.raises(FactsRefused) as refused:
                self.publish(other, [fact(1), long, fact(3)])
            assert list(refused.value.reasons) == [long.id]
            assert sorted(key for key, _ in self.taken(other)) == [fact(1).id, fact(3).id]
