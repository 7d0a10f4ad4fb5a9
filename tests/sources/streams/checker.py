"""The checker: do the log, the store and those who were told of members agree?

It knows nothing of what happened to the engine. Each rule is a promise that holds under every fault; a violation begins
with the name of its rule.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from tests.sources.streams.messages import Meant

from parcours.core.input_block import decode_inputs
from parcours.store.address import open_store

Member: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """What there is once all is at rest.

    applied  (shard, name, number) of each event that was applied, shard by shard and in order
    counts   how often each person has seen something, as the engine knows it
    letters  the reasons of dead letters
    moves    (when, entered or left) of each person, by the audience
    hook     whoever the webhook was told of, in order
    file     the lines of the file that snapshots replace, and `files` what it was after each life
    buyers   the lines of the file that has each change
    """

    meant: Meant
    applied: Sequence[tuple[int, str, int]]
    counts: Mapping[str, int]
    letters: Sequence[str]
    moves: Mapping[str, Sequence[tuple[str, str]]]
    hook: Sequence[Member]
    file: Sequence[Member]
    buyers: Sequence[Member]
    files: Sequence[Sequence[Member]] = field(default=())


def check(ended: Ended) -> list[str]:
    """Every violation."""
    return [f"{rule.__name__.replace('_', ' ')}: {each}" for rule in RULES for each in rule(ended)]


def applied_once(ended: Ended) -> Iterator[str]:
    """Each event of the log is in the journals once, and nothing else is."""
    times = Counter(number for _, _, number in ended.applied)
    for number in ended.meant.seen.keys() | times.keys():
        if times[number] != 1 or number not in ended.meant.seen:
            yield f"event {number}, at {ended.meant.seen.get(number)}, was applied {times[number]} times"


def order(ended: Ended) -> Iterator[str]:
    """A shard has the events of a name in the order of their partition."""
    last: dict[tuple[int, str], int] = {}
    for shard, name, number in ended.applied:
        if number in ended.meant.seen:
            offset = ended.meant.seen[number][1]
            if last.get((shard, name), -1) >= offset:
                yield f"shard {shard} has the event of {name} at {ended.meant.seen[number]} too late"
            last[shard, name] = offset


def counted(ended: Ended) -> Iterator[str]:
    """Of each person the engine knows as many events as the log has of all her names."""
    for person in ended.meant.counts.keys() | ended.counts.keys():
        meant, found = ended.meant.counts.get(person, 0), ended.counts.get(person, 0)
        if meant != found:
            yield f"{person} has {found} events, and the log {meant}"


def poison(ended: Ended) -> Iterator[str]:
    """What cannot be used is set aside once, with its place in the log."""
    places = Counter(each.partition(":")[0] for each in ended.letters)
    meant = Counter(f"stream/{partition} at offset {offset}" for partition, offset in ended.meant.poison)
    for place in places.keys() | meant.keys():
        if places[place] != meant[place]:
            yield f"{place} was set aside {places[place]} times, and {meant[place]} was meant"


def told_of_changes(ended: Ended) -> Iterator[str]:
    """The webhook has the members by its changes alone, in whatever way it treats one that comes again."""
    changes = [each for each in ended.hook if each["change"] != "member"]
    for way, told in (("as they came", changes), ("each once", _once(changes))):
        yield from _unlike(_members(told), ended.meant.agreed, f"the changes of the webhook, {way}")
    ids = Counter(each["id"] for each in ended.buyers)
    for change, times in ids.items():
        if times > 1:
            yield f"the change {change} is {times} times in the file"
    yield from _unlike(_members(ended.buyers), ended.meant.buyers, "the file of changes")


def snapshots(ended: Ended) -> Iterator[str]:
    """The last whole snapshots have the members, for nobody moves any more.

    The webhook is told before the file: so its own newest one that is older than the file's had come to its end.
    """
    of_file = max((each["snapshot"] for each in ended.file if "snapshot" in each), default="")
    whole = [each["snapshot"] for each in ended.hook if each.get("snapshot", "~") < of_file]
    newest = max(whole, default=None)
    inside = {each["key"] for each in ended.hook if each.get("snapshot", "none") == newest}
    yield from _unlike(inside, ended.meant.agreed, f"the webhook's snapshot {newest}")
    yield from _unlike(_members(ended.file), ended.meant.vips, "the file")


def whole_files(ended: Ended) -> Iterator[str]:
    """Whenever a process died, the file had one whole snapshot, and behind it what is later and nothing else."""
    for lines in ended.files:
        instants = {each["snapshot"] for each in lines if "snapshot" in each}
        if len(instants) > 1:
            yield f"the file has snapshots of {sorted(instants)}"
        for instant in instants:
            inside = {each["key"] for each in lines if "snapshot" in each}
            yield from _unlike(inside, _inside_at(ended.moves, instant), f"the file's snapshot of {instant}")
            for each in lines:
                if "snapshot" not in each and each["at"] <= instant:
                    yield f"the change {each['id']} of {each['at']} is in the file beside the snapshot of {instant}"


def erased(before: Ended, after: Ended, people: Sequence[str]) -> list[str]:
    """Whether nobody knows these people any more, and of all others the same as before."""
    keys = {each["key"] for each in before.hook if each["key"].partition(".")[0] in people}
    kept = Ended(
        Meant(
            vips=before.meant.vips - {*people},
            agreed=before.meant.agreed - keys,
            counts={name: times for name, times in before.meant.counts.items() if name not in people},
        ),
        [], after.counts, [], after.moves, after.hook, after.file, after.buyers,
    )  # fmt: skip
    rules = (counted, told_of_changes, snapshots)
    left = [f"facts of {name} are there still" for name in people if after.moves[name]]
    return [f"erased: {each}" for each in (*left, *(each for rule in rules for each in rule(kept)))]


def _inside_at(moves: Mapping[str, Sequence[tuple[str, str]]], instant: str) -> set[str]:
    until = {person: [what for at, what in moved if at <= instant] for person, moved in moves.items()}
    return {person for person, moved in until.items() if moved and moved[-1] == "entered"}


def _once(changes: Sequence[Member]) -> list[Member]:
    first: dict[str, Member] = {}
    for each in changes:
        first.setdefault(each["id"], each)
    return [*first.values()]


def _members(changes: Sequence[Member]) -> set[str]:
    """The keys that the other side has if it does as it is told."""
    there = set[str]()
    for each in changes:
        (there.discard if each["change"] == "left" else there.add)(each["key"])
    return there


def _unlike(found: set[str], meant: set[str], what: str) -> Iterator[str]:
    if found != meant:
        yield f"{what}: {sorted(found - meant)} too many, {sorted(meant - found)} missing"


RULES: Final[tuple[Callable[[Ended], Iterator[str]], ...]] = (
    applied_once,
    order,
    counted,
    poison,
    told_of_changes,
    snapshots,
    whole_files,
)


def applied_in(store: str, shards: int) -> list[tuple[int, str, int]]:
    """The events in the journals of a store that nobody uses, which have to be whole."""
    found: list[tuple[int, str, int]] = []
    for shard in range(shards):
        with closing(open_store(store, shard)) as opened:
            assert opened.oldest() == 1, "the journal is whole"
            for record in opened.records():
                if record.inputs:
                    for line in decode_inputs(record.inputs, f"record {record.sequence}").lines:
                        told = msgspec.json.decode(line)
                        found.append((shard, told.get("userId") or told["anonymousId"], told["properties"]["n"]))
    return found


def whole_lines(file: Path) -> list[Member]:
    """Those of a file; a process that died may have left the beginning of one."""
    if not file.exists():
        return []
    whole, _, _ = file.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.split(b"\n") if line]
