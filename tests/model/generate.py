"""Which project, and which traffic, does a seed stand for?"""

import json
from collections.abc import Collection

from tests.model import chance as drawn_from
from tests.model.chance import EXTRAS, IN_INBOX, INBOXES, MOVES, STAGE_1, STAGE_2, ZONES, Chance, Document
from tests.model.journeys import channels_of, journeys
from tests.model.reference.times import DAY_MS, DAYS, parse_instant, to_text
from tests.model.reference.worlds import Limits

__all__ = ["EXTRAS", "INBOXES", "MOVES", "STAGE_1", "STAGE_2", "Case", "case", "eventful"]

Case = tuple[Document, list[Document], int | None]

OFF_THE_GRID_MS = 7
LONG_TEXT = "long " * 2_000
INBOX_BYTES_MAX = 25_000  # two of them and some others


def case(seed: int, features: frozenset[str] = STAGE_2) -> Case:
    """A project, its event lines in the order of a file, and the end of the simulation, if it has one."""
    chance = Chance(seed, features)
    named = audiences(chance)
    written = messages(chance)
    settings: Document = {"project": "generated", "timezone": chance.pick(ZONES), "policies": policies(chance)}
    project: Document = {
        "project": settings,
        "profile": {"traits": drawn_from.TRAITS, "timezone": "profile.timezone"},
        "events": {"events": events(chance)},
        "audiences": {"audiences": named},
        "actions": {"actions": drawn_from.ACTIONS},
        "messages": written,
        "journeys": journeys(chance, list(named), written),
    }
    lines = traffic(chance, project)
    last_ms = max((parse_instant(line["timestamp"]) for line in lines), default=chance.start_ms)
    until_ms = None
    if chance.maybe(0.4) or goes_round(project):
        until_ms = last_ms + chance.random.randint(0, 6) * chance.unit_ms
    if chance.maybe(0.3, "holdouts"):
        settings["holdouts"] = holdouts(chance)
    return project, lines, until_ms


def holdouts(chance: Chance) -> Document:
    return {
        f"group-{number}": {"percent": chance.pick((10, 33.33, 60)), "salt": f"é{chance.random.randint(0, 99)}"}
        for number in range(chance.pick((1, 1, 2)))
    }


def goes_round(project: Document) -> bool:
    """Whether a step leads back, so that a run may never end."""
    for journey in project["journeys"]:
        names = [step["id"] for step in journey["steps"]]
        for number, step in enumerate(journey["steps"]):
            if step.get("next") in names[: number + 1]:
                return True
    return False


def events(chance: Chance) -> Document:
    declared: Document = {name: {"properties": drawn_from.PROPERTIES} for name in drawn_from.EVENTS}
    if "rules" in chance.features:
        for name, of in drawn_from.RULED.items():
            rule = chance.pick(('event.kind == "a"', "event.total > 50", "event.items + 1 > 1 || event.flag"))
            declared[name] = {"of": of, "rule": rule, "properties": drawn_from.PROPERTIES}
    return declared


def audiences(chance: Chance) -> dict[str, str]:
    if not chance.features & {"audiences", "reads"} or chance.maybe(0.15):
        return {}
    over_time = ["history", "now"] if "history" in chance.features else []
    consent = ["consent"] if "consents" in chance.features else []
    names = chance.some(("east", "north", "west"))
    found = {name: chance.condition(["profile", "profile", *over_time, *over_time, *consent]) for name in names}
    chance.audiences = names
    return found


def messages(chance: Chance) -> list[Document]:
    contents: Document = {
        "email": {"subject": "Hello", "text": " ".join(drawn_from.LINKS)},
        "sms": {"text": "Hello"},
        "push": {"title": "Hello", "body": "Hello"},
    }
    written: list[Document] = []
    for name in ("news", "offer", "receipt"):
        message = {"message": name, "class": "transactional" if name == "receipt" else "marketing", "status": "ready"}
        if name == "offer":
            message["purpose"] = "offer"
        if chance.maybe(0.4, "expiry"):
            message["expires"] = chance.duration(3)
        channels = chance.some(list(contents), at_least=2 if "moves" in chance.features else 1)
        if "inboxes" in chance.features:
            contents |= in_inbox(chance)
            # Of inboxes there is more to tell than of addresses.
            channels = [*chance.some(channels, at_least=0), *chance.some(list(IN_INBOX))]
            message |= withdrawal(chance)
        written.append({**message, **{channel: contents[channel] for channel in channels}})
    return written


def narrow(seed: int) -> Limits:
    """So little room that inboxes are often full."""
    return Limits(inbox_max=1 + seed % 5, inbox_bytes_max=INBOX_BYTES_MAX)


def in_inbox(chance: Chance) -> Document:
    """Contents of which two of the longest find room where they are not many."""
    texts = ("Hello", "Hello", "Hello", LONG_TEXT)
    card: Document = {"title": chance.pick(texts), "url": drawn_from.LINKS[0]}
    if chance.maybe(0.3):
        card["pinned"] = chance.maybe(0.8)
    buttons = [{"label": "Look", "url": link} for link in drawn_from.LINKS]
    return {"card": card, "inapp": {"body": chance.pick(texts), "buttons": buttons}}


def withdrawal(chance: Chance) -> Document:
    return {"withdraw": chance.some(sorted(set(chance.event_names)))[:2]} if chance.maybe(0.5) else {}


def policies(chance: Chance) -> Document:
    if "consents" not in chance.features or chance.well_known:
        found: Document = {"consent": {"default": "opt_out"}}
    else:
        rules = ("opt_in", "opt_out", "opt_out")
        channels = {channel: chance.pick(rules) for channel in chance.some(chance.channels, at_least=0)}
        found = {"consent": {"default": chance.pick(rules), "channels": channels}}
    if chance.maybe(0.5, "caps"):
        found["caps"] = [cap(chance) for _ in range(chance.pick((1, 1, 2)))]
    if chance.maybe(0.8, "quiet_hours"):
        found["quiet_hours"] = quiet_hours(chance)
    return found


def cap(chance: Chance) -> Document:
    rule: Document = {"channels": chance.some(chance.channels), "class": "marketing"}
    if chance.maybe(0.3):
        rule["purpose"] = chance.pick(("offer", "marketing"))
    return {**rule, "max": chance.pick((1, 1, 2)), "per": chance.duration()}


def quiet_hours(chance: Chance) -> list[Document]:
    # All of one kind: which of two kinds wins where they overlap is not said.
    then = chance.pick(("hold", "hold", "drop"))
    if "moves" in chance.features:
        # To each channel its own night, so that a run waits for several releases.
        return [
            {"channels": [channel], **night(chance), "days": list(DAYS), "then": "hold"} for channel in chance.reactions
        ]
    rules = []
    # Never quiet all day long: two windows leave at least two hours.
    windows = chance.pick((1, 1, 2))
    for _ in range(windows):
        begins = chance.random.randint(0, 23)
        ends = (begins + chance.random.randint(1, 16 if windows == 1 else 11)) % 24
        rule: Document = {
            "channels": chance.some(chance.channels),
            "from": f"{begins:02}:00",
            "until": f"{ends:02}:00",
        }
        days = chance.some(DAYS[:6]) if chance.maybe(0.4) else list(DAYS)
        rules.append({**rule, "days": days, "then": then})
    return rules


def night(chance: Chance) -> Document:
    begins = chance.random.randint(0, 23)
    return {"from": f"{begins:02}:00", "until": f"{(begins + chance.random.randint(8, 20)) % 24:02}:00"}


def traffic(chance: Chance, project: Document) -> list[Document]:
    people = chance.some(drawn_from.PEOPLE)
    lines: list[Document] = []
    for person in people:
        if chance.well_known or chance.maybe(0.8):
            first = {"timestamp": to_text(chance.start_ms), "traits": chance.traits(1 if chance.well_known else 0.8)}
            lines.append({"type": "identify", "userId": person, **first})
    for number in range(chance.random.randint(*chance.pick(((0, 40), (5, 40), (20, 40))))):
        line = one_line(chance, project, chance.pick(people))
        if chance.maybe(0.8):
            line["messageId"] = f"m{number}"
        lines.append(line)
    if "duplicates" in chance.features:
        repeat_some(chance, lines)
    keep_off_the_grid(project, lines)
    if chance.maybe(0.3):
        chance.random.shuffle(lines)
    else:
        lines.sort(key=lambda line: parse_instant(line["timestamp"]))
    return [{key: line[key] for key in ("type", "userId", *line)} for line in lines]


def keep_off_the_grid(project: Document, lines: list[Document]) -> None:
    """Moves events that no journey and no audience names away from the instants at which other things happen.

    Such an event makes its person known, but whoever is known is not looked at again for it: an audience that changes
    by time at that very instant is then left to the next input that matters.
    """
    text = json.dumps([project["journeys"], project["audiences"]])
    for line in lines:
        if line["type"] not in ("page", "track"):
            continue
        name = "Page Viewed" if line["type"] == "page" else line["event"]
        known_as = [name, *(ruled for ruled, of in drawn_from.RULED.items() if of == name)]
        if not any(each in text for each in known_as):
            line["timestamp"] = to_text(parse_instant(line["timestamp"]) + OFF_THE_GRID_MS)


def one_line(chance: Chance, project: Document, person: str) -> Document:
    line: Document = {"userId": person, "timestamp": chance.instant()}
    if "moves" in chance.features and chance.maybe(0.3):
        return {**line, "type": "identify", "traits": {"timezone": chance.pick(ZONES)}}
    if "inboxes" in chance.features and chance.maybe(0.3) and (found := reaction(chance, project, line, IN_INBOX)):
        return found
    drawn = chance.random.random()
    if drawn < 0.12:
        return {**line, "type": "identify", "traits": chance.traits()}
    if drawn < 0.2 and "consents" in chance.features:
        consent = {
            **line,
            "type": "consent",
            "channel": chance.pick(chance.channels),
            "granted": chance.maybe(0.75),
        }
        return {**consent, "purpose": chance.pick(("offer", "marketing"))} if chance.maybe(0.5) else consent
    if drawn < 0.5 and "reactions" in chance.features:
        found = reaction(chance, project, line)
        if found:
            return found
    if drawn < 0.53 and "bounces" in chance.features:
        channel, trait = chance.pick((("email", "email"), ("sms", "phone"), ("push", "push_token")))
        address = chance.traits(1)[trait]
        if "inboxes" in chance.features and chance.maybe(0.2):
            channel, address = chance.pick(list(IN_INBOX)), person
        if address:
            suppressed = {"channel": channel, "address": address, "suppressed": chance.maybe(0.2)}
            return {**line, "type": "suppression", **suppressed}
    if drawn < 0.6 and "pages" in chance.features:
        return {**line, "type": "page", "name": chance.pick(("Home", "a", "b")), "properties": chance.properties()}
    names = ["Alpha", "Alpha", "Beta", "Gamma", *(["Raw"] if "rules" in chance.features else [])]
    if chance.maybe(0.1, "undeclared"):
        names = ["Unheard Of"]
    return {**line, "type": "track", "event": chance.pick(names), "properties": chance.properties()}


def reaction(chance: Chance, project: Document, line: Document, channels: Collection[str] = ()) -> Document:
    """A reaction to any step, or to one that sends on one of these channels; nothing where there is none."""
    sends = [
        (journey, step)
        for journey in project["journeys"]
        for step in journey["steps"]
        if step.keys() & {"send", "call"}
    ]
    if channels:
        sends = [each for each in sends if any(name in channels for name in channels_of(each[1], project["messages"]))]
    if not sends:
        return {}
    journey, step = chance.pick(sends)
    if "call" in step:
        end: Document = {"type": "reaction", "reaction": chance.pick(("answered", "answered", "failed"))}
        more = {"answer": chance.answer()} if end["reaction"] == "answered" else {}
        return {**line, **end, "journey": journey["journey"], "step": step["id"], "channel": "call", **more}
    named = channels_of(step, project["messages"])
    channel = chance.pick([name for name in named if name in channels] or named)
    kinds = list(chance.reactions[channel])
    if channel == "email" and "consents" in chance.features:
        kinds += ["unsubscribed", "complained"]
    if channel in drawn_from.DEAD_CODES and "bounces" in chance.features:
        kinds += ["bounced", "bounced"]
    line = {**line, "type": "reaction", "reaction": chance.pick(kinds), "journey": journey["journey"]}
    line |= {"step": step["id"], "channel": channel}
    if line["reaction"] == "bounced" and chance.maybe(0.8):
        line["code"] = chance.pick((*drawn_from.SOFT_CODES, drawn_from.DEAD_CODES[channel]))
    if line["reaction"] == "clicked" and chance.maybe(0.6, "links"):
        line["link"] = chance.pick(drawn_from.LINKS)
    return line


def repeat_some(chance: Chance, lines: list[Document]) -> None:
    for line in [line for line in lines if "messageId" in line and chance.maybe(0.1)]:
        delay_ms = chance.pick((0, chance.unit_ms, 2 * chance.unit_ms, DAY_MS + chance.unit_ms))
        # Whether a day later to the millisecond is a repetition is not said.
        if delay_ms != DAY_MS:
            lines.append({**line, "timestamp": to_text(parse_instant(line["timestamp"]) + delay_ms)})


def eventful(seed: int, features: frozenset[str]) -> Case:
    """A case in which more runs end, and more happens to them then: three days of it, and a goal for each journey."""
    documents, lines, until_ms = case(seed, features)
    names = sorted(documents["events"]["events"])
    goals = [
        {"event": names[number % len(names)], **journey.get("goal", {}), "within": "30d"}
        for number, journey in enumerate(documents["journeys"])
    ]
    with_goals = [{**journey, "goal": goal} for journey, goal in zip(documents["journeys"], goals, strict=True)]
    until_ms = None if until_ms is None else until_ms + 2 * DAY_MS
    return {**documents, "journeys": with_goals}, [each for day in range(3) for each in _later(lines, day)], until_ms


def _later(lines: list[Document], days: int) -> list[Document]:
    """The lines some days later, under message ids of their own."""
    moved = [{**line, "timestamp": to_text(parse_instant(line["timestamp"]) + days * DAY_MS)} for line in lines]
    return [line | ({"messageId": f"{line['messageId']}/{days}"} if "messageId" in line else {}) for line in moved]
