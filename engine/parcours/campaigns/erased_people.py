"""Whoever is erased goes out of the files of campaigns: of all runs, of saved audiences, and of what was exported.

Shards take nobody to a step who was forgotten after the run had begun (`TakeParts.since`), so nothing happens by a set
that still has her; here her rows go. A run under way goes on without her. Its slices are not what they were then, so it
is noted first that rows may be missing: whoever goes through a hand-over once more does so with everybody, which
changes nothing for those who have been taken.

Each file is written whole, and those by which others are found go last: links after tables, sets after exports, what
shards told after all. So after a crash it is begun anew, and finds what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

import msgspec

from parcours.campaigns.run_folder import EARLIER, EXPORTED, MADE, Exported, Record, RunFolder, read_json, write_json
from parcours.campaigns.run_place import RunPlace
from parcours.campaigns.saved_members import SAVES, SavesMade
from parcours.campaigns.sets.plain_sets import size_of
from parcours.campaigns.sets.whole_file import hash_of, whole_file
from parcours.campaigns.sets.without_people import (
    names_that,
    places_of,
    rows_of_nobody_else,
    without_exported,
    without_people,
    without_rows,
    without_words,
    words_about,
)
from parcours.core.identity import id_of, slot_of
from parcours.journey.model.campaign_sets import MAIN
from parcours.shard.erasures import Erasure, forgotten_names


class ErasedPeople:
    """Those of some erasures. Methods that write raise OSError, and may be repeated."""

    def __init__(self, erasures: Iterable[Erasure], exports: Path) -> None:
        self._erasures = [*erasures]
        self._exports = exports

    def leave_run(self, folder: Path, place: RunPlace) -> None:
        """Take those out of the files of a run who were forgotten after it had begun."""
        hers = self._meant(place.since)
        files = [path for each in ("links", "sets", "people", "found") for path in _parquet(folder / each)]
        found = {path: names_that(hers, path) for path in files}
        names = {name for each in found.values() for name in each}
        if names:
            RunFolder(folder, durable=True).note_thinned()
            people = _parquet(folder / "people")
            words = {id_of(name) for name in names} | names
            words |= {word for path in people for word in words_about(names, path)}
            self._leave_tables(folder, names, words)
            self._leave_exports(folder, names, words)
            for path in files:
                _leave(path, found[path])

    def leave_rest(self, folder: Path) -> None:
        """Take them out of what campaigns, in their folder, keep beside runs: members of audiences, and the like."""
        hers = self._meant(0)
        for path in folder.glob(f"*/{EARLIER}/*/*.parquet"):
            _leave(path, names_that(hers, path))
        for saves in folder.glob(f"*/*/{SAVES}"):
            found = {path: names_that(hers, path) for path in _parquet(saves.parent)}
            made = read_json(saves, SavesMade)
            if made is not None and made.under_way and any(found.values()):
                campaign, number, _ = made.under_way.split("/", 2)
                RunFolder(folder / campaign / number, durable=True).note_thinned()
            for path, names in found.items():
                _leave(path, names)

    def _meant(self, since_ms: int) -> Callable[[str], bool]:
        found = forgotten_names(each for each in self._erasures if each.at >= since_ms)

        def hers(name: str) -> bool:
            erasures = found.get(slot_of(name))
            return erasures is not None and any(each.means(name) for each in erasures)

        return hers

    def _leave_tables(self, folder: Path, names: set[str], words: set[str]) -> None:
        """Rows that are linked to nobody else; of a table that only queries read, those that have one of the words."""
        for path in _parquet(folder / "tables"):
            links = [each for each in _parquet(folder / "links") if each.stem.partition("-")[2] == path.stem]
            if links:
                numbers = rows_of_nobody_else(links, names)
                gone = without_rows(path, numbers) if numbers else 0
            else:
                numbers, gone = set[int](), without_words(path, words)
            record = path.with_suffix(".json")
            if (gone or numbers) and record.exists():
                told: dict[str, Any] = msgspec.json.decode(record.read_bytes())
                with whole_file(record) as unfinished:
                    unfinished.write_bytes(msgspec.json.encode(told | {"hash": hash_of(path), "rows": size_of(path)}))

    def _leave_exports(self, folder: Path, names: set[str], words: set[str]) -> None:
        """Rows at the places that they have in the set; of a file that is not the run's any more, those with a word."""
        for noted in folder.glob(f"sets/*/{EXPORTED}"):
            exported, made = read_json(noted, Exported), read_json(noted.with_name(MADE), Record)
            if exported is None or made is None or not (path := self._exports / exported.file).is_file():
                continue
            hashed = hash_of(path)
            if hashed == exported.hash:
                places = places_of(folder / "sets" / made.files[MAIN], names)
                if without_exported(path, _at(places)):
                    write_json(noted, msgspec.structs.replace(exported, hash=hash_of(path)), durable=True)
            else:
                without_exported(path, lambda _, cells: any(cell in words for cell in cells))


def _at(places: Collection[int]) -> Callable[[int, object], bool]:
    return lambda place, _: place in places


def _leave(path: Path, names: set[str]) -> None:
    if names:
        without_people(path, names)


def _parquet(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))
