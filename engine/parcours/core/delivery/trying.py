"""What would be told of decisions if somebody asked for them? Nothing is remembered, told, or made ready by it."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.config import Settings
from parcours.core.delivery.deciding import Cause, decide, forget_offers
from parcours.core.fact import Decided
from parcours.core.input import DecisionAsked
from parcours.core.offers.choosing import Asked
from parcours.core.offers.lessons import Lesson
from parcours.core.profile import Profile
from parcours.core.turn import Turn
from parcours.journey.program import Program


def try_decisions(
    person: str,
    profile: Profile,
    given: DecisionAsked,
    program: Program,
    settings: Settings,
    lessons: Mapping[str, Lesson],
    *,
    is_passing: bool,
) -> list[Decided]:
    """The facts that there would be, in the order of what is asked. `profile` is the caller's own copy.

    is_passing  answered as a stranger who is forgotten is: without offers that have caps
    """
    turn = Turn(person, profile, given.at, given.at, program, settings, None, lessons=lessons)
    forget_offers(turn)
    asked = [Asked(each.decision, each.placement, each.count, given.context) for each in given.asked]
    decide(turn, turn.scope(), asked, Cause(person, given.request), is_passing=is_passing)
    return [fact for fact in turn.effects.facts if isinstance(fact, Decided)]
