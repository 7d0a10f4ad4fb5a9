"""The archives of a person: her ended runs, encoded by journey, from which an input takes those that it concerns.

A run that ends is in `Turn.ended` until the input is over, and so is one that the input takes out of its archive to
look at it or to change it; `put_away` then moves all of them into the archives of their journeys, as bytes. What is
asked of archived runs is read off the archive's own fields, or a text is looked for among the bytes, and only the runs
that have it are decoded. So an event costs the same however much its person has been through.

Of each journey the newest `ended_runs_max` ended runs are remembered, for at most `run_memory_ms`, and no more than
find room in `ended_runs_bytes_max`. One with a delivery under way is never forgotten, so that whatever lies in the
outbox has its run; it lies apart for that. When a run without a correlation ended last is known for ever: re-entry
`never` goes by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from parcours.core.packed_entries import PackedEntries
from parcours.core.profile import (
    Archive,
    Profile,
    Run,
    decode_run,
    encode_run,
    encode_text,
    start_of_places,
)
from parcours.core.turn import Turn
from parcours.journey.program import Journey

Found: TypeAlias = tuple[PackedEntries, int, Run]
"""A run as a copy, with the entries among which it lies and its index there."""


def last_end(turn: Turn, journey: str, correlation: str | None) -> int | None:
    """When the newest ended run of this key ended, as far as it is remembered; None if there is none."""
    ends = [run.ended_at for run in turn.ended if run.journey == journey and run.correlation == correlation]
    archive = turn.profile.archives.get(journey)
    if archive is not None and correlation is None:
        ends.append(archive.left_at)
    if archive is not None and correlation is not None:
        for entries in (archive.under_way, archive.settled):
            same = (run.ended_at for _, _, run in _runs_with(entries, correlation) if run.correlation == correlation)
            ends.append(next(same, None))
    return max((at for at in ends if at is not None), default=None)


def ended_by(profile: Profile, journey: str, correlation: str | None, at: int) -> int | None:
    """When the newest archived run of this key ended that had ended by then; None if none is remembered."""
    archive = profile.archives.get(journey)
    if archive is None:
        return None
    if correlation is None and (archive.left_at is None or archive.left_at <= at):
        return archive.left_at
    runs = (run for found in newest_first(archive) for _, _, run in found if run.correlation == correlation)
    return max((run.ended_at for run in runs if run.ended_at is not None and run.ended_at <= at), default=None)


def take_out_with(turn: Turn, key: str) -> Run | None:
    """The archived run that has the delivery of this key, taken out; None if there is none."""
    found = _find(turn.profile, key)
    return None if found is None else take_out(turn, found)


def has_archived(profile: Profile, key: str) -> bool:
    """Whether an archived run has the delivery of this key."""
    return _find(profile, key) is not None


def newest_first(archive: Archive) -> Iterator[Iterator[Found]]:
    """The runs that have a delivery under way, then the others: of each the last to end first, decoded as asked for."""
    return (_backwards(entries) for entries in (archive.under_way, archive.settled))


def under_way(archive: Archive) -> list[Run]:
    """The runs that have a delivery under way, as copies."""
    return [decode_run(entry) for entry in archive.under_way.unpacked()]


def take_out(turn: Turn, found: Found) -> Run:
    """Take a run out, so that it can be changed: `put_away` brings it back. Returns it."""
    entries, index, run = found
    entries.drop((index,))
    turn.ended.append(run)
    return run


def take_out_creditable(turn: Turn, journey: Journey, correlation: str | None) -> None:
    """Take out the runs of the journey, in its version, that may still reach their goal.

    correlation  take only runs of this value; None for those of any
    """
    archive = turn.profile.archives[journey.name]
    for entries in (archive.under_way, archive.settled):
        creditable: dict[int, Run] = {}
        for _, index, run in _backwards(entries) if correlation is None else _runs_with(entries, correlation):
            until = _goal_until(journey, run)
            if until is not None and turn.at <= until and correlation in (None, run.correlation):
                creditable[index] = run
        if creditable:
            entries.drop(creditable)
            turn.ended += creditable.values()
    if correlation is None:
        archive.goals.pop(journey.version, None)  # for those that are put back without a goal it is noted again


def put_away(turn: Turn) -> None:
    """Archive the ended runs that the input has looked at, and forget those that are too many."""
    archives = turn.profile.archives
    ended, turn.ended = turn.ended, []
    for run in ended:
        archive = archives.get(run.journey)
        if archive is None:
            archive = archives[run.journey] = Archive()
        entries = archive.under_way if has_under_way(run) else archive.settled
        entries.add(encode_run(run))
        _note(turn, archive, run)
    for run in ended:
        _forget_surplus(turn, run.journey, archives[run.journey])


def has_under_way(run: Run) -> bool:
    """Whether a delivery of the run is under way, so that it cannot be forgotten."""
    return bool(run.deliveries) and any(delivery.is_under_way for delivery in run.deliveries)


def unfinished(turn: Turn) -> int:
    """How many runs are open, or have ended with a delivery under way: none of them can be forgotten."""
    number = len(turn.profile.runs)
    for archive in turn.profile.archives.values():
        number += archive.under_way.number
    for run in turn.ended:
        number += has_under_way(run)
    return number


def forget_expired(turn: Turn) -> None:
    """Forget ended runs after `run_memory`, when neither goals, reactions nor re-entry may ask for them any more."""
    horizon = start_of_places(turn.at - turn.settings.run_memory_ms)
    for archive in turn.profile.archives.values():
        archive.settled.drop_before(horizon)


def _note(turn: Turn, archive: Archive, run: Run) -> None:
    """Note at the front of the archive what may be asked of the run."""
    assert run.ended_at is not None, "an open run is not archived"
    if run.correlation is None and (archive.left_at is None or archive.left_at < run.ended_at):
        archive.left_at = run.ended_at
    if run.goal_at is not None:
        return
    journey = turn.program.journey(run.journey, run.version)
    until = None if journey is None else _goal_until(journey, run)
    if until is not None and until >= turn.at:
        known = archive.goals.get(run.version)
        if known is None:  # as good a time as any to drop those that are over
            archive.goals = {version: at for version, at in archive.goals.items() if at >= turn.at}
        if known is None or known < until:
            archive.goals[run.version] = until


def _goal_until(journey: Journey, run: Run) -> int | None:
    """Until when the ended run may reach the goal of its version; None if it will not any more."""
    goal = journey.goal
    if goal is None or goal.within_ms is None or run.goal_at is not None or run.apart or run.version != journey.version:
        return None
    return run.entered_at + goal.within_ms


def _forget_surplus(turn: Turn, name: str, archive: Archive) -> None:
    """Forget the oldest runs for which there are enough newer ones, or no room. The first loss is told."""
    settled, most, room = archive.settled, turn.settings.ended_runs_max, turn.settings.ended_runs_bytes_max
    if settled.number + archive.under_way.number <= most and len(settled.data) <= room:
        return
    places = archive.under_way.unpacked() if settled.number else []
    while settled.number:
        if settled.number - 1 + sum(place > settled.first for place in places) >= most:
            why = f"with {most} newer ones, the oldest ended run of {name!r} is forgotten"
            turn.tell_once("ended_runs_max", name, why)
        elif len(settled.data) > room:
            why = f"its ended runs take more than {room} bytes, so the oldest one of {name!r} is forgotten"
            turn.tell_once("ended_runs_bytes_max", name, why)
        else:
            return
        for delivery in decode_run(settled.unpacked()[0]).deliveries if turn.crowd is not None else ():
            turn.drop_reactions(delivery.key)
        settled.drop_first()


def _find(profile: Profile, key: str) -> Found | None:
    for archive in profile.archives.values():
        for entries in (archive.under_way, archive.settled):
            for found in _runs_with(entries, key):
                if any(delivery.key == key for delivery in found[2].deliveries):
                    return found
    return None


def _runs_with(entries: PackedEntries, text: str) -> Iterator[Found]:
    """The runs in which this text is found, the last to end first: few others are decoded."""
    if not entries.number:
        return iter(())
    return ((entries, index, decode_run(entry)) for index, entry in entries.holding(encode_text(text)))


def _backwards(entries: PackedEntries) -> Iterator[Found]:
    unpacked = entries.unpacked()
    return ((entries, index, decode_run(unpacked[index])) for index in range(len(unpacked) - 1, -1, -1))
