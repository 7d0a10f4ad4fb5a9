"""What becomes of an outbound call, and what may be read in its answer?

A call is a delivery to nobody: no gate stands before it, and once it has been made it has at most one end.
"""

from typing import Any

from tests.model.reference.expression import kind_of, timestamp
from tests.model.reference.people import Document, Person, queue, record_delivery

CALL = "call"
ENDS = ("answered", "failed")
KINDS = {"string": "text", "boolean": "boolean", "number": "number", "integer": "number"}


def ask(person: Person, now_ms: int, run: Document, step: Document) -> None:
    """Asks for one call; it leaves when all that this input caused is over."""
    call: Document = {
        "run": run,
        "step": step["id"],
        "visit": run["visits"][step["id"]],
        "channel": CALL,
        "message": {"message": step["call"], "class": CALL},
        "asked_at": now_ms,
        "to": None,
        "marks": [],
        "declared": run["world"].actions[step["call"]].get("answer", {}),
    }
    queue(person, call)
    person.deliveries.append(call)


def react(person: Person, now_ms: int, line: Document) -> list[Document]:
    """What is new in the end of the newest call of a step; whatever came first is its end."""
    made = [one for one in person.deliveries if is_meant(one, line)]
    # Of one instant, the one of the later run is the newest.
    newest = max(enumerate(made), key=lambda one: (one[1]["asked_at"], one[1]["run"]["number"], one[0]), default=None)
    if newest is None or newest[1]["state"] != "sent":
        return []
    call = newest[1]
    call["state"] = line["reaction"]
    call["answer"] = readable(line.get("answer", {}), call["declared"]) if line["reaction"] == "answered" else None
    call["marks"].append((line["reaction"], None, now_ms))
    record_delivery(person, now_ms, call, line["reaction"])
    return [{"delivery": call, "reaction": line["reaction"], "link": None}]


def is_meant(delivery: Document, line: Document) -> bool:
    named = (delivery["run"]["journey"]["journey"], delivery["step"], delivery["channel"])
    made = delivery["state"] in ("sent", *ENDS) and not delivery["run"]["forgotten"]
    return named == (line["journey"], line["step"], CALL) and made


def readable(answer: Document, declared: dict[str, str]) -> Document:
    """The paths of an answer that the action declares; what is not of the declared kind is missing."""
    found: Document = {}
    for path, kind in declared.items():
        inner: Any = answer
        for name in path.split("."):
            inner = inner.get(name) if isinstance(inner, dict) else None
        if kind == "timestamp":
            inner = timestamp(inner)
        elif kind_of(inner) != KINDS[kind] or (kind == "integer" and not isinstance(inner, int)):
            inner = None
        if inner is not None:
            *above, last = path.split(".")
            place = found
            for name in above:
                place = place.setdefault(name, {})
            place[last] = inner
    return found


def hear(person: Person, run: Document, listener: Document) -> None:
    """After a listener for `answered`, the answer is the run's event until another event moves it."""
    if listener.get("reaction") == "answered":
        visit = run["visits"][listener["of"]]
        for delivery in person.deliveries:
            if delivery["run"] is run and (delivery["step"], delivery["visit"]) == (listener["of"], visit):
                run["event"] = delivery["answer"]
