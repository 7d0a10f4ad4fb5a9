"""An expression that a campaign asks of a whole set, with what it reads: so it is known who can evaluate it.

What reads the profile alone is evaluated by the shard that has it, what reads the row alone beside the coordinator. Of
what reads both, the profile's paths, histories, consents and audiences become columns first; so they do of what reads
the run, which is none of a person's when a set is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from parcours.expression.dotted import split_path
from parcours.expression.expression import Expression
from parcours.expression.history import HistoryCall

Basis: TypeAlias = Literal["run", "profile", "row", "both"]
"""What an expression reads: the run and `now` alone, the profile, the row, or the profile and what no shard knows."""

PERSON: Final = "person"
RUN: Final = "run"


@dataclass(frozen=True, slots=True)
class SetExpression:
    """
    profile  the paths of traits that it reads, below `profile`
    row      the columns that it reads, by their own names
    """

    expression: Expression
    profile: tuple[tuple[str, ...], ...]
    row: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.expression.text

    @property
    def histories(self) -> tuple[HistoryCall, ...]:
        """The histories that it asks for."""
        return self.expression.asked

    @property
    def consents(self) -> tuple[tuple[str, str], ...]:
        """The channel and the purpose of each consent that it asks for."""
        return self.expression.consented

    @property
    def audiences(self) -> tuple[str, ...]:
        """The keys of the audiences that it asks for."""
        return self.expression.audiences

    @property
    def scores(self) -> tuple[str, ...]:
        """The names of the scores that it asks for."""
        return self.expression.scores

    @property
    def reads_run(self) -> bool:
        return any(path.startswith(f"{RUN}.") for path in self.expression.paths)

    @property
    def basis(self) -> Basis:
        asks_person = bool(self.profile or self.histories or self.consents or self.audiences or self.scores)
        if asks_person:
            return "both" if self.row or self.reads_run else "profile"
        return "row" if self.row else "run"


def set_expression(expression: Expression) -> SetExpression:
    """The expression with what it reads."""
    paths = [tuple(split_path(path)) for path in sorted(expression.paths)]
    return SetExpression(
        expression,
        tuple(keys for root, *keys_ in paths if root == "profile" and (keys := tuple(keys_))),
        tuple(dict.fromkeys(keys[0] for root, *keys in paths if root == "row")),
    )


Criterion: TypeAlias = SetExpression | Literal["person"]
"""What rows are compared by: a value, or whose they are."""
