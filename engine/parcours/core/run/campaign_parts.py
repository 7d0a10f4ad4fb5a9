"""A person's side of a campaign: a run that is opened, taken from step to step, and ended by the campaign alone.

The campaign decides for whole sets at once; what it comes to for one person is an input of hers (`PartTaken`). The
first one opens her run, under the number of the campaign's. A step that sends or updates is carried out at her own due
instant, as a timer, and gates, exits and goals are those of journeys. A split with an experiment tells the part that
she fell into, and the campaign is what has drawn it. Whoever has left by an exit is never brought back
into the same run.

A run of a campaign has the number of the campaign's run as its correlation, so two people who become one may be in two
runs of a campaign, and not twice in one.
"""

from __future__ import annotations

from parcours.core.archive import last_end, unfinished
from parcours.core.audiences import look_again, save_membership
from parcours.core.delivery.copies import end_run, make_copies
from parcours.core.delivery.send_window import due_in
from parcours.core.input import MembershipSaved, PartTaken
from parcours.core.occasion import Occasion
from parcours.core.parts import delay_at, keep_part
from parcours.core.profile import Run, Timer
from parcours.core.run.entries import in_exit_audience, refuse, tell_limit
from parcours.core.run.phases import go_through
from parcours.core.run.walk import end, go_to
from parcours.core.turn import Turn, iso
from parcours.journey.campaign_steps import LocalTime, Opening
from parcours.journey.program import Journey, Send


def hear_campaign(turn: Turn, given: PartTaken | MembershipSaved) -> None:
    """Do what a campaign says of this person."""
    if isinstance(given, PartTaken):
        _take_part(turn, given)
        return
    saved = save_membership(turn, given.audience, inside=given.inside)
    changes = () if given.silent else saved
    if saved and any(given.audience in each.condition.audiences for each in turn.program.audiences.values()):
        # Others that ask for this one may change with it, and are silent for no reason of its own.
        changes = (*changes, *look_again(turn, unknown=False))
    if changes:
        go_through(turn, Occasion(changes=tuple(sorted(changes, key=lambda change: change.audience))))


def _take_part(turn: Turn, given: PartTaken) -> None:
    """Take the person to a step of a campaign, now or when she is due, or end her run."""
    journey = turn.program.journey(given.campaign, given.version)
    assert journey is not None, "a version is kept for as long as a run of it goes on"
    run = _open_run(turn, given.campaign, given.run)
    if given.step is None:
        end_run(turn, given.campaign, given.run, cut=given.cut)
        if run is not None:
            end(turn, run, "campaign")
        return
    run = run or _opened(turn, journey, given)
    due = _due(turn, journey, given)
    if given.seeds:
        make_copies(turn, given, due, turn.at if run is None else run.entered_at)
    if run is None or run.parked is not None:
        return
    keep_part(run, given.step, given.row, given.delay)
    if given.part is not None:
        _fall_into(turn, journey, run, given.step, given.part)
    elif due <= turn.at:
        _go_to(turn, journey, run, given.step)
    else:
        _wait(turn, run, given.step, due)


def _wait(turn: Turn, run: Run, step: str, due: int) -> None:
    turn.record(run, "waiting", iso(due))
    turn.set_timer(due, "part", run, step)


def _due(turn: Turn, journey: Journey, given: PartTaken) -> int:
    """When she is due: a send may have a window, by which she may be later."""
    window = _window(journey, given.step or "")
    return given.due if window is None else due_in(turn, window, max(given.due, turn.at), given.delay)


def _window(journey: Journey, step: str) -> Opening | LocalTime | None:
    found = journey.steps[step]
    return found.window if isinstance(found, Send) else None


def part_due(turn: Turn, timer: Timer) -> None:
    """The person is due at the step that the timer names.

    Her window is asked again at the time that gates have: it may be another one since her time zone has changed, and a
    resume may come after its end. Then she is due at its next opening.
    """
    run = _open_run(turn, timer.journey, timer.run)
    journey = None if run is None else turn.journey_of(run)
    if run is None or journey is None or run.parked is not None:
        return
    window = _window(journey, timer.key)
    due = turn.gates_at if window is None else due_in(turn, window, turn.gates_at, delay_at(run, timer.key))
    if due > turn.gates_at and timer.key not in run.visits:
        _wait(turn, run, timer.key, due)
    else:
        _go_to(turn, journey, run, timer.key)


def _go_to(turn: Turn, journey: Journey, run: Run, step: str) -> None:
    """Once only: two who have become one may both have been taken there."""
    if step not in run.visits:
        go_to(turn, journey, run, step)


def _fall_into(turn: Turn, journey: Journey, run: Run, step: str, part: int) -> None:
    """At a split, once only: of two who have become one the part counts that was told first."""
    if step not in run.visits:
        go_to(turn, journey, run, step)
        turn.record(run, "split", str(part))


def _open_run(turn: Turn, campaign: str, number: int) -> Run | None:
    for run in turn.profile.runs:
        if run.journey == campaign and run.number == number:
            return run
    return None


def _opened(turn: Turn, journey: Journey, given: PartTaken) -> Run | None:
    """A new run; None if she has left it before, or may not enter."""
    correlation = str(given.run)
    if last_end(turn, journey.name, correlation) is not None:
        return None
    if in_exit_audience(turn, journey):
        refuse(turn, journey, "exit_audience")
        return None
    if unfinished(turn) >= turn.settings.open_runs_max:
        tell_limit(turn, journey)
        return None
    run = Run(journey.name, journey.version, given.run, correlation, entered_at=turn.at)
    turn.profile.runs.append(run)
    turn.record(run, "entered", "campaign")
    return run
