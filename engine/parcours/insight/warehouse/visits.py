"""Which visit of a person does something belong to? Answered in SQL, for events alone or for touches among them.

A visit goes on until nothing happens for longer than the pause. Where the project names a property, what has the same
value of it is one visit, however long the pauses and whatever lies between; and what has none, as events of a server
and deliveries have none, belongs to the visit of what was before it, or after a pause begins one of its own.
"""

from __future__ import annotations

from typing import Final

from parcours.insight.warehouse.event_views import pointer
from parcours.insight.warehouse.names import literal
from parcours.insight.warehouse.viewed import Viewed

IN_ORDER: Final = "time, record, shard, n"
"""The columns by which what one person did is in the order of happening."""

_HERS: Final = f"partition by person order by {IN_ORDER}"


def visit_value(viewed: Viewed) -> str:
    """The value in SQL that tells visits apart, of an event; null where it has none, and where pauses do."""
    if viewed.visit_by is None:
        return "null"
    return f"nullif(json_extract_string(properties, {literal(pointer(viewed.visit_by))}), '')"


def with_visits(source: str, viewed: Viewed) -> str:
    """A query of the same rows with the number of the visit of each, `visit`: from 1, by when visits began.

    source  a query with all rows that make up visits; what tells them apart is called `visit_value` in it
    """
    pause = f"coalesce(epoch_ms(time) - epoch_ms(lag(time) over ({_HERS})) > {viewed.visit_pause_ms}, true)"
    begun = f"select *, {pause} as begins from ({source})"
    if viewed.visit_by is None:
        return (
            f"select *, sum(begins::integer) over ({_HERS} rows unbounded preceding)::integer as visit from ({begun})"
        )
    placed = f"select *, row_number() over ({_HERS}) as place from ({begun})"
    own = "case when visit_value is not null then '=' || visit_value when begins then place::varchar end"
    going_on = f"last_value({own} ignore nulls) over ({_HERS} rows unbounded preceding)"
    told = f"select *, {going_on} as of_visit from ({placed})"
    first = f"select *, min(place) over (partition by person, of_visit) as first from ({told})"
    return f"select *, dense_rank() over (partition by person order by first)::integer as visit from ({first})"


def visits_view(viewed: Viewed) -> str:
    """The query of the view `visits`: all events, each with the number of the visit."""
    return (
        "select time, person, visit, event, declared, message_id, anonymous_id, sent_at, properties, shard, record, n,"
        f" person_then from ({with_visits(f'select *, {visit_value(viewed)} as visit_value from main.events', viewed)})"
    )
