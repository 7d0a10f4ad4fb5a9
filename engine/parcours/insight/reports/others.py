"""Campaigns, events and places: the sets of each run and step, how often what happened to how many people, and how
often people entered where.
"""

from __future__ import annotations

from parcours.insight.reports.asked import Asked
from parcours.insight.reports.report import Section, section
from parcours.insight.warehouse.warehouse import Warehouse


def campaign_sections(warehouse: Warehouse, asked: Asked) -> list[Section]:
    """The sets in the order in which they became known. `dropped` is of the step, and the same for each output."""
    of = f"step is not null and {asked.named('campaign')} and {asked.within('time')}"
    sets = (
        "select '', campaign, version, run, step, output, size"
        f" from main.campaign_steps where {of} order by campaign, run, time, record, n"
    )
    dropped = (
        "select distinct '', campaign, version, run, step, each.key, each.value from ("
        f"select *, unnest(map_entries(dropped)) as each from main.campaign_steps where {of}"
        ") order by campaign, run, step, each.key"
    )
    about = ["campaign", "version", "run", "step"]
    return [
        section(asked, "Sets", [*about, "output"], ["size"], [*warehouse.rows(sets)]),
        section(asked, "Dropped", [*about, "why"], ["rows"], [*warehouse.rows(dropped)]),
    ]


def event_sections(warehouse: Warehouse, asked: Asked) -> list[Section]:
    """Of each event that facts have how often it came, and of how many people."""
    query = (
        f"select {asked.group('time')} as place, event, count(*), count(distinct person) from main.events"
        f" where {asked.named('event')} and {asked.within('time')} group by all order by event, place"
    )
    rows = [*warehouse.rows(query)]
    adds = ["events", "people"] if asked.segments else ["events"]  # somebody may have it on several days
    return [section(asked, "Events", ["event"], ["events", "people"], rows, adds=adds)]


def place_sections(warehouse: Warehouse, asked: Asked) -> list[Section]:
    """Of each place how often people entered and left it, how many of them, and how long those were inside who left.

    Whoever left because nothing more was heard of her is in `silent` as well.
    """
    left = "value = 'left'"
    query = (
        f"select {asked.group('time')} as of_group, name, count(*) filter (value = 'entered'),"
        f" count(*) filter ({left}), count(*) filter ({left} and reason = 'silent'), count(distinct person),"
        f" quantile_disc(dwell, 0.5) * 1000, quantile_disc(dwell, 0.9) * 1000 from main.changes"
        f" where what = 'place' and {asked.named('name')} and {asked.within('time')}"
        " group by of_group, name order by name, of_group"
    )
    rows, sums = [*warehouse.rows(query)], ["entered", "left", "silent"]
    figures = [*sums, "people", "median ms", "90th percentile ms"]
    adds = [*sums, "people"] if asked.segments else sums  # somebody may come on several days
    return [section(asked, "Places", ["place"], figures, rows, adds=adds)]
