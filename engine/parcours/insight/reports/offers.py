"""Offers: how often each was decided at each placement, what became of it, and why it was not chosen.

With the cohort `entered` a window counts what was decided in it, with all that became of that, and decided is what is
shown, pending and never shown. With `moved` each figure is what happened in the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from parcours.core.offers.answer import CAPPED, REASONS
from parcours.insight.reports.asked import Asked
from parcours.insight.reports.report import Cell, Section, rate, section
from parcours.insight.warehouse.names import literal
from parcours.insight.warehouse.warehouse import Warehouse

MARKS: Final = ("clicked", "dismissed", "converted")

FIGURES: Final = ("decided", "shown", "pending", "never shown", *MARKS, "given back")
FIGURES_MOVED: Final = ("decided", "shown", *MARKS, "given back")
"""What happens, without what an offer is at the newest."""

KEPT_AWAY: Final = "capped"

RATES: Final = (("shown", "decided"), ("clicked", "shown"), ("converted", "decided"))
"""Of what each rate is a part: a code may be redeemed of an offer that nobody says was shown."""

_KEPT_AWAY: Final = ", ".join(sorted(literal(REASONS[letter]) for letter in CAPPED))


def offer_sections(warehouse: Warehouse, asked: Asked) -> list[Section]:
    """The tables of a report of offers."""
    offers = _all_figures(warehouse, asked)
    marks = _only(offers, "Marks", MARKS)
    rates = [_rates(asked, offers)] if asked.cohort == "entered" else []
    decided = _only(offers, "Offers", [each for each in offers.adds if each not in MARKS])
    has_marks = [row for row in marks.rows if any(row[marks.keys :])]
    return [decided, replace(marks, rows=has_marks), *rates, _reasons(warehouse, asked)]


def _only(whole: Section, title: str, figures: Sequence[str]) -> Section:
    """The table with these figures of it."""
    columns = [*whole.columns[: whole.keys], *figures]
    places = [whole.columns.index(each) for each in columns]
    return Section(title, columns, [tuple(row[at] for at in places) for row in whole.rows], whole.keys, figures)


def _all_figures(warehouse: Warehouse, asked: Asked) -> Section:
    is_entered = asked.cohort == "entered"
    figures, query = (FIGURES, _of_entered(asked)) if is_entered else (FIGURES_MOVED, _of_moved(asked))
    found: dict[tuple[str, str, str], list[int]] = {}
    for place, offer, placement, *numbers in warehouse.rows(f"{query} order by all"):
        found[offer, placement, place] = [*numbers, 0]
    capped = (
        f"select {asked.group('time')} as place, offer, placement, count(distinct (shard, record, n))"
        f" from main.looked_offers where reason in ({_KEPT_AWAY}) and {asked.named('offer')} and {asked.within('time')}"
        " group by place, offer, placement order by all"
    )
    for place, offer, placement, number in warehouse.rows(capped):
        found.setdefault((offer, placement, place), [0] * (len(figures) + 1))[-1] = number
    rows: list[tuple[Cell, ...]] = [
        (place, offer, placement, *numbers) for (offer, placement, place), numbers in sorted(found.items())
    ]
    return section(asked, "Offers", ["offer", "placement"], [*figures, KEPT_AWAY], rows)


def _of_entered(asked: Asked) -> str:
    """The query of the figures of what was decided in the window."""
    sums = ", ".join(f"coalesce(sum({each.replace(' ', '_')}::integer), 0)::bigint" for each in FIGURES)
    return (
        f"select {asked.group('begun')} as place, offer, placement, {sums} from main.proposition_states"
        f" where {asked.named('offer')} and {asked.within('begun')} group by place, offer, placement"
    )


def _of_moved(asked: Asked) -> str:
    """The query of the figures of what was told in the window."""
    counts = ", ".join(f"count(*) filter (what = {literal(each.replace(' ', '_'))})" for each in FIGURES_MOVED)
    told = (
        "select time, person, given.offer as offer, placement, 'decided' as what from"
        " (select *, unnest(offers) as given from main.decisions)"
        " union all select time, person, offer, placement, mark from main.propositions"
    )
    return (
        f"select {asked.group('time')} as place, offer, placement, {counts} from ({told})"
        f" where {asked.named('offer')} and {asked.within('time')} group by place, offer, placement"
    )


def _rates(asked: Asked, offers: Section) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for row in offers.rows:
        figures = dict(zip(offers.columns, row, strict=True))
        group = () if asked.by is not None else ("",)
        for part, whole in RATES:
            number, total = figures[part], figures[whole]
            assert isinstance(number, int) and isinstance(total, int), "as `_all_figures` has them"
            if number or total:
                rows.append((*group, *row[: offers.keys], f"{part} / {whole}", number, total, rate(number, total)))
    names = ["part", "whole", "rate"]
    return section(asked, "Rates", ["offer", "placement", "of"], names, rows, adds=(), rated=True)


def _reasons(warehouse: Warehouse, asked: Asked) -> Section:
    """In how many decisions each reason spoke against an offer; it may be another one for another strategy."""
    query = (
        f"select {asked.group('time')} as place, offer, placement, reason, count(distinct (shard, record, n))"
        f" from main.looked_offers where reason <> 'chosen' and {asked.named('offer')} and {asked.within('time')}"
        " group by place, offer, placement, reason order by offer, placement, reason, place"
    )
    keys = ["offer", "placement", "reason"]
    return section(asked, "Reasons", keys, ["decisions"], [*warehouse.rows(query)])
