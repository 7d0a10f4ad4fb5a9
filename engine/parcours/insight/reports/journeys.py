"""Journeys step by step: who came, waits, went on and ended, why, and how long it took.

What waits is counted by runs, and whatever moves by moves: so a move that is missing shows as a sum that does not add
up. With the cohort `moved` runs at the beginning of the window are counted as well, and those that are parked are open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from parcours.insight.reports.asked import Asked
from parcours.insight.reports.outline import Outline
from parcours.insight.reports.report import Cell, Section, rate, section
from parcours.insight.warehouse.names import instant
from parcours.insight.warehouse.warehouse import Warehouse

MS: Final = "epoch_ms(coalesce(went_on, ended)) - epoch_ms(reached)"

STATES: Final = ("open", "parked", "exited", "ended")

AFTERWARDS: Final = "afterwards"
"""Runs that had ended before the window and reached the goal in it, or did so under the number of another one."""

_Runs: TypeAlias = Mapping[tuple[str, str], Counter[str]]
"""By group and journey, how many runs are of each figure."""

FIGURES: Final = ("before", "inflow", "waiting", "gone on", "ended")


def journey_sections(warehouse: Warehouse, asked: Asked, outline: Outline, *, cut: bool) -> list[Section]:
    """The tables of a report of journeys.

    cut  moves were kept for long enough: what has no beginning any more is left out
    """
    runs = _counted_runs(warehouse, asked, outline, cut=cut)
    return [
        _runs(asked, runs),
        _goals(asked, runs, outline),
        _steps(warehouse, asked, outline, cut=cut),
        _endings(warehouse, asked, outline, "Ended", ("ended", "parked"), cut=cut),
        _endings(warehouse, asked, outline, "Exits by rule", ("exited",), cut=cut),
        _refused(warehouse, asked, outline),
    ]


def _of(asked: Asked, *, cut: bool) -> str:
    known = " and entered is not null" if cut else ""
    return f"kind = 'journey' and {asked.named('journey')}{known}"


def _counted_runs(warehouse: Warehouse, asked: Asked, outline: Outline, *, cut: bool) -> _Runs:
    """Entries are counted by moves, and where runs are by runs."""
    entered = (
        f"select {asked.group('time', 'version')} as place, journey, 'entered' as what from main.moves"
        f" where kind = 'journey' and {asked.named('journey')} and what = 'entered' and {asked.within('time')}"
    )
    parts = [entered, *_parts_of_runs(asked, f"from main.runs where {_of(asked, cut=cut)}")]
    query = f"select place, journey, what, count(*) from ({' union all '.join(parts)}) group by all order by all"
    found: dict[tuple[str, str], Counter[str]] = {}
    for place, journey, what, number in warehouse.rows(query):
        found.setdefault((place, journey), Counter())[what] = number
    if asked.by is None:
        for name in outline.journeys:
            if asked.name in (None, name):
                found.setdefault(("", name), Counter())
    return {row: found[row] for row in sorted(found, key=lambda row: (outline.place(row[1]), row[0]))}


def _runs(asked: Asked, runs: _Runs) -> Section:
    figures = _figures_of_runs(asked)
    rows: list[tuple[Cell, ...]] = [
        (place, journey, *(counts[what] for what in figures)) for (place, journey), counts in runs.items()
    ]
    return section(asked, "Runs", ["journey"], figures, rows)


def _figures_of_runs(asked: Asked) -> Sequence[str]:
    if asked.cohort == "entered":
        return ("entered", *STATES, "goal")
    if asked.by_time:
        return ("entered", "exited", "ended", "goal")
    return ("before", "entered", "open", "exited", "ended", "goal")


def _parts_of_runs(asked: Asked, of: str) -> Iterator[str]:
    """Queries: the group, the journey and the figure of each run that counts. `of` is where runs come from."""
    if asked.cohort == "entered":
        group, within = asked.group("entered", "version"), asked.within("entered")
        yield f"select {group}, journey, state {of} and state is not null and {within}"
        yield f"select {group}, journey, 'goal' {of} and goal is not null and {within}"
        return
    for time, figure in (("ended", "state"), ("goal", "'goal'")):
        group, within = asked.group(time, "version"), asked.within(time)
        yield f"select {group}, journey, {figure} {of} and {time} is not null and {within}"
    if not asked.by_time:
        group = asked.group("null::timestamptz", "version")
        before, then = _open_at(asked.from_ms, "entered", "ended"), _open_by(asked.to_ms, "entered", "ended")
        yield f"select {group}, journey, 'before' {of} and {before}"
        yield f"select {group}, journey, 'open' {of} and state is not null and {then}"
        over = "entered is null" + ("" if asked.from_ms is None else f" or ended < {instant(asked.from_ms)}")
        reached = f"goal is not null and {asked.within('goal')}"
        yield f"select {group}, journey, '{AFTERWARDS}' {of} and {reached} and ({over})"


def _open_at(at_ms: int | None, begun: str, over: str) -> str:
    """Whether it had begun before the instant, and was not over; nothing was before the beginning of all."""
    if at_ms is None:
        return "false"
    at = instant(at_ms)
    return f"{begun} < {at} and ({over} is null or {over} >= {at})"


def _open_by(at_ms: int | None, begun: str, over: str) -> str:
    """The same at the end of a window, which may be that of all."""
    return f"{over} is null" if at_ms is None else _open_at(at_ms, begun, over)


def _goals(asked: Asked, runs: _Runs, outline: Outline) -> Section:
    """Of journeys with a goal, how many runs have reached it, and of how many.

    What has been reached within a window is no part of the runs that entered in it: it is one of those that were in the
    journey at any time of it, or had ended before and reached it nevertheless. Over groups of time such runs do not add
    up, so there only those are counted that reached it.
    """
    of = "entered" if asked.cohort == "entered" else "runs"
    is_rated = asked.cohort == "entered" or not asked.by_time
    rows: list[tuple[Cell, ...]] = []
    for (place, journey), counts in runs.items():
        goal = counts["goal"]
        if journey not in outline.targets and not goal:
            continue
        counted = (of,) if asked.cohort == "entered" else ("before", "entered", AFTERWARDS)
        whole = sum(counts[each] for each in counted)
        row = (place, journey, outline.targets.get(journey), goal)
        rows.append((*row, whole, rate(goal, whole)) if is_rated else row)
    figures = ["reached", of, "rate"] if is_rated else ["reached"]
    return section(asked, "Goals", ["journey", "target in percent"], figures, rows, rated=is_rated)


def _steps(warehouse: Warehouse, asked: Asked, outline: Outline, *, cut: bool) -> Section:
    """The equation of each row: inflow, with what was there before, is what waits, went on and ended."""
    parts = [*(_parts_of_entered if asked.cohort == "entered" else _parts_of_moved)(asked, _of(asked, cut=cut))]
    counted = ", ".join(f"count(*) filter (what = '{name}')" for name in FIGURES)
    query = (
        f"select place, journey, step, {counted}, quantile_disc(ms, 0.5), quantile_disc(ms, 0.9)"
        f" from ({' union all '.join(parts)}) group by place, journey, step order by place, journey, step"
    )
    found: dict[tuple[str, str, str], tuple[dict[str, int], list[int | None]]] = {}
    for place, journey, step, *numbers in warehouse.rows(query):
        found[place, journey, step] = dict(zip(FIGURES, numbers[:-2], strict=True)), numbers[-2:]
    if asked.by is None:
        for journey, step in outline.steps:
            if asked.name in (None, journey):
                found.setdefault(("", journey, step), (dict.fromkeys(FIGURES, 0), [None, None]))
    figures = [name for name in FIGURES if name != "before" or asked.cohort == "moved"]
    if asked.cohort == "moved" and asked.by_time:
        figures = [name for name in figures if name not in ("before", "waiting")]
    rows = [
        (*row, *(found[row][0][name] for name in figures), *found[row][1])
        for row in sorted(found, key=lambda row: (outline.place(row[1], row[2]), row[0]))
    ]
    return section(
        asked, "Steps", ["journey", "step"], [*figures, "median ms", "90th percentile ms"], rows, adds=figures
    )


def _parts_of_entered(asked: Asked, of: str) -> Iterator[str]:
    """Queries: the group, the place and the figure of each stay that counts, and how long it took.

    What waits is counted by where runs are, everything else by their stays.
    """
    group, within = asked.group("entered", "version"), asked.within("entered")
    stays = f"from main.steps where {of} and {within}"
    yield f"select {group} as place, journey, step, 'inflow' as what, {MS} as ms {stays} and reached is not null"
    yield f"select {group}, journey, step, 'gone on', null {stays} and went_on is not null"
    yield f"select {group}, journey, step, 'ended', null {stays} and ended is not null"
    runs = f"from main.runs where {of} and {within}"
    yield f"select {group}, journey, step, 'waiting', null {runs} and state in ('open', 'parked') and step is not null"


def _parts_of_moved(asked: Asked, of: str) -> Iterator[str]:
    """The same of what happened in the window, and of the stays that last at its beginning and its end."""
    stays = f"from main.steps where {of}"
    for time, what, ms in (("reached", "inflow", "null"), ("went_on", "gone on", MS), ("ended", "ended", MS)):
        group, within = asked.group(time, "version"), asked.within(time)
        told = f"select {group} as place, journey, step, '{what}' as what, {ms} as ms"
        yield f"{told} {stays} and {time} is not null and {within}"
    if not asked.by_time:
        group, over = asked.group("null::timestamptz", "version"), "coalesce(went_on, ended)"
        before, waiting = _open_at(asked.from_ms, "reached", over), _open_by(asked.to_ms, "reached", over)
        yield f"select {group}, journey, step, 'before', null {stays} and {before}"
        yield f"select {group}, journey, step, 'waiting', null {stays} and reached is not null and {waiting}"


def _endings(
    warehouse: Warehouse, asked: Asked, outline: Outline, title: str, states: tuple[str, ...], *, cut: bool
) -> Section:
    """Why runs ended, and where. Of a parked run it is not told when, so the cohort `moved` leaves them out."""
    of = _of(asked, cut=cut)
    time = "entered" if asked.cohort == "entered" else "ended"
    happened = "true" if asked.cohort == "entered" else "ended is not null"
    chosen = ", ".join(f"'{state}'" for state in states)
    why = f"case state when 'parked' then {asked.reason('why')} else why end"
    query = (
        f"select {asked.group(time, 'version')} as place, journey, coalesce(step, ''), state, coalesce({why}, ''),"
        f" count(*) from main.runs where {of} and state in ({chosen}) and {happened} and {asked.within(time)}"
        " group by all order by all"
    )
    rows = sorted(warehouse.rows(query), key=lambda row: (outline.place(row[1], row[2]), row[3], row[4], row[0]))
    return section(asked, title, ["journey", "step", "how", "why"], ["runs"], rows)


def _refused(warehouse: Warehouse, asked: Asked, outline: Outline) -> Section:
    query = (
        f"select {asked.group('time', 'version')} as place, journey, coalesce(why, ''), count(*) from main.moves"
        f" where kind = 'journey' and {asked.named('journey')} and what = 'not_entered' and {asked.within('time')}"
        " group by all order by all"
    )
    rows = sorted(warehouse.rows(query), key=lambda row: (outline.place(row[1]), row[2], row[0]))
    return section(asked, "Refused entries", ["journey", "why"], ["times"], rows)
