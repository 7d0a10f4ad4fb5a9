"""Merging: somebody becomes the person, and what she has under way becomes the person's (joining.py has the rest).

All of it takes place at one instant, which is an input of the person. In this order:

1. what both have is joined;
2. the runs arrive under new numbers, after those that the person ever had, so that no number comes twice; a run of a
   campaign keeps the campaign's number, unless the person has been in that run herself;
3. of the open ones those end that may not go on: the first rule of `_objection` that objects says why;
4. saved audiences have her if they had either, all others are looked at again, and the phases are gone through once for
   those that have changed.

Nothing is entered, credited or heard by what either did before. A run keeps the name and number under which it entered
(`Run.origin`): keys of deliveries and arms of splits go by them. A run that ends is told under the other name and its
old number, and everything later under the person's and the new one.

Where the history before is not used, every open run ends, and so does every delivery that is not claimed. Ended runs
are kept for re-entry without any value of an event; those with a correlation, which is such a value, are dropped unless
a delivery of theirs is still to be answered for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from msgspec.structs import replace

from parcours.core.archive import ended_by, has_under_way, unfinished
from parcours.core.audiences import look_again, save_membership
from parcours.core.delivery import inbox
from parcours.core.delivery.sending import withdraw
from parcours.core.fact import DeliveryReached, Fact, LimitReached, Merged, Moved, RunMerged
from parcours.core.input import PersonJoined
from parcours.core.joining import join, keep_names
from parcours.core.occasion import Occasion
from parcours.core.pause_buffer import REPLAYED
from parcours.core.profile import Archive, BufferedInput, Origin, Profile, Run, is_unknown
from parcours.core.run.entries import in_exit_audience
from parcours.core.run.kept_scores import renew_all, set_timers
from parcours.core.run.phases import go_through
from parcours.core.run.walk import archive
from parcours.core.turn import Turn
from parcours.journey.program import AudienceTrigger

SECOND: Final = 1 << 32
"""Added to the number of an arriving run of a campaign where the person has been in that run herself: no campaign has
so many.
"""

Renumbered: TypeAlias = Mapping[tuple[str, int], int]
"""The new number of each arriving run, by its journey and its number before."""

NO_CORRELATION: Final = "null"
"""The correlation of a run of which none may be known: no value has this text, so it meets no other run's."""


def merge(turn: Turn, given: PersonJoined) -> None:
    """Merge somebody into the person."""
    name, other, used = given.name, given.profile, turn.program.anonymous_history == "used"
    unknown = is_unknown(turn.profile)
    # The rules look at the person as she was: nothing of this has changed her audiences and runs yet.
    runs = sorted(other.runs, key=lambda run: _order(turn, run))
    objections = [_objection(turn, run) if used else "unused" for run in runs]
    join(turn, name, other)
    before = dict(turn.profile.counts)
    past = other.past
    numbers = _renumbered(turn.profile, [*past, *runs], other.counts)
    for run in (*past, *runs):
        run.origin = run.origin or Origin(name, run.number)
        run.number = numbers[run.journey, run.number]
    _take_timers(turn, other, before, numbers, used=used)
    if used:
        _take_kept(turn, other, before)
    _take_counts(turn.profile, other)
    turn.ended += past
    inbox.lay(turn, other.inbox)
    told = len(turn.effects.facts)
    old = {(journey, new): number for (journey, number), new in numbers.items()}
    merged = _let_arrive(turn, runs, objections, old)
    if not used:
        _leave_behind(turn, past, runs, [entry.key for entry in other.inbox])
    turn.effects.facts[told:] = [_as_hers(fact, turn.person, name, old) for fact in turn.effects.facts[told:]]
    inbox.make_room(turn)
    turn.profile.copies += other.copies
    synced = [each.key for each in (other.synced or {}).values() if each.state == "claimed"]
    turn.effects.moved = (
        *_moved([*past, *runs]), *((each.key, each.run) for each in other.copies), *((key, 0) for key in synced)
    )  # fmt: skip
    keep_names(turn)
    turn.effects.facts.append(Merged(turn.at, turn.person, name, given.call, tuple(merged)))
    renew_all(turn)
    set_timers(turn)
    changes = _enter_saved(turn, other)
    if turn.program.audiences and not is_unknown(turn.profile):
        changes = (*changes, *look_again(turn, unknown=unknown))
    if changes:
        go_through(turn, Occasion(changes=tuple(sorted(changes, key=lambda change: change.audience))))


def _enter_saved(turn: Turn, other: Profile) -> tuple[AudienceTrigger, ...]:
    """The saved audiences in which only the other one was; nothing but the next save can tell whose they are."""
    theirs = [audience for audience in turn.program.saved_audiences if other.audiences.get(audience, False)]
    return tuple(change for audience in theirs for change in save_membership(turn, audience, inside=True))


def _renumbered(profile: Profile, runs: list[Run], counts: Mapping[str, int]) -> Renumbered:
    """`counts` are those of the other one, and name no campaign: these number their runs themselves."""
    of_campaigns = any(run.journey not in counts for run in runs)
    own = {(run.journey, run.number) for run in (*profile.runs, *profile.past)} if of_campaigns else set()
    numbers = {}
    for run in runs:
        number = run.number + profile.counts.get(run.journey, 0)
        while (run.journey, number) in own:
            number += SECOND
        numbers[run.journey, run.number] = number
    return numbers


def _order(turn: Turn, run: Run) -> tuple[int, str, int]:
    """The order in which runs arrive, that in which they react: it tells which find no room."""
    journey = turn.journey_of(run)
    return 0 if journey is None else -journey.priority, run.journey, run.number


def _objection(turn: Turn, run: Run) -> str | None:
    """Why an arriving run may not go on as the person's, None if it may. The limit of open runs is looked at later."""
    journey = turn.journey_of(run)
    if journey is not None and in_exit_audience(turn, journey):
        return "exit_audience"
    if any(own.journey == run.journey and own.correlation == run.correlation for own in turn.profile.runs):
        return "already_in"
    pause_ms = 0 if journey is None else journey.reentry_after_ms
    if pause_ms == 0:
        return None
    ended_at = ended_by(turn.profile, run.journey, run.correlation, run.entered_at)
    if ended_at is not None and (pause_ms is None or run.entered_at < ended_at + pause_ms):
        return "too_soon"
    return None


def _let_arrive(turn: Turn, runs: list[Run], objections: list[str | None], old: Renumbered) -> list[RunMerged]:
    """Let the open runs go on as the person's, or end them; what became of each. `old` are the numbers before."""
    merged = []
    most = turn.settings.open_runs_max
    for run, objection in zip(runs, objections, strict=True):
        why, step, number = objection, run.step, old[run.journey, run.number]
        if why is None and unfinished(turn) >= most:
            why = "open_runs_max"
            told = f"a run of {run.journey!r} ended by a merge, with {most} runs open or with a delivery under way"
            turn.effects.facts.append(LimitReached(turn.at, turn.person, why, told))
        turn.profile.runs.append(run)
        if why is not None:
            withdraw(turn, run)
            turn.record(run, "ended", f"merged: {why}")
            archive(turn, run)
        merged.append(RunMerged(run.journey, run.version, number, None if why else run.number, why, step))
    return merged


def _as_hers(fact: Fact, person: str, name: str, old: Renumbered) -> Fact:
    """A fact of a run that ends by the merge, under the other name and the number that the run had there."""
    if isinstance(fact, Moved | DeliveryReached) and fact.person == person and fact.run is not None:
        number = old.get((fact.journey, fact.run))
        return fact if number is None else replace(fact, person=name, run=number)
    return fact


def _moved(runs: list[Run]) -> list[tuple[str, int]]:
    """The deliveries that have an outbox entry, each with the number of its run."""
    return [
        (each.key, run.number) for run in runs for each in run.deliveries if each.is_under_way and each.state != "held"
    ]


def _take_counts(profile: Profile, other: Profile) -> None:
    for journey, number in other.counts.items():
        profile.counts[journey] = profile.counts.get(journey, 0) + number
    for journey, theirs in other.archives.items():
        if theirs.left_at is not None:
            own = profile.archives.setdefault(journey, Archive())
            own.left_at = theirs.left_at if own.left_at is None else max(own.left_at, theirs.left_at)


def _take_timers(turn: Turn, other: Profile, before: Mapping[str, int], numbers: Renumbered, *, used: bool) -> None:
    """Take over timers, after the person's own of the same instant.

    Her audiences lapse; the timer of places has been set anew (joining.py), and those of scores go by her name. A read
    that counts the person lets her enter once, at her own time.
    """
    profile = turn.profile
    reads = {timer.journey for timer in profile.timers if timer.kind == "read"}
    for timer in other.timers:
        is_read = timer.kind == "read" and (not used or timer.journey in reads)
        if is_read or timer.kind in ("audience", "place", "score"):
            continue
        moved = timer.run + before.get(timer.journey, 0)
        number = timer.run and numbers.get((timer.journey, timer.run), moved)
        profile.timers.append(replace(timer, sequence=timer.sequence + profile.sequence, run=number))
    profile.sequence += other.sequence


def _take_kept(turn: Turn, other: Profile, before: Mapping[str, int]) -> None:
    """Take over what paused journeys have kept, by time; what either did moves the own runs of each alone."""
    profile = turn.profile
    if not other.counts and not other.kept:
        return
    own = [_concerning(each, before, other.counts, theirs=False) for each in profile.kept]
    theirs = [_concerning(each, before, other.counts, theirs=True) for each in other.kept if each.kind != "zone"]
    lost = {(each.journey, each.key) for each in own if each.kind == "lost"}
    profile.kept, room = [], dict[str, int]()
    for each in sorted([*own, *theirs], key=lambda kept: kept.at):
        if each.kind in REPLAYED:
            room[each.journey] = room.get(each.journey, turn.settings.kept_inputs_max) - 1
            if room[each.journey] < 0:
                _tell_lost(turn, each.journey, tell=room[each.journey] == -1)
                continue
        elif each.kind == "lost" and each not in own and (each.journey, each.key) in lost:
            continue
        profile.kept.append(each)


def _tell_lost(turn: Turn, journey: str, *, tell: bool) -> None:
    """Record once that some of what was kept has found no room."""
    if tell:
        most = turn.settings.kept_inputs_max
        why = f"{journey!r} is paused and keeps {most} inputs of a person: of two that were merged it misses the last"
        turn.effects.facts.append(LimitReached(turn.at, turn.person, "kept_inputs_max", why, journey))


def _concerning(
    each: BufferedInput, before: Mapping[str, int], counts: Mapping[str, int], *, theirs: bool
) -> BufferedInput:
    """A kept input under the new numbers of runs, concerning the runs of its own side."""
    offset, number = before.get(each.journey, 0), counts.get(each.journey, 0)
    if not number:
        return each
    if not theirs:
        return replace(each, among=each.among or (1, offset)) if each.kind == "occasion" else each
    first, last = each.among or (1, number)
    timer = None if each.timer is None else replace(each.timer, run=each.timer.run and each.timer.run + offset)
    among = (first + offset, last + offset) if each.kind == "occasion" else None
    return replace(each, run=each.run and each.run + offset, timer=timer, among=among)


def _leave_behind(turn: Turn, past: list[Run], runs: list[Run], entries: list[str]) -> None:
    """End what would still come of the history before, and keep no value of it but addresses written to."""
    for run in past:
        if has_under_way(run):
            withdraw(turn, run)
    inbox.take_back_all(turn, entries)
    dropped: set[str] = set()
    for run in (*past, *runs):
        run.apart, run.entry, run.event, run.parked = True, {}, {}, None
        for delivery in run.deliveries:
            delivery.links, delivery.answer = {}, {}
            delivery.machines = {what: at for what, at in delivery.machines.items() if what == "opened"}
        if run.correlation is not None:
            run.correlation = NO_CORRELATION
            if not has_under_way(run):
                turn.ended = [each for each in turn.ended if each is not run]
                dropped |= {delivery.key for delivery in run.deliveries}
    theirs = {delivery.key for run in (*past, *runs) for delivery in run.deliveries}
    turn.profile.timers = [
        timer
        for timer in turn.profile.timers
        if timer.key not in dropped and not (timer.kind == "click" and timer.key in theirs)
    ]
