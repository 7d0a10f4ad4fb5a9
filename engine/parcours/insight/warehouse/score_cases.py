"""What became of what a score has said, from facts alone: those of whom both is told (core/scored.py).

A case is the first thing that the score said of a person in each time that is as long as it predicts, counted from
1970: what it says again and again of somebody whom it is asked about often is one answer and not a hundred. It came
true if such an event is told of her by the end of that time from then on. Whoever was merged meanwhile into somebody of
whom it is not told, or whose history is another's, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from parcours.insight.warehouse.names import literal

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse


class ScoreCase(NamedTuple):
    """`person` is whose it is today."""

    person: str
    at_ms: int
    probability: float
    happened: bool


def score_cases(
    warehouse: Warehouse, score: str, within_ms: int, is_told: Callable[[str], bool]
) -> Iterator[ScoreCase]:
    """The cases whose time was over by the instant up to which everything is known, by person and time.

    is_told  whether what came true of somebody of this name is told
    """
    if warehouse.as_of_ms is None:
        return
    name = literal(score)
    query = f"""
        with said as (
            select person, person_then, epoch_ms(time) as ms, value::double as probability, record, shard, n
            from main.changes where what = 'scored' and name = {name}
        ),
        cases as (
            select person, min(ms) as ms, arg_min(probability, row(ms, record, shard, n)) as probability,
                arg_min(person_then, row(ms, record, shard, n)) as person_then
            from said
            where ms + {within_ms} <= {warehouse.as_of_ms} group by person, ms // {within_ms}
        ),
        true_then as (
            select person, epoch_ms(time) as ms from main.changes where what = 'came_true' and name = {name}
        ),
        left_then as (select name, epoch_ms(time) as ms from hidden.changes where what = 'merged')
        select person, ms, probability,
            exists (select 1 from true_then where true_then.person = cases.person
                and true_then.ms > cases.ms and true_then.ms <= cases.ms + {within_ms}),
            person_then <> person,
            exists (select 1 from left_then where left_then.name = cases.person
                and left_then.ms > cases.ms and left_then.ms <= cases.ms + {within_ms})
        from cases order by person, ms
    """
    for person, at, probability, happened, is_merged, has_left in warehouse.rows(query):
        if not has_left and (not is_merged or is_told(person)):
            yield ScoreCase(person, at, probability, happened)
