"""The compiler of one offer: its condition, its dates, its caps, and what it says at each placement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from parcours.expression.duration import DURATION_MAX_MS, format_duration
from parcours.expression.expression import Expression
from parcours.expression.names import Names
from parcours.expression.nodes import CONTEXT, OFFER
from parcours.journey.compile.declarations import Declarations, condition, expression
from parcours.journey.compile.offers.collections import Collections
from parcours.journey.compile.offers.scopes import OWN, OfferScopes
from parcours.journey.compile.schedules import instant_ms, midnight_ms
from parcours.journey.compile.templates import keys_with_templates, read_template, resolved, templates_in
from parcours.journey.model.offers import (
    Counted,
    MomentForm,
    OfferCapDocument,
    OfferDocument,
    OfferGoalDocument,
)
from parcours.journey.offers import Cap, Content, Offer, OfferGoal, Placement, TotalCap
from parcours.journey.read.finding import Margin
from parcours.wording import nearest, quoted

COUNTED: Final[tuple[str, ...]] = get_args(Counted)


@dataclass(frozen=True, slots=True)
class OfferCompiler:
    placements: Mapping[str, Placement]
    declared: Declarations
    scopes: OfferScopes
    collections: Collections
    timezone: str

    def compile(self, name: str, document: OfferDocument, margin: Margin) -> Offer:
        """The offer of this name. Faults go into the margin, which is the offer's."""
        names = self.scopes.of_offer(name)
        for key in sorted(document.attributes.keys() & OWN.keys()):
            margin.error(f"offer.{key} is every offer's own: give the attribute another name", "attributes", key)
        eligible = None if document.eligible is None else condition(margin, document.eligible, names, "eligible")
        every = [(each, margin.below("caps", number)) for number, each in enumerate(document.caps)]
        starts_ms, ends_ms = self._first_ms(document.starts), self._last_ms(document.ends)
        if starts_ms is not None and ends_ms is not None and ends_ms < starts_ms:
            margin.error("ends comes before starts", "ends")
        if not document.content and self.collections.is_whole("offers", name):
            margin.warn("it says nothing at any placement, and so is never chosen")
        return Offer(
            name=name,
            title=document.title,
            tags=frozenset(document.tags),
            attributes=dict(document.attributes),
            eligible=eligible,
            starts_ms=starts_ms,
            ends_ms=ends_ms,
            priority=document.priority,
            caps=tuple(self._cap(each, within) for each, within in every if each.by == "person"),
            content=self._contents(name, document, margin),
            goal=self._goal(document.goal, margin.below("goal")),
            totals=tuple(TotalCap(each.max, each.per == "day") for each, _ in every if each.by == "everybody"),
        )

    def _goal(self, document: OfferGoalDocument | None, margin: Margin) -> OfferGoal | None:
        if document is None:
            return None
        properties = self.declared.properties(margin, document.event, "event")
        names, when = self.declared.names(properties), document.when
        asked = None if when is None else condition(margin, when, names, "when")
        return OfferGoal(self.declared.definition_keys.event(document.event), asked, document.within)

    def _first_ms(self, given: MomentForm | None) -> int | None:
        if given is None or isinstance(given, datetime):
            return None if given is None else instant_ms(given, self.timezone)
        return midnight_ms(given, 0, self.timezone)

    def _last_ms(self, given: MomentForm | None) -> int | None:
        """The last instant: of a day the millisecond before the next begins."""
        if given is None or isinstance(given, datetime):
            return None if given is None else instant_ms(given, self.timezone)
        after_ms = midnight_ms(given, 1, self.timezone)
        return None if after_ms is None else after_ms - 1

    def _cap(self, document: OfferCapDocument, margin: Margin) -> Cap:
        assert document.per != "day", "a day of the calendar is for everybody"
        if document.of in COUNTED:
            return Cap(document.max, document.of, document.per)
        return Cap(document.max, document.of, document.per, self._counted(document, margin))

    def _counted(self, document: OfferCapDocument, margin: Margin) -> Expression | None:
        """How many events of a type there were, by the history that is kept for it."""
        if document.of not in self.declared.events:
            if "events" not in self.declared.unread:
                hint = nearest(document.of, [*COUNTED, *self.declared.events])
                margin.error(f"{quoted(document.of)} is neither decided, shown, clicked nor an event{hint}", "of")
            return None
        window = format_duration(DURATION_MAX_MS if document.per is None or document.per == "day" else document.per)
        text = f"count({json.dumps(document.of)}, {json.dumps(window)})"
        return expression(margin, text, self.declared.names(), "of")

    def _contents(self, name: str, document: OfferDocument, margin: Margin) -> dict[str, Content]:
        contents: dict[str, Content] = {}
        names = self.scopes.of_content(name, document)
        for place, form in document.content.items():
            within = margin.below("content", place)
            placement = self.placements.get(place)
            values = form.model_dump(by_alias=True, exclude_defaults=True)
            if placement is None:
                if "placements" not in self.collections.unread:
                    within.error(f"unknown placement {quoted(place)}{nearest(place, self.placements)}")
            elif placement.format not in values and self.collections.is_whole("placements", place):
                given = next(key for key in ("text", "html", "json", "image") if key in values)
                within.error(f"this is a content of the format {given}, and the placement's is {placement.format}")
            paths = self._paths(names, values, within)
            if placement is not None:
                contents[place] = Content(placement.format, values, paths)
        return contents

    def _paths(self, names: Names, values: Mapping[str, object], margin: Margin) -> frozenset[str]:
        """The paths that a content's templates read; findings of what is wrong with them."""
        paths = set[str]()
        for place in keys_with_templates(values):
            margin.error("a key is sent as it stands: only values are filled in", *place)
        for place, text in templates_in(values):
            use = read_template(text, (CONTEXT, OFFER))
            read = [resolved(path, names) for path in sorted(use.paths)]
            for complaint in (*use.complaints, *filter(None, (unknown for _, unknown in read))):
                margin.error(complaint, *place)
            paths |= {path for path, _ in read}
        return frozenset(paths)
