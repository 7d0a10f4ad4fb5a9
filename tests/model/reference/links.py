"""Under whose name is a line written, and whose names does it say to be the same person's?"""

from dataclasses import dataclass
from typing import Any

from tests.model.reference.expression import Instant, value
from tests.model.reference.learning import NAMED_CALLS
from tests.model.reference.people import Document, typed
from tests.model.reference.worlds import World

ANONYMOUS = "anonymous"
USER = "user"
NO_ID = (
    *("", "0", "none", "null", "nil", "undefined", "nan", "true", "false", "anonymous", "guest", "user", "unknown"),
    *("id", "email", "distinct_id", "[object object]", "00000000-0000-0000-0000-000000000000"),
)


@dataclass(frozen=True)
class Link:
    """A name that is said to be the person's; of an alias, the user who may be meant by it, too."""

    name: str
    call: str
    user: str | None = None


def user_name(user_id: str) -> str:
    return f"@{USER}/{user_id}" if user_id.startswith("@") else user_id


def name_in(world: World, namespace: str, text: str) -> str:
    if namespace == USER:
        return user_name(text)
    is_caseless = rule_of(world, namespace).get("caseless", False)
    return f"@{namespace}/{text.lower() if is_caseless else text}"


def rule_of(world: World, namespace: str) -> Document:
    rule: Document = (world.profile.get("identities") or {}).get(namespace) or {}
    return rule


def is_user(name: str) -> bool:
    return not name.startswith("@") or name.startswith(f"@{USER}/")


def is_no_id(name: str) -> bool:
    bare = name.partition("/")[2] if name.startswith("@") else name
    return bare.strip().lower() in NO_ID


def is_never(world: World, name: str) -> bool:
    return not is_user(name) and rule_of(world, name[1:].partition("/")[0]).get("link") == "never"


def written_name(world: World, line: Document) -> str | None:
    """The user's, else the anonymous person's, else the one that the key of the event's type names."""
    if line.get("userId"):
        return user_name(line["userId"])
    if line.get("anonymousId"):
        return f"@{ANONYMOUS}/{line['anonymousId']}"
    declared: Document = world.events.get(NAMED_CALLS.get(line["type"]) or line.get("event", ""), {})
    if "key" not in declared:
        return None
    event = typed(line.get("properties", {}), declared.get("properties", {}))
    found = value(declared["key"]["value"], {"event": event, "now": Instant(0)})
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        return None
    return name_in(world, declared["key"]["namespace"], str(found))


def links(world: World, line: Document) -> list[Link]:
    """Of an identify with a user id the anonymous id, then the external ids of declared namespaces; of an alias one."""
    if not line.get("userId"):
        return []
    match line["type"]:
        case "identify":
            declared = world.profile.get("identities") or {}
            found = [Link(f"@{ANONYMOUS}/{line['anonymousId']}", "identify")] if line.get("anonymousId") else []
            given: list[Any] = line.get("context", {}).get("externalIds", [])
            external = [name_in(world, one["type"], str(one["id"])) for one in given if one["type"] in declared]
            named = {one.name: one for one in (*(Link(name, "external") for name in reversed(external)), *found)}
            return [*found, *(named[name] for name in dict.fromkeys(external) if named[name] not in found)]
        case "alias":
            previous = line["previousId"]
            # Nobody was herself before: it is an anonymous id that happens to be called as she is.
            user = None if previous == line["userId"] else user_name(previous)
            return [Link(f"@{ANONYMOUS}/{previous}", "alias", user)]
        case "merge":
            return [Link(line["name"], "merge")]
        case _:
            return []
