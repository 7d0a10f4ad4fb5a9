"""What does a case draw from? Names, values on a grid of times or off it, and terms about people and rows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.model.campaigns import terms
from tests.model.campaigns.terms import NOW, Term
from tests.model.reference.expression import Instant
from tests.model.reference.times import DAY_MS, parse_instant, to_text

Drawn = TypeVar("Drawn")

TRAITS = {
    "email": "string", "phone": "string", "push_token": "string", "city": "string", "tier": "string",
    "code": "string", "favourite": "string", "timezone": "string", "score": "number", "points": "integer",
    "loyal": "boolean", "seen_at": "timestamp",
}  # fmt: skip
EVENTS = {
    "Seen": {"properties": {"page": "string"}},
    "Bought": {"properties": {"total": "number", "kind": "string"}},
    "Left": {"properties": {"kind": "string"}},
}
CITIES = ("Paris", "paris", "Oslo", "Zürich", "São Paulo", "東京", "Łódź")
TIERS = ("gold", "silver", "none")
SCORES = (0, 1, 1, 2, 2.0, 2.5, 3, 10, -1, 0.1)
CODES = tuple(f"Ä-{number}" for number in range(12))
CHANNELS = ("email", "sms", "push")
PURPOSES = ("marketing", "offer")
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
LINKS = ("https://example.com/a", "https://example.com/b")
# Ordinary days, and the eves of changes of clocks.
STARTS = (
    *("2026-01-05T08:00:00Z", "2026-06-17T12:00:00Z", "2026-03-27T07:00:00Z"),
    *("2026-10-23T18:00:00Z", "2026-03-06T20:00:00Z", "2026-04-03T09:00:00Z"),
)
DAYS_OF_EVENTS = 6
GRID_MS = 30 * 60_000


@dataclass(frozen=True)
class Column:
    """A column of a set. `fields` are those of its objects; `listed`: it is a list of them."""

    kind: str
    fields: Mapping[str, str] = field(default_factory=dict)
    listed: bool = False


Columns = Mapping[str, Column]


class Chance:
    """Draws of one case, and a count of what was drawn."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.tried: Counter[str] = Counter()
        self.start_ms = parse_instant(self.pick(STARTS))
        self.coarse = self.maybe(0.5)
        self.audiences: list[str] = []  # that may be read and asked for

    def maybe(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, among: Sequence[Drawn]) -> Drawn:
        return self.random.choice(among)

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def some(self, among: Sequence[Drawn], at_least: int = 1, at_most: int | None = None) -> list[Drawn]:
        most = len(among) if at_most is None else min(at_most, len(among))
        return self.random.sample(among, self.number(min(at_least, most), most))

    def kind(self, name: str) -> None:
        self.tried[name] += 1

    def either(self, prefix: str, *names: str) -> str:
        """One of several kinds, counted."""
        name = self.pick(names)
        self.kind(f"{prefix}.{name}")
        return name

    def instant_ms(self, days: int = DAYS_OF_EVENTS) -> int:
        if self.coarse:
            return self.start_ms + self.number(0, days * DAY_MS // GRID_MS) * GRID_MS
        return self.start_ms + self.number(0, days * DAY_MS // 1_000) * 1_000

    def duration(self, most_h: int = 48) -> str:
        return f"{self.number(1, most_h)}h" if self.coarse else f"{self.number(1, most_h * 60)}m"

    # Terms.

    def numeric(self, columns: Columns) -> Term:
        choices: list[Term] = [terms.trait("score", "number"), terms.trait("points", "number")]
        choices += self._of_columns(columns, "number") * 2
        choices.append(self._history())
        if self.maybe(0.2):
            choices.append(terms.length(self.text(columns)))
        found = self.pick(choices)
        if self.maybe(0.15):
            found = terms.calculated(found, self.pick("+-*"), terms.literal(self.pick((2, 0.5, 10))))
        if self.maybe(0.1):
            found = terms.instead(found, self.pick((0, 5)))
        return found

    def _history(self) -> Term:
        event, window = self.pick(("Seen", "Bought")), self.pick(("1d", "2d", "30d", "7h"))
        if event == "Bought" and self.maybe(0.5):
            return terms.total("Bought", "total", window)
        return terms.count(event, window)

    def text(self, columns: Columns) -> Term:
        traits = ("city", "tier", "email", "code", "city")
        choices = [terms.trait(name, "string") for name in traits] + self._of_columns(columns, "string") * 2
        found = self.pick(choices)
        return terms.lower(found) if self.maybe(0.15) else found

    def moment(self, columns: Columns) -> Term:
        choices = [terms.trait("seen_at", "timestamp"), *self._of_columns(columns, "timestamp") * 2]
        choices.append(terms.last(self.pick(("Seen", "Bought"))))
        found = self.pick(choices)
        return terms.later(found, f"{self.pick(('', '-'))}{self.duration()}") if self.maybe(0.2) else found

    def _of_columns(self, columns: Columns, kind: str) -> list[Term]:
        found = []
        for name, column in columns.items():
            if column.kind == kind:
                found.append(terms.column(name, kind))
            for inner, inner_kind in column.fields.items():
                if inner_kind == kind:
                    found.append(
                        terms.element(name, self.number(0, 1), inner, kind)
                        if column.listed
                        else terms.column(name, kind, inner)
                    )
        return found

    def scalar(self, columns: Columns) -> Term:
        """A value by which rows may be compared: now and then of two kinds."""
        if self.maybe(0.06):
            self.kind("expression.mixed")
            return terms.chosen(self.condition(columns, 0), self.text(columns), self.numeric(columns))
        if self.maybe(0.1):
            return self.pick([terms.trait("loyal", "boolean"), *self._of_columns(columns, "boolean")])
        return self.pick((self.text, self.text, self.numeric, self.moment))(columns)

    def condition(self, columns: Columns, depth: int = 2) -> Term:
        if depth and self.maybe(0.45):
            join = self.pick((terms.both, terms.either, terms.either))
            return join(self.condition(columns, depth - 1), self.condition(columns, depth - 1))
        if depth and self.maybe(0.15):
            return terms.negated(self.condition(columns, depth - 1))
        return self.pick(
            (
                self._of_number, self._of_number, self._of_text, self._of_text, self._of_moment, self._of_boolean,
                self._of_presence, self._of_consent, self._of_list, self._of_membership,
            )
        )(columns)  # fmt: skip

    def _of_number(self, columns: Columns) -> Term:
        left, sign = self.numeric(columns), self.pick(("<", "<=", ">", ">=", "==", "!="))
        right = self.numeric(columns) if self.maybe(0.2) else terms.literal(self.pick((0, 1, 2, 2.5, 10, 30)))
        return terms.compared(left, sign, right)

    def _of_text(self, columns: Columns) -> Term:
        left = self.text(columns)
        if self.maybe(0.2):
            return terms.one_of(left, self.some((*CITIES, *TIERS, *CODES), 2, 5))
        if self.maybe(0.3):
            return self.pick((terms.begins, terms.within))(left, self.pick(("P", "a", "o", "Ä-1", "ü", "東")))
        sign = self.pick(("==", "!=", "<", ">="))
        return terms.compared(left, sign, terms.literal(self.pick((*CITIES, *TIERS, "M", ""))))

    def _of_moment(self, columns: Columns) -> Term:
        left, sign = self.moment(columns), self.pick(("<", ">", "<=", ">="))
        if self.maybe(0.5):
            return terms.compared(left, sign, terms.later(NOW, f"-{self.duration()}"))
        return terms.compared(left, sign, terms.literal(Instant(self.instant_ms())))

    def _of_boolean(self, columns: Columns) -> Term:
        return self.pick([terms.trait("loyal", "boolean"), *self._of_columns(columns, "boolean") * 2])

    def _of_presence(self, columns: Columns) -> Term:
        paths = [terms.trait(name, TRAITS[name]) for name in ("email", "city", "score", "seen_at")]
        paths += [terms.column(name, each.kind) for name, each in columns.items() if not each.fields]
        paths += [
            terms.column(name, kind, inner)
            for name, each in columns.items()
            if not each.listed
            for inner, kind in each.fields.items()
        ]
        return terms.has(self.pick(paths))

    def _of_consent(self, _: Columns) -> Term:
        self.kind("expression.consent")
        return terms.consent(self.pick(CHANNELS), self.pick(PURPOSES))

    def _of_membership(self, _: Columns) -> Term:
        self.kind("expression.membership")
        return terms.membership(self.pick(self.audiences))

    def _of_list(self, columns: Columns) -> Term:
        lists = [name for name, each in columns.items() if each.listed]
        if not lists:
            return self._of_number(columns)
        left = terms.length(terms.column(self.pick(lists), "list"))
        return terms.compared(left, self.pick(("==", ">")), terms.literal(self.number(0, 2)))

    def order(self, columns: Columns, *, of_rows: bool = False) -> list[dict[str, Any]]:
        """One key or two, counted."""
        return [self._order_key(columns, of_rows) for _ in range(self.pick((1, 1, 2)))]

    def _order_key(self, columns: Columns, of_rows: bool) -> dict[str, Any]:
        names = ["highest", "lowest", "earliest", "latest", "filled", "prefer", *([] if of_rows else ["random"])]
        match self.either("order", *names):
            case "random":
                return {"random": True}
            case "filled":
                return {"filled": self.pick((self.text, self.numeric, self.moment))(columns)}
            case "prefer":
                if self.maybe(0.3):
                    return {"prefer": self.some((0, 1, 2, 2.5, 3), 1, 3), "of": self.numeric(columns)}
                return {"prefer": self.some((*TIERS, *CITIES), 1, 4), "of": self.text(columns)}
            case "earliest" | "latest" as direction:
                return {"by": self.moment(columns), direction: True}
            case direction:
                return {"by": self.scalar(columns), direction: True}

    def timestamp(self) -> str:
        return to_text(self.instant_ms() - DAY_MS * self.number(0, 3))
