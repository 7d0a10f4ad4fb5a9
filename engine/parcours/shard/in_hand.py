"""Which input is being applied? Whatever ends the process in the middle of one leaves its mark, and is known by it.

Before an input is applied its mark is written into a few bytes that outlive the process (`Store.scratch`), which costs
no more than writing to memory. A shard that opens and finds a mark there knows which input was in hand when the process
before it ended. An input that was in hand `DEATHS_MAX` times, or that raised an error, is a *suspect*: it is not
applied again, but set aside. A process ends for other reasons too, so once is no proof.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

from parcours.store.store import SCRATCH_BYTES
from parcours.wording import error_words

DEATHS_MAX: Final = 3
"""So often one input may be in hand when the process ends: on Ray, whose actors are back within 3 s, that is 10 s."""

MARK_BYTES: Final = 11
ENTRY_BYTES: Final = 256
ENTRIES: Final = SCRATCH_BYTES // ENTRY_BYTES - 1
REASON_BYTES_MAX: Final = ENTRY_BYTES - MARK_BYTES - 2

NOTHING: Final = bytes(MARK_BYTES)
LINE: Final = b"L"
TIMER: Final = b"T"
CHANGE: Final = b"C"

_PERSON_MARK: Final = Struct(">cIHI")
"""The letter, the checksum of the person's name, and a time or the number of a change in six bytes."""


class Entry(NamedTuple):
    """A mark that was found or blamed: how often the process ended with it in hand, and what it raised, if it did."""

    mark: bytes
    deaths: int
    reason: str

    @property
    def is_suspect(self) -> bool:
        return bool(self.reason) or self.deaths >= DEATHS_MAX

    def words(self) -> str:
        return self.reason or f"the process ended {self.deaths} times while it was being applied"


class InHand:
    """The marks of one shard. The scratch bytes begin with the mark in hand; entries follow, the newest first."""

    def __init__(self) -> None:
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._given = NOTHING
        self._entries: list[Entry] = []
        self.suspects: dict[bytes, str] = {}
        """Why each suspect is not to be applied, by its mark."""

    def restore(self, scratch: memoryview) -> None:
        """Read what the process before has left."""
        self._scratch = scratch
        self._entries = [entry for place in range(ENTRIES) if (entry := _read(scratch, place)).deaths]
        left = bytes(scratch[:MARK_BYTES])
        if left != NOTHING:
            known = next((entry for entry in self._entries if entry.mark == left), Entry(left, 0, ""))
            self._note(known._replace(deaths=known.deaths + 1))
        self._name_suspects()
        self.nothing()

    def line(self, mark: bytes) -> None:
        """The input with this mark is being applied."""
        self._given = self._scratch[:MARK_BYTES] = mark

    def timer(self, person: str, due: int) -> None:
        """The person's timers of this instant are being fired."""
        _PERSON_MARK.pack_into(self._scratch, 0, TIMER, crc32(person.encode()), due >> 32, due & 0xFFFF_FFFF)

    def change(self, mark: bytes) -> bytes:
        """A person is going through this change; returns the mark of the line that waits for it."""
        line = self._given
        self.line(mark)
        return line

    def given(self) -> None:
        """The timers have been fired, and what was given is being applied."""
        self._scratch[:MARK_BYTES] = self._given

    def nothing(self) -> None:
        """Everything begun has been applied."""
        self._given = self._scratch[:MARK_BYTES] = NOTHING

    def blame(self, error: Exception) -> bool:
        """What is in hand has raised this error; returns whether anything is."""
        mark = bytes(self._scratch[:MARK_BYTES])
        if mark == NOTHING:
            return False
        self._note(Entry(mark, 1, error_words(error)))
        self.nothing()
        return True

    def acquit(self, mark: bytes) -> None:
        """Let it be applied once more, as if for the first time."""
        self._entries = [entry for entry in self._entries if entry.mark != mark]
        self._write()

    def _note(self, entry: Entry) -> None:
        others = [each for each in self._entries if each.mark != entry.mark]
        self._entries = [entry, *others][:ENTRIES]
        self._write()

    def _write(self) -> None:
        for place in range(ENTRIES):
            start = (place + 1) * ENTRY_BYTES
            entry = self._entries[place] if place < len(self._entries) else None
            self._scratch[start : start + ENTRY_BYTES] = bytes(ENTRY_BYTES) if entry is None else _encoded(entry)
        self._name_suspects()

    def _name_suspects(self) -> None:
        self.suspects = {entry.mark: entry.words() for entry in self._entries if entry.is_suspect}


def line_mark(digest: bytes) -> bytes:
    """The mark of a line."""
    return LINE + digest


def digest_of(mark: bytes) -> bytes:
    """The digest of the line with this mark."""
    return mark[len(LINE) :]


def timer_mark(person: str, due: int) -> bytes:
    """The mark of a person's timers of one instant."""
    return _person_mark(TIMER, person, due)


def change_mark(person: str, number: int) -> bytes:
    """The mark of a person and a change that she goes through."""
    return _person_mark(CHANGE, person, number)


def _person_mark(letter: bytes, person: str, number: int) -> bytes:
    return _PERSON_MARK.pack(letter, crc32(person.encode()), number >> 32, number & 0xFFFF_FFFF)


def _encoded(entry: Entry) -> bytes:
    reason = entry.reason.encode(errors="replace")[:REASON_BYTES_MAX].decode(errors="ignore").encode()
    return (entry.mark + bytes([min(entry.deaths, 255), len(reason)]) + reason).ljust(ENTRY_BYTES, b"\0")


def _read(scratch: memoryview, place: int) -> Entry:
    start = (place + 1) * ENTRY_BYTES
    data = bytes(scratch[start : start + ENTRY_BYTES])
    deaths, length = data[MARK_BYTES], data[MARK_BYTES + 1]
    reason = data[MARK_BYTES + 2 : MARK_BYTES + 2 + length].decode(errors="replace")
    return Entry(data[:MARK_BYTES], deaths, reason)
