"""Views of what a decision looked at, and until when what it gave can be marked."""

from __future__ import annotations

from typing import Final

import duckdb

from parcours.config import Settings
from parcours.core.offers.answer import REASONS
from parcours.insight.warehouse.names import literal

_WORDS: Final = " ".join(f"when {literal(letter)} then {literal(reason)}" for letter, reason in REASONS.items())

LOOKED_OFFERS: Final = f"""
select
    time, person, decision, placement, json_extract(tried, '$[0]')::smallint as strategy,
    json_extract_string(looked, '$[0]') as offer,
    case json_extract_string(looked, '$[1]') {_WORDS} end as reason,
    try_cast(json_extract_string(looked, '$[2]') as double) as score, json_extract_string(looked, '$[3]') as why,
    shard, record, n, person_then
from (
    select *, unnest(from_json(json_extract(tried, '$[2]'), '["JSON"]')) as looked
    from (select *, unnest(from_json(trace, '["JSON"]')) as tried from main.decisions)
)
"""
"""The offers that decisions looked at, a row for each strategy, and what became of it there; as far as facts tell."""


def create_kept(connection: duckdb.DuckDBPyConnection, known_ms: int | None, settings: Settings) -> None:
    """Say in `hidden.propositions_kept` what can still be marked: decided after `since`, and of the newest `most`.

    known_ms  the instant up to which everything is known
    """
    connection.execute("create table hidden.propositions_kept (since timestamptz, most integer)")
    since_ms = None if known_ms is None else known_ms - settings.propositions_for_ms
    connection.execute(
        "insert into hidden.propositions_kept values (epoch_ms(?::bigint)::timestamptz, ?)",
        [since_ms, settings.propositions_max],
    )
