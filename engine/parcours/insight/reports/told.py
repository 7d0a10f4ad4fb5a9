"""A report as a door is asked for it, and as it tells it."""

from __future__ import annotations

import msgspec

from parcours.insight.reports.asked import Asked, Cohort, ReportKind
from parcours.insight.reports.report import Cell, Report, Section
from parcours.insight.windows import WindowAsked, read_time, read_times, told_time, told_times
from parcours.journey.model.insight import KeptTable


class ReportAsked(WindowAsked, frozen=True, kw_only=True):
    """
    name    of which one; null for all
    cohort  what the window counts: what began in it, or what happened in it
    by      day, hour, week, version, step, or segments of the project, such as west or west,mobile
    """

    kind: ReportKind
    name: str | None = None
    cohort: Cohort = "entered"
    by: str | None = None

    @classmethod
    def of(cls, asked: Asked, *, stitch: bool = False, exported: bool = False) -> ReportAsked:
        """The question of a report."""
        return cls(
            kind=asked.kind,
            name=asked.name,
            since=told_time(asked.from_ms),
            until=told_time(asked.to_ms),
            live=asked.live,
            cohort=asked.cohort,
            by=asked.by,
            stitch=stitch,
            exported=exported,
        )

    def asked(self) -> Asked:
        """Raises CallerError for what is no window, and for what such a report is not divided by."""
        window = self.window()
        return Asked(self.kind, self.name, window.from_ms, window.to_ms, self.cohort, self.by, window.live)


def report_query(asked: Asked, *, exported: bool) -> dict[str, str]:
    """The question of a report as the query of an address: what is left out is as the door has it by itself."""
    given = msgspec.to_builtins(ReportAsked.of(asked, exported=exported))
    return {name: "true" if value is True else value for name, value in given.items() if value not in (None, False)}


class TableTold(msgspec.Struct, frozen=True, kw_only=True):
    """
    columns  their names; with groups the first one is what they are divided by
    rows     the values of each in the order of the columns, not rounded
    keys     how many columns before the figures say what a row is about
    adds     the columns that add up over groups
    rated    whether the last column is a rate, the quotient of the two before it
    """

    title: str
    columns: list[str]
    rows: list[list[Cell]]
    keys: int
    adds: list[str]
    rated: bool


class ReportTold(msgspec.Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to"}):
    """
    since       the window: from this time on, and before `until`; null leaves it open
    as_of       the instant up to which everything is known, null where nothing is
    cut_before  by table, before which instant rows are gone: they were kept for long enough
    """

    kind: ReportKind
    name: str | None
    since: str | None
    until: str | None
    cohort: Cohort
    by: str | None
    as_of: str | None
    cut_before: dict[KeptTable, str]
    tables: list[TableTold]

    @classmethod
    def of(cls, report: Report) -> ReportTold:
        """The JSON of a report."""
        asked = report.asked
        return cls(
            kind=asked.kind,
            name=asked.name,
            since=told_time(asked.from_ms),
            until=told_time(asked.to_ms),
            cohort=asked.cohort,
            by=asked.by,
            as_of=told_time(report.as_of_ms),
            cut_before=told_times(report.cut_before_ms),
            tables=[
                TableTold(
                    title=each.title,
                    columns=[*each.columns],
                    rows=[[*row] for row in each.rows],
                    keys=each.keys,
                    adds=[*each.adds],
                    rated=each.rated,
                )
                for each in report.sections
            ],
        )

    def report(self) -> Report:
        """The report that was told."""
        asked = Asked(self.kind, self.name, read_time(self.since), read_time(self.until), self.cohort, self.by)
        sections = [
            Section(each.title, each.columns, [tuple(row) for row in each.rows], each.keys, each.adds, each.rated)
            for each in self.tables
        ]
        return Report(asked, sections, read_time(self.as_of), read_times(self.cut_before))
