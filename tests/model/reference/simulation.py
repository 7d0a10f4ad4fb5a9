"""What does recorded traffic make of a project? One loop per person, with a halt at each read of an audience."""

from fractions import Fraction
from typing import Any

from tests.model.reference.audiences import is_member
from tests.model.reference.crowd import Crowd
from tests.model.reference.merging import apply_line
from tests.model.reference.people import Document, Person, set_timer
from tests.model.reference.timekeeping import let_timers_fire
from tests.model.reference.times import DAY_MS, UNITS_MS, parse_instant, recurrences, zone_named
from tests.model.reference.worlds import Life, Limits, World

ONLY_IN_FACTS = ("visit", "class", "purpose", "withdrawn_by")
LOOPS_END_MS = 400 * DAY_MS  # after the last event, where no end is given


def run(
    project: Document, lines: list[Document], until_ms: int | None = None, limits: Limits = Limits()
) -> tuple[list[Document], list[Document]]:
    """The lines of transitions and of deliveries, in the order in which they are written."""
    return lines_in_files(people_at_end(project, lines, until_ms, limits))


def lines_in_files(people: list[Person]) -> tuple[list[Document], list[Document]]:
    return (
        in_order([line for person in people for line in person.transitions]),
        in_order([in_file(line) for person in people for line in person.delivery_lines]),
    )


def people_at_end(
    project: Document, lines: list[Document], until_ms: int | None = None, limits: Limits = Limits()
) -> list[Person]:
    """Whoever the lines are about, with all that was written down of them.

    `project` holds the documents by kind: project, profile, events, audiences (one each), messages and journeys
    (lists). `lines` are event lines, every one of them valid.
    """
    world = World(project, Life(limits))
    # A recorded file is sorted by timestamp first, stable.
    ordered = sorted(lines, key=lambda line: parse_instant(line["timestamp"]))
    crowd = Crowd(world.life)
    last_ms = parse_instant(ordered[-1]["timestamp"]) if ordered else 0
    read_at = read_instants(world, last_ms, until_ms)
    end_ms = max([last_ms, *read_at]) + LOOPS_END_MS if until_ms is None else until_ms
    for read_ms in read_at:
        if read_ms <= end_ms:
            # A read comes after the events of its instant and before the timers due at it.
            advance(crowd, ordered, lines_to_ms=read_ms, timers_to_ms=read_ms - 1)
            read(world, crowd.people, read_ms, last_ms, until_ms)
    advance(crowd, ordered, lines_to_ms=end_ms, timers_to_ms=end_ms)
    return crowd.everybody()


def advance(crowd: Crowd, waiting: list[Document], *, lines_to_ms: int, timers_to_ms: int) -> None:
    """Applies what is due, in order of effective time; takes the lines off the list."""
    while waiting and parse_instant(waiting[0]["timestamp"]) <= lines_to_ms:
        apply_line(crowd, waiting.pop(0))
    for person in crowd.people.values():
        let_timers_fire(person, timers_to_ms)


def reads_of(world: World, journey: Document, last_ms: int, until_ms: int | None) -> list[int]:
    entry = journey["entry"]
    if "read" not in entry:
        return []
    rule = entry.get("rule")
    # Where no end is given a rule that has one is followed to it, any other up to the last event.
    has_end = rule is None or "COUNT" in rule or "UNTIL" in rule
    through_ms = until_ms if until_ms is not None or has_end else last_ms
    return recurrences(entry["at"], rule, through_ms, zone_named(None, world.timezone))


def read_instants(world: World, last_ms: int, until_ms: int | None) -> list[int]:
    return sorted({read_ms for journey in world.journeys for read_ms in reads_of(world, journey, last_ms, until_ms)})


def read(world: World, people: dict[str, Person], read_ms: int, last_ms: int, until_ms: int | None) -> None:
    for journey in world.journeys:
        if read_ms in reads_of(world, journey, last_ms, until_ms) and world.life.state[journey["journey"]] == "open":
            if (journey["journey"], read_ms) in world.life.read:
                continue
            world.life.read.add((journey["journey"], read_ms))
            # Membership is fixed at the instant; person number n, ids as bytes, enters at T + floor(n / rate).
            members = [person for person in people.values() if is_member(person, read_ms, journey["entry"]["read"])]
            members.sort(key=lambda person: person.id.encode())
            for number, person in enumerate(members):
                delay_ms = delay_of(number, journey["entry"].get("rate"))
                set_timer(person, read_ms + delay_ms, "entry", journey=journey["journey"])


def delay_of(number: int, rate: str | None) -> int:
    if rate is None:
        return 0
    count, unit = rate.split("/")
    return int(Fraction(number * UNITS_MS[unit], int(count)))


def in_order(lines: list[Document]) -> list[Document]:
    # By time, profile as bytes, journey, run as a number with none first, order of happening.
    def key(line: Document) -> tuple[Any, ...]:
        return (line["at"], line["profile"].encode(), line["journey"], line["run"] is not None, line["run"] or 0)

    return sorted(lines, key=key)


def in_file(line: Document) -> Document:
    """A delivery's line without what only facts tell."""
    return {name: value for name, value in line.items() if name not in ONLY_IN_FACTS}
