"""The sets of one step, made of those that it takes: one method for each kind that makes sets of others.

Expressions are evaluated first, and then the engine works on what they gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias, assert_never

from parcours.campaigns.sets import engine
from parcours.campaigns.sets.engine import MAIN, REST, Counts, SetEngine, Values
from parcours.campaigns.sets.linked_values import Form, LinkedRows, LinkedValues, linked_values
from parcours.campaigns.sets.plain_sets import filled, write_everybody
from parcours.campaigns.sets.reads import Before, read_people, read_rows
from parcours.campaigns.sets.run_tables import RunTables
from parcours.campaigns.sets.set_values import Evaluation, SetValues, values_of_set
from parcours.campaigns.sets.snapshot import Snapshot
from parcours.campaigns.sets.table_reads import name_to_create, read_pairs
from parcours.expression.expression import MISSING, Scope
from parcours.journey import campaign_steps as steps
from parcours.journey.campaign_program import Table
from parcours.journey.set_expressions import PERSON, Criterion, SetExpression

SetStep: TypeAlias = (
    steps.ReadAudience
    | steps.ReadPeople
    | steps.ReadTable
    | steps.Filter
    | steps.Dedupe
    | steps.Divide
    | steps.DivideAtRandom
    | steps.Union
    | steps.Intersect
    | steps.Exclude
    | steps.Enrich
    | steps.Save
)

NO_KEY = "no_key"
"""Why people are not saved: they lack the value by which the list is kept."""


@dataclass(frozen=True, slots=True)
class StepSets:
    """Makes the sets of one step in a folder.

    declared      the tables of the campaign, by name
    stage         of the campaign, to which the step belongs
    seed          of the lots that it draws
    before        whom earlier runs took, of a read of `new` people or rows
    id_bytes_max  the setting: of a longer id nobody is made known
    """

    operators: SetEngine
    tables: RunTables
    declared: Mapping[str, Table]
    evaluation: Evaluation
    folder: Path
    stage: int
    seed: bytes
    before: Before | None
    id_bytes_max: int

    def make(self, step: SetStep, sources: Sequence[Path]) -> Counts:
        """Write the outputs. Raises TableRefused, SetsRefused, StoreBroken, OSError."""
        match step:
            case steps.ReadAudience():
                people = self.evaluation.told_people()
                return self._read(Values(people.path, people.inside(step.audience), by_row=False))
            case steps.ReadPeople():
                return self._read(self._of_everybody(step.where))
            case steps.ReadTable():
                return self._read_table(step)
            case steps.Filter():
                values = self._values(sources[0], [step.condition], [])
                return self.operators.filter(sources[0], values.condition(step.condition), self.folder)
            case steps.Dedupe():
                return self._dedupe(step, sources[0])
            case steps.Divide():
                return self._divide(step, sources[0])
            case steps.DivideAtRandom():
                return self.operators.share(sources[0], step.parts, self.seed, self.folder)
            case steps.Union() | steps.Intersect() | steps.Exclude():
                return self._join(step, sources)
            case steps.Enrich():
                return self._enrich(step, sources[0])
            case steps.Save():
                return self._save(step, sources[0])
        assert_never(step)

    def _values(
        self, source: Path, conditions: Sequence[SetExpression], values: Sequence[SetExpression], name: str = "values"
    ) -> SetValues:
        return values_of_set(source, name, conditions, values, self.evaluation)

    def _read(self, condition: Values) -> Counts:
        return read_people(condition, self.folder, self.before, self.evaluation.workspace)

    def _of_everybody(self, where: SetExpression) -> Values:
        people = self.evaluation.told_people()
        if where.basis == "profile":
            return people.condition(where)
        everybody = self.evaluation.folder / "everybody.parquet"
        write_everybody(people.path, everybody, self.evaluation.workspace)
        return self._values(everybody, [where], []).condition(where)

    def _read_table(self, step: steps.ReadTable) -> Counts:
        table = self.declared[step.table]
        snapshot = self.tables.snapshot(step.table, self.evaluation.scopes)
        links = self.tables.links(step.table, self.stage, self.evaluation)
        created = name_to_create(table, self.id_bytes_max) if step.creates else None
        pairs = read_pairs(table, snapshot, links, step.where, self.evaluation, created)
        workspace = self.evaluation.workspace
        counts = read_rows(snapshot.file, pairs, [*step.columns], self.folder, self.before, workspace)
        return replace(counts, noted=_unfit(snapshot))

    def _dedupe(self, step: steps.Dedupe, source: Path) -> Counts:
        values = self._values(source, [], [*_given(step.by), *_ordering(step.order)])
        by, order = _criteria(step.by, values), self._order(step.order, values)
        counts = self.operators.dedupe(source, by, step.keep, order, self.folder)
        return replace(counts, noted=_by_text(counts.noted, values))

    def _divide(self, step: steps.Divide, source: Path) -> Counts:
        conditions = [each.when for each in step.subsets if each.when is not None]
        values = self._values(source, conditions, [key for each in step.subsets for key in _ordering(each.order)])
        subsets = [
            engine.Subset(
                each.name,
                None if each.when is None else values.condition(each.when),
                self._order(each.order, values),
                each.limit,
                each.share,
            )
            for each in step.subsets
        ]
        counts = self.operators.split(source, subsets, self.folder, overlap=step.overlap)
        return replace(counts, noted=_by_text(counts.noted, values))

    def _order(self, order: Sequence[steps.OrderKey], values: SetValues) -> tuple[engine.OrderKey, ...]:
        keys: list[engine.OrderKey] = []
        for key in order:
            match key:
                case steps.ByValue():
                    keys.append(engine.ByValue(values.value(key.value), _is_highest(key)))
                case steps.Filled():
                    keys.append(engine.Filled(values.value(key.value)))
                case steps.Preferred():
                    keys.append(engine.Preferred(values.value(key.value), key.values))
                case steps.AtRandom():
                    keys.append(engine.AtRandom(self.seed))
                case _:
                    assert_never(key)
        return tuple(keys)

    def _join(self, step: steps.Union | steps.Intersect | steps.Exclude, sources: Sequence[Path]) -> Counts:
        found = [self._values(each, [], _given(step.by), f"values{place}") for place, each in enumerate(sources)]
        by = [_criteria(step.by, each) for each in found]
        match step:
            case steps.Union():
                counts = self.operators.union(sources, by, self.folder)
            case steps.Intersect():
                counts = self.operators.intersect(sources, by, self.folder)
            case steps.Exclude():
                counts = self.operators.exclude(sources, by, self.folder)
            case _:
                assert_never(step)
        return replace(counts, noted=_by_text(counts.noted, found[0]))

    def _enrich(self, step: steps.Enrich, source: Path) -> Counts:
        enrichments, texts = list[engine.Enrichment](), dict[str, str]()
        noted: dict[str, int] = {}
        for place, each in enumerate(step.enrichments):
            snapshot = self.tables.snapshot(each.table, self.evaluation.scopes)
            links = self.tables.links(each.table, self.stage, self.evaluation)
            linked = LinkedRows(source, links, snapshot.file)
            values = linked_values(linked, f"enrich{place}", _asked(each), self.evaluation)
            enrichments.append(_enrichment(each, snapshot.file, links, values))
            texts |= values.texts()
            noted |= values.noted | _unfit(snapshot)
        counts = self.operators.enrich(source, enrichments, self.folder)
        return replace(counts, noted=noted | {texts[column]: count for column, count in counts.noted.items()})

    def _save(self, step: steps.Save, source: Path) -> Counts:
        """Those who have the key; whoever has none is in no set."""
        assert step.key is not None, "a save without a key takes all"
        values = self._values(source, [], [step.key]).value(step.key)
        condition = filled(values, self.evaluation.folder / "filled.parquet", self.evaluation.workspace)
        counts = self.operators.filter(source, condition, self.folder)
        (self.folder / f"{REST}.parquet").unlink()
        without = counts.outputs[REST]
        return Counts(counts.inflow, {MAIN: counts.outputs[MAIN]}, {NO_KEY: without} if without else {})


def _is_highest(key: steps.ByValue) -> bool:
    return key.direction in ("highest", "latest")


def _given(by: Sequence[Criterion]) -> list[SetExpression]:
    return [each for each in by if each != PERSON]


def _ordering(order: Sequence[steps.OrderKey]) -> list[SetExpression]:
    return [key.value for key in order if not isinstance(key, steps.AtRandom)]


def _criteria(by: Sequence[Criterion], values: SetValues) -> list[engine.Criterion]:
    return ["person" if each == PERSON else values.value(each) for each in by]


def _by_text(noted: Mapping[str, int], values: SetValues) -> dict[str, int]:
    """What is noted of columns, by what authors wrote."""
    texts = values.texts()
    return {texts[column]: count for column, count in noted.items()}


def _unfit(snapshot: Snapshot) -> dict[str, int]:
    """How many cells of a table do not fit, by its name and the column's."""
    return {f"{snapshot.table}.{column}": count for column, count in snapshot.bad.items()}


def _asked(enrichment: steps.Enrichment) -> list[tuple[Form, SetExpression]]:
    """What an enrichment asks of the rows of its table."""
    asked: list[tuple[Form, SetExpression]] = []
    if enrichment.where is not None:
        asked.append(("condition", enrichment.where))
    if enrichment.value is not None and not _counts_all(enrichment):
        asked.append((_form(enrichment), enrichment.value))
    for key in enrichment.order:
        if not isinstance(key, steps.AtRandom):
            asked.append(("chosen" if isinstance(key, steps.Preferred) else "compared", key.value))
    return asked


def _counts_all(enrichment: steps.Enrichment) -> bool:
    """Whether all rows are counted: each has the value, which is written there as it is."""
    if enrichment.aggregate != "count" or enrichment.value is None:
        return False
    expression = enrichment.value.expression
    return expression.literal and expression.value(Scope()) is not MISSING


def _form(enrichment: steps.Enrichment) -> Form:
    """What a value about the rows of a person is asked for."""
    match enrichment.aggregate:
        case "count":
            return "counted"
        case "sum" | "avg":
            return "added"
        case _:
            return "extreme"


def _enrichment(enrichment: steps.Enrichment, table: Path, links: Path, values: LinkedValues) -> engine.Enrichment:
    gives: engine.Taken | engine.Aggregated
    if enrichment.aggregate is None:
        assert enrichment.take is not None, "a column is made of rows, or of a value about them"
        order = tuple(_order_of_rows(key, values) for key in enrichment.order)
        gives = engine.Taken(enrichment.take, enrichment.single, order, enrichment.columns)
    elif _counts_all(enrichment):
        gives = engine.Aggregated("count", None)
    else:
        assert enrichment.value is not None, "there is something to add up, or the like"
        gives = engine.Aggregated(enrichment.aggregate, values.of(_form(enrichment), enrichment.value))
    where = None if enrichment.where is None else values.of("condition", enrichment.where)
    return engine.Enrichment(enrichment.name, table, links, gives, where, enrichment.required)


def _order_of_rows(key: steps.OrderKey, values: LinkedValues) -> engine.OrderKey:
    match key:
        case steps.ByValue():
            return engine.ByValue(values.of("compared", key.value), _is_highest(key))
        case steps.Filled():
            return engine.Filled(values.of("compared", key.value))
        case steps.Preferred():
            chosen = values.of("chosen", key.value)
            assert isinstance(chosen, engine.RowValues), "choices are compared with what an expression gave"
            return engine.Preferred(chosen, key.values)
        case steps.AtRandom():
            raise AssertionError("chance does not choose among the rows of one person")
    assert_never(key)
