"""The stash of virtual time: what waits for everyone whose clock stands still while a delivery is under way.

A receipt belongs to the instant at which its delivery was claimed, so nothing later may happen to the
person before it is known. Later inputs wait here, and so do receipts until the last one is in: they are
applied in the order in which the deliveries were queued, not in the order in which providers answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from parcours.core.input import Input, Settlement


class _Waiting:
    __slots__ = ("follows", "inputs", "keys", "receipts")

    def __init__(self) -> None:
        self.follows: str | None = None
        self.keys: list[str] = []
        self.receipts: dict[str, Settlement] = {}
        self.inputs: deque[Input] = deque()


class Stash:
    """Inputs and receipts of people whose clock stands still."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._followers: dict[str, list[str]] = {}

    def __contains__(self, person: str) -> bool:
        return person in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def hold(self, person: str, keys: Iterable[str], inputs: Iterable[Input] = ()) -> None:
        """Stop the person's clock until these deliveries are answered for; the inputs come after that."""
        waiting = self._waiting.setdefault(person, _Waiting())
        waiting.keys.extend(keys)
        waiting.inputs.extend(inputs)

    def follow(self, person: str, other: str) -> bool:
        """Stop the person's clock until the other one's goes on; not if that one waits for hers, or does not wait."""
        held = self._waiting.get(other)
        if held is None or held.follows == person:
            return False
        self._waiting.setdefault(person, _Waiting()).follows = other
        self._followers.setdefault(other, []).append(person)
        return True

    def let_follow(self, other: str) -> list[str]:
        """Those who have waited for the other one's clock, and wait for it no more."""
        followers = self._followers.pop(other, [])
        for person in followers:
            self._waiting[person].follows = None
        return followers

    def answer(self, person: str, receipt: Settlement) -> list[Settlement]:
        """Take a receipt; all of the person's receipts in order once the last one is in, nothing before."""
        self._waiting[person].receipts[receipt.key] = receipt
        return self._answered(person)

    def drop(self, person: str, key: str) -> list[Settlement]:
        """The delivery does not leave after all; the person's receipts if it was the last one missing."""
        self._waiting[person].keys.remove(key)
        return self._answered(person)

    def _answered(self, person: str) -> list[Settlement]:
        waiting = self._waiting[person]
        if len(waiting.receipts) < len(waiting.keys):
            return []
        answered = [waiting.receipts[key] for key in waiting.keys]
        waiting.keys, waiting.receipts = [], {}
        return answered

    def release(self, person: str) -> deque[Input] | None:
        """What the person's clock kept waiting, None if deliveries are still under way, or somebody is waited for."""
        if self._waiting[person].keys or self._waiting[person].follows is not None:
            return None
        return self._waiting.pop(person).inputs
