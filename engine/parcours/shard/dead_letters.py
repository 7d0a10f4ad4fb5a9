"""Dead letters: what could not be applied and was set aside, for somebody to look at and to send again.

Each is an entry of the shard's own slot, so it commits with the batch that met it. There are `dead_letters_max` of
them; beyond that the oldest goes, which is recorded. A letter that is to be sent again is applied in the commit that
takes it off the list, so it is neither lost nor applied twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from parcours.config import Settings
from parcours.core.fact import LimitReached
from parcours.shard.in_hand import InHand, digest_of, line_mark
from parcours.shard.messages import Again, Answer, Batch, LineOutcome
from parcours.shard.work import Work
from parcours.wording import ForeignText

log = logging.getLogger("parcours")

PREFIX = "dead "
"""What the names of the entries begin with; the letter's number follows."""

NO_ROUTER = "dead letters"
"""In place of a router's name."""


class DeadLetter(msgspec.Struct, frozen=True, array_like=True):
    """Something that was set aside.

    number  no other letter in the shard's list has it
    at      when it was set aside, in ms
    line    the event's line as it came, with a message id; None for a timer, which cannot be sent again
    reason  why, in words
    again   it is to be applied once more as soon as the shard opens
    mark    by which it is known in hand
    owner   who had the name by then under which it is written, where the line had been sent on to her; else None
    """

    number: int
    at: int
    person: str
    line: bytes | None
    reason: str
    mark: bytes
    again: bool = False
    owner: str | None = None

    @property
    def digest(self) -> bytes:
        """By what the message is recognised, as when it came: a line without a message id is known by its router."""
        return digest_of(self.mark)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DeadLetter).decode


class DeadLetters:
    """The dead letters of one shard, by number."""

    def __init__(self, settings: Settings) -> None:
        self.in_hand = InHand()
        self._most = settings.dead_letters_max
        self._letters: dict[int, DeadLetter] = {}
        self._next = 1

    def restore(self, entries: Mapping[str, bytes], scratch: memoryview) -> None:
        """Come back from the entries of the shard's own slot and its scratch bytes."""
        self.in_hand.restore(scratch)
        self._letters = letters_of(entries)
        self._next = max(self._letters, default=0) + 1

    def listed(self) -> list[DeadLetter]:
        """The oldest first."""
        return list(self._letters.values())

    def set_aside(
        self,
        work: Work,
        at: int,
        person: str,
        line: bytes | None,
        mark: bytes,
        owner: str | None = None,
        what: str = "an event",
    ) -> str:
        """Let a suspect be, as part of this work; returns why, in words.

        what  it is, for the log
        """
        reason = self.in_hand.suspects[mark]
        self._keep(work, DeadLetter(self._next, at, person, line, reason, mark, owner=owner))
        log.error("%s of %r was set aside: %s", what, ForeignText(person), ForeignText(reason))
        return reason

    def put_aside(self, work: Work, person: str, line: bytes, digest: bytes, reason: str) -> None:
        """Set aside a line of a source that is of no use, as part of this work: nobody else is told of it."""
        self._keep(work, DeadLetter(self._next, work.stamp_ms, person, line, reason, line_mark(digest)))

    def _keep(self, work: Work, letter: DeadLetter) -> None:
        self._next += 1
        self._letters[letter.number] = letter
        work.own.append(entry_of(letter))
        if len(self._letters) > self._most:
            oldest = self._letters[min(self._letters)]
            lost = f"dropped, though it was set aside: {oldest.reason}"
            work.facts.append(LimitReached(letter.at, oldest.person, "dead_letters_max", lost))
            work.own.append(self.drop(oldest))

    def asked_for(self) -> list[int]:
        """The numbers of those that are to be applied once more."""
        return [letter.number for letter in self._letters.values() if letter.again]

    def numbered(self, numbers: Iterable[int]) -> list[DeadLetter]:
        """The letters of these numbers that can be sent again, each once."""
        there = [self._letters[number] for number in dict.fromkeys(numbers) if number in self._letters]
        return [letter for letter in there if letter.line is not None]

    def why(self, mark: bytes) -> str | None:
        """Why the line with this mark is a dead letter, None if it is none."""
        return next((letter.reason for letter in self._letters.values() if letter.mark == mark), None)

    def acquit(self, numbers: Iterable[int]) -> None:
        """Let the lines of these letters be applied once more, whatever came of it before."""
        for letter in self.numbered(numbers):
            self.in_hand.acquit(letter.mark)

    def of(self, person: str) -> list[DeadLetter]:
        """Those of a person."""
        return [letter for letter in self._letters.values() if letter.person == person]

    def drop(self, letter: DeadLetter) -> tuple[str, bytes]:
        """Take it off the list; the entry to be committed."""
        del self._letters[letter.number]
        return f"{PREFIX}{letter.number}", b""

    def give_up(self) -> list[tuple[str, bytes]]:
        """Do not send again what has ended the process once more; the entries to be committed."""
        given_up = [
            letter for letter in self._letters.values() if letter.again and letter.mark in self.in_hand.suspects
        ]
        kept = [msgspec.structs.replace(letter, again=False) for letter in given_up]
        self._letters |= {letter.number: letter for letter in kept}
        return [entry_of(letter) for letter in kept]

    def troubles(self) -> list[str]:
        """That there are some, in a sentence."""
        if not self._letters:
            return []
        newest = self._letters[max(self._letters)]
        count = len(self._letters)
        return [f"dead letters: {count} (see `parcours dead list`), the newest because: {newest.reason}"]


class Resent(msgspec.Struct, frozen=True, array_like=True):
    """What became of letters that were sent again.

    applied  how many were applied, now or before
    moved    those of a name that has moved to another shard, with its owner: they are still where they were
    """

    applied: int
    moved: list[DeadLetter]


def batch_of(letters: Sequence[DeadLetter]) -> Batch:
    """The lines of letters that can be sent again."""
    lines = [letter.line for letter in letters if letter.line is not None]
    again = [Again(letter.person, letter.owner) for letter in letters]
    return Batch(NO_ROUTER, 0, [letter.number for letter in letters], lines, again=again)


def resent(letters: Sequence[DeadLetter], answer: Answer) -> Resent:
    """What the answer to the batch of these letters says of them."""
    kept = {each.place: each for each in answer.deferred}
    outcomes = [outcome for place, outcome in enumerate(answer.outcomes) if place not in kept]
    moved = [
        msgspec.structs.replace(letters[place], owner=each.owner)
        for place, each in kept.items()
        if each.verdict == "moved"
    ]
    return Resent(len(outcomes) - outcomes.count(LineOutcome.REJECTED), moved)


def entry_of(letter: DeadLetter) -> tuple[str, bytes]:
    """The letter as an entry of the shard's own slot."""
    return f"{PREFIX}{letter.number}", _encode(letter)


def letters_of(entries: Mapping[str, bytes]) -> dict[int, DeadLetter]:
    """The letters among the entries of a shard's own slot, by number and in its order."""
    letters = [_decode(data) for name, data in entries.items() if name.startswith(PREFIX)]
    return {letter.number: letter for letter in sorted(letters, key=lambda letter: letter.number)}
