"""What lies in a person's inbox, and what takes it out of there?

Cards and in-app messages lie there from the instant at which they are sent: nobody has to be reached. Whatever the
person does not take out herself is withdrawn, for one of four reasons.
"""

from collections.abc import Callable
from itertools import filterfalse

from tests.model.reference.people import Document, Person, record_delivery, set_timer
from tests.model.reference.times import DAY_MS, parse_duration

EXIT = "exit"
EVENT = "event"
PUSHED_OUT = "pushed_out"
EXPIRED = "expired"
EXPIRES_MS = 30 * DAY_MS  # where the message says nothing


def lay_down(person: Person, now_ms: int, delivery: Document) -> None:
    message = delivery["message"]
    expires_ms = now_ms + EXPIRES_MS
    if "expires" in message:
        # From the instant of the send step, however long it was held.
        expires_ms = delivery["asked_at"] + parse_duration(message["expires"])
    content = message[delivery["channel"]]
    entry: Document = {
        "delivery": delivery,
        "at": now_ms,
        "expires": expires_ms,
        "pinned": content.get("pinned", False),
        "bytes": sum(len(text.encode()) for text in content.values() if isinstance(text, str)),
        "seen": False,
    }
    person.inbox.append(entry)
    set_timer(person, expires_ms, "expiry", entry=entry)
    make_room(person, now_ms)


def make_room(person: Person, now_ms: int) -> None:
    # Where there is no room, the oldest that is not pinned goes; of pinned ones alone, the oldest.
    while is_too_full(person):
        unpinned = [*filterfalse(is_pinned, person.inbox)]
        withdraw(person, now_ms, (unpinned or person.inbox)[0], PUSHED_OUT)


def is_pinned(entry: Document) -> bool:
    return bool(entry["pinned"])


def is_too_full(person: Person) -> bool:
    limits = person.world.life.limits
    return len(person.inbox) > limits.inbox_max or sum(one["bytes"] for one in person.inbox) > limits.inbox_bytes_max


def take_back_of(person: Person, now_ms: int, run: Document) -> None:
    """The run ended by an exit, or with its journey: what she has not seen of it is taken back."""
    take_back(person, now_ms, EXIT, lambda delivery: delivery["run"] is run)


def take_back_by(person: Person, now_ms: int, fact: Document, concerns: Callable[[Document], bool]) -> None:
    """An event happened: what names it is taken back, if it concerns the run that has sent it."""

    def is_meant(delivery: Document) -> bool:
        run = delivery["run"]
        names = [name for world, names, _ in fact["events"] if world is run["world"] for name in names]
        named = any(name in names for name in delivery["message"].get("withdraw", []))
        # Of a run that is forgotten nobody knows which events concern it.
        return named and (run["forgotten"] or concerns(run))

    take_back(person, now_ms, EVENT, is_meant)


def take_back(person: Person, now_ms: int, why: str, is_meant: Callable[[Document], bool]) -> None:
    for entry in list(person.inbox):
        if not entry["seen"] and is_meant(entry["delivery"]):
            withdraw(person, now_ms, entry, why)


def expire(person: Person, now_ms: int, entry: Document) -> None:
    if any(other is entry for other in person.inbox):
        withdraw(person, now_ms, entry, EXPIRED)


def hear(person: Person, delivery: Document, news: list[str]) -> None:
    """What the person did, as far as it was not known: what she opens or clicks she has seen, a dismissal hides it."""
    for entry in list(person.inbox):
        if entry["delivery"] is delivery:
            entry["seen"] = entry["seen"] or "opened" in news or "clicked" in news
            if "dismissed" in news:
                person.inbox.remove(entry)


def listed(person: Person) -> list[tuple[str, str, int, int, bool, bool]]:
    """Channel, message, since when, until when, whether pinned, whether seen: pinned ones first, the newest first."""
    order = [*filter(is_pinned, reversed(person.inbox)), *filterfalse(is_pinned, reversed(person.inbox))]
    return [
        (
            *(one["delivery"]["channel"], one["delivery"]["message"]["message"]),
            *(one["at"], one["expires"], one["pinned"], one["seen"]),
        )
        for one in order
    ]


def withdraw(person: Person, now_ms: int, entry: Document, why: str) -> None:
    person.inbox = [other for other in person.inbox if other is not entry]
    delivery = entry["delivery"]
    # It is a mark, and the state stays; of a run that is forgotten nothing is told any more.
    if not delivery["run"]["forgotten"]:
        record_delivery(person, now_ms, delivery, "withdrawn", withdrawn_by=why)
