"""Audience membership: who has entered or left, evaluated when something may have changed, exact to the instant.

Membership may change with the person's traits, consents and history, and by the passing of time alone. The instant of
the next change by time is known in advance, and the person has a timer for it.

A new audience is filled silently for people who were known before: they do not count as having entered it. The same
holds for an audience whose membership changes with a publication's policies of consent or kinds of traits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from parcours.config import Settings
from parcours.core.fact import Changed
from parcours.core.history import is_member, scope_at
from parcours.core.profile import Profile
from parcours.core.read_mark import ReadMark
from parcours.core.turn import Turn
from parcours.expression.definition_keys import number_of, plain
from parcours.journey.program import AudienceTrigger, Program


def is_inside(program: Program, profile: Profile, audience: str, at: int, settings: Settings) -> bool:
    """Whether the person is in the audience at an instant, which may be later than her pending timers."""
    return is_member(program, profile, audience, scope_at(profile, at, program, settings))


def fix_membership(turn: Turn, audiences: Iterable[tuple[str, str]]) -> None:
    """Note for each (journey, audience) whether the person is inside now, for a read that is not over."""
    inside = [
        name for name, audience in audiences if is_inside(turn.program, turn.profile, audience, turn.at, turn.settings)
    ]
    turn.profile.reads = [*turn.profile.reads, ReadMark(turn.at, tuple(inside))]


def save_membership(turn: Turn, audience: str, *, inside: bool) -> tuple[AudienceTrigger, ...]:
    """Put the person into an audience that a campaign saves, or take her out of it; the change, if it is one."""
    audiences = turn.profile.audiences
    if audiences.get(audience, False) == inside:
        return ()
    if inside:
        audiences[audience] = True
    else:
        del audiences[audience]
    change = AudienceTrigger(audience, "entered" if inside else "left")
    _tell(turn, change)
    return (change,)


def look_again(turn: Turn, *, unknown: bool) -> tuple[AudienceTrigger, ...]:
    """Evaluate all audiences: those that the person has entered or left by now, in the order of their names."""
    changes, change_at = _evaluated(turn, sorted(turn.program.audiences), unknown=unknown)
    turn.set_only_timer(change_at, "audience")
    return changes


def look_after(turn: Turn, names: Iterable[str]) -> tuple[AudienceTrigger, ...]:
    """The same where nothing has happened since the last look but an event of these names, which is in the histories.

    Only audiences that count such events may have changed. One entry more and none less makes no window lose its first
    one later than before, so the next change by time is that of before or one of theirs. All audiences are looked at
    where that does not hold, or no change was to come: it may have been set aside.
    """
    program, due = turn.program, turn.due_of("audience")
    asked = [name for name in names if name in program.series]
    if due is None or not program.counting.keys() >= set(asked) or lacks_an_answer(turn):
        return look_again(turn, unknown=False)
    counting = sorted({audience for name in asked for audience in program.counting[name]})
    changes, change_at = _evaluated(turn, counting, unknown=False)
    if change_at is not None and change_at < due:
        turn.set_only_timer(change_at, "audience")
    return changes


def lacks_an_answer(turn: Turn) -> bool:
    """Whether some audience has no membership of her, because it could not be filled (leave_unfilled)."""
    return not turn.profile.audiences.keys() >= turn.program.audiences.keys()


def _evaluated(turn: Turn, names: Iterable[str], *, unknown: bool) -> tuple[tuple[AudienceTrigger, ...], int | None]:
    """The changes of these audiences, and when the passing of time may change one of them next."""
    audiences = turn.profile.audiences
    scope = turn.scope()
    changes: list[AudienceTrigger] = []
    turns_at: list[int] = []
    for name in names:
        condition = turn.program.audiences[name].condition
        inside = condition.holds(scope)
        # Without an earlier answer, a new person enters from outside, while one known before is filled in silently.
        before = audiences.get(name, False if unknown else inside)
        audiences[name] = inside
        if inside != before:
            change = AudienceTrigger(name, "entered" if inside else "left")
            changes.append(change)
            _tell(turn, change)
        change_at = condition.next_change(scope)
        if change_at is not None:
            turns_at.append(change_at)
    return tuple(changes), min(turns_at, default=None)


def _tell(turn: Turn, change: AudienceTrigger) -> None:
    """Record the change, unless the audience has a newer definition: it is kept for older versions alone."""
    number, name = number_of(change.audience), change.name
    of_name = (key for key in turn.program.audiences if plain(key) == name)
    if all(number_of(key) <= number for key in of_name):
        turn.effects.facts.append(Changed(turn.at, turn.person, "audience", change.name, change.change))


def unfilled(before: Program, after: Program) -> tuple[str, ...]:
    """The audiences that a publication has to fill: new ones, and those whose membership it may change."""
    return tuple(sorted(key for key in after.audiences if _may_differ(key, before, after)))


def _may_differ(key: str, before: Program, after: Program) -> bool:
    if key not in before.audiences:
        return True
    condition = after.audiences[key].condition
    asks_otherwise = condition.consents and before.policies.consent != after.policies.consent
    return asks_otherwise or before.audiences[key].condition.kinds != condition.kinds


def fill(turn: Turn, audiences: Collection[str]) -> None:
    """Evaluate these audiences silently: nobody enters or leaves them. Audiences that no longer exist are dropped."""
    saved = turn.program.saved_audiences
    known, scope = turn.program.audiences, turn.scope()
    inside = {name: known[name].condition.holds(scope) for name in audiences if name in known}
    before = {name: value for name, value in turn.profile.audiences.items() if name in known or name in saved}
    turn.profile.audiences = before | inside
    turns_at = [known[name].condition.next_change(scope) for name in known]
    turn.set_only_timer(min((at for at in turns_at if at is not None), default=None), "audience")


def leave_unfilled(turn: Turn, audiences: Collection[str]) -> None:
    """Forget what is known of her and these audiences, which cannot be filled: her next look fills them silently."""
    turn.profile.audiences = {name: value for name, value in turn.profile.audiences.items() if name not in audiences}
