"""Some shards of one shop that end at a commit of theirs, and whoever has done something in vain does it again."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.shard.moving_world import MovingWorld
from tests.shard.peer_world import Crash, CrashingStore

from parcours.errors import StoreBroken

ROUNDS_MAX = 20


class CrashingWorld(MovingWorld):
    """Whoever does something in vain, because a shard ends at it, does it again once that is open."""

    def store(self) -> CrashingStore:
        return CrashingStore()

    def crash_at(self, shard: int, commit: int, when: Crash) -> None:
        """The shard ends at its commit of this number from now on, counted from 1."""
        store = self.stores[shard]
        assert isinstance(store, CrashingStore)
        store.crash_at(commit, when)

    def insist(self, action: Callable[[], object]) -> object:
        """Do this until no shard ends at it."""
        for _ in range(ROUNDS_MAX):
            try:
                return action()
            except StoreBroken:
                self.open_again()
        raise AssertionError("shards end all the time")

    def open_again(self) -> None:
        for number, shard in enumerate(self.each):
            if shard.commits.is_broken:
                self.insist(partial(self.reopen, number))

    def hand_in(self, message_id: str, **call: object) -> None:
        """Hand a line in until it is acknowledged."""
        for _ in range(ROUNDS_MAX):
            if self.insist(lambda: self.say(message_id, **call)) is not None:
                return
            self.insist(self.settle)
        raise AssertionError(f"{call} is never acknowledged")
