"""What a person would get by a decision, and why not the rest: for looks at many people, which change nothing.

A row is bytes from here on, as columns are (core/columns.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from parcours.config import Settings
from parcours.core.consent import may_personalise
from parcours.core.history import is_member, scope_at
from parcours.core.offers.answer import LETTERS, Answer
from parcours.core.offers.choosing import Asked, Asker, choose
from parcours.core.offers.lessons import Lesson
from parcours.core.offers.state import OffersKept
from parcours.core.profile import Profile
from parcours.expression.expression import Expression
from parcours.journey.program import Program


class OffersForeseen(msgspec.Struct, frozen=True, array_like=True):
    """What would come of the decision at one placement.

    given    the offers that she would get, the best first
    against  the letter of what spoke against each other offer (answer.py), of several strategies at the first
    """

    given: list[str]
    is_fallback: bool
    against: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Foreseeing:
    """
    placements  at each of these by itself, as if nothing else were decided
    audience    by its key, whose members alone it is about; `condition` those for whom it holds; None: everybody
    context     what whoever asks would give
    """

    decision: str
    placements: tuple[str, ...]
    audience: str | None = None
    condition: Expression | None = None
    context: Mapping[str, object] = field(default_factory=dict)


def foreseen_of(
    person: str,
    profile: Profile,
    at: int,
    program: Program,
    asked: Foreseeing,
    settings: Settings,
    lessons: Mapping[str, Lesson],
) -> bytes:
    """What somebody would get at each placement, as of an instant at which the profile has to stand; nothing at all of
    whoever it is not about.
    """
    scope = scope_at(profile, at, program, settings)
    if asked.audience is not None and not is_member(program, profile, asked.audience, scope):
        return _encode([])
    if asked.condition is not None and not asked.condition.holds(scope):
        return _encode([])
    kept = profile.offers or OffersKept()
    asker = Asker(person, scope, kept, may_personalise(profile, program.policies), lessons)
    told: list[OffersForeseen] = []
    for placement in asked.placements:
        (answer,) = choose(program.offers, asker, [Asked(asked.decision, placement, context=asked.context)], settings)
        told.append(_told(answer))
    return _encode(told)


def read_foreseen(row: bytes) -> list[OffersForeseen]:
    """What `foreseen_of` has made."""
    return _decode(row)


def _told(answer: Answer) -> OffersForeseen:
    given = [each.offer for each in answer.chosen]
    against: dict[str, str] = {}
    for tried in answer.tried:
        for each in tried.looked:
            if each.offer not in given:
                against.setdefault(each.offer, LETTERS[each.reason])
    return OffersForeseen(given, any(each.is_fallback for each in answer.chosen), [*against.items()])


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[OffersForeseen]).decode
