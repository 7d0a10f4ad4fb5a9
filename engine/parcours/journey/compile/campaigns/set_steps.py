"""The compiler of steps that make sets of others: one method for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias, assert_never

from parcours.expression.kinds import ExpectedKind
from parcours.journey import campaign_steps as compiled
from parcours.journey.campaign_program import Table
from parcours.journey.campaign_steps import Column, SetRef
from parcours.journey.compile.campaigns.columns import (
    UNKNOWN_COLUMNS,
    kind_of_column,
    set_columns,
    table_columns,
    taken_name,
    united_columns,
)
from parcours.journey.compile.campaigns.orders import ANY, ORDERED, compiled_criteria, compiled_order
from parcours.journey.compile.campaigns.scope import CampaignScope, Made, StepBase
from parcours.journey.compile.experiments import compiled_experiment
from parcours.journey.model import campaign_sets as documents
from parcours.journey.model.campaign_sets import MAIN, PERSON, REST
from parcours.journey.read.finding import Key, Margin
from parcours.wording import nearest, quoted

NUMBER: Final = ExpectedKind("a sum or a mean is of numbers", ("number",))

SetStepDocument: TypeAlias = (
    documents.ReadStep
    | documents.FilterStep
    | documents.DedupeStep
    | documents.DivideStep
    | documents.UnionStep
    | documents.IntersectStep
    | documents.ExcludeStep
    | documents.EnrichStep
)


@dataclass(frozen=True, slots=True)
class SetStepCompiler:
    """Compiles one step; `number` is its place in the list."""

    scope: CampaignScope
    margin: Margin
    number: int

    def compile(self, step: SetStepDocument) -> tuple[compiled.CampaignStep, Made]:
        match step:
            case documents.ReadStep():
                return self._read(step)
            case documents.FilterStep():
                return self._filter(step)
            case documents.DedupeStep():
                return self._dedupe(step)
            case documents.DivideStep():
                return self._divide(step)
            case documents.UnionStep():
                return self._union(step)
            case documents.IntersectStep():
                return self._intersect(step)
            case documents.ExcludeStep():
                return self._exclude(step)
            case documents.EnrichStep():
                return self._enrich(step)
        assert_never(step)

    def _base(self, step: documents.CampaignStep, sources: Sequence[SetRef], made: Made) -> StepBase:
        return StepBase(
            id=step.id,
            sources=tuple(sources),
            after=self.scope.after(step.after, self.margin),
            outputs=made.outputs,
            columns=made.columns,
            grain=made.grain,
        )

    def _taken(self, step: documents.TakingStep) -> tuple[SetRef, Made]:
        return self.scope.source(step.source, self.number, self.margin, "from")

    def _read(self, step: documents.ReadStep) -> tuple[compiled.CampaignStep, Made]:
        read, declared = step.read, self.scope.declared
        if isinstance(read, documents.TableReadDocument):
            return self._read_table(step, read)
        made = Made((MAIN,), {})
        base = self._base(step, (), made)
        if isinstance(read, documents.PeopleDocument):
            where = self.scope.condition(self.margin, read.where, {}, "read", "where")
            return compiled.ReadPeople(**base, where=where, new=step.new), made
        declared.check_audience(self.margin, read, "read")
        return compiled.ReadAudience(**base, audience=declared.definition_keys.audience(read), new=step.new), made

    def _read_table(
        self, step: documents.ReadStep, read: documents.TableReadDocument
    ) -> tuple[compiled.CampaignStep, Made]:
        table = self._table(read.table, "read", "table")
        columns = UNKNOWN_COLUMNS if table is None else table_columns(table.columns)
        made = Made((MAIN,), set_columns(columns), row_since=step.id)
        creates = read.unknown == "create"
        if creates and table is not None and (table.match is None or table.match_is_trait):
            how = "a join" if table.match is None else f"the trait {table.match!r}"
            self.margin.error(
                f"nobody can be made known by {how}: give the table a match that is userId or a namespace",
                "read",
                "unknown",
            )
        where = self.scope.condition(self.margin, read.where, columns, "read", "where") if read.where else None
        base = self._base(step, (), made)
        return compiled.ReadTable(**base, table=read.table, where=where, creates=creates, new=step.new), made

    def _table(self, name: str, *keys: Key) -> Table | None:
        """The table that is named; None, with a finding, where there is none or it is linked to nobody."""
        table = self.scope.tables.get(name)
        if table is None:
            if "tables" not in self.scope.declared.unread:
                self.margin.error(f"unknown table {quoted(name)}{nearest(name, self.scope.tables)}", *keys)
            return None
        if not table.is_linked and not _is_unread(table):
            self.margin.error(
                f"the rows of {name!r} are nobody's: give the table 'person' and 'match', or 'join'", *keys
            )
        return table

    def _filter(self, step: documents.FilterStep) -> tuple[compiled.CampaignStep, Made]:
        source, taken = self._taken(step)
        made = Made((MAIN, REST), taken.columns, taken.row_since)
        condition = self.scope.condition(self.margin, step.filter, taken.columns, "filter")
        return compiled.Filter(**self._base(step, [source], made), condition=condition), made

    def _dedupe(self, step: documents.DedupeStep) -> tuple[compiled.CampaignStep, Made]:
        source, taken = self._taken(step)
        margin, dedupe = self.margin.below("dedupe"), step.dedupe
        by = compiled_criteria(dedupe.by, self.scope, taken.columns, margin)
        once = by == (PERSON,) and dedupe.keep == 1
        since = "" if once else taken.row_since
        made = Made((MAIN, REST), taken.columns, since, rest_since=taken.row_since)
        order = compiled_order(dedupe.order, self.scope, taken.columns, margin)
        return compiled.Dedupe(**self._base(step, [source], made), by=by, keep=dedupe.keep, order=order), made

    def _divide(self, step: documents.DivideStep) -> tuple[compiled.CampaignStep, Made]:
        source, taken = self._taken(step)
        if isinstance(step.split, tuple):
            made = Made((*(each.name for each in step.split), REST), taken.columns, taken.row_since)
            subsets = tuple(self._subset(each, taken, number) for number, each in enumerate(step.split))
            base = self._base(step, [source], made)
            return compiled.Divide(**base, subsets=subsets, overlap=step.overlap), made
        parts: tuple[tuple[str, Decimal | None], ...]
        if isinstance(step.split, documents.EvenDocument):
            parts = tuple((name, None) for name in step.split.even)
        else:
            parts = tuple((name, Decimal(str(share))) for name, share in step.split.parts.items())
        names = tuple(name for name, _ in parts)
        made = Made(names, taken.columns, taken.row_since)
        experiment = None
        if step.experiment is not None:
            self.scope.need_people(taken, "a split with an experiment", self.margin, "experiment")
            unsure, margin = self.scope.has_lost(self.number, "split"), self.margin.below("experiment")
            experiment = compiled_experiment(step.experiment, names, self.scope.analyses, margin, unsure=unsure)
        return compiled.DivideAtRandom(**self._base(step, [source], made), parts=parts, experiment=experiment), made

    def _subset(self, subset: documents.SubsetDocument, taken: Made, number: int) -> compiled.Subset:
        margin = self.margin.below("split", number)
        limit = subset.limit
        return compiled.Subset(
            name=subset.name,
            when=self.scope.condition(margin, subset.when, taken.columns, "when") if subset.when else None,
            order=compiled_order(subset.order, self.scope, taken.columns, margin),
            limit=limit if isinstance(limit, int) else None,
            share=Decimal(str(limit)) if isinstance(limit, float) else None,
        )

    def _sets(self, names: Sequence[str], *keys: Key) -> list[tuple[SetRef, Made]]:
        found = [self.scope.source(name, self.number, self.margin, *keys, place) for place, name in enumerate(names)]
        for place, (source, _) in enumerate(found):
            if source in [each for each, _ in found[:place]]:
                self.margin.error(f"the set {str(source)!r} is named twice", *keys, place)
        return found

    def _union(self, step: documents.UnionStep) -> tuple[compiled.CampaignStep, Made]:
        found = self._sets(step.union, "union")
        columns = united_columns(made.columns for _, made in found)
        made = Made((MAIN,), columns, "" if step.by == PERSON else step.id)
        by = compiled_criteria(step.by, self.scope, columns, self.margin)
        return compiled.Union(**self._base(step, [source for source, _ in found], made), by=by), made

    def _intersect(self, step: documents.IntersectStep) -> tuple[compiled.CampaignStep, Made]:
        found = self._sets(step.intersect, "intersect")
        columns = united_columns(made.columns for _, made in found)
        made = Made((MAIN, REST), columns, found[0][1].row_since)
        by = compiled_criteria(step.by, self.scope, columns, self.margin)
        return compiled.Intersect(**self._base(step, [source for source, _ in found], made), by=by), made

    def _exclude(self, step: documents.ExcludeStep) -> tuple[compiled.CampaignStep, Made]:
        first, taken = self.scope.source(step.exclude.source, self.number, self.margin, "exclude", "from")
        others = self._sets(step.exclude.minus, "exclude", "minus")
        made = Made((MAIN, REST), taken.columns, taken.row_since)
        columns = united_columns([taken.columns, *(each.columns for _, each in others)])
        by = compiled_criteria(step.by, self.scope, columns, self.margin)
        return compiled.Exclude(**self._base(step, [first, *(each for each, _ in others)], made), by=by), made

    def _enrich(self, step: documents.EnrichStep) -> tuple[compiled.CampaignStep, Made]:
        source, taken = self._taken(step)
        columns, enrichments = dict(taken.columns), list[compiled.Enrichment]()
        for name, document in step.enrich.items():
            margin = self.margin.below("enrich", name)
            if (given := taken_name(name, columns)) is not None:
                margin.error(f"the set has a column {given!r} already: give this one another name")
            enrichment, columns[name] = self._enrichment(name, document, margin)
            enrichments.append(enrichment)
        made = Made((MAIN, REST), columns, taken.row_since)
        base = self._base(step, [source], made)
        return compiled.Enrich(**base, enrichments=tuple(enrichments)), made

    def _enrichment(
        self, name: str, document: documents.EnrichmentDocument, margin: Margin
    ) -> tuple[compiled.Enrichment, Column]:
        table = self._table(document.table, "enrich", name, "table")
        declared = {} if table is None else dict(table.columns)
        columns = UNKNOWN_COLUMNS if table is None else table_columns(declared)
        for place, column in enumerate(document.columns or ()):
            if table is not None and column not in declared and not _is_unread(table):
                hint = nearest(column, declared)
                margin.error(f"the table {table.name!r} declares no column {quoted(column)}{hint}", "columns", place)
        taken = document.columns or tuple(declared)
        aggregate = document.aggregate
        counted = None
        if aggregate is not None:
            expected = {"count": ANY, "min": ORDERED, "max": ORDERED}.get(aggregate[0], NUMBER)
            counted = self.scope.value(margin, aggregate[1], columns, expected, aggregate[0])
        enrichment = compiled.Enrichment(
            name=name,
            table=document.table,
            where=self.scope.condition(margin, document.where, columns, "where") if document.where else None,
            take=1 if document.take == "first" else document.take,
            single=document.take == "first",
            aggregate=None if aggregate is None else aggregate[0],
            value=counted,
            order=compiled_order(document.order, self.scope, columns, margin, of_rows=True),
            columns=taken,
            required=document.required,
        )
        if counted is not None:
            keeps = enrichment.aggregate in ("min", "max")
            return enrichment, Column(counted.expression.kind if keeps else "number")
        fields = (
            {}
            if table is not None and _is_unread(table)
            else {column: kind_of_column(declared[column]) for column in taken if column in declared}
        )
        return enrichment, Column("object" if enrichment.single else "list", fields)


def _is_unread(table: Table) -> bool:
    """Whether something of the table could not be read, so that nothing is said of its use."""
    return "*" in table.columns
