"""Audiences that campaigns save, in one shard: who enters and leaves is handed over in slices, and holds from one time.

Slices are kept before the time is fixed from which they hold, and no shard has passed that time. From then on whoever
is touched goes through her change first, and everybody else slice by slice; so all of it has happened at one instant,
however many people it concerns, and a journey that reads the audience later finds it whole.

    Stage ... Stage ── LetSave ──> in force ── slice by slice ──> over

One that is over is known until the campaign's run ends: its time is what other shards are told that have not heard it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from parcours.core.input import MembershipSaved

AGAIN: Final = -1
"""In place of the number of a slice: these people were away when theirs was handed over. It may be said twice."""

SAVING: Final = "saving"
"""The entry of the shard's own slot with the saves that hold; each staged slice is one under a name that begins so."""


class Staged(msgspec.Struct, frozen=True, array_like=True):
    entered: list[str]
    left: list[str]


class Save(msgspec.Struct, frozen=True, array_like=True):
    """A save that holds, from `at` (ms) on.

    name    by what its slices belong together
    slices  how many there are, and `done` how many of them have been gone through
    passes  whether it need not be known any more once it is over, because the campaign's run has ended
    """

    name: str
    audience: str
    silent: bool
    at: int
    slices: int
    done: int = 0
    passes: bool = False

    @property
    def is_over(self) -> bool:
        """Whether everybody has gone through it."""
        return self.done == self.slices


_encode = msgspec.msgpack.Encoder().encode
_decode_saves = msgspec.msgpack.Decoder(list[Save]).decode
_decode_slice = msgspec.msgpack.Decoder(Staged).decode


class Saves:
    """Of one shard. `changed` is called when another save is in force, or one less."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._saves: list[Save] = []
        self._pending: dict[str, dict[str, bool]] = {}
        """By save, who has not gone through it: whether she is inside from now on."""

        self._staged: dict[str, int] = {}
        """How many slices of each save are there that is not in force."""

        self._unsaved: dict[str, bytes] = {}

    def known(self) -> list[Save]:
        """Those that hold, whether or not they are over."""
        return self._saves

    def under_way(self) -> list[Save]:
        """Those that somebody has not gone through."""
        return [each for each in self._saves if not each.is_over]

    def stage(self, name: str, number: int, entered: list[str], left: list[str]) -> int:
        """Keep slice `number` (from 0) of a save, if it comes next, or is `AGAIN`; the number that comes next then."""
        if self._holds(name):
            return number + 1
        expected = self._staged.get(name, 0)
        if number in (expected, AGAIN):
            self._unsaved[_entry(name, expected)] = _encode(Staged(entered, left))
            self._staged[name] = expected = expected + 1
        return expected

    def let(self, name: str, audience: str, at: int, own: Mapping[str, bytes], *, silent: bool) -> bool:
        """From this time on the slices hold. False if they do already, or have, or if none is there."""
        staged = self._staged.pop(name, 0)
        if not staged or self._holds(name):
            return False
        save = Save(name, audience, silent, at, staged)
        self._load(save, own)
        self._keep([*self._saves, save])
        return True

    def drop(self, run: str) -> bool:
        """Whatever was staged of a run and does not hold comes to nothing, and saves that are over are known no more.

        False if there is nothing of the run.
        """
        staged = [name for name in self._staged if name.startswith(run)]
        for name in staged:
            self._unsaved |= {_entry(name, number): b"" for number in range(self._staged.pop(name))}
        mine = [each for each in self._saves if each.name.startswith(run) and not each.passes]
        if mine:
            passing = {each.name: msgspec.structs.replace(each, passes=True) for each in mine}
            kept = [passing.get(each.name, each) for each in self._saves]
            self._keep([each for each in kept if not (each.passes and each.is_over)])
        return bool(staged) or bool(mine)

    def missed_by(self, person: str) -> list[MembershipSaved]:
        """What somebody has to go through before anything that happens to her now."""
        found: list[MembershipSaved] = []
        for save in self._saves:
            inside = self._pending.get(save.name, {}).pop(person, None)
            if inside is not None:
                found.append(MembershipSaved(save.at, save.audience, inside, save.silent))
        return found

    def next_slice(self, own: Mapping[str, bytes]) -> list[tuple[str, int]]:
        """Who goes through the oldest save next, and from when on it holds; to be followed by `end_slice`."""
        save = next(iter(self.under_way()), None)
        if save is None:
            return []
        found = _decode_slice(self._kept(_entry(save.name, save.done), own))
        return [(person, save.at) for person in (*found.left, *found.entered) if person in self._pending[save.name]]

    def rename(self, name: str, person: str) -> None:
        """Whoever is in a slice under this name is this person by now."""
        if name != person:
            for pending in self._pending.values():
                if (inside := pending.pop(name, None)) is not None:
                    pending[person] = inside

    def end_slice(self) -> bool:
        """All of the slice have gone through it; False if there was none."""
        save = next(iter(self.under_way()), None)
        if save is None:
            return False
        self._unsaved[_entry(save.name, save.done)] = b""
        done = msgspec.structs.replace(save, done=save.done + 1)
        if done.is_over:
            self._pending.pop(save.name)
        kept = [done if each is save else each for each in self._saves]
        self._keep([each for each in kept if not (each.passes and each.is_over)])
        return True

    def forget(self, person: str, own: Mapping[str, bytes]) -> None:
        """Somebody is erased: she stands in no slice."""
        slices = [(name, number) for name, staged in self._staged.items() for number in range(staged)]
        for save in self.under_way():
            self._pending[save.name].pop(person, None)
            slices += [(save.name, number) for number in range(save.done, save.slices)]
        for name, number in slices:
            found = _decode_slice(self._kept(_entry(name, number), own))
            if person in found.entered or person in found.left:
                entered, left = ([each for each in names if each != person] for names in (found.entered, found.left))
                self._unsaved[_entry(name, number)] = _encode(Staged(entered, left))

    # What is kept

    def restore(self, own: Mapping[str, bytes]) -> None:
        """Come back from the entries of the shard's own slot."""
        self._saves = _decode_saves(own[SAVING]) if SAVING in own else []
        for save in self.under_way():
            self._load(save, own)
        holding = {save.name for save in self._saves}
        for entry in own:
            name, _, number = entry.removeprefix(f"{SAVING}/").rpartition("/")
            if entry.startswith(f"{SAVING}/") and name not in holding:
                self._staged[name] = max(self._staged.get(name, 0), int(number) + 1)
        self._changed()

    def entries(self) -> list[tuple[str, bytes]]:
        """What has to be written to the shard's own slot; nothing most of the time."""
        return [*self._unsaved.items()]

    def saved(self) -> None:
        """All entries are in the store."""
        self._unsaved.clear()

    def _holds(self, name: str) -> bool:
        return any(save.name == name for save in self._saves)

    def _load(self, save: Save, own: Mapping[str, bytes]) -> None:
        pending = self._pending.setdefault(save.name, {})
        for number in range(save.done, save.slices):
            found = _decode_slice(self._kept(_entry(save.name, number), own))
            pending |= dict.fromkeys(found.left, False) | dict.fromkeys(found.entered, True)

    def _kept(self, entry: str, own: Mapping[str, bytes]) -> bytes:
        return self._unsaved.get(entry) or own[entry]

    def _keep(self, saves: list[Save]) -> None:
        self._saves = saves
        self._unsaved[SAVING] = _encode(saves) if saves else b""
        self._changed()


def all_are_over(own: Mapping[str, bytes]) -> bool:
    """Whether everybody of a shard has gone through what was handed over, by the entries of its own slot."""
    saves = _decode_saves(own[SAVING]) if SAVING in own else []
    return all(each.is_over for each in saves) and not any(name.startswith(f"{SAVING}/") for name in own)


def _entry(name: str, number: int) -> str:
    return f"{SAVING}/{name}/{number}"
