"""What does a person want to get? A page with a box for each purpose of marketing on each channel, and its form.

Plain HTML without scripts or styles, which every reader shows. Looking at it changes nothing: filters of mail look at
every page that a mail leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from html import escape
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from parcours.journey.program import Program

Pair: TypeAlias = tuple[str, str]
"""(channel, purpose)"""

Said: TypeAlias = Mapping[tuple[str, str | None], bool]
"""What somebody has said of consent, by (channel, purpose); the purpose is None for all of a channel."""

FIELDS_MAX: Final = 2_000
"""More than any project has purposes on channels, twice."""

CHANNELS: Final[Mapping[str, str]] = {
    "email": "E-mail",
    "sms": "Text messages",
    "push": "Notifications on your phone",
    "card": "Cards in the app",
    "inapp": "Messages in the app",
}
"""What readers call the channels that come along; any other goes by its name."""

PURPOSES: Final[Mapping[str, str]] = {"marketing": "News and offers"}
"""The purpose of messages that name none."""

ONE_CLICK: Final = ("List-Unsubscribe", "One-Click")
"""The field by which RFC 8058 withdraws, with its value."""

SHOWN: Final = "shown"
GRANTED: Final = "granted"
STOP: Final = "stop"


@dataclass(frozen=True, slots=True)
class Preference:
    """A box of the page.

    in_force  whether marketing of the purpose may be sent on the channel now
    said      what the person has said of it, None if nothing
    """

    channel: str
    purpose: str
    in_force: bool
    said: bool | None


@dataclass(frozen=True, slots=True)
class Wish:
    """One word of consent: of a purpose on a channel, or of all of the channel (None)."""

    channel: str
    purpose: str | None
    granted: bool


def preferences_of(program: Program, said: Said, channel: str) -> list[Preference]:
    """The boxes of somebody who has said so much. `channel` is among them whatever is published now."""
    assumes = program.policies.consent.assumes
    return [
        Preference(each, purpose, _latest(said, each, purpose, default=assumes(each)), said.get((each, purpose)))
        for each, purpose in _asked_for(program, channel)
    ]


def _asked_for(program: Program, channel: str) -> list[Pair]:
    """The purposes of marketing on each channel, of every version that somebody may be in."""
    messages = [*program.messages.values(), *(each for one in program.versions() for each in one.messages.values())]
    pairs = {
        (name, message.purpose)
        for message in messages
        if message.message_class == "marketing"
        for name in message.contents
    }
    if all(name != channel for name, _ in pairs):
        pairs.add((channel, "marketing"))
    return sorted(pairs)


def _latest(said: Said, channel: str, purpose: str, *, default: bool) -> bool:
    return said.get((channel, purpose), said.get((channel, None), default))


def form_of(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields of a form, in either of the types in which forms are sent. Raises ValueError for what is none."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    try:
        parts = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body).get_payload()
    except RecursionError:
        raise ValueError("its parts are nested") from None
    if not isinstance(parts, list):
        raise ValueError("it has no parts")
    fields = []
    for part in parts[:FIELDS_MAX]:
        assert isinstance(part, Message), "parts of what is multipart are messages"
        name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            fields.append((name, value.decode()))
    return fields


def wishes_of(fields: Iterable[tuple[str, str]], boxes: Sequence[Preference]) -> list[Wish]:
    """What the form says of these boxes, as far as it is news; a box that it did not show stays as it is.

    A box that stays empty is a word, too: what is assumed of those who say nothing may change.
    """
    told: dict[str, set[str]] = {SHOWN: set(), GRANTED: set(), STOP: set()}
    for name, value in fields:
        told.get(name, set()).add(value)
    by_channel: dict[str, list[Preference]] = {}
    for box in boxes:
        if _value(box) in told[SHOWN] or box.channel in told[STOP]:
            by_channel.setdefault(box.channel, []).append(box)
    wishes = []
    for channel, shown in by_channel.items():
        granted = [box for box in shown if _value(box) in told[GRANTED] and channel not in told[STOP]]
        if not granted and len(shown) == sum(box.channel == channel for box in boxes):
            wishes.append(Wish(channel, None, granted=False))
            continue
        wishes += [Wish(channel, box.purpose, granted=True) for box in granted if not box.in_force]
        wishes += [
            Wish(channel, box.purpose, granted=False) for box in shown if box not in granted and box.said is not False
        ]
    return wishes


def names_any(fields: Iterable[tuple[str, str]], boxes: Sequence[Preference]) -> bool:
    """Whether the form shows any of these boxes, or stops the channel of one: else it says nothing."""
    named = set(fields)
    return any((SHOWN, _value(box)) in named or (STOP, box.channel) in named for box in boxes)


def _value(box: Preference) -> str:
    return f"{box.channel}/{box.purpose}"


def page_of(boxes: Sequence[Preference], channel: str, *, is_saved: bool) -> bytes:
    """The page. `channel` is that of the message that leads here: one button stops all of it."""
    named = _named(CHANNELS, channel)
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">',
        '<meta name="referrer" content="same-origin">',  # else a browser would not say whence the form comes
        "<title>What you want to get</title></head><body><h1>What you want to get</h1>",
        '<p role="status">Saved.</p>' if is_saved else "",
        '<form method="post">',
        f'<button name="{STOP}" value="{escape(channel)}">Stop all: {escape(named)}</button>',
        '</form><form method="post">',
        *(_fieldset(each, boxes) for each in dict.fromkeys(box.channel for box in boxes)),
        "<button>Save</button></form></body></html>",
    ]
    return "".join(parts).encode()


def _fieldset(channel: str, boxes: Sequence[Preference]) -> str:
    rows = [
        f'<p><input type="hidden" name="{SHOWN}" value="{escape(_value(box))}"><label>'
        f'<input type="checkbox" name="{GRANTED}" value="{escape(_value(box))}"{" checked" if box.in_force else ""}> '
        f"{escape(_named(PURPOSES, box.purpose))}</label></p>"
        for box in boxes
        if box.channel == channel
    ]
    return f"<fieldset><legend>{escape(_named(CHANNELS, channel))}</legend>{''.join(rows)}</fieldset>"


def _named(names: Mapping[str, str], name: str) -> str:
    return names.get(name) or name.replace("-", " ").replace("_", " ").capitalize()
