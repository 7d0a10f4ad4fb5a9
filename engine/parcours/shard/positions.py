"""Positions of routers: the batch that comes next from each, and the outcomes of its newest ones.

A router that missed an answer sends its batch again, perhaps to a shard that has been opened anew meanwhile, and is
told what it would have been told then. So this commits with the batch, and it has to stay small whatever is sent:

- Of each line its outcome is kept, in two bits, and nothing at all of a batch whose lines were all accepted. Why a
  line was rejected is not kept: the line comes again with its batch, and is judged again (`Intake.answer_again`).
- Each router has an entry of its own in the shard's own slot, so a record carries that of the router whose batch it
  is, and not those of all the others, most of which will never be heard of again.
- There are `routers_max` entries. A new router gets that of the one unheard of for longest.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import count

import msgspec
from msgspec.structs import replace

from parcours.config import Settings
from parcours.shard.deferrals import Deferrals
from parcours.shard.messages import Batch, Deferred, LineOutcome

PREFIX = "router "
"""What the names of the entries begin with; a number follows."""


class Position(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of one router.

    entry    the number of its entry in the shard's own slot
    batch    the number of the last batch taken from it
    record   the record with which that was committed: who has the lowest is unheard of for longest
    answers  the packed outcomes of its newest batches; the last are those of `batch`
    waiting  the names that are deferred, each with the newest line that was (deferrals.py)
    deferred  the deferred lines of those batches, by the number of the batch; nothing of a batch without any
    """

    router: str
    entry: int
    batch: int
    record: int
    answers: tuple[bytes, ...]
    waiting: dict[str, int] = {}
    deferred: dict[int, list[Deferred]] = {}


_ACCEPTED = bytes([LineOutcome.ACCEPTED])  # the digit 0: a batch that begins with such lines takes less
_DIGITS = bytes.maketrans(bytes(LineOutcome), b"0123")
_FOUR_LINES = [bytes(byte >> shift & 3 for shift in (6, 4, 2, 0)) for byte in range(256)]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Position).decode


class Positions:
    """The routers that a shard has heard of, the one unheard of for longest first."""

    def __init__(self, settings: Settings) -> None:
        self._routers_max = settings.routers_max
        self._names_max = settings.deferred_names_max
        self._answers_max = settings.batches_in_flight_max  # each of so many may have to be repeated
        self._known: dict[str, Position] = {}

    def restore(self, entries: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        kept = [_decode(data) for name, data in entries.items() if name.startswith(PREFIX)]
        kept.sort(key=lambda position: position.record)
        self._known = {position.router: position for position in kept[-self._routers_max :]}

    def expected(self, router: str) -> int:
        """The number of the batch that comes next."""
        known = self._known.get(router)
        return 1 if known is None else known.batch + 1

    def outcomes(self, batch: Batch) -> bytes | None:
        """What became of each line of a batch that was taken before; None if that is not remembered."""
        known = self._known.get(batch.router)
        age = -1 if known is None else known.batch - batch.number
        if known is None or not 0 <= age < len(known.answers):
            return None
        return unpacked(known.answers[-1 - age], len(batch.lines))

    def deferred(self, batch: Batch) -> list[Deferred]:
        """The lines of a batch taken before that were deferred then; asked where `outcomes` are remembered."""
        known = self._known.get(batch.router)
        return [] if known is None else known.deferred.get(batch.number, [])

    def deferrals(self, batch: Batch) -> Deferrals:
        """Which lines of the batch that comes next have to wait; handed to `advance` once it has been taken."""
        known = self._known.get(batch.router)
        return Deferrals({} if known is None else known.waiting, batch, self._names_max)

    def advance(
        self, batch: Batch, outcomes: bytes, record: int, deferrals: Deferrals | None = None
    ) -> tuple[str, bytes]:
        """The batch has been taken. The entry to be committed with it: its name and its bytes."""
        known = self._known.pop(batch.router, None)
        waiting = known.waiting if known else {}
        deferred = known.deferred if known else {}
        if deferred:
            oldest = batch.number - self._answers_max
            deferred = {number: lines for number, lines in deferred.items() if number > oldest}
        if deferrals is not None:
            waiting = deferrals.waiting
            if deferrals.deferred:
                deferred = {**deferred, batch.number: deferrals.deferred}
        answers = () if known is None else known.answers
        position = Position(
            batch.router,
            self._free_entry() if known is None else known.entry,
            batch.number,
            record,
            (*answers, packed(outcomes))[-self._answers_max :],
            waiting,
            deferred,
        )
        self._known[batch.router] = position
        return f"{PREFIX}{position.entry}", _encode(position)

    def forget(self, names: Collection[str]) -> list[tuple[str, bytes]]:
        """These have been erased: no line has to wait for them any more. The entries to be committed with that.

        A line of theirs that comes again is told as one without a name, and named anew from what it says.
        """
        changed = []
        for router, position in self._known.items():
            waiting = {name: line for name, line in position.waiting.items() if name not in names}
            deferred = {
                number: [_unnamed(each) if each.name in names else each for each in lines]
                for number, lines in position.deferred.items()
            }
            if waiting != position.waiting or deferred != position.deferred:
                self._known[router] = after = replace(position, waiting=waiting, deferred=deferred)
                changed.append((f"{PREFIX}{after.entry}", _encode(after)))
        return changed

    def _free_entry(self) -> int:
        if len(self._known) >= self._routers_max:
            return self._known.pop(next(iter(self._known))).entry
        taken = {position.entry for position in self._known.values()}
        return next(entry for entry in count() if entry not in taken)


def packed(outcomes: bytes) -> bytes:
    """The outcomes of a batch's lines as they are kept: a number to the base 4, in as few bytes as it takes."""
    number = int(b"0" + outcomes.translate(_DIGITS), 4)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def unpacked(kept: bytes, lines: int) -> bytes:
    """The outcomes again, of a batch of so many lines."""
    return b"".join([_FOUR_LINES[byte] for byte in kept]).rjust(lines, _ACCEPTED)[-lines:]


def _unnamed(line: Deferred) -> Deferred:
    return replace(line, name="", owner=None, verdict="later")
