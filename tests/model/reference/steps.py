"""Where does a run go from here? Instant steps follow one another until the run waits or ends."""

import hashlib
from datetime import date
from typing import Any

from tests.model.reference import audiences, calls, deliveries
from tests.model.reference.expression import Instant, holds, value
from tests.model.reference.people import Document, Person, record, scope_of, set_timer, set_traits, zone_of
from tests.model.reference.times import at_time_of_day, next_birthday, next_time_of_day, parse_duration, to_text

CAUSED_INPUTS_MAX = 100

STAYS = object()  # what a step answers that keeps the run, or ended it


def move(person: Person, now_ms: int, run: Document, step_id: Any) -> None:
    """Takes a run to a step and through as many instant steps as it can."""
    while step_id is not STAYS:
        run["stay"] += 1
        if step_id is None:
            end(person, now_ms, run, "ended", "last step")
            return
        run["step"], run["told_until"] = step_id, None
        run["visits"][step_id] = run["visits"].get(step_id, 0) + 1
        record(person, now_ms, run, "reached", None, step_id)
        step_id = perform(person, now_ms, run, step_of(run["journey"], step_id))


def end(person: Person, now_ms: int, run: Document, what: str, why: str) -> None:
    record(person, now_ms, run, what, why, run["step"])
    run["status"] = "ended"
    run["ended_at"] = now_ms
    run["stay"] += 1


def park(person: Person, now_ms: int, run: Document, why: str) -> Any:
    # A parked run keeps its key open and moves no more.
    record(person, now_ms, run, "parked", why, run["step"])
    run["status"] = "parked"
    run["stay"] += 1
    return STAYS


def step_of(journey: Document, step_id: str) -> Document:
    found: Document = next(step for step in journey["steps"] if step["id"] == step_id)
    return found


def following(journey: Document, step: Document, explicit: str | None = None) -> str | None:
    """The step that is named, or else the next in the list; after the last one there is none."""
    if explicit or step.get("next"):
        return explicit or step["next"]
    steps = [other["id"] for other in journey["steps"]]
    index = steps.index(step["id"]) + 1
    return steps[index] if index < len(steps) else None


def perform(person: Person, now_ms: int, run: Document, step: Document) -> Any:
    """What a step does on being reached; answers the next step, None after the last one, or STAYS."""
    if "send" in step:
        asked = deliveries.ask(person, now_ms, run, step)
        tell_wait(person, now_ms, run)
        return after_send(run, step, asked)
    if "wait" in step:
        return wait(person, now_ms, run, step)
    if "wait_for" in step:
        return wait_for(person, now_ms, run, step)
    if "branch" in step:
        return branch(person, now_ms, run, step)
    if "split" in step:
        return split(person, now_ms, run, step)
    if "update" in step:
        return update(person, now_ms, run, step)
    if "call" in step:
        # What has been asked goes its own way; the run goes on.
        calls.ask(person, now_ms, run, step)
        return following(run["journey"], step)
    assert step.get("end"), f"a step of no known kind: {step!r}"
    end(person, now_ms, run, "ended", "end step")
    return STAYS


def after_send(run: Document, step: Document, asked: list[Document]) -> Any:
    # The run stays while a delivery is held.
    if any(delivery["state"] == "held" for delivery in asked):
        return STAYS
    # `on_refused` takes the runs whose every delivery a gate refused.
    if "on_refused" in step and all(delivery["state"] == "refused" for delivery in asked):
        return step["on_refused"]
    return following(run["journey"], step)


def tell_wait(person: Person, now_ms: int, run: Document) -> None:
    """Tells until when a run waits for what is held at its send step."""
    if run["status"] != "open":
        return
    place = (run["step"], run["visits"].get(run["step"]))
    held = [one for one in person.deliveries if one["run"] is run and one["state"] == "held"]
    awaited = [one for one in held if (one["step"], one["visit"]) == place]
    due = [timer["due"] for timer in person.timers if any(timer.get("delivery") is one for one in awaited)]
    # One line, with the latest release, and a new one when that changes.
    if due and max(due) != run["told_until"]:
        run["told_until"] = max(due)
        record(person, now_ms, run, "waiting", to_text(max(due)), run["step"])


def wait(person: Person, now_ms: int, run: Document, step: Document) -> Any:
    due_ms = due_of(person, now_ms, run, step["wait"])
    # An instant that is none cannot be waited for.
    if due_ms is None:
        return park(person, now_ms, run, "no instant to wait for")
    record(person, now_ms, run, "waiting", to_text(due_ms), step["id"])
    # An instant in the past goes on at once and records it.
    if due_ms <= now_ms:
        return following(run["journey"], step)
    set_timer(person, due_ms, "wait", run=run, stay=run["stay"])
    return STAYS


def due_of(person: Person, now_ms: int, run: Document, wanted: Any) -> int | None:
    if isinstance(wanted, str):
        return now_ms + parse_duration(wanted)
    zone = zone_of(person, now_ms, run["journey"].get("timezone", "profile"))
    if "until" in wanted:
        instant = value(wanted["until"], scope_of(person, now_ms, run=run))
        offset_ms = parse_duration(wanted.get("offset", "0s"))
        if isinstance(instant, Instant):
            return instant.ms + offset_ms
        if not isinstance(instant, str):
            return None
        # A date is local: its 00:00, or another time of day.
        time = wanted.get("time", "00:00")
        if wanted.get("yearly"):
            return next_birthday(now_ms, instant, time, offset_ms, zone)
        return at_time_of_day(date.fromisoformat(instant), time, zone) + offset_ms
    return next_time_of_day(now_ms, wanted["time"], wanted.get("days"), zone)


def wait_for(person: Person, now_ms: int, run: Document, step: Document) -> Any:
    # A reaction that the delivery already has matches at once; an event listener never looks back.
    for listener in step["wait_for"]:
        # So does being inside or outside, as of the changes that have been inputs.
        if "audience" in listener and audiences.is_so(person, listener, run["world"]):
            record(person, now_ms, run, "matched", listener["audience"], step["id"])
            return following(run["journey"], step, listener.get("next"))
        if "reaction" in listener and deliveries.heard_already(person, now_ms, run, listener):
            record(person, now_ms, run, "matched", listener["reaction"], step["id"])
            calls.hear(person, run, listener)
            return following(run["journey"], step, listener.get("next"))
    due_ms = None
    if "timeout" in step:
        due_ms = now_ms + parse_duration(step["timeout"])
        set_timer(person, due_ms, "timeout", run=run, stay=run["stay"])
    record(person, now_ms, run, "waiting", None if due_ms is None else to_text(due_ms), step["id"])
    return STAYS


def branch(person: Person, now_ms: int, run: Document, step: Document) -> Any:
    # The first match from the top; no match and no `otherwise`: the next step.
    why, target = None, None
    for index, option in enumerate(step["branch"]):
        if "otherwise" in option:
            why, target = "otherwise", option["otherwise"]
            break
        if holds(option["when"], scope_of(person, now_ms, run=run)):
            why, target = str(index), option.get("next")
            break
    record(person, now_ms, run, "branched", why, step["id"])
    return following(run["journey"], step, target)


def split(person: Person, now_ms: int, run: Document, step: Document) -> Any:
    # The first 8 bytes of blake2b, modulo 10,000, against the cumulative percent times 100.
    # Whatever she is called since then, by the name under which the run entered: so no arm flips.
    name, _ = run["origin"]
    named = b"\0".join(part.encode() for part in (run["journey"]["journey"], step["id"], name))
    point = int.from_bytes(hashlib.blake2b(named).digest()[:8], "big") % 10_000
    reached = 0.0
    for index, option in enumerate(step["split"]):
        reached += option["percent"] * 100
        if point < round(reached):
            record(person, now_ms, run, "split", str(index), step["id"])
            return following(run["journey"], step, option.get("next"))
    raise AssertionError(f"percents do not sum to 100: {step!r}")


def update(person: Person, now_ms: int, run: Document, step: Document) -> Any:
    scope = scope_of(person, now_ms, run=run)
    values = {trait: value(text, scope) for trait, text in step["update"].items()}
    # What is missing changes nothing.
    set_traits(person, {trait: content for trait, content in values.items() if content is not None})
    changes = audiences.refresh(person, deliveries.gates_at_ms(person, now_ms))
    if changes:
        # Changes that an update causes are new inputs of the same instant, at most 100.
        person.caused_in_all += 1
        if person.caused_in_all > CAUSED_INPUTS_MAX:
            return park(person, now_ms, run, "too many changes at one instant")
        person.caused.append(changes)
    return following(run["journey"], step)
