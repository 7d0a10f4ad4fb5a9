"""The models of an order: by what the rows of a set, or of a table, go one before another."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from parcours.journey.model.forms import Document, ExpressionText, chooser

DIRECTIONS: Final = ("highest", "lowest", "earliest", "latest")

_Chosen: TypeAlias = Literal[True] | None


class ValueOrder(Document):
    """Goes by a value; whoever has none comes last, whichever way is asked for."""

    by: ExpressionText = Field(description="The value.")
    highest: _Chosen = Field(default=None, description="The highest number, or the last text, comes first.")
    lowest: _Chosen = Field(default=None, description="The lowest number, or the first text, comes first.")
    earliest: _Chosen = Field(default=None, description="The earliest time comes first.")
    latest: _Chosen = Field(default=None, description="The latest time comes first.")

    @property
    def direction(self) -> Literal["highest", "lowest", "earliest", "latest"]:
        if self.highest or self.lowest:
            return "highest" if self.highest else "lowest"
        return "earliest" if self.earliest else "latest"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(getattr(self, each) is not None for each in DIRECTIONS) != 1:
            raise ValueError("say which comes first: highest, lowest, earliest or latest, as in latest: true")
        return self


class FilledOrder(Document):
    """Whoever has the value comes before whoever has none."""

    filled: ExpressionText = Field(description="The value that is there, or not.")


class PreferredOrder(Document):
    """Goes by a list of values: the first one comes first, and what is not listed last."""

    prefer: Annotated[tuple[str | int | float | bool, ...], Field(min_length=1)] = Field(
        description="The values in the order in which they are preferred."
    )
    of: ExpressionText = Field(description="The value that is looked for among them.")


class RandomOrder(Document):
    """A random order, the same whenever the same run is computed."""

    random: Literal[True] = Field(description="Always true.")


OrderDocument: TypeAlias = Annotated[
    Annotated[ValueOrder, Tag("<by>")]
    | Annotated[FilledOrder, Tag("<filled>")]
    | Annotated[PreferredOrder, Tag("<prefer>")]
    | Annotated[RandomOrder, Tag("<random>")],
    Discriminator(
        chooser("by", "filled", "prefer", "random"),
        custom_error_type="order",
        custom_error_message="an order has 'by', 'filled', 'prefer' or 'random'",
    ),
]
"""One key of an order; where it leaves two equal, the next one decides, and in the end the person and the row."""
