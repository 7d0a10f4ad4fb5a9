"""The numbers of a summary, from facts and from summary.json, flat: by their place in the document.

Lines that were read, the clock and remarks are in no fact. What is 0 is left out.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec

from parcours.core.counted import BY_MACHINE, INTERNAL_OUTCOMES
from parcours.insight.reports.equations import Path
from parcours.insight.summary import Summary
from parcours.insight.warehouse.names import literal
from parcours.insight.warehouse.warehouse import Warehouse

OFFERS: Final = """
select offer, placement, 'decided' as what, sum(decided) as number from main.proposition_states group by all
union all select offer, placement, mark, count(*) from main.propositions group by all
union all select offer, placement, 'capped', count(distinct (shard, record, n)) from main.looked_offers
where starts_with(reason, 'capped') group by all
"""

INTERNAL: Final = ", ".join(map(literal, sorted(INTERNAL_OUTCOMES)))

MOVES: Final = """
select kind, journey, coalesce(step, ''), what, count(*) from main.moves
where what in ('entered', 'goal', 'reached', 'ended', 'exited', 'parked') group by all
"""

GONE_ON: Final = (
    "select journey, step, count(*) from main.steps where kind = 'journey' and went_on is not null group by all"
)

DELIVERIES: Final = f"""
select channel, case when machine then {literal(BY_MACHINE)} || outcome else outcome end, coalesce(gate, ''), count(*)
from main.deliveries where outcome not in ({INTERNAL}) group by all
"""

LIMITS: Final = "select setting, count(*) from main.limits group by all"

RUNS: Final = "select campaign, count(distinct run) from main.campaign_steps where step is not null group by all"

SETS: Final = """
select campaign, step, output, sum(size)::bigint from main.campaign_steps where step is not null group by all
"""

INFLOWS: Final = """
select campaign, step, sum(inflow)::bigint from (
    select campaign, run, step, max(inflow) as inflow from main.campaign_steps where step is not null group by all
) group by all
"""

DROPPED: Final = """
select campaign, step, each.key, sum(each.value)::bigint from (
    select campaign, step, unnest(map_entries(dropped)) as each from main.campaign_steps where step is not null
    qualify row_number() over (partition by campaign, run, step order by record) = 1
) group by all
"""


def counts_of_facts(warehouse: Warehouse) -> dict[Path, int]:
    """What facts come to."""
    counts: Counter[Path] = Counter()
    _count_moves(warehouse, counts)
    for channel, outcome, gate, number in warehouse.rows(f"{DELIVERIES} order by all"):
        counts["channels", channel, outcome] += number
        if gate:
            counts["gates", gate] += number
    for setting, number in warehouse.rows(f"{LIMITS} order by all"):
        counts["limits", setting] = number
    for offer, placement, what, number in warehouse.rows(f"{OFFERS} order by all"):
        counts["offers", offer, placement, what] = int(number)
    for campaign, number in warehouse.rows(f"{RUNS} order by all"):
        counts["campaigns", campaign, "runs"] = number
    for campaign, step, number in warehouse.rows(f"{INFLOWS} order by all"):
        counts["campaigns", campaign, "steps", step, "inflow"] = number
    for query, of in ((SETS, "outputs"), (DROPPED, "dropped")):
        for campaign, step, name, number in warehouse.rows(f"{query} order by all"):
            counts["campaigns", campaign, "steps", step, of, name] = number
    return {path: number for path, number in counts.items() if number}


def _count_moves(warehouse: Warehouse, counts: Counter[Path]) -> None:
    for kind, journey, step, what, number in warehouse.rows(f"{MOVES} order by all"):
        if what == "parked":
            counts["parked", journey, step] += number
        if kind == "campaign":
            counts["campaigns", journey, "goal"] += number if what == "goal" else 0
            continue
        of_step = "journeys", journey, "steps", step
        match what:
            case "entered" | "goal":
                counts["journeys", journey, what] += number
            case "reached":
                counts[*of_step, "inflow"] += number
                counts[*of_step, "waiting"] += number
            case "ended" | "exited" if step:
                counts[*of_step, "ended"] += number
                counts[*of_step, "waiting"] -= number
    for journey, step, number in warehouse.rows(f"{GONE_ON} order by all"):
        counts["journeys", journey, "steps", step, "gone_on"] += number
        counts["journeys", journey, "steps", step, "waiting"] -= number


def counts_of_summary(summary: Summary) -> dict[Path, int]:
    """The numbers of a summary that facts have as well."""
    counts: dict[Path, int] = {}
    for name, journey in summary.journeys.items():
        counts["journeys", name, "entered"], counts["journeys", name, "goal"] = journey.entered, journey.goal
        for step, count in journey.steps.items():
            for figure in ("inflow", "waiting", "gone_on", "ended"):
                counts["journeys", name, "steps", step, figure] = getattr(count, figure)
    for name, campaign in (summary.campaigns or {}).items():
        counts["campaigns", name, "runs"], counts["campaigns", name, "goal"] = campaign.runs, campaign.goal
        for step, each in campaign.steps.items():
            counts["campaigns", name, "steps", step, "inflow"] = each.inflow
            for of, sizes in (("outputs", each.outputs), ("dropped", each.dropped)):
                counts.update({("campaigns", name, "steps", step, of, key): size for key, size in sizes.items()})
    for of, by_name in (("channels", summary.channels), ("parked", summary.parked or {})):
        for name, numbers in by_name.items():
            counts.update({(of, name, key): number for key, number in numbers.items()})
    for offer, placements in (summary.offers or {}).items():
        for placement, figures in placements.items():
            told = msgspec.structs.asdict(figures)
            counts.update({("offers", offer, placement, what): number for what, number in told.items()})
    counts.update({("gates", gate): number for gate, number in summary.gates.items()})
    counts.update({("limits", setting): number for setting, number in (summary.limits or {}).items()})
    return {path: number for path, number in counts.items() if number}
