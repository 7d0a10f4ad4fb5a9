"""Which journeys does a generated case have? Random steps whose ways all lead forward, or back by way of a wait."""

from typing import Any

from tests.model.chance import ACTIONS, IN_INBOX, LINKS, REACTIONS, ZONES, Chance, Document
from tests.model.reference.times import DAY_MS, DAYS, parse_instant, to_text

CHANNELS = (*REACTIONS, *IN_INBOX)
NAMES = ("again", "buy", "walk")
STEP_KINDS = (
    *[("sends", "send")] * 4,
    *[("wait_for", "wait_for")] * 3,
    *[("waits", "wait")] * 2,
    *[("calls", "call")] * 2,
    *(("local_waits", "local"), ("branches", "branch"), ("splits", "split"), ("updates", "update")),
)


def journeys(chance: Chance, audiences: list[str], messages: list[Document]) -> list[Document]:
    names = chance.some(NAMES)
    prioritized = chance.maybe(0.6, "priority")
    found = []
    for name in names:
        journey: Document = {"journey": name, "entry": entry(chance, audiences)}
        if prioritized:
            journey["priority"] = chance.pick((10, 20, 20, 30))
        found.append(add_rules(chance, journey, audiences))
        found[-1]["steps"] = steps(chance, journey, audiences, messages)
    return found


def entry(chance: Chance, audiences: list[str]) -> Document | list[Document]:
    if audiences and chance.maybe(0.2, "reads"):
        read = {"read": chance.pick(audiences), "at": chance.instant()}
        if chance.maybe(0.4):
            read["rate"] = chance.pick(("1/s", "2/s", "3/s", "1/s"))
        if chance.maybe(0.4, "recurring_reads"):
            read["rule"] = chance.pick(("FREQ=DAILY", "FREQ=DAILY;INTERVAL=2;COUNT=3", "FREQ=DAILY;COUNT=2"))
        return read
    if audiences and chance.maybe(0.25, "audiences"):
        return with_change(chance, {"audience": chance.pick(audiences)})
    rules = [event_rule(chance) for _ in range(chance.pick((1, 1, 1, 1, 1, 2, 3)))]
    return rules[0] if len(rules) == 1 else rules


def event_rule(chance: Chance) -> Document:
    rule: Document = {"event": chance.pick(["Alpha", *chance.event_names])}
    if chance.maybe(0.3):
        rule["when"] = chance.condition(roots(chance, "event", "profile"))
    return rule


def is_by_event(entry: Any) -> bool:
    return isinstance(entry, list) or "event" in entry


def with_change(chance: Chance, rule: Document) -> Document:
    return {**rule, "change": chance.pick(("entered", "left"))} if chance.maybe(0.6) else rule


def roots(chance: Chance, *always: str) -> list[str]:
    optional = {"history": "history", "consents": "consent"}
    asked = ["membership"] if chance.audiences else []
    return [*always, *(root for feature, root in optional.items() if feature in chance.features), *asked]


def add_rules(chance: Chance, journey: Document, audiences: list[str]) -> Document:
    by_event = is_by_event(journey["entry"])
    seen = roots(chance, "event", "profile", "run", *(["entry"] if by_event else []))
    if by_event and chance.maybe(0.4, "correlation"):
        journey["correlation"] = "event.cart_id"
    if chance.maybe(0.6, "reentry"):
        journey["reentry"] = chance.pick(("never", "always", *[{"after": chance.duration()}] * 2))
    exits: list[Document] = []
    if chance.maybe(0.4, "exits"):
        exits.append({"event": chance.pick(chance.event_names)})
        if chance.maybe(0.4):
            exits[-1]["when"] = chance.condition(seen)
    if "inboxes" in chance.features and chance.maybe(0.4):
        exits.append({"event": chance.pick(chance.event_names)})
    if audiences and chance.maybe(0.25, "audiences"):
        exits.insert(chance.pick((0, len(exits))), {"audience": chance.pick(audiences)})
    exits = [rule for rule in exits if not keeps_out(rule, journey["entry"])]
    if exits:
        journey["exit"] = exits
    if chance.maybe(0.5, "goals"):
        journey["goal"] = {"event": chance.pick(chance.event_names)}
        if chance.maybe(0.6):
            journey["goal"]["within"] = chance.duration(6)
    if chance.maybe(0.4):
        journey["timezone"] = chance.pick(("profile", *ZONES))
    add_dates(chance, journey)
    return journey


def keeps_out(rule: Document, entry: Any) -> bool:
    """Whether an exit rule leaves nobody to enter."""
    if is_by_event(entry):
        return False
    of_entry = entry.get("read", entry.get("audience")) if entry.get("change", "entered") == "entered" else None
    return rule.get("audience") == of_entry is not None


def add_dates(chance: Chance, journey: Document) -> None:
    if chance.maybe(0.1, "dates"):
        journey["starts"] = chance.instant()[:10]
    if chance.maybe(0.1, "dates"):
        # Never before the start.
        later_ms = chance.start_ms + chance.units_max * chance.unit_ms
        journey["ends"] = max(journey.get("starts", ""), chance.pick((chance.instant(), to_text(later_ms)))[:10])
    if "read" in journey["entry"]:
        # An audience is not only read outside the dates, in whatever zone they are.
        read_ms = parse_instant(journey["entry"]["at"])
        for name, near_ms, limit in (("starts", read_ms - DAY_MS, min), ("ends", read_ms + DAY_MS, max)):
            if name in journey:
                journey[name] = limit(journey[name], to_text(near_ms)[:10])


def steps(chance: Chance, journey: Document, audiences: list[str], messages: list[Document]) -> list[Document]:
    """Steps of which each can be reached; those that cannot are left out."""
    by_event = is_by_event(journey["entry"])
    seen = roots(chance, "profile", "run", *(["event", "event", "entry"] if by_event else []))
    kinds = [kind for feature, kind in STEP_KINDS if feature in chance.features]
    # An audience that is entered by what it starts could go round at one instant for ever.
    kinds = [kind for kind in kinds if kind != "update" or "audience" not in journey["entry"]]
    drawn = [f"s{number}" for number in range(1, chance.random.randint(3, 9))]
    found: list[Document] = []
    for number, name in enumerate(drawn):
        later = [None, None, *drawn[number + 1 :]]
        sends = [step for step in found if step.keys() & {"send", "call"}]
        step = one_step(chance, next_kind(chance, kinds, found), {"id": name}, later, seen)
        if "send" in step:
            finish_send(chance, step, later, messages)
            if "moves" in chance.features and chance.maybe(0.7):
                step.pop("channels", None)  # on all that the message has content for
        if "wait_for" in step:
            finish_wait_for(chance, step, later, audiences, sends, messages)
        if "loops" in chance.features and isinstance(step.get("wait"), str) and chance.maybe(0.25) and number:
            step["next"] = chance.pick(drawn[:number])
        found.append(without_none(step))
    if chance.maybe(0.4):
        found.append({"id": "over", "end": True})
    return reachable(found)


def next_kind(chance: Chance, kinds: list[str], before: list[Document]) -> str:
    """Outcomes of calls are often waited for, and what was heard is often asked about.

    Of people on the move most are written to at once: whoever waits for something else first is seldom held. What is
    to lie in an inbox is laid there early, by a run that then stays for a while.
    """
    if "inboxes" in chance.features and len(before) < 2 and chance.maybe(0.6):
        return "wait_for" if before and "send" in before[-1] else "send"
    if "moves" in chance.features and not before and chance.maybe(0.6):
        return "send"
    if before and "call" in before[-1] and "wait_for" in kinds and chance.maybe(0.6):
        return "wait_for"
    if before and "answered" in str(before[-1].get("wait_for")) and chance.maybe(0.6):
        return "branch"
    return chance.pick(kinds)


def one_step(chance: Chance, kind: str, step: Document, later: list[str | None], seen: list[str]) -> Document:
    match kind:
        case "send":
            return {**step, "send": None, "next": chance.pick(later) if chance.maybe(0.3) else None}
        case "wait" if chance.maybe(0.6):
            return {**step, "wait": chance.duration()}
        case "wait":
            if chance.maybe(0.4):
                return {**step, "wait": until_day(chance)}
            instants = ["profile.born", "run.entered_at", *(["entry.when", "event.when"] if "event" in seen else [])]
            offset = {"offset": chance.pick(("-", "")) + chance.duration(2)} if chance.maybe(0.5) else {}
            return {**step, "wait": {"until": chance.pick(instants), **offset}}
        case "local":
            time = chance.pick(("00:00", "02:00", "02:30", "09:00", "12:00", "18:00"))
            days = {"days": chance.some(DAYS)} if chance.maybe(0.4) else {}
            return {**step, "wait": {"time": time, **days}}
        case "wait_for":
            return {**step, "wait_for": []}
        case "branch":
            options: list[Document] = [
                {"when": chance.condition(seen), "next": chance.pick(later)} for _ in range(chance.pick((1, 1, 2)))
            ]
            named = [name for name in later if name]
            if named and chance.maybe(0.4):
                options.append({"otherwise": chance.pick(named)})
            return {**step, "branch": options}
        case "split":
            percents = chance.pick(((50, 50), (12.5, 87.5), (33, 33, 34)))
            return {**step, "split": [{"percent": percent, "next": chance.pick(later)} for percent in percents]}
        case "call":
            return {**step, "call": chance.pick(list(ACTIONS))}
        case _:
            return {**step, "update": update(chance, by_event="event" in seen)}


def until_day(chance: Chance) -> Document:
    """A wait until a local day, or its next return."""
    wait: Document = {"until": "profile.birthday"}
    if chance.maybe(0.5):
        wait["offset"] = chance.pick(("-", "")) + chance.duration(2)
    if chance.maybe(0.5):
        wait["time"] = chance.pick(("00:00", "02:30", "09:00"))
    if chance.maybe(0.6):
        wait["yearly"] = True
    return wait


def update(chance: Chance, *, by_event: bool) -> Document:
    values = [{"tier": '"gold"'}, {"tier": '"silver"'}, {"email": '"u@example.com"'}, {"age": "profile.age + 1"}]
    values += [{"loyal": "!profile.loyal"}, {"born": "now"}, {"timezone": '"Asia/Kathmandu"'}]
    values += [{"score": "event.total"}, {"age": "entry.items"}] if by_event else []
    return {trait: text for drawn in chance.some(values)[:2] for trait, text in drawn.items()}


def finish_send(chance: Chance, step: Document, later: list[str | None], messages: list[Document]) -> None:
    message = chance.pick(messages)
    step["send"] = message["message"]
    contents = [channel for channel in message if channel in chance.reactions]
    if chance.maybe(0.5):
        step["channels"] = chance.some(contents)
    named = step.get("channels", contents)
    if chance.maybe(0.3):
        step["channels"] = {"first": named}
        if chance.maybe(0.5):
            step["channels"]["prefer"] = chance.pick(('"sms"', "profile.favourite", '"post"'))
    if chance.maybe(0.1) and "email" in named:
        step["to"] = {"email": "profile.backup"}
    step["on_refused"] = chance.pick(later) if chance.maybe(0.4) else None


def finish_wait_for(
    chance: Chance,
    step: Document,
    later: list[str | None],
    audiences: list[str],
    sends: list[Document],
    messages: list[Document],
) -> None:
    for _ in range(chance.pick((1, 1, 2, 3))):
        if sends and chance.maybe(0.5, "reactions"):
            listener = reaction(chance, chance.pick([*sends, sends[-1]]), messages)
        elif audiences and chance.maybe(0.3, "audiences"):
            change = chance.pick(("entered", "left", "inside", "outside"))
            listener = {"audience": chance.pick(audiences), "change": change}
        else:
            listener = {"event": chance.pick(chance.event_names)}
            if chance.maybe(0.4):
                listener["when"] = chance.condition(roots(chance, "event", "event", "profile", "run"))
        step["wait_for"].append({**listener, "next": chance.pick(later)})
    if chance.maybe(0.8):
        step["timeout"] = chance.duration()
        step["on_timeout"] = chance.pick(later)


def channels_of(step: Document, messages: list[Document]) -> list[str]:
    message = next((message for message in messages if message["message"] == step.get("send")), {})
    found: Any = step.get("channels") or [channel for channel in message if channel in CHANNELS]
    named: list[str] = found["first"] if isinstance(found, dict) else found
    return named


def reaction(chance: Chance, step: Document, messages: list[Document]) -> Document:
    if "call" in step:
        return {"reaction": chance.pick(("answered", "answered", "failed")), "of": step["id"]}
    channel = chance.pick(channels_of(step, messages))
    listener: Document = {"reaction": chance.pick(chance.reactions[channel]), "of": step["id"]}
    if listener["reaction"] == "clicked" and chance.maybe(0.4, "links"):
        listener["link"] = chance.pick(LINKS)
    if chance.maybe(0.4):
        listener["channel"] = channel
    return listener


def without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_none(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_none(inner) for inner in value]
    return value


def reachable(found: list[Document]) -> list[Document]:
    """The steps that some way from the first leads to."""
    names = [step["id"] for step in found]
    reached: list[str] = []
    ahead = names[:1]
    while ahead:
        name = ahead.pop()
        if name not in reached:
            reached.append(name)
            number = names.index(name)
            after = names[number + 1] if number + 1 < len(names) else None
            ahead.extend(other for other in ways(found[number], after) if other)
    kept = [step for step in found if step["id"] in reached]
    # A listener may look at reactions to a step that nothing leads to any more.
    for step in kept:
        listeners = step.get("wait_for", [])
        if any("of" in listener and listener["of"] not in reached for listener in listeners):
            step["wait_for"] = [listener for listener in listeners if listener.get("of", reached[0]) in reached]
    if any(step.get("wait_for") == [] for step in kept):
        return [{"id": "over", "end": True}]
    return kept if len(kept) == len(found) else reachable(kept)


def ways(step: Document, after: str | None) -> list[str | None]:
    after = step.get("next", after)
    if "end" in step:
        return []
    if "wait_for" in step:
        timeout = [step.get("on_timeout", after)] if "timeout" in step else []
        return [*(listener.get("next", after) for listener in step["wait_for"]), *timeout]
    if "branch" in step:
        options = [option.get("otherwise", option.get("next", after)) for option in step["branch"]]
        return options if "otherwise" in step["branch"][-1] else [*options, after]
    if "split" in step:
        return [option.get("next", after) for option in step["split"]]
    return [after, step.get("on_refused", after)]
