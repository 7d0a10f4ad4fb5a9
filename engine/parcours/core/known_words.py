"""Which part of a reason is ours to say? What may be told to those who may not look at people: words of a fixed list.

A reason often ends with what a provider, a plugin or an exception said, and that may quote an address. So nothing is
known by its place: a reason is told as far as it consists of the words below and of codes, from its beginning on. A
channel that begins its reasons with these words has them told; whatever else it says is for those who may look.
"""

from __future__ import annotations

import re
from typing import Final

LEFT_OUT: Final = "…"
"""Stands for words that are not ours."""

_CODE: Final = (
    r"[245][0-9]{2}(?: [245]\.[0-9]{1,3}\.[0-9]{1,3})?|[0-9]{1,5}|\[Errno [0-9]{1,5}\]|"
    "INTERNAL|INVALID_ARGUMENT|NOT_FOUND|PERMISSION_DENIED|QUOTA_EXCEEDED|RESOURCE_EXHAUSTED|SENDER_ID_MISMATCH|"
    "THIRD_PARTY_AUTH_ERROR|UNAUTHENTICATED|UNAVAILABLE|UNREGISTERED|UNSPECIFIED_ERROR|address|render|url"
)
"""Codes: those of mail servers, HTTP, operating systems and Twilio are numbers; then those of FCM, then ours."""

_NUMBER: Final = r"[0-9.]+(?:e[+-]?[0-9]+)?"

_WORDS: Final = (
    # why a delivery may not leave
    "no address",
    "address is not well formed",
    r"no consent to [\w-]{1,64} for [\w-]{1,64}",
    "the provider has said that nothing arrives at this address",
    "the message has expired",
    "[0-9]+ of [0-9]+ already within the window",
    "in quiet hours, and not held",
    "held until quiet hours end",
    # what became of it
    "the message or its step is not known any more",
    "the run was left",
    "the destination is not published any more",
    "merged",
    "reported by the provider",
    "known from a reaction",
    "not sent in [0-9]+ attempts",
    "no certain answer in [0-9]+ attempts",
    "the engine stopped while it was being sent",
    "the dispatcher stopped while it was being sent",
    f"it asks for a pause of {_NUMBER} s, which is cut to retry_after_max_ms=[0-9]+",
    "exit|event|pushed_out|expired|dismissed",
    "other reasons",
    # how it went with the channel
    "render",
    "the channel broke",
    "the channel gave",
    f"no answer from the channel within send_timeout_s={_NUMBER}",
    f"no answer within (?:connect_timeout_s=)?{_NUMBER}(?: s)?",
    "no answer in time|no answer|no connection|no login",
    r"(?:the (?:other side|provider|receiver|server)|FCM|Twilio) answered [0-9]{3}(?: [A-Z_]{2,40}\b)?",
    "the server refused the user name or the password",
    "connect|mail|rcpt|body",
    r"Error connecting to [\w.:-]{1,253} on port [0-9]{1,5}",
    r"SMTP STARTTLS extension not supported by server\.",
    "not an address|not a web address|not a URL to post to",
    r"the host has no public address, and its network is not in channels\.call\.allowed_networks of parcours\.yaml",
    "the engine was opened without what the header [A-Za-z0-9-]{1,64} refers to",
    # what an outbound call brought back
    "the answer is not JSON",
    "the answer is longer than answer_bytes_max=[0-9]+",
    # why a run was parked, or a line set aside
    "the wait would last beyond the year 9997",
    "the day waited for is not of the years 1 to 9998",
    "the traits would take more than all_traits_bytes_max=[0-9]+",
    r"the value for \w{1,64} is",
    "wait until",
    "a timer was set aside",
    # why a run of a campaign ended at a step, or a step did nothing
    r"table '[\w-]{1,64}'",
    "there is no file",
    r"[0-9,]+ of [0-9,]+ cells of column '\w{1,64}' do not fit [a-z]{4,9}(?:\([0-9]{1,2}\))?",
    "it has [0-9,]+ rows, and join_rows_max allows [0-9,]+",
    "it took only sets that were skipped, and did nothing",
    # kinds of errors
    "[A-Z][A-Za-z]{2,40}(?:Error|Exception|Disconnected|Timeout)",
)

_TOLD: Final = re.compile(
    "(?:{words})(?![\\w@])(?:[:;] (?:{words}|{code})(?![\\w@.-]))*".format(
        words="|".join(f"(?:{each})" for each in _WORDS), code=_CODE
    )
)
_CODE_AFTER: Final = re.compile(rf" \((?:{_CODE})\)\Z")
_IS_CODE: Final = re.compile(_CODE)


def known_part(reason: str) -> str:
    """What may be told of a reason: its words and codes as far as they are known, `…` if its first ones are not."""
    told = _TOLD.match(reason)
    if told is None:
        return LEFT_OUT
    code = _CODE_AFTER.search(reason, told.end())
    return told[0] if code is None else told[0] + code[0]


def known_code(code: str | None) -> str | None:
    """The code, if it is one that may be told."""
    return code if code is not None and _IS_CODE.fullmatch(code) else None
