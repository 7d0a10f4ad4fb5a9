"""What is asked of a report, and how its bounds and groups are written in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from parcours.errors import CallerError
from parcours.insight.analyses.happenings import MISSING_GROUP
from parcours.insight.warehouse.names import KNOWN_CODE, KNOWN_PART, literal, segment, within
from parcours.insight.windows import Window

ReportKind: TypeAlias = Literal["journey", "campaign", "channel", "message", "event", "place", "offer"]

KINDS: Final[Mapping[str, ReportKind]] = {kind: kind for kind in get_args(ReportKind)}
"""The kinds by what they are called."""

Cohort: TypeAlias = Literal["entered", "moved"]
"""What a window counts: what began in it, with all that became of it; or what happened in it."""

COHORTS: Final = get_args(Cohort)

By: TypeAlias = Literal["day", "hour", "week", "version", "step"]

WORDS: Final = frozenset(get_args(By))

TIMES: Final = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00Z", "week": "%Y-%m-%d"}
"""How a group of time is called: by its beginning in UTC; weeks begin on Monday."""

GROUPS: Final[dict[ReportKind, tuple[By, ...]]] = {
    "journey": ("day", "hour", "week", "version"),
    "campaign": (),
    "channel": ("day", "hour", "week", "version", "step"),
    "message": ("day", "hour", "week", "version", "step"),
    "event": ("day", "hour", "week"),
    "place": ("day", "hour", "week"),
    "offer": ("day", "hour", "week"),
}
"""By what each kind can be divided, besides segments."""

SEGMENTED: Final = frozenset({"journey", "channel", "message", "event", "place", "offer"})
"""The kinds whose every row is of a person."""

SEGMENTS_MAX: Final = 4
"""Segments by which a report is divided at once: there are as many groups as ways to be in some and not in others."""

OTHERS: Final = "(others)"
"""The group of whoever is in none of the segments."""

BOTH: Final = " + "
"""Stands between the segments of those who are in several."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    kind     of what the report is
    name     of which one; None for all
    from_ms  is in the window, `to_ms` is not; None leaves it open
    cohort   what the window counts
    by       into which groups everything is divided: one of `GROUPS`, or segments with commas between
    live     the window is the 24 hours up to what is known
    hides    of reasons, and of why runs are parked, the words and codes of a fixed list are told alone
    """

    kind: ReportKind
    name: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    cohort: Cohort = "entered"
    by: str | None = None
    live: bool = False
    hides: bool = False

    def __post_init__(self) -> None:
        """Raises CallerError for what no report of this kind can be divided by, and for what is no window."""
        Window(self.from_ms, self.to_ms, self.live)
        known = GROUPS[self.kind]
        if self.by is None or self.by in known:
            return
        if self.by in WORDS or self.kind not in SEGMENTED:
            raise CallerError(
                f"A report of kind {self.kind} is not divided by {self.by}"
                + (f": by one of {', '.join(known)}." if known else ", nor by anything else.")
            )
        if len(self.segments) > SEGMENTS_MAX or len({*self.segments}) < len(self.segments) or "" in self.segments:
            raise CallerError(
                f"by {self.by!r}: up to {SEGMENTS_MAX} different segments are expected, such as west,mobile."
            )

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments by which everything is divided; none where it is divided by something else."""
        if self.by is None or self.by in WORDS:
            return ()
        return tuple(name.strip() for name in self.by.split(","))

    def known_by(self, as_of_ms: int | None) -> Asked:
        """The same with the bounds of the window: `live` is that up to the instant to which everything is known."""
        window = Window(self.from_ms, self.to_ms, self.live).by(as_of_ms)
        return replace(self, from_ms=window.from_ms, to_ms=window.to_ms, live=False)

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

    def reason(self, column: str) -> str:
        """A reason in SQL, as it may be told."""
        return f"{KNOWN_PART}({column})" if self.hides else column

    def code(self, column: str) -> str:
        """The same of a code that stands beside one."""
        return f"{KNOWN_CODE}({column})" if self.hides else column

    def group(self, time: str, version: str = "null", step: str = "null") -> str:
        """The name of the group in SQL, one and the same where there are none."""
        match self.by:
            case None:
                return "''"
            case _ if self.segments:
                inside = (
                    f"case when {segment(number)} then {literal(name)} end" for number, name in enumerate(self.segments)
                )
                return f"coalesce(nullif(concat_ws({literal(BOTH)}, {', '.join(inside)}), ''), {literal(OTHERS)})"
            case "version" | "step":
                return f"coalesce(({version if self.by == 'version' else step})::varchar, {literal(MISSING_GROUP)})"
            case _:
                began = f"date_trunc({literal(self.by)}, {time})"
                return f"coalesce(strftime({began}, {literal(TIMES[self.by])}), {literal(MISSING_GROUP)})"
