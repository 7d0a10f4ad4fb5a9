"""The archives of a person: her ended runs, encoded by journey, from which an input takes those that it concerns.

A run that has ended lies in `Profile.ended` for as long as one of its deliveries is under way, and while an input looks
at it or changes it. After each input `put_away` moves all others into the archive of their journey, as bytes. What is
asked of archived runs is read off the archive's own fields, or a text is looked for among the bytes, and only the runs
that have it are decoded. So an event costs the same however much its person has been through.

Of each journey the newest `ended_runs_max` ended runs are remembered, for at most `run_memory_ms`, and no more than
find room in `ended_runs_bytes_max`. One with a delivery under way is never forgotten, so that whatever lies in the
outbox has its run. When a run without a correlation ended last is known for ever: re-entry `never` goes by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from parcours.core.packed_entries import PackedEntries
from parcours.core.profile import (
    Archive,
    Profile,
    Run,
    decode_run,
    encode_run,
    encode_text,
    ended_at,
    place_of,
)
from parcours.core.turn import Turn
from parcours.journey.program import Journey


def last_end(profile: Profile, journey: str, correlation: str | None) -> int | None:
    """When the newest ended run of this key ended, as far as it is remembered; None if there is none."""
    ends = [
        run.ended_at
        for run in profile.ended
        if run.journey == journey and run.correlation == correlation and run.ended_at is not None
    ]
    archive = profile.archives.get(journey)
    if archive is not None and correlation is None and archive.left_at is not None:
        ends.append(archive.left_at)
    if archive is not None and correlation is not None:
        for _, run in _runs_with(archive, correlation):
            if run.correlation == correlation and run.ended_at is not None:
                ends.append(run.ended_at)
                break
    return max(ends, default=None)


def take_out_with(profile: Profile, key: str) -> Run | None:
    """The archived run that has the delivery of this key, taken out; None if there is none."""
    for archive in profile.archives.values():
        for index, run in _runs_with(archive, key):
            if any(delivery.key == key for delivery in run.deliveries):
                return take_out(profile, archive, index, run)
    return None


def has_archived(profile: Profile, key: str) -> bool:
    """Whether an archived run has the delivery of this key."""
    return any(
        delivery.key == key
        for archive in profile.archives.values()
        for _, run in _runs_with(archive, key)
        for delivery in run.deliveries
    )


def newest_first(archive: Archive) -> Iterator[tuple[int, Run]]:
    """The runs of the archive with their places, the last to end first, each decoded when it is asked for."""
    entries = archive.packed.unpacked()
    return ((index, decode_run(entries[index])) for index in range(len(entries) - 1, -1, -1))


def take_out(profile: Profile, archive: Archive, index: int, run: Run) -> Run:
    """Take a run out, so that it can be changed: `put_away` brings it back. Returns it."""
    archive.packed.drop((index,))
    profile.ended.append(run)
    return run


def take_out_creditable(turn: Turn, journey: Journey, correlation: str | None) -> None:
    """Take out the runs of the journey, in its version, that may still reach their goal.

    correlation  take only runs of this value; None for those of any
    """
    archive = turn.profile.archives[journey.name]
    creditable: dict[int, Run] = {}
    for index, run in newest_first(archive) if correlation is None else _runs_with(archive, correlation):
        until = _goal_until(journey, run)
        if until is not None and turn.at <= until and correlation in (None, run.correlation):
            creditable[index] = run
    if correlation is None:
        archive.goals.pop(journey.version, None)  # for those that are put back without a goal it is noted again
    if creditable:
        archive.packed.drop(creditable)
        turn.profile.ended += reversed(creditable.values())


def put_away(turn: Turn) -> None:
    """Archive the ended runs with nothing under way, and forget those that are too many."""
    profile = turn.profile
    staying: list[Run] = []
    leaving: dict[str, list[Run]] = {}
    for run in profile.ended:
        if has_under_way(run):
            staying.append(run)
        else:
            leaving.setdefault(run.journey, []).append(run)
    profile.ended = staying
    for run in staying:
        leaving.setdefault(run.journey, [])  # with nothing to archive, something may be too many
    for name, runs in leaving.items():
        archive = profile.archives.get(name)
        if archive is None and runs:
            archive = profile.archives[name] = Archive()
        if archive is not None:
            for run in runs:
                archive.packed.add(encode_run(run))
                _note(turn, archive, run)
            _forget_surplus(turn, name, archive.packed, staying)


def has_under_way(run: Run) -> bool:
    """Whether a delivery of the run is under way, so that it cannot be forgotten."""
    return any(delivery.is_under_way for delivery in run.deliveries)


def forget_expired(turn: Turn) -> None:
    """Forget ended runs after `run_memory`, when neither goals, reactions nor re-entry may ask for them any more."""
    horizon = turn.at - turn.settings.run_memory_ms
    for archive in turn.profile.archives.values():
        while archive.packed.number and ended_at(archive.packed.first) < horizon:
            archive.packed.drop_first()


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
        archive.goals = {version: at for version, at in archive.goals.items() if at >= turn.at}
        archive.goals[run.version] = max(until, archive.goals.get(run.version, until))


def _goal_until(journey: Journey, run: Run) -> int | None:
    """Until when the ended run may reach the goal of its version; None if it will not any more."""
    goal = journey.goal
    if goal is None or goal.within_ms is None or run.goal_at is not None or run.version != journey.version:
        return None
    return run.entered_at + goal.within_ms


def _forget_surplus(turn: Turn, name: str, packed: PackedEntries, staying: list[Run]) -> None:
    """Forget the oldest runs for which there are enough newer ones, or no room. The first loss is told.

    staying  the person's ended runs with a delivery under way, of this journey and others
    """
    most, room = turn.settings.ended_runs_max, turn.settings.ended_runs_bytes_max
    if packed.number + len(staying) <= most and len(packed.data) <= room:
        return
    places = [place_of(run) for run in staying if run.journey == name]
    while packed.number:
        newer = packed.number - 1 + sum(place > packed.first for place in places)
        if newer >= most:
            why = f"with {most} newer ones, the oldest ended run of {name!r} is forgotten"
            turn.tell_once("ended_runs_max", name, why)
        elif len(packed.data) > room:
            why = f"its ended runs take more than {room} bytes, so the oldest one of {name!r} is forgotten"
            turn.tell_once("ended_runs_bytes_max", name, why)
        else:
            return
        for delivery in decode_run(packed.unpacked()[0]).deliveries if turn.crowd is not None else ():
            turn.drop_reactions(delivery.key)
        packed.drop_first()


def _runs_with(archive: Archive, text: str) -> Iterator[tuple[int, Run]]:
    """The runs in which this text is found, the last to end first, with their places: few others are decoded."""
    return ((index, decode_run(entry)) for index, entry in archive.packed.holding(encode_text(text)))
