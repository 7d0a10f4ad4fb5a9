"""Dead letters as callers see them: what the shards could not apply, and how to have it applied once more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from parcours.core.identity import SlotMap
from parcours.errors import CallerError
from parcours.instants import to_moment
from parcours.routing.ports import ShardPort
from parcours.shard.dead_letters import DeadLetter as Letter
from parcours.shard.dead_letters import resent
from parcours.shard.requests import ApplyDeadLetters, DropDeadLetters, ListDeadLetters, ResendDeadLetters
from parcours.wording import shown_value


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event, or a timer, that could not be applied and was set aside.

    id      names it, as SHARD.NUMBER
    at      when it was set aside
    line    the event's line as it came; None for a timer, whose run is parked and which cannot be sent again
    reason  why, in words
    """

    id: str
    at: datetime
    person: str
    line: bytes | None
    reason: str


async def list_all(ports: Sequence[ShardPort]) -> list[DeadLetter]:
    """Those of all shards, shard by shard, the oldest first."""
    listed = []
    for shard, port in enumerate(ports):
        letters = await port.ask(ListDeadLetters())
        listed += [
            DeadLetter(f"{shard}.{letter.number}", to_moment(letter.at), letter.person, letter.line, letter.reason)
            for letter in letters
        ]
    return listed


async def send_again(ports: Sequence[ShardPort], ids: Iterable[str]) -> int:
    """Apply these as if they came only now, and return how many were applied; CallerError for an id there is not."""
    there = {letter.id: letter for letter in await list_all(ports)}
    numbers = defaultdict[int, list[int]](list)
    for each in ids:
        letter = there.get(each)
        if letter is None or letter.line is None:
            raise CallerError(f"{shown_value(each)} is no dead letter that can be sent again")
        shard, _, number = each.partition(".")
        numbers[int(shard)].append(int(number))
    applied = 0
    for owner, chosen in numbers.items():
        done = await ports[owner].ask(ResendDeadLetters(chosen))
        applied += done.applied
        for moved in done.moved:
            applied += await _hand_on(ports, owner, moved)
    return applied


async def _hand_on(ports: Sequence[ShardPort], shard: int, letter: Letter) -> int:
    """Have a letter applied where its name lives by now, and then taken off the list of its shard; how many that was.

    Who fails in between has it applied twice, and the second time it is known again. One whose name moves on meanwhile
    stays where it is.
    """
    assert letter.owner is not None, "a name that has moved has an owner"
    there = SlotMap(len(ports)).shard(letter.owner)
    answer = await ports[there].ask(ApplyDeadLetters([letter]))
    done = resent([letter], answer)
    if not answer.deferred:
        await ports[shard].ask(DropDeadLetters([letter.number]))
    return done.applied
