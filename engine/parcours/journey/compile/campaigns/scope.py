"""What a step of a campaign can refer to: the sets of the steps above it, with their columns and their grain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypedDict

from parcours.expression.expression import Expression
from parcours.expression.kinds import ExpectedKind
from parcours.expression.names import RUN_KINDS, Names
from parcours.journey.campaign_program import Table
from parcours.journey.campaign_steps import Column, Grain, SetRef
from parcours.journey.compile.analyses.scope import AnalysisScope
from parcours.journey.compile.campaigns.columns import UNKNOWN_COLUMNS, list_names, row_names, unknown_in_lists
from parcours.journey.compile.declarations import Declarations, condition, value
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.model.campaign_sets import MAIN, REST
from parcours.journey.read.documents import Documents
from parcours.journey.read.finding import Key, KeyPath, Margin
from parcours.journey.read.stand_ins import STEP_KIND
from parcours.journey.set_expressions import SetExpression, set_expression
from parcours.wording import nearest, quoted

CAMPAIGN_RUN: Final[Mapping[str, str]] = {name: kind for name, kind in RUN_KINDS.items() if name != "correlation"}
"""What `run` has in a campaign, where no event has begun it."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a step gives.

    row_since   the step since which a person may have several rows, "" where nobody has
    is_known    False for a step that could not be read: nothing is said of what is asked of it
    rest_since  the same of `rest` where it differs: who is kept once may have several rows there
    """

    outputs: tuple[str, ...]
    columns: Mapping[str, Column]
    row_since: str = ""
    is_known: bool = True
    rest_since: str | None = None

    @property
    def grain(self) -> Grain:
        return "row" if self.row_since else "person"


UNKNOWN: Final = Made((MAIN,), UNKNOWN_COLUMNS, is_known=False)


class StepBase(TypedDict):
    """The arguments that every compiled step takes."""

    id: str
    sources: tuple[SetRef, ...]
    after: tuple[str, ...]
    outputs: tuple[str, ...]
    columns: Mapping[str, Column]
    grain: Grain


@dataclass(frozen=True, slots=True)
class CampaignScope:
    """The scope of one campaign; `made` grows from step to step, and has what stands above.

    analyses  what may be asked of facts
    tables    the project's, compiled
    lost      what could not be read of the campaign
    unread    the names of audiences that could not be read
    """

    document: CampaignDocument
    documents: Documents
    declared: Declarations
    analyses: AnalysisScope
    tables: Mapping[str, Table]
    lost: frozenset[KeyPath]
    unread: frozenset[str] = frozenset()
    made: dict[str, Made] = field(default_factory=dict)

    def is_lost(self, number: int) -> bool:
        """Whether nothing but the id is known of a step."""
        return not self.lost.isdisjoint({("steps",), ("steps", number), ("steps", number, STEP_KIND)})

    def is_whole(self, number: int) -> bool:
        """Whether all of a step could be read."""
        return not any(path[:2] == ("steps", number) for path in self.lost)

    def has_lost(self, number: int, key: str) -> bool:
        """Whether a key of a step could not be read, or something within it."""
        return any(path[:3] == ("steps", number, key) for path in self.lost)

    @property
    def ids_unread(self) -> bool:
        """Whether there may be steps with other ids than are known."""
        return any(path[:1] == ("steps",) and path[2:] in ((), ("id",)) for path in self.lost)

    def set_names(self) -> frozenset[str]:
        """Every set of the steps above, as it may be named; "*" if there may be others."""
        named = {str(SetRef(step, output)) for step, made in self.made.items() for output in made.outputs}
        unsure = self.ids_unread or not all(made.is_known for made in self.made.values())
        return frozenset(named | ({"*"} if unsure else set()))

    def names(self, columns: Mapping[str, Column]) -> Names:
        """The names that an expression about the rows of a set may use."""
        return replace(self.declared.names(), run=CAMPAIGN_RUN, row=row_names(columns), lists=list_names(columns))

    def names_of_set(self) -> Names:
        """Those of an expression about a whole set, which has neither a profile nor a row."""
        return Names(None, run=CAMPAIGN_RUN, trees=self.declared.trees)

    def value(
        self, margin: Margin, text: str, columns: Mapping[str, Column], place: ExpectedKind, *keys: Key
    ) -> SetExpression:
        """A value of each row; a finding as well where it can never be of the kind expected here."""
        return self._checked(value(margin, text, self.names(columns), place, *keys), columns, margin, *keys)

    def condition(self, margin: Margin, text: str, columns: Mapping[str, Column], *keys: Key) -> SetExpression:
        """A condition on each row."""
        return self._checked(condition(margin, text, self.names(columns), *keys), columns, margin, *keys)

    def _checked(
        self, expression: Expression, columns: Mapping[str, Column], margin: Margin, *keys: Key
    ) -> SetExpression:
        if complaint := unknown_in_lists(expression.text, columns, self.declared.trees):
            margin.error(complaint, *keys, value=expression.text)
        asked = set_expression(expression)
        if asked.scores and asked.basis == "both" and keys[:1] != ("update",):  # that is asked of her in her shard
            margin.error("a score is not asked together with a row or the run: ask for it in a step of its own", *keys)
        return asked

    def source(self, named: str | None, number: int, margin: Margin, *keys: Key) -> tuple[SetRef, Made]:
        """The set that is named, or the main output of the step above step `number`."""
        if named is None:
            return self._above(number, margin)
        step, _, output = named.partition(".")
        if step not in self.made:
            if not self.ids_unread:
                margin.error(self._unknown_step(step), *keys)
            return SetRef(step, output or MAIN), UNKNOWN
        made = self.made[step]
        if made.is_known and (output or MAIN) not in made.outputs:
            margin.error(_no_output(step, output, made.outputs), *keys)
            return SetRef(step, output or MAIN), UNKNOWN
        if output == REST and made.rest_since is not None:
            made = replace(made, row_since=made.rest_since, rest_since=None)
        return SetRef(step, output or MAIN), made

    def _above(self, number: int, margin: Margin) -> tuple[SetRef, Made]:
        if number == 0:
            margin.error("there is no step above to take a set from: a campaign begins with a read")
            return SetRef("", MAIN), UNKNOWN
        step = self.document.steps[number - 1].id
        made = self.made.get(step, UNKNOWN)
        if made.is_known and MAIN not in made.outputs:
            example = f"from: {step}.{made.outputs[0]}"
            margin.error(f"the step above, {step!r}, has several outputs: say which one this takes, as in {example}")
            return SetRef(step, MAIN), UNKNOWN
        return SetRef(step, MAIN), made

    def _unknown_step(self, step: str) -> str:
        if any(each.id == step for each in self.document.steps):
            return f"{quoted(step)} does not stand above: a step takes only sets of the steps above it"
        return f"unknown step {quoted(step)}{nearest(step, self.made)}"

    def after(self, steps: tuple[str, ...], margin: Margin) -> tuple[str, ...]:
        """The steps above that a step waits for besides."""
        for place, step in enumerate(steps):
            if step not in self.made and not self.ids_unread:
                margin.error(self._unknown_step(step), "after", place)
        return tuple(step for step in steps if step in self.made)

    def need_people(self, made: Made, what: str, margin: Margin, *keys: Key) -> None:
        """Note a set in which a person may have several rows, where a step takes people."""
        if made.is_known and made.row_since:
            margin.error(
                f"{what} takes each person once, and since {made.row_since!r} a person may have several rows: "
                "put a step with 'dedupe: {by: [person]}' between",
                *keys,
            )


def _no_output(step: str, output: str, outputs: tuple[str, ...]) -> str:
    if not output:
        return f"the step {step!r} has several outputs: say which one this takes, as in {step}.{outputs[0]}"
    named = [each for each in outputs if each != MAIN]
    listed = ", ".join(named)
    known = f"it has {listed}" if named else "it has only one, which its own name stands for"
    return f"the step {step!r} has no output {quoted(output)}{nearest(output, named) or f': {known}'}"
