"""Traits that follow scores: what the model says of a person is kept as a trait, so that audiences may ask for it.

A trait is renewed at the instants of the events that its score names, once their histories have them and before
audiences are compared and anybody is moved; and by a timer, at instants that are `every` apart and that depend on her
name and the score's alone. So not everybody is due at once, and nothing depends on when a timer was set. Instants at
which time has changed nothing are passed over: who does nothing any more costs nothing, and a simulation ends. The
trait is renewed as well when she speaks of personalisation, when somebody is merged into her, and when a publication
changes the score's model, or what is kept. Where the score is missing, so is the trait.

All traits of one instant are of the person as she was before, whatever features ask for traits of other scores.
"""

from __future__ import annotations

from collections.abc import Iterable

from parcours.core.buckets import hash_of
from parcours.core.consent import may_personalise
from parcours.core.paths import pick, replaced
from parcours.core.profile import Timer, is_unknown
from parcours.core.run.traits import has_room, tell_changes, tell_dropped
from parcours.core.turn import Turn
from parcours.journey.program import Program


def renew_with(turn: Turn, events: Iterable[str]) -> bool:
    """Renew what follows events of these types. Whether a trait has changed."""
    by_event = turn.program.renewed_by
    return renew(turn, [score for event in events for score in by_event.get(event, ())])


def renew_all(turn: Turn) -> bool:
    """Renew the traits of all scores. Whether one has changed."""
    return renew(turn, [name for name, each in sorted(turn.program.scores.items()) if each.keep is not None])


def renew(turn: Turn, scores: Iterable[str]) -> bool:
    """Let the traits say what these scores say of the person as she stands. Whether one has changed."""
    before, traits, scope = turn.profile.traits, turn.profile.traits, turn.scope()
    for name in dict.fromkeys(scores):
        known = turn.program.scores.get(name)
        if known is None or known.keep is None:
            continue  # it was renewed by a timer that a publication has outlived
        scored = scope.history.scored(name, turn.at, turn)
        value = None if scored is None else scored.probability
        if pick(before, known.keep.trait) != value:
            changed = replaced(traits, known.keep.trait, value)
            if has_room(turn, changed):
                traits = changed
            else:
                tell_dropped(turn, known.keep.trait, "all_traits_bytes_max")
    if traits is before:
        return False
    turn.change_traits(traits)
    tell_changes(turn, before, [name for name in {**before, **traits} if before.get(name) is not traits.get(name)])
    return True


def renew_due(turn: Turn, timer: Timer) -> bool:
    """A timer renews a trait, and the next one is set if time may change it again. Whether the trait has changed."""
    changed = renew(turn, (timer.key,))
    every_ms, change = turn.program.timed_scores.get(timer.key), _next_change(turn, timer.key)
    if every_ms is not None and change is not None:
        turn.set_only_timer(_tick(turn, timer.key, every_ms, change), "score", timer.key)
    if changed:
        set_timers(turn)  # a feature of another score may ask for the trait
    return changed


def set_timers(turn: Turn) -> None:
    """Something has happened to the person: each score that time renews has a timer, if anything is known of her."""
    timed = turn.program.timed_scores
    if timed and not is_unknown(turn.profile):
        for name, every_ms in timed.items():
            turn.set_only_timer(_tick(turn, name, every_ms, turn.at + 1), "score", name)


def _next_change(turn: Turn, name: str) -> int | None:
    """The first instant after this one at which time may change what the score says; None if it never does."""
    score, program = turn.program.scores.get(name), turn.program
    if score is None or not may_personalise(turn.profile, program.policies):
        return None
    if not score.is_foreseen:
        return turn.at + 1
    scope, asked = turn.scope(), [*score.expressions()]
    for key in dict.fromkeys(key for each in score.expressions() for key in each.audiences):
        if key in program.audiences:
            asked.append(program.audiences[key].condition)
    return min((at for each in asked if (at := each.next_change(scope)) is not None), default=None)


def _tick(turn: Turn, name: str, every_ms: int, since: int) -> int:
    """The first instant from `since` on at which the person's trait is renewed by time."""
    return since + (hash_of(name, turn.person) - since) % every_ms


def unkept(before: Program, after: Program) -> tuple[str, ...]:
    """The scores whose traits a publication has to renew: kept from then on, or otherwise, or by another model."""
    names = sorted(name for name, each in after.scores.items() if each.keep is not None)
    if before.policies.personalisation != after.policies.personalisation:
        return tuple(names)
    return tuple(name for name in names if _differs(name, before, after))


def _differs(name: str, before: Program, after: Program) -> bool:
    old, new = before.scores.get(name), after.scores[name]
    return old is None or (old.keep, old.model) != (new.keep, new.model)
