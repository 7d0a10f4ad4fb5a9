"""Journeys and campaigns as blocks of a page: each drawn with its counts, above the tables of its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from parcours.insight.figures import NOTHING, percent_text
from parcours.insight.gathering.tables import csv_section, shown_section
from parcours.insight.page.content import Block, Chapter, Figure
from parcours.insight.reports.report import Cell, Report, Section
from parcours.journey.campaign_steps import SetRef
from parcours.journey.picture.counts import PictureCounts, StepCounts
from parcours.journey.picture.drawing import campaign_svg, journey_svg
from parcours.journey.program import Program

NOT_DRAWN: Final = "It is not drawn: the project as it is now has none of this name."
UNKNOWN: Final = "It is not known of which project the facts are: nothing is drawn, and no analyses are asked for."
OLDER: Final = "Of older versions, and not in the picture: {steps}."
BEFORE: Final = "In the boxes, `in` has those as well who were there when the window began."


def journeys_chapter(total: Report, shown: Report, program: Program | None) -> Chapter:
    """The journeys of a report.

    total  the report without groups, which is drawn
    shown  the same with them, whose tables are shown
    """
    drawn = {each.name: each for each in program.journeys} if program is not None else {}
    names = dict.fromkeys(row[0] for row in _section(total, "Runs").rows)
    blocks = []
    for number, name in enumerate(map(str, names), start=1):
        counts, notes = _counts(total, name), list[str]()
        picture = None
        if name in drawn:
            picture = journey_svg(drawn[name], counts, prefix=f"journey-{number}", embedded=True)
            gone = [step for step, each in counts.steps.items() if each.inflow and step not in drawn[name].steps]
            notes += [OLDER.format(steps=", ".join(gone))] if gone else []
            notes += [BEFORE] if "before" in _section(total, "Steps").columns else []
        elif program is not None:
            notes.append(NOT_DRAWN)
        figures = [*_figures(total, name)]
        blocks.append(_block(name, _of_name(shown, "journey", name), notes, figures, picture, f"the journey {name}"))
    return Chapter("Journeys", blocks, [*([] if blocks else [NOTHING]), *([] if program is not None else [UNKNOWN])])


def campaigns_chapter(report: Report, program: Program | None) -> Chapter:
    """The campaigns of a report, each with the sizes of its sets over all runs."""
    drawn = {each.name: each for each in program.campaigns} if program is not None else {}
    sizes = _sizes(_section(report, "Sets"))
    blocks = []
    for number, (name, of_sets) in enumerate(sizes.items(), start=1):
        picture, notes = None, list[str]()
        if name in drawn:
            counts = PictureCounts(sizes=of_sets)
            picture = campaign_svg(drawn[name], counts, prefix=f"campaign-{number}", embedded=True)
            notes.append("The sizes of sets in the picture are those of all runs together.")
        blocks.append(_block(name, _of_name(report, "campaign", name), notes, [], picture, f"the campaign {name}"))
    return Chapter("Campaigns", blocks, [] if blocks else [NOTHING])


def report_chapter(title: str, report: Report, only: Sequence[str] = ()) -> Chapter:
    """The tables of a report, one after the other; `only` those of these titles."""
    sections = [each for each in report.sections if each.rows and (not only or each.title in only)]
    blocks = [Block("", tables=[shown_section(each)], files=[csv_section(each)]) for each in sections]
    return Chapter(title, blocks, [] if blocks else [NOTHING])


def _of_name(report: Report, column: str, name: str) -> list[Section]:
    """The tables as far as they are of one journey or campaign, without the column that says so."""
    return [found for each in report.sections if (found := each.only(column, name)).rows]


def _block(
    name: str,
    sections: Sequence[Section],
    notes: Sequence[str],
    figures: Sequence[Figure],
    picture: str | None,
    said: str,
) -> Block:
    # What has no words beside its figures is among the figures; so is the goal, with its target.
    tables = [each for each in sections if each.keys > (each.title == "Goals")]
    return Block(
        name,
        notes=notes,
        figures=figures,
        picture=picture,
        said=said,
        tables=[shown_section(each) for each in tables],
        files=[csv_section(each) for each in sections],
    )


def _section(report: Report, title: str) -> Section:
    return next(each for each in report.sections if each.title == title)


def _row(of: Section, name: str) -> Mapping[str, Cell]:
    """The figures of one journey; nothing where it has none."""
    found = next((row for row in of.rows if row[0] == name), None)
    return {} if found is None else dict(zip(of.columns, found, strict=True))


def _figures(report: Report, name: str) -> Iterator[Figure]:
    runs = _row(_section(report, "Runs"), name)
    for figure, value in runs.items():
        if isinstance(value, int) and figure != "goal" and (value or figure in ("before", "entered", "open")):
            yield Figure(figure, f"{value:,}")
    goal = _row(_section(report, "Goals"), name)
    reached, of = goal.get("reached"), goal.get("entered", goal.get("runs"))
    if isinstance(reached, int) and isinstance(of, int):
        target = goal.get("target in percent")
        aim = "" if target is None else f", target {target:g} %"
        yield Figure("goal reached", percent_text(reached, of) or "–", f"{reached:,} / {of:,}{aim}")


def _counts(report: Report, name: str) -> PictureCounts:
    """What stands in the boxes of a journey. Of those who were there before a window it is not known how they came."""
    entered = _row(_section(report, "Runs"), name).get("entered")
    parked = Counter[str]()
    for row in _section(report, "Ended").rows:
        told = dict(zip(_section(report, "Ended").columns, row, strict=True))
        if told["journey"] == name and told["how"] == "parked":
            parked[str(told["step"])] += _whole(told["runs"])
    steps, columns = {}, _section(report, "Steps").columns
    for row in _section(report, "Steps").rows:
        if row[0] == name:
            figures = dict(zip(columns, row, strict=True))
            step = str(figures["step"])
            inflow = _whole(figures["inflow"]) + _whole(figures.get("before", 0))
            on, ended = _whole(figures["gone on"]), _whole(figures["ended"])
            steps[step] = StepCounts(inflow, _whole(figures["waiting"]), on, ended, parked[step])
    return PictureCounts(entered=None if entered is None else _whole(entered), steps=steps)


def _sizes(sets: Section) -> Mapping[str, dict[str, int]]:
    """By campaign the sizes of its sets, over all runs."""
    sizes: dict[str, Counter[str]] = {}
    for row in sets.rows:
        told = dict(zip(sets.columns, row, strict=True))
        of_campaign = sizes.setdefault(str(told["campaign"]), Counter())
        of_campaign[str(SetRef(str(told["step"]), str(told["output"])))] += _whole(told["size"])
    return {name: dict(counts) for name, counts in sizes.items()}


def _whole(cell: Cell) -> int:
    assert isinstance(cell, int), "it is counted"
    return cell
