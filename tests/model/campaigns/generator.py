"""Which project, and which recording, does a seed stand for?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.model.campaigns import terms
from tests.model.campaigns.case import OBSERVED, Case
from tests.model.campaigns.chance import CHANNELS, EVENTS, TRAITS, ZONES, Chance
from tests.model.campaigns.drawn_people import names, recording
from tests.model.campaigns.drawn_steps import STEPS_MAX, StepDrawing
from tests.model.campaigns.drawn_tables import TableDrawing, counted
from tests.model.campaigns.people import Document
from tests.model.campaigns.sets import PERSON
from tests.model.campaigns.tables import Table
from tests.model.campaigns.terms import Term
from tests.model.reference.times import parse_instant, to_datetime, to_text, zone_named

HOUR_MS = 3_600_000
SAVED = ["best", "vip"]
CONTENTS: Document = {
    "email": {"subject": "Hello", "text": "https://example.com/a https://example.com/b"},
    "sms": {"text": "Hello"},
    "push": {"title": "Hello", "body": "Hello"},
}
JOURNEY: Document = {
    "journey": "hello",
    "entry": {"event": "Seen"},
    "steps": [{"id": "greet", "send": "receipt", "channels": ["email"]}],
}
OTHERS = [("journey", "hello", "greet"), ("campaign", "before", "first")]


def case(seed: int) -> Case:
    chance = Chance(seed)
    timezone = chance.pick(ZONES)
    people = names(chance)
    chance.audiences = SAVED  # an audience asks for no others
    conditions = {name: _audience(chance) for name in chance.some(("east", "north", "west"))}
    chance.audiences = [*conditions, *SAVED]
    tables, table_documents, files = _tables(chance, people)
    messages = _messages(chance)
    campaigns = [_main(chance, timezone, tables, messages), _before(chance)]
    begins_ms = parse_instant(campaigns[0]["schedule"]["at"])
    starts = {}
    if chance.maybe(0.15):
        del campaigns[0]["schedule"]
        starts["push"] = begins_ms
        chance.kind("campaign.by_hand")
    lines = recording(chance, people, [*campaigns, _as_campaign(JOURNEY)], messages, begins_ms)
    policies = _policies(chance)
    if seeds := _seeds(chance, people):
        campaigns[0]["seeds"] = seeds
        chance.kind("campaign.seeds")
    holdouts: Document = {}
    if chance.maybe(0.25):
        holdouts["program"] = {"percent": chance.pick((5, 12.34, 40)), "salt": chance.pick(("2026", "2027"))}
        chance.kind("policy.holdouts")
    return Case(
        seed=seed,
        timezone=timezone,
        policies=policies,
        holdouts=holdouts,
        traits=TRAITS,
        events=EVENTS,
        messages=messages,
        conditions=conditions,
        saved=SAVED,
        tables=tables,
        table_documents=table_documents,
        files=files,
        campaigns=campaigns,
        journeys=[_hello(chance)],
        lines=[_of_journey(line) for line in lines],
        starts=starts,
        tried=chance.tried,
    )


def _seeds(chance: Chance, people: list[str]) -> list[Document]:
    """Addresses of one's own, some with the data of somebody who may be in the set, or known to nobody."""
    found: list[Document] = []
    for number in range(chance.pick((0, 1, 2, 3))):
        own = {"email": f"own{number}@mail.example", "sms": f"+3361200000{number}", "push": f"own-{number}"}
        seed: Document = {channel: own[channel] for channel in chance.some(CHANNELS)}
        found.append({**seed, **({"as": chance.pick((*people, "nobody"))} if chance.maybe(0.7) else {})})
    return found


def _hello(chance: Chance) -> Document:
    """The journey, now and then with a condition on whom it takes."""
    if chance.maybe(0.7):
        return JOURNEY
    return {**JOURNEY, "entry": {**JOURNEY["entry"], "when": chance.condition({}, 1)}}


def _as_campaign(journey: Document) -> Document:
    return {"campaign": journey["journey"], "steps": journey["steps"]}


def _of_journey(line: Document) -> Document:
    if line.get("campaign") != JOURNEY["journey"]:
        return line
    return {"journey" if name == "campaign" else name: value for name, value in line.items()}


def _audience(chance: Chance) -> Term:
    while True:
        condition = chance.condition({}, 1)
        # An audience may say when it changes by itself, which these cases leave alone.
        if "now" not in condition.text and "last(" not in condition.text:
            return condition


def _tables(chance: Chance, people: list[str]) -> tuple[dict[str, Table], dict[str, Document], dict[str, bytes]]:
    tables: dict[str, Table] = {}
    documents: dict[str, Document] = {}
    files: dict[str, bytes] = {}
    emails = [f"u{number // 3}@mail.example" for number in range(len(people))]
    for number in range(chance.number(1, 3)):
        table, document, written = TableDrawing(chance, number, people, emails).drawn()
        tables[table.name], documents[table.name] = table, document
        files |= written
    first = tables["t0"]
    if first.owner is not None and chance.maybe(0.4):
        tables["s"], documents["s"] = counted(first)
        chance.kind("table.sql")
    return tables, documents, files


def _messages(chance: Chance) -> dict[str, Document]:
    news: Document = {"message": "news", "class": "marketing", "email": CONTENTS["email"], "sms": CONTENTS["sms"]}
    offer: Document = {"message": "offer", "class": "marketing", "purpose": "offer", **CONTENTS}
    if chance.maybe(0.4):
        offer["expires"] = chance.duration(12)
        chance.kind("message.expires")
    receipt: Document = {"message": "receipt", "class": "transactional", **CONTENTS}
    return {"news": news, "offer": offer, "receipt": receipt}


def _policies(chance: Chance) -> Document:
    rules = ("opt_in", "opt_out", "opt_out")
    consent = {"default": chance.pick(rules), "channels": {chance.pick(CHANNELS): chance.pick(rules)}}
    found: Document = {"consent": consent}
    if chance.maybe(0.3):
        channels = chance.some(CHANNELS)
        found["caps"] = [{"channels": channels, "max": chance.number(1, 2), "per": chance.duration()}]
        chance.kind("policy.caps")
    if chance.maybe(0.4):
        begins = chance.number(0, 23)
        until = (begins + chance.number(1, 14)) % 24
        then = chance.pick(("hold", "hold", "hold", "drop"))
        found["quiet_hours"] = [{"from": f"{begins:02}:00", "until": f"{until:02}:00", "then": then}]
        chance.kind(f"policy.quiet_{then}")
    return found


def _rule(chance: Chance, event: str) -> Document:
    rule: Document = {"event": event}
    if event == "Bought" and chance.maybe(0.5):
        rule["when"] = terms.compared(terms.event_property("total", "number"), ">", terms.literal(10))
    if event == "Left" and chance.maybe(0.5):
        rule["when"] = terms.compared(terms.event_property("kind", "string"), "==", terms.literal("a"))
    return rule


def _main(chance: Chance, timezone: str, tables: dict[str, Table], messages: dict[str, Document]) -> Document:
    """The campaign that the case is about: its steps, and an export of each set that shows who is in it."""
    drawing = StepDrawing(chance, tables, messages, SAVED, OTHERS)
    steps = drawing.drawn(chance.number(4, STEPS_MAX))
    at_ms = chance.start_ms + chance.number(1, 30) * HOUR_MS
    schedule: Document = {"at": to_text(at_ms)}
    found: Document = {"campaign": "push", "schedule": schedule, "steps": [*steps, *_observing(drawing)]}
    if chance.maybe(0.4):
        schedule["rule"] = f"FREQ={chance.pick(('DAILY', 'DAILY', 'HOURLY;INTERVAL=7'))};COUNT={chance.number(2, 3)}"
        chance.kind("campaign.rule")
        if chance.maybe(0.3):
            first = to_datetime(at_ms, zone_named(timezone, timezone)).date()
            found |= {"starts": first.isoformat(), "ends": (first + timedelta(days=chance.number(0, 1))).isoformat()}
            chance.kind("campaign.dates")
        if chance.maybe(0.6):
            found["overlap"] = "allowed"
            chance.kind("campaign.overlap")
    if chance.maybe(0.5):
        found["exit"] = [_rule(chance, event) for event in chance.some(("Left", "Bought"))]
        chance.kind("campaign.exit")
    if chance.maybe(0.6):
        found["goal"] = {**_rule(chance, "Bought"), **({"within": chance.duration()} if chance.maybe(0.6) else {})}
        chance.kind("campaign.goal")
    if chance.maybe(0.3):
        found["timezone"] = chance.pick(ZONES)
    return found


def _observing(drawing: StepDrawing) -> list[Document]:
    """Steps that write down who is in each set, and with which columns; they change nothing and no instant."""
    found: list[Document] = []
    for number, each in enumerate(drawing.sets):
        columns: list[Any] = [PERSON, *(replace(terms.column(name, "any"), text=name) for name in each.columns)]
        export = {"file": f"{OBSERVED}-{number}-{{run}}.ndjson", "columns": columns}
        found.append({"id": f"o{number}", "from": each.name, "export": export})
    return found


def _before(chance: Chance) -> Document:
    """A campaign that others ask about: it writes to everybody, once or on two days, at instants of its own."""
    at_ms = chance.start_ms + HOUR_MS + 17 * 60_000 + 13_013
    schedule: Document = {"at": to_text(at_ms)}
    if chance.maybe(0.5):
        schedule["rule"] = "FREQ=DAILY;COUNT=2"
    read = {"id": "all", "read": {"where": terms.has(terms.trait("email", "string"))}}
    return {"campaign": "before", "schedule": schedule, "steps": [read, {"id": "first", "send": "receipt"}]}
