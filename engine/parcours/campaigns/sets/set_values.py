"""What expressions give for the rows of a set: what shards told is looked up, and the rest is evaluated here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from parcours.campaigns.sets.database import Workspace, opened_database, rows_in
from parcours.campaigns.sets.engine import Values
from parcours.campaigns.sets.evaluated import Given, Rows, cells_of, condition_of, value_of, write_given
from parcours.campaigns.sets.people_file import PeopleFile
from parcours.campaigns.told_scope import ToldScopes
from parcours.journey.set_expressions import SetExpression


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one step evaluates with.

    people  of its stage, None where shards were not asked
    folder  for files that nobody needs once the step is made
    """

    people: PeopleFile | None
    scopes: ToldScopes
    folder: Path
    workspace: Workspace

    def told_people(self) -> PeopleFile:
        assert self.people is not None, "shards are asked before a step is made that needs people"
        return self.people


@dataclass(frozen=True, slots=True)
class SetValues:
    """The values of one set's rows, by the texts of expressions."""

    conditions: Mapping[str, Values]
    values: Mapping[str, Values]

    def condition(self, expression: SetExpression) -> Values:
        return self.conditions[expression.text]

    def value(self, expression: SetExpression) -> Values:
        return self.values[expression.text]

    def texts(self) -> dict[str, str]:
        """The texts of what was compared, by the columns that have it."""
        return {values.column: text for text, values in self.values.items()}


def values_of_set(
    source: Path,
    name: str,
    conditions: Iterable[SetExpression],
    values: Iterable[SetExpression],
    evaluation: Evaluation,
) -> SetValues:
    """Evaluate expressions for each row of a set; `name` is that of the file in the evaluation's folder.

    Raises StoreBroken, and OSError.
    """
    wanted = {each.text: each for each in conditions}
    compared = {each.text: each for each in values}
    found, found_values = dict[str, Values](), dict[str, Values]()
    for text, each in wanted.items():
        if each.basis == "profile":
            found[text] = evaluation.told_people().condition(each)
    for text, each in compared.items():
        if each.basis == "profile":
            found_values[text] = evaluation.told_people().value(each)
    here = [each for text, each in wanted.items() if text not in found]
    here_compared = [each for text, each in compared.items() if text not in found_values]
    if here or here_compared:
        path = evaluation.folder / f"{name}.parquet"
        given = [condition_of(f"h{number}", each) for number, each in enumerate(here)]
        given += [value_of(f"e{number}", each) for number, each in enumerate(here_compared)]
        _evaluate(source, [*here, *here_compared], given, path, evaluation)
        found |= {each.text: Values(path, f"h{number}", by_row=True) for number, each in enumerate(here)}
        found_values |= {
            each.text: Values(path, f"e{number}", by_row=True) for number, each in enumerate(here_compared)
        }
    return SetValues(found, found_values)


def _evaluate(
    source: Path, expressions: Sequence[SetExpression], given: Sequence[Given], path: Path, evaluation: Evaluation
) -> None:
    with pq.ParquetFile(source) as parquet:
        columns = set(parquet.schema_arrow.names) - {"person", "row_key"}
    cells = columns & {name for each in expressions for name in each.row}
    tells = any(each.basis == "both" for each in expressions) and evaluation.told_people().tells_more
    selected = ["taken.person", "taken.row_key"]
    selected += ["people.told"] if tells else []
    selected += [f"{cells_of(cells, 'taken')} AS cells"] if cells else []
    joined = f" LEFT JOIN {evaluation.told_people().rows} AS people ON people.person = taken.person" if tells else ""
    query = f"SELECT {', '.join(selected)} FROM {rows_in(source)} AS taken{joined}"
    rows = Rows(query, {"person": pa.string(), "row_key": pa.string()}, bool(cells), tells)
    with opened_database(evaluation.workspace) as database:
        write_given(database, rows, given, evaluation.scopes, path)
