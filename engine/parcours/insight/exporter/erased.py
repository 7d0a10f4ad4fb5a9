"""Who was erased, and may have rows in exported files until those are written anew: whoever reads them leaves hers out.

    facts/_erased/ID.json   a salted hash of her name, and up to where rows of hers count no more

It is there before anybody is told that she is erased, and goes once no file has anything of her. What is heard of her
later is of somebody new, whose rows count. Nothing here imports Arrow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from parcours.errors import StoreBroken
from parcours.insight.exporter.disk import Disk
from parcours.shard.erasures import Erased, Erasure, person_hash
from parcours.store.exports import ERASED, FACTS, UNFINISHED


class ErasedRows(msgspec.Struct, frozen=True):
    """
    id      of the erasure
    shard   the one that has erased her
    salt    in hexadecimal digits
    person  her hash, likewise
    at      when that was, in ms since 1970: in rows of another shard, as of a store that was shared out anew since, the
            time counts
    record  the last one of the shard whose rows do not count, by its number in the export
    """

    id: str
    shard: int
    salt: str
    person: str
    at: int
    record: int

    @classmethod
    def of(cls, shard: int, erased: Erased, erasure: Erasure) -> ErasedRows:
        """Those of one of the erasures of a shard."""
        salt, person = erasure.salt.hex(), erasure.person.hex()
        return cls(erasure.id, shard, salt, person, erasure.at, erasure.record + erased.offset)

    def means(self, person: str) -> bool:
        """Whether this person was erased by it."""
        return person_hash(bytes.fromhex(self.salt), person).hex() == self.person


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ErasedRows).decode


def read_erased(store: Path) -> list[ErasedRows]:
    """Those whose rows do not count, below the store's folder. To be read before the files are. Raises StoreBroken."""
    return erased_in(store / FACTS)


def erased_in(facts: Path) -> list[ErasedRows]:
    """The same of the folder of facts itself."""
    found: dict[str, ErasedRows] = {}
    for path in sorted((facts / ERASED).glob("*.json")):
        try:
            found[path.name] = _decode(path.read_bytes())
        except FileNotFoundError:  # no file has anything of her any more
            continue
        except msgspec.MsgspecError as error:
            raise StoreBroken(f"{path} cannot be read: {error}") from error
    return [*found.values()]


def note_erased(store: Path, shard: int, erased: Erased, disk: Disk | None = None) -> None:
    """Say, durably, whose rows do not count of those whom the shard has erased. Raises OSError, StoreBroken."""
    disk, folder = disk or Disk(), store / FACTS / ERASED
    wanted = {each.id: ErasedRows.of(shard, erased, each) for each in erased.erasures if not each.exports}
    known = {each.id: each for each in read_erased(store) if each.shard == shard}
    if wanted == known:
        return
    for name in wanted.keys() - known.keys():
        path = folder / f"{name}.json"
        disk.begin(path)
        disk.extend(path, _encode(wanted[name]) + b"\n")
        disk.finish(path)
    for name in known.keys() - wanted.keys():
        disk.remove(folder / f"{name}.json")
    for path in folder.glob(f"*{UNFINISHED}"):
        disk.remove(path)  # a crash has left it
    disk.sync(folder)


def of_people(erased: Iterable[ErasedRows], people: Sequence[str]) -> list[ErasedRows]:
    """Those by which any of these people was erased."""
    return [each for each in erased if any(map(each.means, people))]
