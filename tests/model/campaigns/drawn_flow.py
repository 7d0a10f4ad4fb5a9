"""What may a step of a campaign take? The sets of the steps above, large ones more often than small ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.model.campaigns import terms
from tests.model.campaigns.chance import Chance, Column
from tests.model.campaigns.people import Document
from tests.model.campaigns.sets import PERSON
from tests.model.campaigns.tables import Table
from tests.model.campaigns.terms import Term


@dataclass(frozen=True)
class Given:
    """A set of a step above.

    of_people  whether a person has one row in it
    tables     the tables whose rows these are
    tests      the outputs of tests without which it is skipped
    share      of everybody, about as many may be in it: large sets are taken more often
    """

    name: str
    columns: dict[str, Column]
    of_people: bool = True
    tables: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()
    share: float = 1.0


class FlowDrawing:
    """The steps of one campaign so far; `others` are sends elsewhere, as (campaign or journey, name, step)."""

    def __init__(
        self,
        chance: Chance,
        tables: dict[str, Table],
        messages: dict[str, Document],
        saved: Sequence[str],
        others: Sequence[tuple[str, str, str]],
    ) -> None:
        self.chance, self.tables, self.messages, self.others = chance, tables, messages, others
        self.unsaved = list(saved)
        self.readable = list(chance.audiences)
        self.steps: list[Document] = []
        self.sets: list[Given] = []
        self.sends: list[Document] = []
        self.enriched = 0

    def _add(self, drawn: tuple[Document, list[Given]]) -> None:
        step, given = drawn
        late = [each["id"] for each in self.steps if each.keys() & {"wait", "reacted", "send"}]
        if late and self.chance.maybe(0.15):
            step["after"] = [self.chance.pick(late)]
            self.chance.kind("after")
        self.steps.append(step)
        self.sets += given

    def _id(self, kind: str) -> str:
        return f"{kind}{len(self.steps)}"

    # What a step takes.

    def _taken(self, *, of_people: bool = False) -> Given | None:
        """A set, more often one of the last steps', and a large one."""
        among = [each for each in self.sets if each.of_people or not of_people]
        if not among:
            return None
        return self._large(among[-6:] if self.chance.maybe(0.5) else among)

    def _large(self, among: Sequence[Given]) -> Given:
        (found,) = self.chance.random.choices(among, [each.share + 0.02 for each in among])
        return found

    def _taking(self, kind: str, *, of_people: bool = False) -> tuple[Document, Given] | None:
        taken = self._taken(of_people=of_people)
        if taken is None:
            return None
        step: Document = {"id": self._id(kind)}
        if taken.name != self.steps[-1]["id"] or self.chance.maybe(0.5):
            step["from"] = taken.name
        return step, taken

    def _several(self) -> list[Given] | None:
        """Two sets or three; rows are of the same tables, or all are of people."""
        first = self._taken()
        if first is None:
            return None
        alike = [
            each
            for each in self.sets
            if each.of_people == first.of_people and each.tables == first.tables and each.name != first.name
        ]
        if not alike:
            return None
        found = [first, self._large(alike), self._large(alike)]
        return list({each.name: each for each in found[: self.chance.pick((2, 2, 3))]}.values())

    def _by(self, columns: dict[str, Column]) -> Any:
        """What makes rows equal: the person, or values."""
        if self.chance.maybe(0.5):
            return None
        by: list[Any] = [self._criterion(columns) for _ in range(self.chance.pick((1, 1, 2)))]
        if self.chance.maybe(0.2) and PERSON not in by:
            by.append(PERSON)
        return by

    def _criterion(self, columns: dict[str, Column]) -> Term:
        bare = [name for name, each in columns.items() if not each.fields]
        if bare and self.chance.maybe(0.3):
            name = self.chance.pick(bare)
            return replace(terms.column(name, columns[name].kind), text=name)
        return self.chance.scalar(columns)

    def _outputs(
        self, step: Document, taken: Given, *names: str, main: float | None = 1, others: float = 0.3, **changed: Any
    ) -> list[Given]:
        """Its outputs; `main` and `others` are how much of the set is about in them."""
        found = [replace(taken, name=step["id"], share=taken.share * main, **changed)] if main is not None else []
        share = taken.share * others
        return found + [replace(taken, name=f"{step['id']}.{name}", share=share, **changed) for name in names]
