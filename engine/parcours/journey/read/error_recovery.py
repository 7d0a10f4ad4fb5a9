"""Error recovery: a document with faults is validated again with the faulty parts replaced by harmless ones.

Without this, a mistyped key in one step would hide an unknown message in the next until it is corrected. Places in
lists are kept, so that findings about the rest still name the right line. The result is only validated, never run.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any, Final

from pydantic import ValidationError

from parcours.expression.names import UNREAD_EVENT
from parcours.journey.model.document import JourneyDocument
from parcours.journey.read.complaints import key_path
from parcours.journey.read.finding import KeyPath

ROUNDS_MAX: Final = 3
"""First faulty keys are removed, then faulty steps, then other parts; a document beyond that is given up."""


def repaired(data: object) -> JourneyDocument | None:
    """A journey document without its faulty parts, or None where too little is left."""
    if not isinstance(data, dict):
        return None
    whole: dict[str, Any] = deepcopy(data)
    for round_number in range(ROUNDS_MAX + 1):
        try:
            return JourneyDocument.model_validate(whole)
        except ValidationError as error:
            faults = {key_path(details) for details in error.errors(include_url=False)}
        for path in sorted(faults, key=str):
            _remove(whole, path, whole_part=round_number > 0)
    return None


def _remove(whole: dict[str, Any], path: KeyPath, whole_part: bool) -> None:
    if not path:
        for key in ("starts", "ends"):
            whole.pop(key, None)
    elif path[0] == "steps" and len(path) > 1:
        _remove_in_step(whole["steps"], path[1:], whole_part)
    elif path[0] == "entry":
        entry = _plain_entry(whole.get("entry"))
        if whole_part or not _drop(whole, path):
            whole["entry"] = entry
    elif whole_part or not _drop(whole, path):
        whole.pop(str(path[0]), None)


def _plain_entry(entry: object) -> object:
    """An entry by the same events or audience, reduced to that."""
    if isinstance(entry, list):
        return [_plain_entry(each) for each in entry] or {"event": UNREAD_EVENT}
    known = entry if isinstance(entry, dict) else {}
    for key, keyword in (("event", "event"), ("audience", "audience"), ("read", "audience")):
        if isinstance(known.get(key), str):
            return {keyword: known[key]}
    return {"event": UNREAD_EVENT}


def _remove_in_step(steps: Any, path: KeyPath, whole_part: bool) -> None:
    if not isinstance(steps, list) or not isinstance(path[0], int) or path[0] >= len(steps):
        return
    step = steps[path[0]]
    if whole_part or not isinstance(step, dict) or not _drop(step, path[1:]):
        steps[path[0]] = _stand_in(step, path[0])


def _stand_in(step: object, number: int) -> dict[str, object]:
    """A harmless step of the same id. A send step stays one, since reactions refer to it."""
    known = step if isinstance(step, dict) else {}
    name, message = known.get("id"), known.get("send")
    identity = {"id": name if isinstance(name, str) else f"step-{number}"}
    return {**identity, "send": message} if isinstance(message, str) else {**identity, "wait": "1d"}


def _drop(part: Any, path: KeyPath) -> bool:
    """Delete the key at a path; False where there is none."""
    for key in path[:-1]:
        if not _has(part, key):
            return False
        part = part[key]
    if path and isinstance(part, dict) and path[-1] in part:
        del part[path[-1]]
        return True
    return False


def _has(part: Any, key: str | int) -> bool:
    inside: Iterable[object] = part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
    return key in inside
