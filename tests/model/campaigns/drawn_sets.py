"""Which steps make sets of others, and how? Reads, filters, splits, joins of sets, and enrichment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.model.campaigns import terms
from tests.model.campaigns.chance import Column
from tests.model.campaigns.drawn_flow import FlowDrawing, Given
from tests.model.campaigns.drawn_tables import columns_of, kind_of_type
from tests.model.campaigns.people import Document
from tests.model.campaigns.sets import PERSON
from tests.model.campaigns.tables import Table
from tests.model.campaigns.terms import Term


class SetDrawing(FlowDrawing):
    """Each method draws one kind, and returns the step with the sets that it gives; None where it cannot be."""

    def _read(self) -> tuple[Document, list[Given]]:
        chance, step = self.chance, {"id": self._id("read")}
        kind = chance.either("read", "audience", "where", "where", "table")
        given = Given(step["id"], {}, share=0.6)
        read: Any
        if kind == "table" and self.tables:
            table = chance.pick(list(self.tables.values()))
            read = {"table": table.name}
            given = Given(step["id"], columns_of(table), of_people=False, tables=frozenset([table.name]))
            if chance.maybe(0.4):
                read["where"] = chance.condition(given.columns)
            if table.owner is not None and table.match == "userId" and chance.maybe(0.6):
                read["unknown"] = "create"
                chance.kind("read.create")
        elif kind == "audience":
            read = chance.pick(self.readable)
            given = replace(given, share=0.3)
        elif chance.maybe(0.6):
            read = {"where": terms.has(terms.trait("timezone", "string"))}
            given = replace(given, share=0.9)
        else:
            read = {"where": chance.condition({}, 1)}
        whole: Document = {**step, "read": read}
        if chance.maybe(0.15):
            whole["new"] = True
            chance.kind("read.new")
        return whole, [given]

    def _filter(self) -> Any:
        if (taking := self._taking("filter")) is None:
            return None
        step, taken = taking
        self.chance.kind("filter")
        return {**step, "filter": self.chance.condition(taken.columns)}, self._outputs(
            step, taken, "rest", main=0.6, others=0.4
        )

    def _dedupe(self) -> Any:
        if (taking := self._taking("dedupe")) is None:
            return None
        step, taken = taking
        chance = self.chance
        to_people = not taken.of_people and chance.maybe(0.7)
        by = None if to_people else self._by(taken.columns)
        dedupe: Document = {"by": by or [PERSON]}
        chance.kind("dedupe.values" if by else "dedupe.person")
        if chance.maybe(0.2) and not to_people:
            dedupe["keep"] = chance.number(1, 3)
            chance.kind("dedupe.keep")
        if chance.maybe(0.75):
            dedupe["order"] = chance.order(taken.columns)
        outputs = self._outputs(step, taken, "rest")
        if by is None and dedupe.get("keep", 1) == 1:
            outputs[0] = replace(outputs[0], of_people=True, tables=frozenset())
        return {**step, "dedupe": dedupe}, outputs

    def _split(self) -> Any:
        if (taking := self._taking("split")) is None:
            return None
        step, taken = taking
        chance, listed = self.chance, []
        chance.kind("split.subsets")
        for place in range(chance.number(1, 3)):
            subset: Document = {"name": f"s{place}"}
            if chance.maybe(0.6):
                subset["when"] = chance.condition(taken.columns)
            if "when" not in subset or chance.maybe(0.4):
                subset["limit"] = chance.pick((3, 10, 25, "10%", "33.3%", "50%"))
                chance.kind("split.percent" if isinstance(subset["limit"], str) else "split.limit")
                if chance.maybe(0.7):
                    subset["order"] = chance.order(taken.columns)
                    chance.kind("split.order")
            listed.append(subset)
        if chance.maybe(0.4):
            listed.append({"name": "others", "otherwise": True})
            chance.kind("split.otherwise")
        whole: Document = {**step, "split": listed}
        if chance.maybe(0.3):
            whole["overlap"] = True
            chance.kind("split.overlap")
        return whole, self._outputs(step, taken, *(each["name"] for each in listed), "rest", main=None)

    def _random(self) -> Any:
        compared = self.chance.maybe(0.4)
        if (taking := self._taking("parts", of_people=compared)) is None:
            return None
        step, taken = taking
        names = ["a", "b", "c"][: self.chance.number(2, 3)]
        split: Document = {"even": names}
        if self.chance.either("split", "even", "parts") == "parts":
            shares = self.chance.pick((("45%", "45%", "10%"), ("33.4%", "33.3%", "33.3%"), ("0.5%", "99.5%")))
            names = ["a", "b", "c"][: len(shares)]
            split = {"parts": dict(zip(names, shares, strict=True))}
        if compared:
            self.chance.kind("split.experiment")
            step["experiment"] = {"goal": {"event": "Bought", "within": "2d"}, "control": names[-1]}
        return {**step, "split": split}, self._outputs(step, taken, *names, main=None, others=1 / len(names))

    def _union(self) -> Any:
        return self._joined("union")

    def _intersect(self) -> Any:
        return self._joined("intersect")

    def _joined(self, kind: str) -> Any:
        if (found := self._several()) is None:
            return None
        if kind == "intersect" and len({each.tests for each in found}) > 1:
            return None
        step = {"id": self._id(kind)}
        columns = {name: each for given in found for name, each in given.columns.items()}
        by = self._by(columns)
        whole: Document = {**step, kind: [each.name for each in found]}
        self.chance.kind(f"{kind}.values" if by else f"{kind}.person")
        if by:
            whole["by"] = by
        first = replace(found[0], columns=columns)
        if kind == "intersect":
            return whole, self._outputs(step, first, "rest", main=found[1].share)
        skipped = frozenset.intersection(*(each.tests for each in found))
        of_people: dict[str, Any] = {
            "of_people": by is None,
            "tables": found[0].tables if by else frozenset(),
            "tests": skipped,
        }
        return whole, self._outputs(step, first, **of_people)

    def _exclude(self) -> Any:
        if (found := self._several()) is None or len({each.tests for each in found}) > 1:
            return None
        first, *others = found
        step = {"id": self._id("exclude")}
        exclude: Document = {"minus": [each.name for each in others]}
        if first.name != self.steps[-1]["id"] or self.chance.maybe(0.5):
            exclude["from"] = first.name
        shared = {name: each for name, each in first.columns.items() if all(name in other.columns for other in others)}
        by = self._by(shared)
        self.chance.kind("exclude.values" if by else "exclude.person")
        whole: Document = {**step, "exclude": exclude}
        if by:
            whole["by"] = by
        return whole, self._outputs(step, first, "rest", main=0.3, others=others[0].share)

    def _enrich(self) -> Any:
        if not self.tables or (taking := self._taking("enrich")) is None:
            return None
        step, taken = taking
        enriched: dict[str, Document] = {}
        columns = dict(taken.columns)
        for _ in range(self.chance.number(1, 3)):
            self.enriched += 1
            name = f"e{self.enriched}"
            enriched[name], columns[name] = self._enrichment(self.chance.pick(list(self.tables.values())))
        required = any("required" in each for each in enriched.values())
        return {**step, "enrich": enriched}, self._outputs(
            step, taken, "rest", others=0.2 if required else 0, columns=columns
        )

    def _enrichment(self, table: Table) -> tuple[Document, Column]:
        chance, columns = self.chance, columns_of(table)
        kind = chance.either("enrich", "first", "take", "take", "count", "sum", "avg", "min", "max")
        found: Document = {"table": table.name}
        if chance.maybe(0.4):
            found["where"] = chance.condition(columns)
            chance.kind("enrich.where")
        if chance.maybe(0.2):
            found["required"] = True
            chance.kind("enrich.required")
        if kind in ("first", "take"):
            found["take"] = "first" if kind == "first" else chance.number(1, 4)
            names = chance.some(list(columns)) if chance.maybe(0.6) else list(columns)
            if len(names) < len(columns):
                found["columns"] = names
            if chance.maybe(0.6):
                found["order"] = chance.order(columns, of_rows=True)
            fields = {name: kind_of_type(table.columns[name]) for name in names}
            return found, Column("object" if kind == "first" else "list", fields, listed=kind == "take")
        found[kind] = self._counted(kind, table)
        return found, Column(found[kind].kind if kind in ("min", "max") else "number")

    def _counted(self, kind: str, table: Table) -> Term:
        """What an aggregate is of."""
        chance, columns = self.chance, columns_of(table)
        numbers = [terms.column(name, "number") for name, each in columns.items() if each.kind == "number"]
        if kind == "count":
            listed = [terms.column(name, each.kind) for name, each in columns.items()]
            return chance.pick([terms.literal(True), *listed])
        if kind in ("min", "max"):
            return chance.pick((chance.numeric, chance.text, chance.moment))(columns)
        if not numbers or chance.maybe(0.3):
            return chance.numeric(columns)
        return chance.pick(numbers)
