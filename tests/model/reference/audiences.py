"""Which audiences is a person in, and when does that change by the passing of time alone?"""

from collections.abc import Iterator

from tests.model.reference.expression import Instant, evaluate, holds
from tests.model.reference.people import Document, Person, scope_of, set_timer
from tests.model.reference.times import is_duration, parse_duration
from tests.model.reference.worlds import AudienceKey, World, nodes, nodes_of

Change = tuple[AudienceKey, str]  # an audience and "entered" or "left"


def refresh(person: Person, now_ms: int) -> list[Change]:
    """Membership as it is now; returns what changed, and sets the timers of the next changes."""
    changes = []
    for name, (condition, world) in meanings(person).items():
        inside = holds(condition, scope_of(person, now_ms, world=world))
        # Nobody is a member before their first input.
        changed = inside != person.member.get(name, False)
        if changed:
            changes.append((name, "entered" if inside else "left"))
        person.member[name] = inside
        due_ms = next_change(person, now_ms, condition, world)
        # Once it has changed, the next change is another one, also where it is due at the same instant.
        if changed or due_ms != person.next_change.get(name):
            person.next_change[name] = due_ms
            # A change that is no longer due gives up its place among the timers.
            person.timers = [timer for timer in person.timers if timer.get("audience") != name]
            if due_ms is not None:
                set_timer(person, due_ms, "audience", audience=name)
    return changes


def meanings(person: Person) -> dict[AudienceKey, tuple[str, World]]:
    """All audiences that were ever published: a name that came to mean something else is another audience."""
    found: dict[AudienceKey, tuple[str, World]] = {}
    for world in person.world.life.worlds:
        for name, condition in world.audiences.items():
            found.setdefault(world.audience_key(name), (condition, world))
    return found


def fill(person: Person, now_ms: int) -> None:
    """What was published fills silently: nobody entered."""
    if person.known:
        changes = refresh(person, now_ms)
        person.settled.update((audience, change == "entered") for audience, change in changes)


def next_change(person: Person, now_ms: int, condition: str, world: World) -> int | None:
    """The first instant after now at which the condition answers otherwise, if nothing else happens."""
    inside = holds(condition, scope_of(person, now_ms, world=world))
    for instant_ms in sorted(set(candidates(person, now_ms, condition, world))):
        if instant_ms > now_ms and holds(condition, scope_of(person, instant_ms, world=world)) != inside:
            return instant_ms
    return None


def candidates(person: Person, now_ms: int, condition: str, world: World) -> Iterator[int]:
    scope = scope_of(person, now_ms, world=world)
    for node in nodes_of(condition):
        match node:
            # An event leaves a window when it is as old as the window is long.
            case ("call", "count" | "sum", [("value", _), *rest]):
                windows = [parse_duration(text) for _, text in rest if is_duration(text)]
                for event in person.history:
                    yield from (event["at"] + window_ms for window_ms in windows)
            # `now`, plus or minus a duration, is compared with a timestamp: at that instant, or just after it.
            case ("compare", _, left, right):
                for side, other in ((left, right), (right, left)):
                    if ("root", "now") in nodes(side):
                        shifted = evaluate(side, {**scope, "now": Instant(0)})
                        limit = evaluate(other, scope)
                        if isinstance(shifted, Instant) and isinstance(limit, Instant):
                            yield from (limit.ms - shifted.ms, limit.ms - shifted.ms + 1)
            case _:
                pass


def is_member(person: Person, now_ms: int, name: str) -> bool:
    """Whether the condition holds at an instant, for whoever is known by then."""
    return person.known and holds(person.world.audiences[name], scope_of(person, now_ms))


def is_so(person: Person, listener: Document, world: World) -> bool:
    """Whether a listener for being inside or outside finds it so."""
    inside = person.settled.get(world.audience_key(listener["audience"]), False)
    return inside == {"inside": True, "outside": False}.get(listener.get("change", "entered"))


def in_exit_audience(person: Person, journey: Document) -> bool:
    named = [rule["audience"] for rule in journey.get("exit", []) if "audience" in rule]
    return any(person.settled.get(person.world.audience_key(name), False) for name in named)
