"""Which lines does a router answer by itself? Those to which nothing listens: no shard has anything to do for them.

Four lines in five are such, and each would cost its way to a shard, a look at the ids, and a part of a commit.

- A line is answered here only if it is certain that a shard would accept it and do nothing: a track call of a plain
  user id, whose event moves nobody, makes nobody known, and is not archived. Whatever is doubtful goes to its shard,
  which says what is wrong with it. So a line is accepted or rejected, for the same reason, wherever it is looked at.
- Nothing is kept of it, its message id neither: one that comes again is accepted again.
- It is answered here only under a lease (shard/leases.py): a shard has taken a batch of this router lately, by the very
  ledger whose program the router has. A publication waits until all leases have run out; so whatever is handed in from
  its time on comes to a shard, and no event is lost to what begins to listen.
- Shards count all lines. How many were answered here travels with the next batch, and is counted by its commit; where
  none follows in a moment, one without lines. Of a process that crashes those of that moment are not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from parcours.clock import steady_s
from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.journey.program import Program
from parcours.segment.line import UNREADABLE, decode_envelope
from parcours.shard.archiving import heard_events
from parcours.shard.intake import PLAIN_ID_MAX
from parcours.shard.leases import LEASE_S
from parcours.shard.messages import Answer

UNREAD: Final = -1
"""No slot, and no shard: where the person of a line lives has not been found out yet."""

IDLE: Final = -2
"""No slot, and no shard: nothing listens to the line, and the router answers it."""


class Alone:
    """What one router answers by itself. Lives on the router's loop."""

    def __init__(self, *, now_s: Callable[[], float] = steady_s) -> None:
        """`now_s` is a stopwatch."""
        self._now_s = now_s
        self._program: Program | None = None
        self._archives = False
        """Whether shards keep the events that a program names; they say so with each lease, and nothing is answered
        without one."""

        self._heard: frozenset[str] | None = None
        self._declared: frozenset[str] = frozenset()
        self._ledger: int | None = None
        self._leased: int | None = None
        self._until_s = 0.0
        self._is_wanted = False
        self._counted = 0, 0

    def publish(self, program: Program, ledger: int | None) -> None:
        """This holds under this ledger; None: which one it is of is not known, or everything goes to shards."""
        self._program = None if ledger is None else program
        self._declared = frozenset(program.events) | frozenset(program.derived)
        self._ledger = ledger
        self._look_up()

    def _look_up(self) -> None:
        program = self._program
        self._heard = None if program is None else heard_events(program, archives=self._archives)

    @property
    def looks(self) -> bool:
        """Whether there may be lines for it."""
        return self._heard is not None

    def is_leased(self) -> bool:
        """Whether it may answer now."""
        return self._leased is not None and self._leased == self._ledger and self._now_s() < self._until_s

    def slots(self, lines: Sequence[bytes], slot_map: SlotMap, settings: Settings) -> tuple[list[int], int]:
        """The slot of each line's person, IDLE where it is answered here, UNREAD where it has yet to be found out.

        And how many of those answered here are of events that the project does not declare.
        """
        heard, declared, slot_of, longest = self._heard, self._declared, slot_map.slot, settings.event_bytes_max
        assert heard is not None, "it looks only where a program says what is heard"
        slots, undeclared, answers = list[int](), 0, self.is_leased()
        add = slots.append
        for line in lines:
            try:
                call = decode_envelope(line)
            except UNREADABLE:
                add(UNREAD)
                continue
            person, event, its_id = call.user_id, call.event, call.message_id
            if not person or person[0] == "@" or len(line) > longest:
                add(UNREAD)
            elif (
                not event or event in heard or call.type != "track" or len(person) > PLAIN_ID_MAX or "\0" in person
                or (its_id and len(its_id) > PLAIN_ID_MAX)
            ):  # fmt: skip
                add(slot_of(person))
            elif answers:
                add(IDLE)
                undeclared += event not in declared
            else:
                self._is_wanted = True
                add(slot_of(person))
        return slots, undeclared

    def count(self, lines: int, undeclared: int) -> None:
        """So many have been answered here."""
        self._is_wanted = True
        accepted, others = self._counted
        self._counted = accepted + lines - undeclared, others + undeclared

    @property
    def is_untold(self) -> bool:
        """Whether some have been answered here that no shard has been told of."""
        return any(self._counted)

    def to_tell(self) -> tuple[int, int] | None:
        """How many declared and undeclared ones a shard is told of with the batch that leaves now.

        None: nor is a lease of use, which it would grant by the answer.
        """
        if not self._is_wanted:
            return None
        told, self._counted, self._is_wanted = self._counted, (0, 0), False
        return told

    def now_s(self) -> float:
        """A reading of the stopwatch."""
        return self._now_s()

    def hear(self, answer: Answer, sent_s: float) -> None:
        """A shard has answered a batch that was sent at this reading."""
        lease = answer.lease
        if lease is None:
            return
        if lease.archives != self._archives:
            self._archives = lease.archives
            self._look_up()
        if lease.ledger != self._leased:
            self._leased, self._until_s = lease.ledger, 0.0
        self._until_s = max(self._until_s, sent_s + lease.waited_s + LEASE_S)
