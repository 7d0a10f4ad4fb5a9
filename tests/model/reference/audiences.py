"""Which audiences is a person in, and when does that change by the passing of time alone?"""

from collections.abc import Iterator

from tests.model.reference.expression import Instant, Tree, evaluate, holds, parse
from tests.model.reference.people import Document, Person, scope_of, set_timer
from tests.model.reference.times import is_duration, parse_duration

Change = tuple[str, str]  # an audience and "entered" or "left"


def refresh(person: Person, now_ms: int) -> list[Change]:
    """Membership as it is now; returns what changed, and sets the timers of the next changes."""
    changes = []
    for name, condition in person.world.audiences.items():
        inside = holds(condition, scope_of(person, now_ms))
        # Nobody is a member before their first input.
        if inside != person.member.get(name, False):
            changes.append((name, "entered" if inside else "left"))
        person.member[name] = inside
        due_ms = next_change(person, now_ms, condition)
        if due_ms != person.next_change.get(name):
            person.next_change[name] = due_ms
            if due_ms is not None:
                set_timer(person, due_ms, "audience", audience=name)
    return changes


def next_change(person: Person, now_ms: int, condition: str) -> int | None:
    """The first instant after now at which the condition answers otherwise, if nothing else happens."""
    inside = holds(condition, scope_of(person, now_ms))
    for instant_ms in sorted(set(candidates(person, now_ms, parse(condition)))):
        if instant_ms > now_ms and holds(condition, scope_of(person, instant_ms)) != inside:
            return instant_ms
    return None


def candidates(person: Person, now_ms: int, tree: Tree) -> Iterator[int]:
    scope = scope_of(person, now_ms)
    for node in nodes(tree):
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


def nodes(tree: Tree) -> list[Tree]:
    found = [tree]
    for part in tree[1:]:
        for inner in part if isinstance(part, list) else [part]:
            if isinstance(inner, tuple):
                found.extend(nodes(inner))
    return found


def is_member(person: Person, now_ms: int, name: str) -> bool:
    """Whether the condition holds at an instant, for whoever is known by then."""
    return person.known and holds(person.world.audiences[name], scope_of(person, now_ms))


def in_exit_audience(person: Person, journey: Document) -> bool:
    return any(person.member.get(rule["audience"], False) for rule in journey.get("exit", []) if "audience" in rule)
