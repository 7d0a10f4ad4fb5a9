"""Who is in a case, and what do people do? Their traits, with much missing and much alike, and their recording."""

from __future__ import annotations

from typing import Any

from tests.model.campaigns.chance import CHANNELS, CITIES, CODES, LINKS, PURPOSES, SCORES, TIERS, ZONES, Chance
from tests.model.campaigns.people import Document
from tests.model.reference.times import to_text

FORMS = ("u{}", "u{}", "U{}", "zoë{}", "Ångström-{}", "李{}", "😀{}", "é{}", "@anonymous/v{}")
ANONYMOUS = "@anonymous/"
"""How results name those who have no user id."""


def names(chance: Chance) -> list[str]:
    return [chance.pick(FORMS).format(number) for number in range(chance.pick((30, 30, 40, 60, 100, 200)))]


def email(chance: Chance, number: int) -> str:
    """Several people share some of them, and some are none."""
    return chance.pick((f"u{number}@mail.example", f"u{number // 3}@mail.example", f"Team{number % 4}@mail.example"))


def traits(chance: Chance, number: int) -> Document:
    drawn: Document = {
        "email": chance.pick((*[email(chance, number)] * 8, "", "no address")),
        "phone": chance.pick((f"+336{10_000_000 + number}", f"+336{10_000_000 + number}", "12")),
        "push_token": f"token-{number}",
        "city": chance.pick((*CITIES, "")),
        "tier": chance.pick(TIERS),
        "code": chance.pick(CODES),
        "favourite": chance.pick((*CHANNELS, "pigeon")),
        "score": chance.pick(SCORES),
        "points": chance.number(0, 5),
        "loyal": chance.maybe(0.5),
        "seen_at": chance.timestamp(),
        "timezone": chance.pick((*ZONES, "Nowhere/At All")),
    }
    if chance.maybe(0.05):
        drawn |= {"score": chance.pick(("10", "two")), "points": 2.5, "loyal": "yes", "city": 7}
    share = chance.pick((0.75, 0.95, 1.0))
    return {name: value for name, value in drawn.items() if chance.random.random() < share}


def recording(
    chance: Chance, people: list[str], campaigns: list[Document], messages: dict[str, Document], begins_ms: int
) -> list[Any]:
    """The lines in the order of the file; whoever acts is known by then. Most happens in the days after a beginning."""
    lines, known = [], {}
    for number, name in enumerate(people):
        known[name] = chance.start_ms if chance.maybe(0.9) else chance.instant_ms(3)
        if chance.maybe(0.07):
            lines.append(_track(chance, name, known[name], "Seen"))
        else:
            given = {"type": "identify", "userId": name, "timestamp": to_text(known[name])}
            lines.append({**given, "traits": traits(chance, number)})
    sends = [(each["campaign"], step) for each in campaigns for step in each["steps"] if "send" in step]
    for _ in range(chance.number(len(people), 5 * len(people))):
        name = chance.pick(people)
        at_ms = chance.instant_ms() if chance.maybe(0.4) else begins_ms + chance.instant_ms(2) - chance.start_ms
        at_ms = max(at_ms, known[name] + 1_000)
        lines.append(_one(chance, name, at_ms, sends, messages))
    lines.sort(key=lambda line: line["timestamp"])
    return [{**_named(line), "messageId": f"m{number}"} for number, line in enumerate(lines)]


def _named(line: Document) -> Document:
    """The line as it comes from whoever has no user id."""
    if not line["userId"].startswith(ANONYMOUS):
        return line
    others = {key: value for key, value in line.items() if key != "userId"}
    return {**others, "anonymousId": line["userId"].removeprefix(ANONYMOUS)}


def _one(chance: Chance, name: str, at_ms: int, sends: list[Any], messages: dict[str, Document]) -> Document:
    line: Document = {"userId": name, "timestamp": to_text(at_ms)}
    drawn = chance.random.random()
    if drawn < 0.5 and sends:
        of_the_first = [each for each in sends if each[0] == sends[0][0]]
        campaign, step = chance.pick(of_the_first if chance.maybe(0.7) else sends)
        return _reaction(chance, line, campaign, step, messages)
    if drawn < 0.57:
        change = traits(chance, chance.number(0, 40))
        change = {key: change[key] for key in chance.some(list(change), 1, 3)}
        if "timezone" in change:
            chance.kind("person.moves")
        if chance.maybe(0.2):
            change["tier"] = None
        return {**line, "type": "identify", "traits": change}
    if drawn < 0.63:
        line |= {"type": "consent", "channel": chance.pick(CHANNELS), "granted": chance.maybe(0.7)}
        return {**line, "purpose": chance.pick(PURPOSES)} if chance.maybe(0.5) else line
    return _track(chance, name, at_ms, chance.pick(("Seen", "Seen", "Bought", "Bought", "Left")))


def _track(chance: Chance, name: str, at_ms: int, event: str) -> Document:
    said: Document = {"page": chance.pick(("home", "shop"))} if event == "Seen" else {"kind": chance.pick("ab")}
    if event == "Bought" and chance.maybe(0.8):
        said["total"] = chance.pick((1, 10, 10.5, 50, 99.99))
    return {"type": "track", "event": event, "userId": name, "timestamp": to_text(at_ms), "properties": said}


def _reaction(chance: Chance, line: Document, campaign: str, step: Document, messages: dict[str, Document]) -> Document:
    channels: Any = step.get("channels") or [each for each in messages[step["send"]] if each in CHANNELS]
    channel = chance.pick(channels["first"] if isinstance(channels, dict) else channels)
    kinds = {"email": ("delivered", "opened", "clicked", "clicked"), "sms": ("delivered", "replied")}
    reaction = chance.pick(kinds.get(channel, ("delivered", "opened", "opened")))
    if channel == "email" and chance.maybe(0.1):
        reaction = "unsubscribed"
    line |= {"type": "reaction", "reaction": reaction, "campaign": campaign, "step": step["id"], "channel": channel}
    return {**line, "link": chance.pick(LINKS)} if reaction == "clicked" and chance.maybe(0.7) else line
