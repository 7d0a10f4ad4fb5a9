"""Channels and messages: what became of deliveries, the rates of it, the gates, reasons and links.

With the cohort `entered` a window counts the deliveries that began in it, with all that became of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from parcours.core.counted import BY_MACHINE, INTERNAL_OUTCOMES, REASONED_OUTCOMES
from parcours.insight.report import OUTCOMES
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.report import Cell, Section, rate, section
from parcours.insight.warehouse.names import literal
from parcours.insight.warehouse.warehouse import Warehouse

RATES: Final = (("delivered", "sent"), ("opened", "delivered"), ("clicked", "opened"), ("unsubscribed", "delivered"))
"""Of what each rate is a part."""

STATES: Final = ("open", "unknown", "sent", "refused", "cancelled", "failed")
"""The states of deliveries, each a column of the view."""

_place = {outcome: place for place, outcome in enumerate(OUTCOMES)}


def delivery_sections(warehouse: Warehouse, asked: Asked) -> list[Section]:
    """The tables of a report of channels or messages."""
    keys = ("channel",) if asked.kind == "channel" else ("message", "channel")
    outcomes = _outcomes(warehouse, asked, keys)
    begun = [_states(warehouse, asked, keys)] if asked.cohort == "entered" else []
    return [
        *begun,
        outcomes,
        _rates(asked, keys, outcomes),
        _counted(warehouse, asked, keys, "Gates", ("gate", "outcome", "reason"), "gate is not null"),
        _counted(
            warehouse, asked, keys, "Reasons", ("outcome", "reason", "code"),
            f"gate is null and reason is not null and outcome in ({_texts(sorted(REASONED_OUTCOMES))})",
        ),
        _counted(warehouse, asked, keys, "Links", ("link",), "outcome = 'clicked' and machine is distinct from true"),
    ]  # fmt: skip


def _texts(texts: Sequence[str]) -> str:
    return ", ".join(map(literal, texts))


def _source(asked: Asked, keys: Sequence[str]) -> str:
    """The rows that are asked for, each with the time that counts, and its group.

    All rows of a delivery are of the person who has it now, so that it is in one segment.
    """
    time = "begun" if asked.cohort == "entered" else "time"
    group = asked.group(time, "journey || ' ' || version", "journey || '.' || step")
    return (
        f"(select *, {group} as place from (select * {_of_today(asked)}, min(time) over (partition by key) as begun"
        " from main.deliveries)"
        f" where {asked.named(keys[0])} and {asked.within(time)})"
    )


def _of_today(asked: Asked) -> str:
    whole = "order by time, record, shard, n rows between unbounded preceding and unbounded following"
    newest = f"last(person) over (partition by key {whole})"
    return f"replace ({newest} as person)" if asked.segments else ""


def _adds(asked: Asked) -> list[str]:
    """Whether deliveries add up: one may have a mark on several days, but its person is in one group."""
    return ["times", "deliveries"] if asked.cohort == "entered" or asked.segments else ["times"]


def _states(warehouse: Warehouse, asked: Asked, keys: Sequence[str]) -> Section:
    group = asked.group("begun", "journey || ' ' || version", "journey || '.' || step")
    counts = ", ".join(f"count(*) filter ({each})" for each in STATES)
    query = (
        f"select {group} as place, {', '.join(keys)}, count(*), {counts} from main.delivery_states"
        f" where {asked.named(keys[0])} and {asked.within('begun')} group by all order by all"
    )
    rows = sorted(warehouse.rows(query), key=lambda row: (row[1 : len(keys) + 1], row[0]))
    return section(asked, "Deliveries", keys, ["deliveries", *STATES], rows)


def _outcomes(warehouse: Warehouse, asked: Asked, keys: Sequence[str]) -> Section:
    label = f"case when machine then {literal(BY_MACHINE)} || outcome else outcome end"
    query = (
        f"select place, {', '.join(keys)}, {label} as label, count(*), count(distinct key) from {_source(asked, keys)}"
        f" where outcome not in ({_texts(sorted(INTERNAL_OUTCOMES))}) group by all"
    )
    rows = sorted(
        warehouse.rows(f"{query} order by all"),
        key=lambda row: (row[1:-3], row[0], _place.get(row[-3], len(_place)), row[-3]),
    )
    return section(asked, "Outcomes", [*keys, "outcome"], ["times", "deliveries"], rows, adds=_adds(asked))


def _rates(asked: Asked, keys: Sequence[str], outcomes: Section) -> Section:
    about = len(keys) + (asked.by is not None)
    rows: list[tuple[Cell, ...]] = []
    for of, some in groupby(outcomes.rows, lambda row: row[:about]):
        counts = {str(row[about]): row[about + 2] for row in some}
        for part, whole in RATES:
            number, total = counts.get(part, 0), counts.get(whole, 0)
            assert isinstance(number, int) and isinstance(total, int), "as `_outcomes` has them"
            if number or total:
                group = () if asked.by is not None else ("",)
                rows.append((*group, *of, f"{part} / {whole}", number, total, rate(number, total)))
    names = ["part", "whole", "rate"]
    return section(asked, "Rates", [*keys, "of"], names, rows, adds=(), rated=True)


def _counted(
    warehouse: Warehouse, asked: Asked, keys: Sequence[str], title: str, columns: Sequence[str], where: str
) -> Section:
    texts = {"reason": asked.reason("reason"), "code": asked.code("code")}
    told = ", ".join(f"coalesce({texts.get(each, each)}, '') as {each}_told" for each in columns)
    query = (
        f"select place, {', '.join(keys)}, {told}, count(*), count(distinct key) from {_source(asked, keys)}"
        f" where {where} and outcome not in ({_texts(sorted(INTERNAL_OUTCOMES))}) group by all order by all"
    )
    rows = sorted(warehouse.rows(query), key=lambda row: (row[1:-2], row[0]))
    return section(asked, title, [*keys, *columns], ["times", "deliveries"], rows, adds=_adds(asked))
