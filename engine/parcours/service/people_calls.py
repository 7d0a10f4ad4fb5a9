"""Calls about people: the arguments of a façade's method, checked and made into a call of Segment's spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from parcours.core.delivery.feedback import OUTCOMES
from parcours.errors import CallerError
from parcours.journey.channels import leaving_steps
from parcours.journey.program import Journey
from parcours.segment.inputs import MARKS
from parcours.wording import nearest, shown_value

Id: TypeAlias = str | int
"""An id as a caller may give it: a whole number stands for its text."""


def sender(
    user_id: Id | None, anonymous_id: Id | None, timestamp: datetime | None, message_id: Id | None
) -> dict[str, object]:
    """Who does it and when, and the id by which a repetition is recognised; what is not given is left out.

    Raises CallerError for an id that is none, and for a time without its zone.
    """
    given = {
        "userId": id_text("user_id", user_id),
        "anonymousId": id_text("anonymous_id", anonymous_id),
        "timestamp": None if timestamp is None else _instant(timestamp),
        "messageId": id_text("message_id", message_id),
    }
    return {name: value for name, value in given.items() if value is not None}


def id_text(name: str, value: object) -> str | None:
    """An id as a text, None where there is none. Raises CallerError for what is no id, by the name of the argument."""
    if isinstance(value, bool) or not isinstance(value, str | int | None):
        raise CallerError(f"{name}={shown_value(value)}: an id is a text or a whole number")
    if value == "":
        raise CallerError(f"{name}='': an id is not empty: where there is none, leave it out")
    try:
        text = None if value is None else str(value)
    except ValueError:  # of thousands of digits
        raise CallerError(f"{name}={shown_value(value)}: a whole number of fewer digits is expected") from None
    if text is not None:
        _check_whole(name, text)
    return text


def _check_whole(name: str, text: str) -> None:
    """Raises CallerError for half of a surrogate pair, which would be somebody else's when it is mended."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CallerError(f"{name}={shown_value(text)}: a text that UTF-8 can write is expected") from None


def check_text(name: str, value: object) -> None:
    """Raises CallerError for what is no text, or an empty one, by the name of the argument."""
    if not isinstance(value, str) or not value:
        raise CallerError(f"{name}={shown_value(value)}: a text is expected that is not empty")
    _check_whole(name, value)


def check_bool(name: str, value: object) -> None:
    """Raises CallerError for anything else than True and False, by the name of the argument."""
    if not isinstance(value, bool):
        raise CallerError(f"{name}={shown_value(value)}: True or False is expected")


def object_of(name: str, value: object) -> dict[str, object]:
    """A copy of what has to be an object. Raises CallerError for what is none, by the name of the argument."""
    if not isinstance(value, Mapping):
        raise CallerError(f"{name}={shown_value(value)}: an object is expected, such as {{'plan': 'basic'}}")
    if not all(isinstance(key, str) for key in value):
        raise CallerError(f"{name}={shown_value(value)}: the names in an object are texts")
    return dict(value)


def _instant(timestamp: object) -> str:
    if not isinstance(timestamp, datetime) or timestamp.utcoffset() is None:
        raise CallerError(
            f"timestamp={shown_value(timestamp)}: a time with its zone is expected, such as datetime.now(UTC)"
        )
    return timestamp.isoformat()


def feedback_call(delivery: object, reaction: object, link: object) -> dict[str, object]:
    """A reaction to the delivery of this key. Raises CallerError for what is no reaction, and for what is no key."""
    check_text("delivery", delivery)
    _check_reaction(reaction)
    if link is not None:
        check_text("link", link)
    told = {"key": delivery, "reaction": reaction, **({} if link is None else {"link": link})}
    return {"type": "feedback", **told}


def _check_reaction(reaction: object) -> None:
    if not isinstance(reaction, str) or reaction not in OUTCOMES:
        hint = nearest(reaction, OUTCOMES) if isinstance(reaction, str) else ""
        raise CallerError(f"this is no reaction: {shown_value(reaction)}{hint}")


def mark_call(proposition: object, mark: object) -> dict[str, object]:
    """What became of an offer that somebody got. Raises CallerError for what is no mark, and for what is no key."""
    check_text("proposition", proposition)
    if mark not in MARKS:
        hint = nearest(mark, MARKS) if isinstance(mark, str) else ""
        raise CallerError(f"this is no mark of an offer: {shown_value(mark)}{hint}")
    return {"type": "proposition", "proposition": proposition, "mark": mark}


def reaction_call(
    journeys: Iterable[Journey],
    reaction: object,
    of: str,
    channel: str | None,
    link: str | None,
    answer: Mapping[str, object] | None,
) -> dict[str, object]:
    """A reaction to the newest delivery of a step, which is named JOURNEY.STEP in any version of these journeys.

    Raises CallerError for what is no reaction, and where it is not clear of which delivery.
    """
    _check_reaction(reaction)
    check_text("of", of)
    if channel is not None:
        check_text("channel", channel)
    if answer is not None and reaction != "answered":
        raise CallerError(f"only 'answered' has an answer, and not {shown_value(reaction)}")
    known = list(journeys)
    steps = leaving_steps(known, of)
    if len(steps) != 1 or (channel is None and len(next(iter(steps.values()))) > 1):
        alike = leaving_steps(known, of.rpartition(".")[2]) or [(j.name, step) for j in known for step in j.steps]
        raise CallerError(
            f"{shown_value(of)} has to be one step that sends, as JOURNEY.STEP, and a channel where it sends on several"
            + nearest(of, {".".join(each) for each in alike})
        )
    ((journey, step), channels) = next(iter(steps.items()))
    if channel is not None and channel not in channels:
        raise CallerError(f"{of!r} does not send on {shown_value(channel)}; it sends on {', '.join(channels)}")
    more = {"link": link, "answer": None if answer is None else object_of("answer", answer)}
    named = {"reaction": reaction, "journey": journey, "step": step, "channel": channel or channels[0]}
    return {"type": "reaction", **named, **{name: value for name, value in more.items() if value is not None}}
