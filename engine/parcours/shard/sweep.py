"""The sweep of a change: everybody whom the shard had at that time is visited once, slot by slot."""

from __future__ import annotations

from parcours.shard.slots import Slots


class Sweep:
    """People are listed a slot at a time, so that a shard of millions starts it at once."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._numbers: list[int] = []
        self._people: list[tuple[int, str]] = []

    def start(self) -> None:
        """Begin anew. Who is added later has gone through the change from the start."""
        self._numbers, self._people = list(self._slots.owned), []

    def is_over(self) -> bool:
        return not (self._numbers or self._people)

    def take(self, most: int) -> list[tuple[int, str]]:
        """(slot, person) of the next ones, at most so many."""
        while self._numbers and len(self._people) < most:
            number = self._numbers.pop()
            self._people += [(number, person) for person in self._slots[number].profiles]
        taken, self._people = self._people[:most], self._people[most:]
        return [(number, person) for number, person in taken if person in self._slots[number].profiles]
