"""Who is it in a test? A user by her id, or as results name whoever has none; and who is said to be one person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from parcours.core.identity import ANONYMOUS, USER, id_of, namespace_of, user_name
from parcours.expression.dotted import split_path
from parcours.journey.program import Program
from parcours.segment.line import Call, Unusable
from parcours.segment.person import keyed_person


def name_of(who: str, program: Program) -> str:
    """The name in results of a person of a test: `@anonymous/7f3a` is one, and whatever is none is a user id."""
    if who.startswith("@") and "/" in who and namespace_of(who) in {USER, *program.identities}:
        return who
    return user_name(who)


def is_user(who: str, program: Program) -> bool:
    """Whether she has a user id."""
    return namespace_of(name_of(who, program)) == USER


def ids(who: str, program: Program) -> dict[str, object]:
    """What a call says of whose it is; of whoever has no id her name, which no event takes."""
    name = name_of(who, program)
    match namespace_of(name):
        case "user":
            return {"userId": id_of(name)}
        case "anonymous":
            return {"anonymousId": id_of(name)}
        case _:
            return {"person": name}


def is_hers(event: str, properties: Mapping[str, Any], who: str, program: Program) -> bool:
    """Whether an event without an id is hers by the key of its type."""
    call = Call(type="track", event=event, properties=msgspec.Raw(msgspec.json.encode(properties)))
    try:
        return keyed_person(call, program) == name_of(who, program)
    except Unusable:
        return False


def linked_ids(identify: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """The ids among what an identify says, by namespace. A declared trait is one, whatever its name."""
    roots = {split_path(path)[0] for path in program.trait_kinds}
    return {name: value for name, value in identify.items() if name in program.identities and name not in roots}


def identified(who: str, told: Mapping[str, Any], program: Program) -> dict[str, object]:
    """The identify call that says this of her, without its time."""
    linked = linked_ids(told, program)
    call: dict[str, object] = {"type": "identify", **ids(who, program)}
    call["traits"] = {name: value for name, value in told.items() if name not in linked}
    if ANONYMOUS in linked:
        call["anonymousId"] = str(linked.pop(ANONYMOUS))
    if linked:
        external = [{"type": namespace, "id": value} for namespace, value in linked.items()]
        call["context"] = {"externalIds": external}
    return call
