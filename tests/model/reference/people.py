"""What is known of one person, and what was written down about them?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.model.reference.expression import Instant, holds, kind_of, timestamp, value
from tests.model.reference.times import date_in, is_duration, parse_duration, to_text, zone_named
from tests.model.reference.worlds import AudienceKey, World, place_of

Document = dict[str, Any]
INBOX = ("card", "inapp")  # what lies with the person herself, under her own name
ADDRESSES = {"email": "profile.email", "sms": "profile.phone", "push": "profile.push_token"}


@dataclass
class Person:
    world: World
    id: str
    known: bool = False
    traits: Document = field(default_factory=dict)
    history: list[Document] = field(default_factory=list)
    consents: dict[str, dict[str | None, bool]] = field(default_factory=dict)
    suppressed: dict[tuple[str, str], int] = field(default_factory=dict)  # when what found it out was asked for
    failed_at: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    reserved: list[Document] = field(default_factory=list)
    member: dict[AudienceKey, bool] = field(default_factory=dict)
    settled: dict[AudienceKey, bool] = field(default_factory=dict)
    next_change: dict[AudienceKey, int | None] = field(default_factory=dict)
    runs: list[Document] = field(default_factory=list)
    timers: list[Document] = field(default_factory=list)
    timers_set: int = 0
    deliveries: list[Document] = field(default_factory=list)
    queued: int = 0  # deliveries up to now
    inbox: list[Document] = field(default_factory=list)  # the first to come first
    caused: list[list[tuple[AudienceKey, str]]] = field(default_factory=list)
    caused_in_all: int = 0
    kept: dict[str, list[Document]] = field(default_factory=dict)
    zone: str | None = None  # as of the input before
    firing: int | None = None
    gates_at_ms: int | None = None
    counts: dict[str, int] = field(default_factory=dict)  # runs of each journey up to now
    counts_before: dict[str, int] = field(default_factory=dict)  # of who had her name before
    names: list[str] = field(default_factory=list)  # of those who were merged into her
    identified: bool = False
    shared: bool = False
    is_there: bool = True  # not merged into anybody
    told_of_names: list[Document] = field(default_factory=list)
    transitions: list[Document] = field(default_factory=list)
    delivery_lines: list[Document] = field(default_factory=list)


def set_timer(person: Person, due_ms: int, kind: str, **what: Any) -> None:
    person.timers_set += 1
    person.timers.append({"due": due_ms, "order": person.timers_set, "kind": kind, **what})


def runs_of(person: Person, journey: Document) -> list[Document]:
    """The runs of a journey in whatever version."""
    return [run for run in person.runs if run["journey"]["journey"] == journey["journey"]]


def keep(person: Person, now_ms: int, journey: str, fact: Document) -> None:
    """Keeps an input for the runs of a paused journey that are there now, and of what a timer did, when it was set."""
    kept = {"at": now_ms, "order": person.firing, "fact": fact, "runs": runs_of(person, {"journey": journey})}
    person.kept.setdefault(journey, []).append(kept)


def runs_in_order(person: Person) -> list[Document]:
    return sorted(person.runs, key=lambda run: (*place_of(run["journey"]), run["number"]))


def forget(person: Person) -> None:
    """When an input is over: of each journey the newest ended runs are remembered, and those that have yet to send."""
    for name in {run["journey"]["journey"] for run in person.runs}:
        ended = [run for run in runs_of(person, {"journey": name}) if run["status"] == "ended"]
        ended.sort(key=lambda run: (run["ended_at"], run["number"]), reverse=True)
        for run in ended[person.world.life.limits.ended_runs_max :]:
            states = [delivery["state"] for delivery in person.deliveries if delivery["run"] is run]
            run["forgotten"] = run["forgotten"] or not {"held", "queued"} & set(states)


def leave(person: Person) -> None:
    """When an input is over: what has left no trace has made nobody known."""
    traces = (person.traits, person.consents, person.suppressed, person.failed_at)
    has_run = person.counts != person.counts_before
    if (
        not any(traces)
        and not has_run
        and not any(person.member.values())
        and not any(is_kept(person, one) for one in person.history)
    ):
        person.known = False
    forget(person)


def is_kept(person: Person, event: Document) -> bool:
    """Whether a series that was published has it."""
    for (meaning, path, condition), since in person.world.life.since.items():
        if meaning in event["names"] and event["order"] >= since:
            is_counted = path is None or kind_of(value(f"event.{path}", event["scope"])) == "number"
            if is_counted and (condition is None or holds(condition, event["scope"])):
                return True
    return False


def typed(values: Document, declared: Mapping[str, Any]) -> Document:
    """A copy in which what is declared a timestamp is an Instant; a dot in a name is a path into nested objects."""
    copied = {name: typed(inner, {}) if isinstance(inner, dict) else inner for name, inner in values.items()}
    for path, kind in declared.items():
        if kind in ("timestamp", "date"):
            *above, last = path.split(".")
            inner: Any = copied
            for name in above:
                inner = inner.get(name) if isinstance(inner, dict) else None
            if isinstance(inner, dict) and isinstance(inner.get(last), str):
                inner[last] = timestamp(inner[last]) if kind == "timestamp" else date_in(inner[last])
    return copied


def scope_of(
    person: Person,
    now_ms: int,
    event: Document | None = None,
    run: Document | None = None,
    world: World | None = None,
) -> Document:
    """What an expression of a world sees; in a step, `event` is the event that moved the run last."""
    of_world: World = run["world"] if run is not None else world or person.world
    declared: Document = person.world.profile.get("traits", {})
    seen: Document = {"event": event, "entry": None, "run": None, "now": Instant(now_ms)}
    seen["profile"] = typed(person.traits, declared)
    if run is not None:
        seen["event"] = run["event"] if event is None else event
        seen["entry"] = run["entry"]
        seen["run"] = {
            "id": run["number"],
            "entered_at": Instant(run["entered_at"]),
            "correlation": run["correlation"],
            "step": run["step"],
        }
    seen["consent"] = lambda channel, purpose: consents(person, channel, purpose)
    seen["in_audience"] = lambda name: is_in(person, of_world, now_ms, name)
    seen["count"] = lambda name, *rest: len(past(person, of_world, now_ms, name, None, rest))
    seen["sum"] = lambda name, path, *rest: total(past(person, of_world, now_ms, name, path, rest), path)
    seen["last"] = lambda name, *rest: last(past(person, of_world, now_ms, name, None, rest))
    return seen


def is_in(person: Person, world: World, now_ms: int, name: str) -> bool:
    """Whether the condition of an audience, as a world has it, holds for her as she stands."""
    return person.known and holds(world.audiences[name], scope_of(person, now_ms, world=world))


def past(
    person: Person, world: World, now_ms: int, name: str, path: str | None, rest: tuple[str, ...]
) -> list[Document]:
    """The events of a name inside a window, met by a condition: both may be left out."""
    windows = [parse_duration(text) for text in rest if is_duration(text)]
    conditions = [text for text in rest if not is_duration(text)]
    meaning = world.meaning(name)
    since = world.life.since.get((meaning, path, conditions[0] if conditions else None), 0)
    found = []
    for event in person.history:
        if event["order"] < since:
            continue
        # The window is (now - w, now], sliding exactly.
        inside = all(now_ms - window_ms < event["at"] <= now_ms for window_ms in windows)
        # The condition is tested on arrival.
        if meaning in event["names"] and inside and all(holds(text, event["scope"]) for text in conditions):
            found.append(event)
    return found


def total(events: list[Document], path: str) -> Any:
    numbers = [value(f"event.{path}", event["scope"]) for event in events]
    return sum(number for number in numbers if kind_of(number) == "number")


def last(events: list[Document]) -> Instant | None:
    return Instant(events[-1]["at"]) if events else None


def consents(person: Person, channel: str, purpose: str) -> bool:
    """Whether marketing of a purpose may go out by a channel."""
    policy: Document = person.world.policies.get("consent", {})
    given = person.consents.get(channel, {})
    if purpose in given:
        return given[purpose]
    if None in given:
        return given[None]
    # Marketing needs an opt-in unless the project says otherwise.
    return bool(policy.get("channels", {}).get(channel, policy.get("default", "opt_in")) == "opt_out")


def set_consent(person: Person, channel: str, purpose: str | None, granted: bool) -> None:
    # Without a purpose: all of the channel, whatever was said before.
    if purpose is None:
        person.consents[channel] = {None: granted}
    else:
        person.consents.setdefault(channel, {})[purpose] = granted


def zone_of(person: Person, now_ms: int, named: str = "profile") -> Any:
    if named != "profile":
        return zone_named(named, person.world.timezone)
    expression = person.world.profile.get("timezone", "profile.timezone")
    return zone_named(value(expression, scope_of(person, now_ms)), person.world.timezone)


def zone_has_changed(person: Person, now_ms: int) -> bool:
    """Whether the person's zone is another one than when this was asked last."""
    before, person.zone = person.zone or person.world.timezone, zone_of(person, now_ms).key
    return bool(person.zone != before)


def address_of(person: Person, now_ms: int, channel: str, step: Document, run: Document | None) -> Any:
    if channel in INBOX:
        return person.id
    declared: Document = {**ADDRESSES, **person.world.profile.get("addresses", {})}
    # `to` overrides addresses.
    expression = step.get("to", {}).get(channel, declared[channel])
    return value(expression, scope_of(person, now_ms, run=run))


def set_traits(person: Person, traits: Document) -> None:
    for trait, content in traits.items():
        # Null removes a trait.
        if content is None:
            person.traits.pop(trait, None)
        else:
            person.traits[trait] = content


def queue(person: Person, delivery: Document) -> None:
    person.queued += 1
    delivery["state"], delivery["queued"] = "queued", person.queued


def record(person: Person, now_ms: int, run: Document, what: str, why: str | None, step: str | None) -> None:
    of_run = (run["journey"]["journey"], run["version"], run["number"])
    record_line(person, now_ms, of_run, what, why, step)


def record_line(
    person: Person, now_ms: int, of: tuple[str, int, int | None], what: str, why: str | None, step: str | None
) -> None:
    journey, version, number = of
    person.transitions.append(
        {
            "at": to_text(now_ms),
            "profile": person.id,
            "journey": journey,
            "version": version,
            "run": number,
            "step": step,
            "what": what,
            "why": why,
        }
    )


def record_delivery(
    person: Person,
    now_ms: int,
    delivery: Document,
    outcome: str,
    gate: str | None = None,
    withdrawn_by: str | None = None,
) -> None:
    run, message = delivery["run"], delivery["message"]
    is_call = delivery["channel"] == "call"
    # A key goes by the name and the number under which the run entered.
    name, number = run["origin"]
    visit = (name, run["journey"]["journey"], run["version"], number, delivery["step"], delivery["visit"])
    person.delivery_lines.append(
        {
            "at": to_text(now_ms),
            "profile": person.id,
            "journey": run["journey"]["journey"],
            "version": run["version"],
            "run": run["number"],
            "step": delivery["step"],
            "channel": delivery["channel"],
            "message": delivery["message"]["message"],
            "to": delivery["to"],
            "outcome": outcome,
            "gate": gate,
            "key": "/".join(str(part) for part in (*visit, delivery["channel"])),
            "visit": delivery["visit"],
            "class": "transactional" if is_call else message["class"],
            "purpose": None if is_call else message.get("purpose", message["class"]),
            "withdrawn_by": withdrawn_by,
        }
    )
