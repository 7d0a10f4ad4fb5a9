"""The dead letters of a store that no engine has open: listed, and marked to be sent again at the next opening.

To mark one is a commit, so the store gets a new owner for a moment, as at every opening of an engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing

import msgspec

from parcours.errors import CallerError
from parcours.shard.closed_store import own_and_newest, own_of
from parcours.shard.dead_letters import DeadLetter, entry_of, letters_of
from parcours.shard.in_hand import InHand
from parcours.shard.slots import OWN
from parcours.store.address import open_store, shards_of
from parcours.store.store import Record, Store


def list_letters(address: str) -> dict[str, DeadLetter]:
    """All dead letters of a store by their ids, SHARD.NUMBER. Raises SettingInvalid if there is no such store."""
    listed: dict[str, DeadLetter] = {}
    for shard in range(shards_of(address)):
        with closing(open_store(address, shard)) as store:
            letters = letters_of(own_of(store))
            listed |= {f"{shard}.{number}": letter for number, letter in letters.items()}
    return listed


def ask_again(address: str, ids: Iterable[str]) -> None:
    """Let the shards apply these letters when an engine opens them. Raises CallerError for an id that cannot be."""
    by_shard = defaultdict[int, list[DeadLetter]](list)
    there = list_letters(address)
    for each in ids:
        letter = there.get(each)
        if letter is None:
            raise CallerError(f"there is no dead letter {each!r}: `parcours dead list` shows them")
        if letter.line is None:
            raise CallerError(f"the dead letter {each} is a timer: its run is parked, and nothing can be sent again")
        by_shard[int(each.partition(".")[0])].append(letter)
    for shard, letters in by_shard.items():
        with closing(open_store(address, shard)) as store:
            _mark(store, letters)


def _mark(store: Store, letters: list[DeadLetter]) -> None:
    _, newest = own_and_newest(store)
    in_hand = InHand()
    in_hand.restore(store.scratch())
    for letter in letters:
        in_hand.acquit(letter.mark)
    entries = [entry_of(msgspec.structs.replace(letter, again=True)) for letter in letters]
    own = [(OWN, name, data) for name, data in entries]
    epoch = store.acquire(None)
    store.append(Record(newest.sequence + 1, epoch, newest.stamp_ms, [], own, [], b""))
