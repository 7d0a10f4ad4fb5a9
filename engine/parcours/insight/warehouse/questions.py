"""What analyses ask of facts: rows by person, in the order of happening, some of them in memory at once.

All methods give people in the order of their names, as bytes, and what happened by time, and at one instant in the
order of happening. `from_ms` is in a window, `to_ms` is not; None leaves it open. Methods raise StoreBroken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, assert_never

from parcours.errors import CallerError
from parcours.expression.dotted import split_path
from parcours.insight.analyses.happenings import Events, Happening, beside
from parcours.insight.exporter.tables import COLUMNS
from parcours.insight.warehouse.event_views import pointer
from parcours.insight.warehouse.names import identifier, literal, within
from parcours.insight.warehouse.told_rows import (
    Assigned,
    Assignment,
    Conversion,
    Membership,
    ToldTraits,
    Touch,
    Touched,
    Traits,
)
from parcours.insight.warehouse.units import SORTED_BY, units_of
from parcours.insight.warehouse.viewed import Viewed
from parcours.insight.warehouse.visits import IN_ORDER, visit_value, with_visits
from parcours.insight.warehouse.warehouse import Warehouse
from parcours.journey.analyses import (
    DELIVERY_COLUMNS,
    PROPERTY,
    PROPOSITION_COLUMNS,
    DeliveryTouches,
    EventTouches,
    PropositionTouches,
    Touches,
    Unit,
)
from parcours.journey.model.insight import FactTable

OF_PEOPLE: Final[tuple[FactTable, ...]] = (
    "people", "events", "moves", "deliveries", "changes", "unmet", "unmatched", "limits",
)  # fmt: skip
"""The tables that tell of people. A row of another may have no name, or that of somebody who was only looked at."""

_person = itemgetter(0)


class Questions:
    """Asks one warehouse, as of the moment at which it was opened.

    tables  those that were read, of which every row may count: of people only the newest does
    """

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self.tables: set[FactTable] = set()

    def go_on(self) -> None:
        """For what counts long after it has read: raises CallerError once it has been interrupted."""
        self._warehouse.go_on()

    def happenings(
        self,
        events: Collection[str] | None = None,
        from_ms: int | None = None,
        to_ms: int | None = None,
        *,
        unit: Unit = "person",
        properties: bool = True,
        following: bool = False,
        in_any_order: bool = False,
    ) -> Iterator[Events]:
        """The events of each unit that has any in the window, a unit at a time in memory.

        events        the names of those that are asked for; None for all
        unit          `visit`: of all events of hers, those that are not asked for as well, some make up a visit;
                      `run`: those from the entry of a run to its end, both included, for each of her runs, which are
                      numbered by their entry
        properties    whether they are needed: without them it is much quicker
        following     with each that is asked for also the very next event of its unit within the window, whatever it
                      is, but without properties if it is not asked for itself
        in_any_order  whether people may come in any order, which is quicker; what is theirs stays together
        """
        self.tables.add("events")
        named = _named(events)
        told = "properties" if properties else "null"
        if following:
            told = f"case when {named} then {told} end"
        match unit:
            case "person":
                source = "select *, 0 as unit from main.events"
            case "visit":
                source = "select *, visit as unit from main.visits"
            case "run":
                self.tables.add("moves")
                source = (
                    f"select events.*, unit from main.events join ({RUNS}) runs using (person)"
                    " where time >= entered and time <= ended"
                )
            case _:
                assert_never(unit)
        query = (
            f"select {'hash(person)' if in_any_order else 'person'} as key, person, unit::integer as unit,"
            f" epoch_ms(time) as time, event, {told} as properties, record, shard, n from ({source})"
            f" where {'true' if following else named} and {within('time', from_ms, to_ms)}"
            f" order by {', '.join(SORTED_BY)}"
        )
        return units_of(self._warehouse.batches(query), events if following else None)

    def touched(
        self,
        touches: Touches,
        key: str,
        conversions: Collection[str],
        from_ms: int | None = None,
        to_ms: int | None = None,
    ) -> Iterator[Touched]:
        """The touches of each person and her events of these names, of those who have any of either.

        key  a column of a touch; of events `event`, or `event.` with the path of a property
        Raises CallerError for a key that these touches do not have.
        """
        self.tables |= {"events", *_TOUCHED.get(type(touches), ())}
        query = _touched_query(self._warehouse.viewed, touches, key, conversions, from_ms, to_ms)
        chosen = (
            "select person, visit, epoch_ms(time), touches, key, converts, event, properties"
            f" from ({query}) where touches or converts order by person, {IN_ORDER}"
        )
        for person, rows in groupby(self._warehouse.rows(chosen), _person):
            yield Touched(person, [*_touches_and_conversions(rows)])

    def deliveries(
        self, outcome: str, from_ms: int | None = None, to_ms: int | None = None
    ) -> Iterator[tuple[str, int]]:
        """Of each person, how many of her deliveries came to an outcome or got a mark within the window."""
        self.tables.add("deliveries")
        chosen = f"kind = 'delivery' and what = {literal(outcome)} and {within('time', from_ms, to_ms)}"
        query = f"select person, count(distinct key) from main.touches where {chosen} group by person order by person"
        return ((person, count) for person, count in self._warehouse.rows(query))

    def assigned(
        self, journey: str, step: str, goals: Collection[str] = (), *, before_ms: int = 0
    ) -> Iterator[Assigned]:
        """Who took which way at a split, and her events of these names from her first split on.

        before_ms  how long before that events are told as well
        """
        self.tables.add("moves")
        query = (
            'select person, epoch_ms(time), run, "index", version from main.moves'
            f" where what = 'split' and journey = {literal(journey)} and step = {literal(step)}"
            f' and "index" is not null order by person, {IN_ORDER}'
        )
        happened = self.happenings(goals) if goals else iter(())
        for person, rows, found in beside(groupby(self._warehouse.rows(query), _person), happened):
            assignments = [Assignment(*row[1:]) for row in rows]
            since = assignments[0].at - before_ms
            yield Assigned(person, assignments, [each for each in found if each.at >= since])

    def everybody(self) -> Iterator[str]:
        """Whoever is known: in the table of people, or by anything that is told of her."""
        self.tables.update(OF_PEOPLE)
        told = " union ".join(f"select person from main.{table}" for table in OF_PEOPLE)
        return (
            person
            for (person,) in self._warehouse.rows(f"select person from ({told}) where person <> '' order by person")
        )

    def merged_away(self) -> frozenset[str]:
        """The names under which nobody is any more: merged into somebody, and no event has come under them since."""
        self.tables.add("changes")
        query = (
            "select name from (select name, max(time) as at from hidden.changes where what = 'merged' group by name)"
            " merged where not exists"
            " (from hidden.events told where told.person = merged.name and told.time > merged.at) order by name"
        )
        return frozenset(name for (name,) in self._warehouse.rows(query))

    def published(self, journey: str) -> Iterator[tuple[int, str]]:
        """The versions of a journey that facts tell of, each with its document as YAML text."""
        self.tables.add("publications")
        chosen = f"select version, document from main.publications where journey = {literal(journey)} order by version"
        return ((version, document) for version, document in self._warehouse.rows(chosen))

    def traits(self) -> Iterator[Traits]:
        """What the table of people has of each, from the newest row; nobody is there who is in no row."""
        names = self._columns_of("people")
        then, traits = names[-1], names[2 : names.index("audiences")]
        query = (
            f"select person, epoch_ms(taken), audiences, consents, {', '.join(map(identifier, traits)) or 'null'}"
            " from main.people qualify row_number() over"
            f" (partition by person order by taken desc, {identifier(then)} = person desc, n) = 1 order by person"
        )
        paths = [_trait(name) for name in traits]
        for person, taken, audiences, consents, *values in self._warehouse.rows(query):
            yield Traits(person, taken, dict(zip(paths, values)), audiences, consents)  # noqa: B905  # without traits there is a null

    def told_traits(self) -> Iterator[ToldTraits]:
        """The newest value of each trait whose changes are told, of each person with any."""
        self.tables.add("changes")
        query = (
            "select person, name, arg_max(value, row(time, record, shard, n)), epoch_ms(max(time)) from main.changes"
            " where what = 'trait' and value is not null group by person, name order by person, name"
        )
        for person, rows in groupby(self._warehouse.rows(query), _person):
            yield ToldTraits(person, {name: (at, value) for _, name, value, at in rows})

    def members(self, audience: str) -> Iterator[Membership]:
        """When each person was in an audience, of those who ever were, as far back as changes are kept.

        What is told of somebody who was merged ends with the merge: then the person herself is looked at again.
        """
        self.tables.add("changes")
        query = (
            f"select told.person, told.person_then, epoch_ms(told.time), told.value = 'entered', epoch_ms(today.until)"
            " from main.changes told left join hidden.names today on today.name = told.person_then"
            " and told.time > today.since and told.time <= today.until"
            f" where told.what = 'audience' and told.name = {literal(audience)}"
            " order by told.person, told.person_then, told.time, told.record, told.shard, told.n"  # spans are in it
        )
        for person, rows in groupby(self._warehouse.rows(query), _person):
            spans: list[tuple[int, int | None]] = []
            for (_, until), under in groupby(rows, itemgetter(1, 4)):
                spans += _spans(under, until)
            yield Membership(person, sorted(spans, key=lambda span: span[0]))

    def _columns_of(self, view: str) -> list[str]:
        described = self._warehouse.rows(f"select column_name from (describe main.{view})")
        return [name for (name,) in described]


RUNS: Final = (
    "select person, coalesce(entered, '-infinity') as entered, coalesce(ended, 'infinity') as ended,"
    " row_number() over (partition by person order by entered nulls first, journey, run, person_then) as unit"
    " from main.runs"
)
"""The runs of each person by number."""


_TOUCHED: Final[Mapping[type, tuple[FactTable, ...]]] = {
    DeliveryTouches: ("deliveries",),
    PropositionTouches: ("changes",),
}
"""The tables that tell of touches which are no events."""


def _named(events: Collection[str] | None) -> str:
    if events is None:
        return "true"
    return f"event in ({', '.join(map(literal, sorted(events)))})" if events else "false"


def _touched_query(
    viewed: Viewed, touches: Touches, key: str, conversions: Collection[str], from_ms: int | None, to_ms: int | None
) -> str:
    """All that makes up visits: events, and touches that are none; with what each is."""
    columns = "person, time, record, shard, n"
    converts, other, inside = _named(conversions), "", within("time", from_ms, to_ms)
    match touches:
        case DeliveryTouches(outcome):
            if key not in DELIVERY_COLUMNS:
                raise CallerError(f"Touches of deliveries have no {key!r}: one of {', '.join(DELIVERY_COLUMNS)}.")
            touching, text, other = "false", "null", _touched("delivery", outcome, key, inside)
        case EventTouches(names):
            touching, text = _named(names), _event_key(key)
        case PropositionTouches(mark):
            if key not in PROPOSITION_COLUMNS:
                raise CallerError(f"Touches of propositions have no {key!r}: one of {', '.join(PROPOSITION_COLUMNS)}.")
            touching, text, other = "false", "null", _touched("offer", mark, key, inside)
        case _:
            assert_never(touches)
    events = (
        f"select {columns}, {touching} as touches, {text} as key, {converts} as converts, event,"
        f" case when {converts} then properties end as properties, {visit_value(viewed)} as visit_value"
        f" from main.events where {inside}"
    )
    return with_visits(f"{events}{other}", viewed)


def _touched(kind: str, what: str, key: str, inside: str) -> str:
    """What goes on behind the query of events: touches that are none."""
    return (
        f" union all select person, time, record, shard, n, true, {identifier(key)}, false, null, null, null"
        f" from main.touches where kind = {literal(kind)} and what = {literal(what)} and {inside}"
    )


def _event_key(key: str) -> str:
    if key == "event":
        return "event"
    if not key.startswith(PROPERTY) or not split_path(key.removeprefix(PROPERTY)):
        raise CallerError(f"Touches of events have no {key!r}: `event`, or `event.` with the path of a property.")
    return f"json_extract_string(properties, {literal(pointer(key.removeprefix(PROPERTY)))})"


def _touches_and_conversions(rows: Iterable[tuple[Any, ...]]) -> Iterator[Touch | Conversion]:
    for _, visit, at, touches, key, converts, event, properties in rows:
        if converts:
            yield Conversion(Happening(at, event, properties), visit)
        if touches:
            yield Touch(at, key, visit)


def _trait(column: str) -> str:
    """The path of a trait, whose column may stand behind `traits.` because another one is called so."""
    usual = {each.name for each in COLUMNS["people"]}
    path = column.removeprefix("traits.")
    return path if path.lower() in usual else column


def _spans(rows: Iterable[tuple[Any, ...]], until: int | None) -> Iterator[tuple[int, int | None]]:
    """The spans under one name, which was hers up to and including an instant, if it was not for ever."""
    since: int | None = None
    for _, _, at, entered, _ in rows:
        if since is not None and not entered:
            yield since, at
            since = None
        elif entered and since is None:
            since = at
    if since is not None:
        yield since, None if until is None else until + 1
