"""Resuming a paused journey: the inputs that its runs missed are replayed from the pause buffer, each at its own time.

The runs' timers fire in between, each at its due time, an event before a timer of the same instant and timers in the
order in which they were set. So the runs end up where they would be without the pause, but for two things that cannot
be replayed: a condition sees the person as she is now, and gates use the time of the resume.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from parcours.core.delivery.copies import go_out
from parcours.core.delivery.deliveries import find, make_ready, may_leave
from parcours.core.occasion import Occasion
from parcours.core.pause_buffer import KEPT_TIMERS, REPLAYED, Placed
from parcours.core.profile import BufferedInput, Run, Timer
from parcours.core.run.phases import credit, go_through, move, take_out_reaching
from parcours.core.run.updates import follow_updates
from parcours.core.run.zone_change import judge_held
from parcours.core.turn import Turn
from parcours.journey.program import AudienceTrigger


def make_up(turn: Turn, journey: str, fire: Callable[[Turn, Timer], None], hear: Callable[[Turn, Run], None]) -> None:
    """Replay what the journey's runs have missed until now.

    fire, hear  how advance.py fires a timer, and moves a run by a reaction
    """
    now, inputs = turn.at, deque(_taken_out(turn, journey))
    # Only runs that were open in the pause: one that a late occasion starts must not react to inputs before its entry.
    runs = frozenset(run.number for run in turn.profile.runs if run.journey == journey)
    # Audience changes by `update` steps of the replay, which other runs react to after it.
    late: list[Occasion] = []

    def tell(turn: Turn, occasion: Occasion) -> None:
        late.append(occasion)
        move(turn, occasion, _of(turn.open_runs(), journey, runs), [])

    while True:
        # Looked for afresh each time, since every input and timer may set or cancel others; only those due before now.
        timer = _first_timer(turn, journey, now)
        if inputs and (timer is None or _goes_before(inputs[0], timer)):
            given = inputs.popleft()
            turn.at = given.at
            _apply(turn, given, runs, hear)
        elif timer is not None:
            turn.profile.timers.remove(timer)
            turn.at = timer.due
            fire(turn, timer)
        else:
            break
        follow_updates(turn, tell)
    turn.at = now
    # Now that `at` is the present again: other journeys must not react in their past.
    for occasion in late:
        _go_through_late(turn, occasion, journey, runs)


def _goes_before(given: BufferedInput, timer: Timer) -> bool:
    """Whether a buffered input comes before a timer: events go first, and of two timers the one that was set first."""
    if given.timer is None:  # an event or a reaction; otherwise a timer caused it
        return given.at <= timer.due
    return (given.at, given.timer.sequence) < (timer.due, timer.sequence)


def _go_through_late(turn: Turn, occasion: Occasion, journey: str, runs: Collection[int]) -> None:
    """Let everybody but these runs react to an occasion of the replay, at the time of the resume."""
    heard = _of(turn.open_runs(), journey, runs)
    go_through(turn, occasion, besides=[run for _, run in heard])


def _of(placed: list[Placed], journey: str, runs: Collection[int]) -> list[Placed]:
    """The runs of the journey with these numbers."""
    return [(own, run) for own, run in placed if run.journey == journey and run.number in runs]


def _taken_out(turn: Turn, journey: str) -> list[BufferedInput]:
    """Take the journey's inputs out of the buffer. Its timers become the person's again, its claims may be repeated."""
    profile = turn.profile
    own = [each for each in profile.kept if each.journey == journey]
    profile.kept = [each for each in profile.kept if each.journey != journey]
    profile.timers += [each.timer for each in own if each.kind == "timer" and each.timer is not None]
    release_claims(turn, own)
    return [each for each in own if each.kind in REPLAYED]


def credit_missed(turn: Turn, journey: str) -> None:
    """Credit the goals that were reached in the pause: all that is replayed when a journey is stopped."""
    now = turn.at
    for given in turn.profile.kept:
        if given.journey == journey and given.kind == "occasion":
            turn.at = given.at
            # A goal counts `within` its time after the entry, so it is judged at the input's own time.
            own = [each for each in turn.open_runs() if each[1].journey == journey]
            credit(turn, _occasion(given), _among([*own, *_ended_since(turn, given, ())], given))
    turn.at = now


def release_claims(turn: Turn, kept: list[BufferedInput]) -> None:
    """Let dispatchers claim the deliveries again that were about to leave, unless a reaction has told of them since."""
    for each in kept:
        if each.kind != "claim" or go_out(turn, each.key):
            continue
        found = find(turn, each.key)
        if found is not None and may_leave(*found):
            make_ready(turn, each.key)
        else:
            turn.effects.settled.append(each.key)


def _first_timer(turn: Turn, journey: str, before: int) -> Timer | None:
    due = (
        timer
        for timer in turn.profile.timers
        if timer.journey == journey and timer.kind in KEPT_TIMERS and timer.due < before
    )
    return min(due, key=lambda timer: (timer.due, timer.sequence), default=None)


def _apply(turn: Turn, given: BufferedInput, runs: Collection[int], hear: Callable[[Turn, Run], None]) -> None:
    """Replay one input to the runs that were open in the pause; those that have ended since may reach a goal by it."""
    if given.kind == "zone":
        judge_held(turn, given.journey)
        return
    own = _of(turn.open_runs(), given.journey, runs)
    if given.kind == "occasion":
        move(turn, _occasion(given), _among(own, given), _among(_ended_since(turn, given, runs), given))
        return
    for _, run in own:
        if run.number == given.run:
            hear(turn, run)


def _ended_since(turn: Turn, given: BufferedInput, runs: Collection[int]) -> list[Placed]:
    """The runs that have ended since the buffered input: of these runs, and those that a merge has ended."""
    if given.among is not None:
        take_out_reaching(turn, _occasion(given))
    ended = [each for each in turn.ended_runs() if each[1].journey == given.journey]
    return [(own, run) for own, run in ended if run.number in runs or _was_ended_by_merge(run, given)]


def _was_ended_by_merge(run: Run, given: BufferedInput) -> bool:
    """Whether the run was open when the input came: in a pause only a merge ends one, and then inputs tell of whom."""
    if given.among is None or run.ended_at is None:
        return False
    return run.entered_at <= given.at <= run.ended_at


def _among(placed: list[Placed], given: BufferedInput) -> list[Placed]:
    """Those of the runs that the buffered input concerns."""
    if given.among is None:
        return placed
    first, last = given.among
    return [(journey, run) for journey, run in placed if first <= run.number <= last]


def _occasion(given: BufferedInput) -> Occasion:
    changes = tuple(AudienceTrigger(audience, change) for audience, change in given.changes)
    return Occasion(given.names, given.properties, changes)
