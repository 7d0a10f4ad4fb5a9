"""What is asked of a report, and how its bounds and groups are written in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from parcours.errors import CallerError
from parcours.insight.analyses.happenings import MISSING_GROUP
from parcours.insight.warehouse.names import literal, within

ReportKind: TypeAlias = Literal["journey", "campaign", "channel", "message", "event"]

KINDS: Final[Mapping[str, ReportKind]] = {kind: kind for kind in get_args(ReportKind)}
"""The kinds by what they are called."""

Cohort: TypeAlias = Literal["entered", "moved"]
"""What a window counts: what began in it, with all that became of it; or what happened in it."""

By: TypeAlias = Literal["day", "hour", "week", "version", "step"]

TIMES: Final = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00Z", "week": "%Y-%m-%d"}
"""How a group of time is called: by its beginning in UTC; weeks begin on Monday."""

GROUPS: Final[dict[ReportKind, tuple[By, ...]]] = {
    "journey": ("day", "hour", "week", "version"),
    "campaign": (),
    "channel": ("day", "hour", "week", "version", "step"),
    "message": ("day", "hour", "week", "version", "step"),
    "event": ("day", "hour", "week"),
}
"""By what each kind can be divided."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    kind     of what the report is
    name     of which one; None for all
    from_ms  is in the window, `to_ms` is not; None leaves it open
    cohort   what the window counts
    by       into which groups everything is divided
    """

    kind: ReportKind
    name: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    cohort: Cohort = "entered"
    by: By | None = None

    def __post_init__(self) -> None:
        """Raises CallerError for what no report of this kind can be divided by, and for a window without an instant."""
        if self.by is not None and self.by not in GROUPS[self.kind]:
            known = ", ".join(GROUPS[self.kind])
            raise CallerError(
                f"A report of kind {self.kind} is not divided by {self.by}"
                + (f": by one of {known}." if known else ", nor by anything else.")
            )
        if self.from_ms is not None and self.to_ms is not None and self.from_ms >= self.to_ms:
            raise CallerError("The window has no instant: --from has to be before --to.")

    def whole(self) -> Asked:
        """The same without groups."""
        return replace(self, by=None)

    @property
    def by_time(self) -> bool:
        return self.by in TIMES

    def within(self, column: str) -> str:
        """A condition in SQL: the instant is in the window. What has none is in the open window only."""
        return within(column, self.from_ms, self.to_ms)

    def named(self, column: str) -> str:
        """A condition in SQL: it has the name that is asked for."""
        return "true" if self.name is None else f"{column} = {literal(self.name)}"

    def group(self, time: str, version: str = "null", step: str = "null") -> str:
        """The name of the group in SQL, one and the same where there are none."""
        match self.by:
            case None:
                return "''"
            case "version" | "step":
                return f"coalesce(({version if self.by == 'version' else step})::varchar, {literal(MISSING_GROUP)})"
            case _:
                began = f"date_trunc({literal(self.by)}, {time})"
                return f"coalesce(strftime({began}, {literal(TIMES[self.by])}), {literal(MISSING_GROUP)})"
