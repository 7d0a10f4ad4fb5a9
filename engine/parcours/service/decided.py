"""What callers ask of decisions and are answered, and what is wrong with what they ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from parcours.core.offers.asking import objection
from parcours.errors import CallerError
from parcours.journey.offers import Offers
from parcours.service.people_calls import check_text
from parcours.wording import shown_value


@dataclass(frozen=True, slots=True)
class Asking:
    """A decision that is asked for at a placement; `count` is None for as many offers as the decision says."""

    decision: str
    placement: str
    count: int | None = None

    def call(self) -> dict[str, object]:
        """As a line has it."""
        return {"decision": self.decision, "placement": self.placement, "count": self.count}


@dataclass(frozen=True, slots=True)
class OfferDecided:
    """An offer that somebody gets.

    content      by the keys of its format, such as `text` or `json`, and `url`; templates are filled in
    score        by which it was ranked; None where it is missing
    proposition  by which its marks are told; None where nothing is remembered of it, such as of a fallback that was
                 given because nobody answered in time
    pixel        the address of a picture that marks it as shown once it is loaded; None without proposition, and of an
                 engine that was opened without links
    """

    name: str
    content: Mapping[str, Any]
    attributes: Mapping[str, Any]
    score: float | None = None
    fallback: bool = False
    proposition: str | None = None
    pixel: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision gives at a placement, the best first; nothing where there is nothing.

    is_late  nobody has answered in time, and it is the fallback, if the decision has one with content there
    why      of one that was only tried: what spoke for and against every offer, as one line
    """

    decision: str
    placement: str
    offers: tuple[OfferDecided, ...] = ()
    is_late: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The answers to one request, in the order in which they were asked for."""

    request_id: str
    decisions: tuple[Decided, ...] = ()
    is_late: bool = False


def check_asking(asked: object, context: Mapping[str, object], offers: Offers) -> None:
    """Raises CallerError for what is no list of Asking, and for what the project does not know."""
    if not isinstance(asked, Sequence) or not all(isinstance(each, Asking) for each in asked):
        raise CallerError(f"asked={shown_value(asked)}: a list of Asking is expected, as [Asking('best', 'banner')]")
    for each in asked:
        check_text("decision", each.decision)
        check_text("placement", each.placement)
    reason = objection([each.decision for each in asked], [each.placement for each in asked], context, offers)
    if reason is not None:
        raise CallerError(reason)
