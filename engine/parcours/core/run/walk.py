"""The walk of a run: from step to step, as far as it can go at one instant.

`go_to` is the only way for a run to change its step. It returns when the run waits, has ended, or is parked because a
step could not be carried out; a parked run stays where it is and every other run goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import assert_never
from zoneinfo import ZoneInfo

from parcours.core.buckets import bucket_of
from parcours.core.delivery import sending
from parcours.core.delivery.call_url import with_query
from parcours.core.delivery.deciding import Cause, decide
from parcours.core.delivery.holding import tell_wait
from parcours.core.offers.choosing import Asked
from parcours.core.offers.state import Picked
from parcours.core.parts import row_at
from parcours.core.paths import replaced
from parcours.core.profile import DeliveryState, Run
from parcours.core.run.traits import has_room, tell_changes
from parcours.core.storable import objection
from parcours.core.turn import Turn, iso
from parcours.core.waits import wait_until_ms
from parcours.expression.definition_keys import plain
from parcours.expression.dotted import split_path
from parcours.expression.expression import MISSING, Expression, to_json
from parcours.expression.zones import next_local_time, zone
from parcours.instants import LATEST_MS
from parcours.journey.program import (
    AudienceListener,
    Branch,
    CallAction,
    CampaignEntry,
    Decide,
    End,
    Journey,
    ReactionListener,
    Send,
    Split,
    Standby,
    Step,
    Update,
    WaitDuration,
    WaitFor,
    WaitLocalTime,
    WaitUntil,
)


class StepFailed(Exception):
    """A step that cannot be carried out for this person; the first argument says why."""


class Stay:
    """The result of a step at which the run waits."""


STAY = Stay()


def go_to(turn: Turn, journey: Journey, run: Run, step_id: str | None) -> None:
    """Move the run to a step (None: past the last one) and on from there."""
    for _ in range(turn.settings.instant_steps_max):
        if step_id is None:
            return _after_last(turn, journey, run)
        step = journey.steps[step_id]
        left, run.step, run.held_until, run.since = run.step, step_id, None, turn.at
        run.visits[step_id] = run.visits.get(step_id, 0) + 1
        turn.record(run, "reached", left=left)
        if isinstance(step, End):
            return end(turn, run, "end step")
        try:
            follows = _take(turn, journey, run, step)
        except StepFailed as failure:
            return park(turn, run, str(failure))
        if isinstance(follows, Stay):
            return None
        step_id = follows
    if step_id is None:
        return _after_last(turn, journey, run)
    return park(turn, run, f"more than instant_steps_max={turn.settings.instant_steps_max} steps at one instant")


def _after_last(turn: Turn, journey: Journey, run: Run) -> None:
    """The run has ended, unless a campaign may take it on."""
    if not isinstance(journey.entry, CampaignEntry):
        end(turn, run, "last step")


def end(turn: Turn, run: Run, why: str) -> None:
    """End the run: only what re-entry, goals and reactions may ask for is kept."""
    turn.record(run, "ended", why)
    archive(turn, run)


def archive(turn: Turn, run: Run) -> None:
    """Move the run from the open ones to the ended ones, without its timers and its data."""
    turn.cancel_timers(run, ("wait", "timeout", "part"))
    run.ended_at = turn.at
    run.step = run.held_until = run.since = None
    run.visits, run.event, run.offers = {}, {}, None
    for delivery in run.deliveries:
        delivery.answer = {}
    if run.entry and not _goal_may_follow(turn, run):
        run.entry = {}
    turn.profile.runs = [other for other in turn.profile.runs if other is not run]
    turn.ended.append(run)


def _goal_may_follow(turn: Turn, run: Run) -> bool:
    """Whether the ended run can still reach its goal, whose condition may ask for `entry`."""
    journey = turn.program.journey(run.journey, run.version)
    goal = journey.goal if journey else None
    return run.goal_at is None and goal is not None and goal.within_ms is not None


def park(turn: Turn, run: Run, reason: str) -> None:
    """Park the run at its step for somebody to look at. It stays open and nothing moves it."""
    turn.cancel_timers(run, ("wait", "timeout", "part"))
    run.parked = reason
    turn.record(run, "parked", reason)


def _take(turn: Turn, journey: Journey, run: Run, step: Step) -> str | None | Stay:
    """Carry out one step: STAY, or the step that follows."""
    match step:
        case Send():
            return _send(turn, journey, run, step)
        case WaitDuration(duration_ms=duration_ms):
            return _wait(turn, run, turn.at + duration_ms, step.next)
        case WaitUntil():
            return _wait(turn, run, _until(turn, journey, run, step), step.next)
        case WaitLocalTime(minute=minute, days=days):
            return _wait(turn, run, next_local_time(turn.at, minute, days, _zone_of(turn, journey)), step.next)
        case WaitFor():
            return _listen(turn, run, step)
        case Branch():
            return _branch(turn, run, step)
        case Split():
            return _split(turn, run, step)
        case Update():
            return _update(turn, run, step)
        case CallAction():
            return _call(turn, journey, run, step)
        case Decide():
            return _decide(turn, run, step)
        case Standby():
            return STAY
        case End():
            raise AssertionError("the walk has ended before")
        case _:
            assert_never(step)


def _send(turn: Turn, journey: Journey, run: Run, step: Send) -> str | None | Stay:
    sending.queue(turn, run, step, journey.messages[step.message])
    follows = _after_send(run, step)
    if isinstance(follows, Stay):
        tell_wait(turn, run)
    return follows


def _call(turn: Turn, journey: Journey, run: Run, step: CallAction) -> str | None:
    """Ask for the call; the run goes on at once. Values that are missing are left out."""
    action = journey.actions[step.action]
    query, body = (
        {name: value for name, value in _values(turn, run, expressions).items() if value is not None}
        for expressions in (action.query, action.body)
    )
    sending.queue_call(turn, run, step, with_query(action.url, query), body)
    return step.next


def _decide(turn: Turn, run: Run, step: Decide) -> str | None:
    """Make the decision as of now. Of what it chooses the run keeps the first; the next visit decides anew."""
    origin = turn.origin_of(run)
    place = f"{run.journey}/{origin.number}/{step.id}/{run.visits[step.id]}"
    (given,) = decide(turn, turn.run_scope(run), [Asked(step.decision, step.placement)], Cause(origin.name, place))
    kept = {name: each for name, each in (run.offers or {}).items() if name != step.name}
    if given:
        first = given[0]
        kept[step.name] = Picked(
            first.proposition, first.offer, step.decision, step.placement, first.score, first.is_fallback
        )
    run.offers = kept or None
    turn.record(run, "decided", ", ".join(each.offer for each in given) or None)
    return step.next


def _after_send(run: Run, step: Send) -> str | None | Stay:
    """The step after a send step: STAY while a delivery of this visit is held."""
    visit = run.visits[step.id]
    states = {each.state for each in run.deliveries if each.step == step.id and each.visit == visit}
    if "held" in states:
        return STAY
    return step.on_refused if step.has_on_refused and states <= {"refused"} else step.next


def leave_send(turn: Turn, run: Run) -> None:
    """Continue the run of a released delivery once no delivery of its send step is held any more."""
    journey = turn.journey_of(run)
    step = None if journey is None else journey.steps.get(run.step or "")
    if journey is not None and isinstance(step, Send) and run.parked is None:
        follows = _after_send(run, step)
        if not isinstance(follows, Stay):
            go_to(turn, journey, run, follows)


def _wait(turn: Turn, run: Run, due: int, follows: str | None) -> str | None | Stay:
    _check_due(due)
    turn.record(run, "waiting", iso(due))
    if due <= turn.at:
        return follows
    turn.set_timer(due, "wait", run)
    return STAY


def _check_due(due: int) -> None:
    if due > LATEST_MS:
        raise StepFailed("the wait would last beyond the year 9997")


def _zone_of(turn: Turn, journey: Journey) -> ZoneInfo:
    return zone(turn.zone_name() if journey.timezone == "profile" else journey.timezone)


def _until(turn: Turn, journey: Journey, run: Run, step: WaitUntil) -> int:
    """The time until which to wait, in ms rounded up: a wait never ends early."""
    scope = turn.run_scope(run)
    value = step.until.value(scope)
    try:
        until_ms = wait_until_ms(step, value, turn.at, _zone_of(turn, journey))
    except ValueError as error:
        raise StepFailed(str(error)) from None
    if until_ms is None:
        reason = step.until.unmet(scope) if value is MISSING else f"not {'a date' if step.is_date else 'a timestamp'}"
        raise StepFailed(f"wait until {step.until.text}: {reason}")
    return until_ms


def _listen(turn: Turn, run: Run, step: WaitFor) -> str | None | Stay:
    for listener in step.listeners:
        if isinstance(listener, ReactionListener) and hears(turn, run, listener):
            return listener.next
        if isinstance(listener, AudienceListener) and _is_so(turn, listener):
            turn.record(run, "matched", plain(listener.audience))
            return listener.next
    due = None if step.timeout_ms is None else turn.at + step.timeout_ms
    if due is not None:
        _check_due(due)
    turn.record(run, "waiting", None if due is None else iso(due))
    if due is not None:
        turn.set_timer(due, "timeout", run)
    return STAY


def _is_so(turn: Turn, listener: AudienceListener) -> bool:
    """Whether the listener looks at membership and finds what it waits for, as of the changes told so far."""
    inside = turn.profile.audiences.get(listener.audience, False)
    return listener.at_once and inside == (listener.change == "entered")


def waits_at(journey: Journey, run: Run) -> WaitFor | None:
    """The listening step at which the run waits, None if it does not wait at one."""
    if run.step is None or run.parked is not None:
        return None
    step = journey.steps.get(run.step)
    return step if isinstance(step, WaitFor) else None


def hears(turn: Turn, run: Run, listener: ReactionListener) -> bool:
    """Whether the listener matches by now. A call's answer becomes the `event` of the run."""
    delivery = _reacted(run, listener, turn.at)
    if delivery is None:
        return False
    if listener.reaction == "answered":
        run.event = delivery.answer
    turn.record(run, "matched", listener.reaction)
    return True


def _reacted(run: Run, listener: ReactionListener, at: int) -> DeliveryState | None:
    """The delivery of the step's newest visit that has the reaction by then, None if it has not come."""
    of_step = [delivery for delivery in run.deliveries if delivery.step == listener.of]
    newest_visit = max((delivery.visit for delivery in of_step), default=0)
    for delivery in of_step:
        if (
            delivery.visit == newest_visit
            and delivery.marks.get(listener.reaction, LATEST_MS) <= at
            and listener.channel in (None, delivery.channel)
            and (listener.link is None or delivery.links.get(listener.link, LATEST_MS) <= at)
        ):
            return delivery
    return None


def _branch(turn: Turn, run: Run, step: Branch) -> str | None:
    scope = turn.run_scope(run)
    for index, (condition, follows) in enumerate(step.arms):
        if condition.holds(scope):
            turn.record(run, "branched", str(index))
            return follows
    turn.record(run, "branched", "otherwise" if step.has_otherwise else None)
    return step.otherwise


def _split(turn: Turn, run: Run, step: Split) -> str | None:
    bucket = bucket_of(run.journey, step.id, turn.origin_of(run).name)
    for index, (bound, follows) in enumerate(step.arms):
        if bucket < bound:
            turn.record(run, "split", str(index))
            return follows
    raise AssertionError("the last bound of a split is 10,000")


def _update(turn: Turn, run: Run, step: Update) -> str | None:
    values = _values(turn, run, step.values)
    # A written null takes the trait away; where a value happens to be missing, it stays as it is.
    changes = {path: value for path, value in values.items() if value is not None or step.values[path].literal}
    before = traits = turn.profile.traits
    for path, value in changes.items():
        traits = replaced(traits, path, value)
    if not has_room(turn, traits):
        raise StepFailed(f"the traits would take more than all_traits_bytes_max={turn.settings.all_traits_bytes_max}")
    if changes:
        turn.change_traits(traits)
        turn.updated = run
        tell_changes(turn, before, dict.fromkeys(split_path(path)[0] for path in changes))
    turn.record(run, "updated", _told(changes, [path for path in values if path not in changes]))
    return step.next


def _told(changed: Collection[str], missing: Collection[str]) -> str:
    """The traits that an update has changed, and those that stay as they are because their new value is missing."""
    told = ", ".join(changed)
    if not missing:
        return told
    return f"{told or 'nothing'}; without a value: {', '.join(missing)}"


def _values(turn: Turn, run: Run, expressions: Mapping[str, Expression]) -> dict[str, object]:
    """The values of expressions as JSON can say them; None where there is no value."""
    scope = turn.run_scope(run, row=row_at(run, run.step))
    values = {name: to_json(expression.value(scope)) for name, expression in expressions.items()}
    for name, value in values.items():
        reason = objection(value)
        if reason is not None:
            raise StepFailed(f"the value for {name} is {reason}")
    return values
