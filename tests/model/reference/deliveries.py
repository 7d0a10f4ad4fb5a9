"""May a message go out now, and what has become of it since?"""

import hashlib
import re
from typing import Any

from tests.model.reference import inboxes
from tests.model.reference.expression import value
from tests.model.reference.people import (
    INBOX,
    Document,
    Person,
    address_of,
    consents,
    forget,
    queue,
    record_delivery,
    scope_of,
    set_consent,
    set_timer,
    zone_of,
)
from tests.model.reference.times import DAY_MS, parse_duration, quiet_windows

CHANNELS = ("email", "sms", "push", *INBOX)
GATE_HOLDOUT = "holdout"
GATE_ADDRESS = "address"
GATE_CONSENT = "consent"
GATE_SUPPRESSION = "suppression"
GATE_EXPIRY = "expiry"
GATE_CAP = "cap"
GATE_QUIET = "quiet_hours"
RANKS = {"held": 0, "sent": 1, "delivered": 2, "bounced": 3}  # what feedback can raise: by rank, not order of arrival


WITHDRAW_CONSENT = ("complained", "unsubscribed")
# What each provider says of an address that is dead.
DEAD = {
    "email": ("5.1.1", "5.1.6", "5.1.10", "5.2.1"),
    "sms": ("21211", "21610", "21614", "30005", "30006"),
    "push": ("UNREGISTERED",),
}
SOFT_FAILURES = 3


def ask(person: Person, now_ms: int, run: Document, step: Document) -> list[Document]:
    """One delivery per channel of a send step, each sent, held or refused."""
    message = run["world"].messages[step["send"]]
    asked = []
    # All channels that the message has content for, in document order, unless the step names them.
    named = step.get("channels") or [name for name in message if name in CHANNELS]
    if isinstance(named, dict):
        named = [first_that_passes(person, now_ms, run, step, message)]
    for channel in named:
        delivery = new(now_ms, run, step, message, channel)
        person.deliveries.append(delivery)
        asked.append(delivery)
        decide(person, gates_at_ms(person, now_ms), delivery)
    return asked


def new(now_ms: int, run: Document, step: Document, message: Document, channel: str) -> Document:
    return {
        "run": run,
        "step": step["id"],
        "visit": run["visits"][step["id"]],
        "channel": channel,
        "message": message,
        "of": step,
        "asked_at": now_ms,
        "state": None,
        "to": None,
        "marks": [],
    }


def first_that_passes(person: Person, now_ms: int, run: Document, step: Document, message: Document) -> str:
    """The first channel that no gate refuses, the preferred one before the others; if there is none, the first."""
    listed: list[str] = list(step["channels"]["first"])
    if "prefer" in step["channels"]:
        preferred = value(step["channels"]["prefer"], scope_of(person, now_ms, run=run))
        listed = [name for name in listed if name == preferred] + [name for name in listed if name != preferred]
    at_ms = gates_at_ms(person, now_ms)
    for channel in listed:
        trial = new(now_ms, run, step, message, channel)
        trial["to"] = address_for(person, at_ms, trial)
        gate, held_until_ms = gates(person, at_ms, trial)
        if gate is None or held_until_ms is not None:
            return channel
    return listed[0]


def address_for(person: Person, now_ms: int, delivery: Document) -> str | None:
    address = address_of(person, now_ms, delivery["channel"], delivery["of"], delivery["run"])
    return address if isinstance(address, str) and address.strip() else None


def gates_at_ms(person: Person, now_ms: int) -> int:
    """Gates go by the time of the resume, whenever that happened which is made up for."""
    return now_ms if person.gates_at_ms is None else person.gates_at_ms


def decide(person: Person, now_ms: int, delivery: Document, standing: Document | None = None) -> None:
    """Passes a delivery through all gates: when it is asked for, and again when it is released or judged anew.

    `standing` is the timer of its release, where it is judged before that.
    """
    delivery["to"] = address_for(person, now_ms, delivery)
    gate, held_until_ms = gates(person, now_ms, delivery)
    if gate is not None:
        object_to(person, now_ms, delivery, gate, held_until_ms, standing)
    else:
        if delivery["message"]["class"] == "marketing":
            # Reserved when queued.
            person.reserved.append({"at": now_ms, "delivery": delivery})
        queue(person, delivery)


def claim_queued(person: Person, now_ms: int) -> list[Document]:
    """Once an input is over, with all that it caused, what it queued is claimed; the channel accepts at once.

    Answers the runs of those to which a gate objects.
    """
    stopped = []
    # In the order in which they were queued, which is that of an inbox, too.
    queued = [delivery for delivery in person.deliveries if delivery["state"] == "queued"]
    for delivery in sorted(queued, key=lambda one: int(one["queued"])):
        forget(person)  # each receipt is an input of its own
        gate, held_until_ms = gates_that_change(person, now_ms, delivery)
        if gate is not None:
            object_to(person, now_ms, delivery, gate, held_until_ms)
            stopped.append(delivery["run"])
        else:
            delivery["state"] = "sent"
            record_delivery(person, now_ms, delivery, "sent")
            if delivery["channel"] in INBOX:
                inboxes.lay_down(person, now_ms, delivery)
    return stopped


def object_to(
    person: Person,
    now_ms: int,
    delivery: Document,
    gate: str,
    held_until_ms: int | None,
    standing: Document | None = None,
) -> None:
    # What is not sent counts against no cap.
    person.reserved = [one for one in person.reserved if one["delivery"] is not delivery]
    if held_until_ms is None:
        delivery["state"] = "refused"
        record_delivery(person, now_ms, delivery, "refused", gate)
        return
    # A second hold is told of again, but only if the release differs.
    if standing is not None and standing["due"] == held_until_ms:
        person.timers.append(standing)
        return
    record_delivery(person, now_ms, delivery, "held", gate)
    delivery["state"] = "held"
    set_timer(person, held_until_ms, "release", delivery=delivery)


def gates(person: Person, now_ms: int, delivery: Document) -> tuple[str | None, int | None]:
    """The gate that refuses, or the end of the quiet hours that hold, or neither."""
    # Before all others, of marketing only: who is held out gets none.
    if delivery["message"]["class"] == "marketing" and is_held_out(person):
        return GATE_HOLDOUT, None
    # Address: there is one, well formed.
    if delivery["to"] is None or not well_formed(delivery["channel"], delivery["to"]):
        return GATE_ADDRESS, None
    gate, held_until_ms = gates_that_change(person, now_ms, delivery)
    # The cap comes before the quiet hours.
    if gate in (None, GATE_QUIET) and delivery["message"]["class"] == "marketing":
        if any(is_full(person, now_ms, cap) for cap in caps_on(person, delivery)):
            return GATE_CAP, None
    return gate, held_until_ms


def gates_that_change(person: Person, now_ms: int, delivery: Document) -> tuple[str | None, int | None]:
    """The gates that are looked at once more when the delivery is claimed."""
    message, channel, address = delivery["message"], delivery["channel"], delivery["to"]
    marketing = message["class"] == "marketing"
    # Transactional messages skip consent, caps and quiet hours.
    if marketing and not consents(person, channel, message.get("purpose", message["class"])):
        return GATE_CONSENT, None
    # Suppression: per channel and address.
    if (channel, address) in person.suppressed:
        return GATE_SUPPRESSION, None
    # Expiry counts from the instant of the send step.
    if "expires" in message and now_ms > delivery["asked_at"] + parse_duration(message["expires"]):
        return GATE_EXPIRY, None
    quiet, quiet_until_ms = quiet_hours(person, now_ms, channel) if marketing else (None, None)
    if quiet == "drop":
        return GATE_QUIET, None
    if quiet == "hold":
        return GATE_QUIET, quiet_until_ms
    return None, None


def is_held_out(person: Person) -> bool:
    """Whether a hold-out has her: as in a split, by its salt and the name that she has now."""
    return any(
        int.from_bytes(hashlib.blake2b(f"{rule['salt']}\0{person.id}".encode()).digest()[:8], "big") % 10_000
        < round(rule["percent"] * 100)
        for rule in person.world.settings.get("holdouts", {}).values()
    )


def well_formed(channel: str, address: str) -> bool:
    email = re.fullmatch(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", address)
    return channel != "email" or email is not None


def caps_on(person: Person, delivery: Document) -> list[Document]:
    message = delivery["message"]
    found = []
    for cap in person.world.policies.get("caps", []):
        of_channel = delivery["channel"] in cap.get("channels", CHANNELS)
        of_class = cap.get("class", message["class"]) == message["class"]
        purpose = message.get("purpose", message["class"])
        if of_channel and of_class and cap.get("purpose", purpose) == purpose:
            found.append(cap)
    return found


def is_full(person: Person, now_ms: int, cap: Document) -> bool:
    # A rolling window (t - per, t]; the channels in one rule share the count.
    since_ms = now_ms - parse_duration(cap["per"])
    inside = [one["delivery"] for one in person.reserved if since_ms < one["at"] <= now_ms]
    counted = [delivery for delivery in inside if any(rule is cap for rule in caps_on(person, delivery))]
    return len(counted) >= int(cap["max"])


def quiet_hours(person: Person, now_ms: int, channel: str) -> tuple[str | None, int | None]:
    """What the quiet hours in the person's zone say now, and when they end."""
    zone = zone_of(person, now_ms)
    windows: list[tuple[int, int, str]] = []
    for rule in person.world.policies.get("quiet_hours", []):
        if channel in rule.get("channels", CHANNELS):
            windows.extend((*window, rule.get("then", "hold")) for window in quiet_windows(rule, now_ms, zone))
    inside = [window for window in windows if window[0] <= now_ms < window[1]]
    if not inside:
        return None, None
    if any(then == "drop" for _, _, then in inside):
        return "drop", None
    until_ms = max(end for _, end, _ in inside)
    # Windows that overlap or touch are one.
    while later := [end for start, end, then in windows if start <= until_ms < end and then == "hold"]:
        until_ms = max(later)
    return "hold", until_ms


def cancel(person: Person, now_ms: int, run: Document) -> None:
    """Takes back what has not been claimed yet, and what lies in the inbox unseen."""
    cancel_unclaimed(person, now_ms, run)
    inboxes.take_back_of(person, gates_at_ms(person, now_ms), run)


def cancel_unclaimed(person: Person, now_ms: int, run: Document) -> None:
    for delivery in person.deliveries:
        if delivery["run"] is run and delivery["state"] in ("held", "queued"):
            person.reserved = [one for one in person.reserved if one["delivery"] is not delivery]
            delivery["state"] = "cancelled"
            # What becomes of a delivery that is made up for is told at the resume.
            record_delivery(person, gates_at_ms(person, now_ms), delivery, "cancelled")


def react(person: Person, now_ms: int, line: Document) -> list[Document]:
    """What a reaction tells that was not known before, as facts that listeners may match."""
    delivery = newest_sent(person, line)
    if delivery is None:
        return []
    facts: list[Document] = []
    reaction, link = line["reaction"], line.get("link")
    take_effect(person, now_ms, delivery, reaction, line.get("code"))
    # Opened or clicked implies delivered, which is told also of what has bounced.
    if reaction in ("delivered", "opened", "clicked") and "delivered" not in [known[0] for known in delivery["marks"]]:
        delivery["state"] = max("delivered", delivery["state"], key=lambda state: RANKS[state])
        facts.append(mark(person, now_ms, delivery, "delivered", None))
    if reaction == "bounced" and delivery["state"] != "bounced":
        delivery["state"] = "bounced"
        facts.append(mark(person, now_ms, delivery, "bounced", None))
    # A reaction heard before changes nothing; a click on another link is news to listeners only.
    if reaction not in RANKS and (reaction, link) not in [known[:2] for known in delivery["marks"]]:
        facts.append(mark(person, now_ms, delivery, reaction, link))
    inboxes.hear(person, delivery, [fact["reaction"] for fact in facts])
    return facts


def withdraws(person: Person, line: Document) -> bool:
    return line["reaction"] in WITHDRAW_CONSENT and newest_sent(person, line) is not None


def take_effect(person: Person, now_ms: int, delivery: Document, reaction: str, code: str | None) -> None:
    """What a reaction does each time it comes, whether or not the delivery has that mark already."""
    place = (delivery["channel"], delivery["to"])
    # An unsubscribe and a complaint withdraw consent for that channel's marketing.
    if reaction in WITHDRAW_CONSENT:
        set_consent(person, delivery["channel"], None, granted=False)
    # A bounce without a code is one of a dead mailbox.
    elif reaction == "bounced" and (code is None or code in DEAD[delivery["channel"]]):
        suppress(person, place, delivery["asked_at"])
    elif reaction == "bounced":
        # The third within 30 days, over at least 3 days, suppresses too.
        times = [at_ms for at_ms in person.failed_at.get(place, []) if at_ms >= now_ms - 30 * DAY_MS]
        person.failed_at[place] = [*times, now_ms]
        if len(times) + 1 >= SOFT_FAILURES and now_ms - times[0] >= 3 * DAY_MS:
            suppress(person, place, delivery["asked_at"])
    # What arrives lifts what an earlier delivery found out; one that bounced lifts nothing.
    elif reaction in ("delivered", "opened", "clicked") and delivery["state"] != "bounced":
        person.failed_at.pop(place, None)
        if delivery["asked_at"] > person.suppressed.get(place, delivery["asked_at"]):
            del person.suppressed[place]


def suppress(person: Person, place: tuple[str, str], since_ms: int) -> None:
    person.suppressed[place] = max(since_ms, person.suppressed.get(place, since_ms))
    person.failed_at.pop(place, None)


def lift(person: Person, place: tuple[str, str]) -> None:
    person.suppressed.pop(place, None)
    person.failed_at.pop(place, None)


def mark(person: Person, now_ms: int, delivery: Document, reaction: str, link: Any) -> Document:
    # A mark is kept with its first time.
    if all(kind != reaction for kind, _, _ in delivery["marks"]):
        record_delivery(person, now_ms, delivery, reaction)
    delivery["marks"].append((reaction, link, now_ms))
    return {"delivery": delivery, "reaction": reaction, "link": link}


def newest_sent(person: Person, line: Document) -> Document | None:
    """The person's newest delivery of a journey's step and channel that was sent."""
    candidates = []
    for delivery in person.deliveries:
        named = (delivery["run"]["journey"]["journey"], delivery["step"], delivery["channel"])
        was_sent = delivery["state"] in ("sent", "delivered", "bounced")
        is_remembered = not delivery["run"]["forgotten"]
        if named == (line["journey"], line["step"], line["channel"]) and was_sent and is_remembered:
            candidates.append(delivery)
    # Newest is the one that was asked for last; of one instant, the one of the later run.
    return max(candidates, key=lambda one: (one["asked_at"], one["run"]["number"], one["visit"]), default=None)


def heard_already(person: Person, now_ms: int, run: Document, listener: Document) -> bool:
    """Whether the run's newest delivery of a step, by any channel asked about, has the reaction already."""
    newest: dict[str, Document] = {}
    for delivery in person.deliveries:
        # The reactions that a run sees are those to its own deliveries.
        if delivery["run"] is run and delivery["step"] == listener["of"]:
            if delivery["state"] in ("queued", "sent", "delivered", "bounced", "answered", "failed"):
                newest[delivery["channel"]] = delivery
    facts = [
        {"delivery": delivery, "reaction": reaction, "link": link}
        for delivery in newest.values()
        for reaction, link, at_ms in delivery["marks"]
        # What is made up for does not look ahead.
        if at_ms <= now_ms
    ]
    return any(answers(fact, run, listener) for fact in facts)


def answers(fact: Document, run: Document, listener: Document) -> bool:
    delivery = fact["delivery"]
    return bool(
        delivery["run"] is run
        and delivery["step"] == listener["of"]
        # In a loop, the newest visit of the step.
        and delivery["visit"] == run["visits"][listener["of"]]
        and fact["reaction"] == listener["reaction"]
        and listener.get("channel", delivery["channel"]) == delivery["channel"]
        and listener.get("link", fact["link"]) == fact["link"]
    )
