"""Calls about people: what a method of the façade says, as a call of Segment's spec."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from parcours.core.delivery.feedback import OUTCOMES
from parcours.errors import CallerError
from parcours.expression.names import nearest
from parcours.journey.channels import leaving_steps
from parcours.journey.program import Journey


def sender(
    user_id: str | None, anonymous_id: str | None, timestamp: datetime | None, message_id: str | None
) -> dict[str, object]:
    """Who does it and when, and the id by which a repetition is recognised; what is not given is left out."""
    when = None if timestamp is None else _instant(timestamp)
    given = {"userId": user_id, "anonymousId": anonymous_id, "timestamp": when, "messageId": message_id}
    return {name: value for name, value in given.items() if value is not None}


def _instant(timestamp: object) -> str:
    if not isinstance(timestamp, datetime) or timestamp.utcoffset() is None:
        raise CallerError(f"timestamp={timestamp!r}: a time with its zone is expected, such as datetime.now(UTC)")
    return timestamp.isoformat()


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
    if not isinstance(reaction, str) or reaction not in OUTCOMES:
        hint = nearest(reaction, OUTCOMES) if isinstance(reaction, str) else ""
        raise CallerError(f"this is no reaction: {reaction!r}{hint}")
    if answer is not None and reaction != "answered":
        raise CallerError(f"only 'answered' has an answer, and not {reaction!r}")
    known = list(journeys)
    steps = leaving_steps(known, of)
    if len(steps) != 1 or (channel is None and len(next(iter(steps.values()))) > 1):
        alike = leaving_steps(known, str(of).rpartition(".")[2]) or [(j.name, step) for j in known for step in j.steps]
        raise CallerError(
            f"{of!r} has to be one step that sends, as JOURNEY.STEP, and a channel where it sends on several"
            + nearest(str(of), {".".join(each) for each in alike})
        )
    ((journey, step), channels) = next(iter(steps.items()))
    more = {"link": link, "answer": None if answer is None else dict(answer)}
    named = {"reaction": reaction, "journey": journey, "step": step, "channel": channel or channels[0]}
    return {"type": "reaction", **named, **{name: value for name, value in more.items() if value is not None}}
