"""The models of a campaign's steps that make sets of others: reads, filters, splits, joins of sets, and enrichment."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from parcours.journey.model.experiments import ExperimentDocument
from parcours.journey.model.forms import (
    ColumnName,
    Document,
    ExpressionText,
    Limit,
    Name,
    Percent,
    SetName,
    chooser,
    keys_of,
)
from parcours.journey.model.orders import OrderDocument

MAIN: Final = "main"
REST: Final = "rest"
REFUSED: Final = "refused"

PERSON: Final = "person"
"""Stands among the criteria of a set operator for the person of a row."""


class CampaignStep(Document):
    """What every step of a campaign has."""

    id: Name = Field(description="The step's name within its campaign.")
    after: tuple[Name, ...] = Field(
        default=(), description="Steps above that have to be over as well before this one begins."
    )


class TakingStep(CampaignStep):
    """What every step has that takes one set."""

    source: SetName | None = Field(
        default=None,
        alias="from",
        description="The set that it takes, `STEP` or `STEP.OUTPUT`; the main output of the step above without it.",
    )


class PeopleDocument(Document):
    """Everybody known for whom a condition holds."""

    where: ExpressionText = Field(description="The condition, on the profile, its history and consent.")


class TableReadDocument(Document):
    """The rows of a table, each with the person that the table links it to."""

    table: Name = Field(description="The table, by its name in tables.yaml.")
    where: ExpressionText | None = Field(
        default=None, description="The condition on a row and its person; every row without it."
    )
    unknown: Literal["drop", "create"] = Field(
        default="drop", description="What becomes of rows of people who are not known: none, or each is made known."
    )


def _read_form(value: object) -> str | None:
    return chooser("table", "where")(value) if keys_of(value) else "<audience>"


class ReadStep(CampaignStep):
    """Begins with people: of an audience, of a condition, or of the rows of a table."""

    read: Annotated[
        Annotated[Name, Tag("<audience>")]
        | Annotated[PeopleDocument, Tag("<where>")]
        | Annotated[TableReadDocument, Tag("<table>")],
        Discriminator(
            _read_form,
            custom_error_type="read",
            custom_error_message="a read names an audience, {where: ...} or {table: ...}",
        ),
    ] = Field(description="An audience, `{where: ...}` for whoever meets a condition, or `{table: ...}` for its rows.")
    new: bool = Field(
        default=False, description="Whether only those are taken whom no earlier run of the campaign took here."
    )


class FilterStep(TakingStep):
    """Keeps those for whom a condition holds; the others are its `rest`."""

    filter: ExpressionText = Field(description="The condition.")


class DedupeDocument(Document):
    """What makes rows equal, how many of them stay, and which."""

    by: Annotated[tuple[ExpressionText, ...], Field(min_length=1)] = Field(
        description="Expressions, or `person`: rows are equal if all of them are."
    )
    keep: int = Field(default=1, description="How many of those that are equal stay.")
    order: tuple[OrderDocument, ...] = Field(default=(), description="Which come first; by person without it.")

    @field_validator("keep")
    @classmethod
    def _some(cls, keep: int) -> int:
        if keep == 0:
            raise ValueError("this would keep nobody, and not all of them: to keep all, leave the step out")
        if keep < 0:
            raise ValueError("a number from 1 on is expected")
        return keep


class DedupeStep(TakingStep):
    """Keeps the first of those who are equal; whoever has no value is equal to nobody."""

    dedupe: DedupeDocument = Field(description="What makes rows equal, and which of them stay.")


class SubsetDocument(Document):
    """A part of what is left of the set: those who meet a condition, the first ones of an order, or all the others."""

    name: Name = Field(description="The name of the output.")
    when: ExpressionText | None = Field(default=None, description="Who is taken; anybody without it.")
    order: tuple[OrderDocument, ...] = Field(default=(), description="Who comes first where there is a limit.")
    limit: Limit | None = Field(
        default=None, description="How many at most, `1000` or `10%` of what the step took; all of them without it."
    )
    otherwise: Literal[True] | None = Field(default=None, description="Takes all that is left; the last one only.")

    @model_validator(mode="after")
    def _meaning(self) -> Self:
        if self.order and self.limit is None:
            raise ValueError("an order without a limit changes nothing: add a limit, or leave the order out")
        if self.otherwise and (self.when is not None or self.limit is not None):
            raise ValueError("'otherwise' takes all that is left, and has neither 'when' nor 'limit'")
        if not self.otherwise and self.when is None and self.limit is None:
            raise ValueError("say whom it takes: 'when', 'limit', or 'otherwise: true' for all that is left")
        return self


class EvenDocument(Document):
    """Parts of the same size, at random."""

    even: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(description="The names of the outputs.")

    @field_validator("even")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        _check_names(names)
        return names


class PartsDocument(Document):
    """Parts by shares, at random, which make 100 % together."""

    parts: Annotated[dict[Name, Percent], Field(min_length=1)] = Field(description="The share of each output.")

    @field_validator("parts")
    @classmethod
    def _whole(cls, parts: dict[str, float]) -> dict[str, float]:
        _check_names(tuple(parts))
        total = sum((Decimal(str(share)) for share in parts.values()), Decimal())
        if total != 100:
            raise ValueError(f"the parts make {total.normalize():f} %, not 100 %")
        return parts


def _check_names(names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise ValueError(f"the name {name!r} is given twice")
        if name == MAIN:
            raise ValueError(f"{MAIN!r} is what the only output of other steps is called: give it another name")


def _divide_form(value: object) -> str | None:
    return "<subsets>" if isinstance(value, list | tuple) else chooser("even", "parts")(value)


class DivideStep(TakingStep):
    """Divides a set: from the top by conditions and limits, or at random by exact shares."""

    split: Annotated[
        Annotated[tuple[SubsetDocument, ...], Field(min_length=1), Tag("<subsets>")]
        | Annotated[EvenDocument, Tag("<even>")]
        | Annotated[PartsDocument, Tag("<parts>")],
        Discriminator(
            _divide_form,
            custom_error_type="divide",
            custom_error_message="a split is a list of subsets, {even: [...]} or {parts: {...}}",
        ),
    ] = Field(description="Subsets from the top, `{even: [a, b]}`, or `{parts: {a: 90%, control: 10%}}`.")
    overlap: bool = Field(
        default=False, description="Whether each subset is taken from the whole set, and not from what is left."
    )
    experiment: ExperimentDocument | None = Field(
        default=None, description="What is compared between the parts of a random split."
    )

    @field_validator("split")
    @classmethod
    def _subsets(
        cls, split: tuple[SubsetDocument, ...] | EvenDocument | PartsDocument
    ) -> tuple[SubsetDocument, ...] | EvenDocument | PartsDocument:
        if isinstance(split, tuple):
            _check_names(tuple(each.name for each in split))
            if any(each.otherwise for each in split[:-1]):
                raise ValueError("'otherwise' comes last, and once")
            if any(each.name == REST for each in split):
                raise ValueError(f"{REST!r} is the output of those who are in no subset: give it another name")
        return split

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        if self.overlap and not isinstance(self.split, tuple):
            raise ValueError("a random split has no overlap: everybody is in one part of it")
        if self.experiment is not None and isinstance(self.split, tuple):
            raise ValueError("an experiment compares parts that chance has made: {even: [...]} or {parts: {...}}")
        return self


By: TypeAlias = Annotated[
    Annotated[Literal["person"], Tag("<person>")]
    | Annotated[tuple[ExpressionText, ...], Field(min_length=1), Tag("<list>")],
    Discriminator(lambda value: "<list>" if isinstance(value, list | tuple) else "<person>"),
]

_Sets: TypeAlias = Annotated[tuple[SetName, ...], Field(min_length=2)]


class UnionStep(CampaignStep):
    """Takes all of several sets; of equal rows the one of the set that is named first stays."""

    union: _Sets = Field(description="The sets, `STEP` or `STEP.OUTPUT`.")
    by: By = Field(default="person", description="What makes rows equal: `person`, or a list of expressions.")


class IntersectStep(CampaignStep):
    """Keeps the rows of the first set that are in all the others as well; its `rest` are the others of the first."""

    intersect: _Sets = Field(description="The sets, `STEP` or `STEP.OUTPUT`.")
    by: By = Field(default="person", description="What makes rows equal: `person`, or a list of expressions.")


class ExcludeDocument(Document):
    """A set, and those that are taken away from it."""

    source: SetName | None = Field(
        default=None, alias="from", description="The set; the main output of the step above without it."
    )
    minus: Annotated[tuple[SetName, ...], Field(min_length=1)] = Field(description="The sets that are taken away.")


class ExcludeStep(CampaignStep):
    """Takes those away from a set who are in another one; they are its `rest`."""

    exclude: ExcludeDocument = Field(description="The set, and those that are taken away from it.")
    by: By = Field(default="person", description="What makes rows equal: `person`, or a list of expressions.")


AGGREGATES: Final[tuple[Literal["count", "sum", "avg", "min", "max"], ...]] = ("count", "sum", "avg", "min", "max")


class EnrichmentDocument(Document):
    """A column from the rows of a table that are linked to a person: some of them, or one number about them all."""

    table: Name = Field(description="The table, by its name in tables.yaml.")
    where: ExpressionText | None = Field(
        default=None, description="Which of its rows count; `row` is the table's. All of them without it."
    )
    take: Literal["first"] | Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="`first` for one row as an object, or how many as a list of objects."
    )
    count: ExpressionText | None = Field(
        default=None, description="How many rows have a value for it; `true` counts all of them."
    )
    sum: ExpressionText | None = Field(default=None, description="The sum of its values.")
    avg: ExpressionText | None = Field(default=None, description="The mean of its values.")
    min: ExpressionText | None = Field(default=None, description="The least of its values.")
    max: ExpressionText | None = Field(default=None, description="The greatest of its values.")
    order: tuple[OrderDocument, ...] = Field(default=(), description="Which rows come first where some are taken.")
    columns: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, description="The columns of the rows that are taken; all that the table declares without it."
    )
    required: bool = Field(default=False, description="Whether people are dropped who have no such row.")

    @property
    def aggregate(self) -> tuple[Literal["count", "sum", "avg", "min", "max"], str] | None:
        """The number that is asked for and its expression; None where rows are taken."""
        for kind in AGGREGATES:
            if (text := getattr(self, kind)) is not None:
                return kind, text
        return None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [each for each in ("take", *AGGREGATES) if getattr(self, each) is not None]
        if len(given) != 1:
            raise ValueError("give one of take, count, sum, avg, min and max")
        if given != ["take"] and (self.order or self.columns):
            raise ValueError("order and columns are of rows that are taken: they go with take")
        return self


class EnrichStep(TakingStep):
    """Gives each row columns from linked tables, which expressions and messages name as `row.NAME`."""

    enrich: Annotated[dict[ColumnName, EnrichmentDocument], Field(min_length=1)] = Field(
        description="The columns by name."
    )
