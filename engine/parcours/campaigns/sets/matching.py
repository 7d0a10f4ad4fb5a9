"""By which texts are a row of a table and a person compared, so that equal ones link them (links.py)?

A text is compared as it is. A number or a boolean is not equal to the text that is written the same, so its text has a
mark before it. Ids of a namespace are texts whatever they were written as.
"""

from __future__ import annotations

import json
from typing import Final

from parcours.campaigns.sets.database import literal
from parcours.core.identity import USER, person_asked_for
from parcours.journey.campaign_columns import ALL_NAMES, matched_namespace
from parcours.journey.campaign_program import Table

MARK: Final = "\x1f"
"""The ASCII unit separator: no text that somebody writes begins so."""


def match_text(value: object) -> str | None:
    """The text by which a value is compared; None for one that equals nothing."""
    match value:
        case str():
            return value
        case bool():
            return MARK + json.dumps(value)
        case int():
            return f"{MARK}{value}"
        case float():
            return MARK + (str(int(value)) if value.is_integer() else repr(value))
        case _:
            return None


def row_match(table: Table, value: object) -> str | None:
    """The text by which a row is compared with people, from the value of the table's `person`."""
    namespace = matched_namespace(table)
    if namespace is None:
        return match_text(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    text = str(value).lower() if table.caseless else str(value)
    return person_asked_for(text) if namespace == ALL_NAMES else text


def row_match_in_sql(table: Table, column: str) -> str | None:
    """The same of a column of texts, as SQL; None where SQL would not give the same."""
    namespace = matched_namespace(table)
    if namespace == ALL_NAMES:
        user = f"@{USER}/"
        return (
            f"CASE WHEN contains({column}, '/') OR NOT starts_with({column}, '@') THEN {column}"
            f" ELSE {literal(user)} || {column} END"
        )
    return None if table.caseless else column


def names_in(namespace: str, people: str) -> str:
    """A SELECT of `person` and `value`, once for each name of hers in a namespace.

    people    a table in SQL with `person` and `names`
    """
    names = f"SELECT person, unnest(list_prepend(person, names)) AS name FROM {people}"
    if namespace == ALL_NAMES:
        return f"SELECT person, name AS value FROM ({names})"
    prefix = f"@{namespace}/"
    of_namespace = f"({names}) WHERE starts_with(name, {literal(prefix)})"
    ids = f"SELECT person, substr(name, {len(prefix) + 1}) AS value FROM {of_namespace}"
    if namespace != USER:
        return ids
    return f"{ids} UNION ALL SELECT person, name AS value FROM ({names}) WHERE NOT starts_with(name, '@')"
