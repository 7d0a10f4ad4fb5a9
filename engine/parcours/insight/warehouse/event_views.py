"""A view for each declared event, `events_NAME`, in which its declared properties are columns of their kinds.

A column is called as the path of its property; one that is called as another column stands behind `properties.`. What
does not fit its kind is null. Two events whose names differ in the case of letters only cannot both have their name:
in the order of their bytes the first one has it, and the next is `events_NAME_2`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from parcours.expression.dotted import split_path
from parcours.insight.warehouse.names import free_name, identifier, literal
from parcours.journey.model.traits import Kind

FIRST: Final = ("time", "person")
LAST: Final = ("message_id", "anonymous_id", "sent_at", "shard", "record", "n", "person_then")

NUMBER_TYPES: Final = "('BIGINT', 'UBIGINT', 'DOUBLE')"
"""What JSON's numbers are to DuckDB."""

TIME: Final = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?"
"""The times that are read; expressions know more forms of ISO 8601, such as week dates, which are null here."""

LATEST: Final = "'9999-12-31 23:59:59.999999Z'"
"""What Python can tell, as can expressions."""


def event_views(events: Mapping[str, Mapping[str, Kind]]) -> Iterator[tuple[str, str]]:
    """The views by name, each with its query. `events`: of each the kinds of its properties."""
    taken: set[str] = set()
    for event, properties in sorted(events.items()):
        name = free_name(f"events_{event}", taken)
        taken.add(name.lower())
        yield name, _query(event, properties)


def _query(event: str, properties: Mapping[str, Kind]) -> str:
    paths = ", ".join(literal(pointer(path)) for path in properties)
    found = f"json_extract(properties, [{paths}])" if properties else "[]"
    taken = {*FIRST, *LAST}
    columns = [*FIRST]
    for number, (path, kind) in enumerate(properties.items(), start=1):
        name = free_name(path, taken, "properties.")
        taken.add(name.lower())
        columns.append(f"{VALUES[kind](f'found[{number}]')} as {identifier(name)}")
    columns += LAST
    source = f"select *, {found} as found from main.events where event = {literal(event)}"
    return f"select {', '.join(columns)} from ({source})"


def pointer(path: str) -> str:
    """The path as a JSON pointer."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in split_path(path))


def _text(json: str) -> str:
    return f"json_extract_string({json}, '$')"


def _string(json: str) -> str:
    return f"case json_type({json}) when 'VARCHAR' then {_text(json)} end"


def _number(json: str) -> str:
    return f"case when json_type({json}) in {NUMBER_TYPES} then try_cast({_text(json)} as double) end"


def _integer(json: str) -> str:
    double = f"try_cast({_text(json)} as double)"
    return (
        f"case when json_type({json}) in ('BIGINT', 'UBIGINT') then try_cast({_text(json)} as bigint)"
        f" when json_type({json}) = 'DOUBLE' and {double} = floor({double}) then try_cast({double} as bigint) end"
    )


def _boolean(json: str) -> str:
    return f"case json_type({json}) when 'BOOLEAN' then {_text(json)} = 'true' end"


def _time(json: str, value: str) -> str:
    is_time = f"json_type({json}) = 'VARCHAR' and regexp_full_match({_text(json)}, {literal(TIME)})"
    return f"case when {is_time} and {value} between '0001-01-01' and {LATEST} then {value} end"


VALUES: Final[Mapping[Kind, Callable[[str], str]]] = {
    "string": _string,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "timestamp": lambda json: _time(json, f"try_cast({_text(json)} as timestamptz)"),
    "date": lambda json: _time(json, f"try_cast(left({_text(json)}, 10) as date)"),
    "object": lambda json: f"nullif({json}::varchar, 'null')",
    "list": lambda json: f"nullif({json}::varchar, 'null')",
}
"""The value of a kind in SQL, from JSON in SQL: as in the table of people."""
