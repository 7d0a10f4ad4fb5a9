"""For which kind of reason is a call of no use? A few words for all of them, as labels of a metric.

A reason is a sentence that may quote what somebody sent; what a metric is labelled with stays the same few words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

OTHER: Final = "other"

KINDS: Final = (
    ("set_aside", "it was set aside as a dead letter"),
    ("too_long", r"longer than |a (messageId|requestId) longer than |an id of "),
    ("no_call", "not a (call|CloudEvent|line)|a number is out of range|it could not be used when it first came"),
    ("timestamp", "timestamp is not a time|no timestamp|the timestamp "),
    ("nobody", "names nobody|it concerns nobody"),
    (
        "key",
        r"a browser's key |an identify call of a userId needs the context.userHash|a \S+ call needs a key with ",
    ),
    (
        "report",
        r"feedback |a consent call names |\S+ by a machine|\S+ on \S+ an outbound call|a reaction is to a step ",
    ),
    ("unknown", "unknown |nothing is sent on |parcourstype |the type |a merge line "),
    ("missing", r"a call without |a track call without |the attribute \S+ is missing|an? (\S+ call|\S+) needs "),
    ("id", r"an id with |\S+ is neither |\S+ with a NUL "),
    (
        "value",
        (
            r"\S+ is not (an object|a text)|\S+ with |\S+: a number |data_base64 |a specversion |the attribute |"
            r"decisions are a list |a decision call asks for the same |event is the name |dry is for |"
            r"the decisions of the call |there is no (decision|placement) |context\.\S+"
        ),
    ),
)
"""The kinds, each with how its reasons begin; the first that fits counts."""

IN_WORDS: Final[Mapping[str, str]] = {
    "set_aside": "it was set aside as a dead letter",
    "too_long": "it is longer than is taken",
    "no_call": "it is no call",
    "timestamp": "its time cannot be read",
    "nobody": "it names nobody",
    "key": "its key does not open it",
    "report": "it reports what nothing is known of",
    "unknown": "it names something unknown",
    "missing": "something is missing",
    "id": "an id cannot be used",
    "value": "a value is of another kind",
    OTHER: "another reason",
}
"""The same for whoever reads."""

_KIND: Final = re.compile("|".join(f"(?P<{kind}>{begins})" for kind, begins in KINDS))


def kind_of_rejection(reason: str) -> str:
    """Of which kind a reason is, `other` for one that begins like no other."""
    found = _KIND.match(reason)
    return OTHER if found is None or found.lastgroup is None else found.lastgroup
