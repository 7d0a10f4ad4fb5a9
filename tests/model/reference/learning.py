"""What does a line make known of a person, and what may be heard of it?"""

from tests.model.reference import audiences, calls, deliveries
from tests.model.reference.expression import holds
from tests.model.reference.people import Document, Person, scope_of, set_consent, set_traits, typed
from tests.model.reference.worlds import World

NAMED_CALLS = {"page": "Page Viewed", "screen": "Screen Viewed"}


def new_fact(changes: list[audiences.Change]) -> Document:
    """What may be heard; `events` gives for each world the names that the event goes by in it, and its properties."""
    return {"events": [], "reactions": [], "changes": changes}


def learn(person: Person, now_ms: int, line: Document) -> Document | None:
    """Traits, consents, marks and history; answers what the phases are about, or None where nothing happened."""
    fact = new_fact([])
    match line["type"]:
        case "identify":
            set_traits(person, line.get("traits", {}))
        case "consent":
            set_consent(person, line["channel"], line.get("purpose"), line["granted"])
        case "reaction":
            made = calls if line["reaction"] in calls.ENDS else deliveries
            fact["reactions"] = made.react(person, now_ms, line)
            if not fact["reactions"] and not deliveries.withdraws(person, line):
                return None
        case "suppression":
            place = (line["channel"], line["address"])
            if line["suppressed"]:
                deliveries.suppress(person, place, now_ms)
            else:
                deliveries.lift(person, place)
                if not person.known:
                    return None
        case "alias" | "merge":
            return None
        case kind:
            name = NAMED_CALLS.get(kind) or line["event"]
            properties = line.get("properties", {})
            if kind in NAMED_CALLS:
                properties = {key: line[key] for key in ("name", "category") if key in line} | properties
            for world in person.world.life.worlds:
                names, event = named(person, now_ms, world, name, properties)
                if names:
                    fact["events"].append((world, names, event))
            # An undeclared event moves nothing.
            if not fact["events"]:
                return None
            meanings = {world.meaning(name) for world, names, _ in fact["events"] for name in names}
            scope = scope_of(person, now_ms, event=fact["events"][-1][2])
            happened = {"at": now_ms, "order": person.world.life.order, "names": meanings, "scope": scope}
            person.history.append(happened)
    return fact


def named(person: Person, now_ms: int, world: World, name: str, properties: Document) -> tuple[list[str], Document]:
    """The declared names that one event goes by in a world: its own, and those whose rule it meets."""
    events = world.events
    declared: Document = {}
    for own, declaration in events.items():
        if name in (own, declaration.get("of")):
            declared.update(declaration.get("properties", {}))
    event = typed(properties, declared)
    scope = scope_of(person, now_ms, event=event)
    names = [name] if name in events else []
    for own, declaration in events.items():
        if declaration.get("of") == name and holds(declaration["rule"], scope):
            names.append(own)
    return names, event
