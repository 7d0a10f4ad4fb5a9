"""What does a text say that somebody has sent to a number of ours? It ends all messages, allows them again, or answers.

Twilio says so itself where its Advanced Opt-Out is on; else the whole text is looked up among words of the settings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from parcours.channel import Feedback

STOP_WORDS: Final = (
    "STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT OUT",
)  # fmt: skip
"""Those that Twilio takes for an opt-out by itself."""

START_WORDS: Final = ("START", "UNSTOP")
"""Twilio takes YES too, which is as often the answer to a question: it is left to be one."""


def keyword(text: str) -> str:
    """The text as it is compared with words: without what phones add, in one case."""
    return " ".join(text.upper().strip(" \t\r\n.!\"'").split())


def read_text(form: Mapping[str, str], stop_words: Collection[str], start_words: Collection[str]) -> list[Feedback]:
    """The report of a text that has come in."""
    sender, text = form.get("From", ""), form.get("Body", "")
    if not sender:
        return []
    word, said = form.get("OptOutType", "").upper(), keyword(text)
    report_id = form.get("MessageSid")
    if word == "STOP" or (not word and said in stop_words):
        return [Feedback(address=sender, reaction="unsubscribed", report_id=report_id)]
    if word == "START" or (not word and said in start_words):
        return [Feedback(address=sender, reaction="unblocked", report_id=report_id)]
    return [Feedback(address=sender, reaction="replied", text=text, report_id=report_id)]
