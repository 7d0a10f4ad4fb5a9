"""Traits that follow scores: what the model says of a person is kept as a trait, so that audiences may ask for it.

A trait is renewed at the instants of the events that its score names, once their histories have them and before
audiences are compared and anybody is moved; and by a timer, at instants that are `every` apart and that depend on her
name and the score's alone. So not everybody is due at once, and nothing depends on when a timer was set. It is renewed
as well when she speaks of personalisation, when somebody is merged into her, and when a publication changes the score's
model, or what is kept. Where the score is missing, so is the trait.

All traits of one instant are of the person as she was before, whatever features ask for traits of other scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from parcours.core.buckets import hash_of
from parcours.core.fact import LimitReached
from parcours.core.paths import pick, replaced
from parcours.core.profile import Timer, is_unknown
from parcours.core.run.traits import has_room, tell_changes
from parcours.core.turn import Turn
from parcours.journey.program import Program
from parcours.wording import quoted


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
                why = f"trait {quoted(known.keep.trait)} was not kept"
                turn.effects.facts.append(LimitReached(turn.at, turn.person, "all_traits_bytes_max", why))
    if traits is before:
        return False
    turn.change_traits(traits)
    tell_changes(turn, before, [name for name in {**before, **traits} if before.get(name) is not traits.get(name)])
    return True


def renew_due(turn: Turn, timer: Timer) -> bool:
    """A timer renews a trait, and the next one is set. Whether the trait has changed."""
    changed = renew(turn, (timer.key,))
    set_timers(turn)
    return changed


def set_timers(turn: Turn, *, anew: Sequence[str] = ()) -> None:
    """See to it that somebody of whom something is known has a timer for each score that time renews.

    anew  scores whose timers are set anew, because they are kept otherwise
    """
    profile = turn.profile
    if anew:
        profile.timers = [each for each in profile.timers if each.kind != "score" or each.key not in anew]
    if not turn.program.timed_scores or is_unknown(profile):
        return
    known = {timer.key for timer in profile.timers if timer.kind == "score"}
    for name, every_ms in turn.program.timed_scores.items():
        if name not in known:
            begin = hash_of(name, turn.person) % every_ms
            profile.sequence += 1
            profile.timers.append(
                Timer(turn.at + every_ms - (turn.at - begin) % every_ms, profile.sequence, "score", key=name)
            )


def unkept(before: Program, after: Program) -> tuple[str, ...]:
    """The scores whose traits a publication has to renew: kept from then on, or otherwise, or by another model."""
    names = sorted(name for name, each in after.scores.items() if each.keep is not None)
    if before.policies.personalisation != after.policies.personalisation:
        return tuple(names)
    return tuple(name for name in names if _differs(name, before, after))


def _differs(name: str, before: Program, after: Program) -> bool:
    old, new = before.scores.get(name), after.scores[name]
    return old is None or (old.keep, old.model) != (new.keep, new.model)
