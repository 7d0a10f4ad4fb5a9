"""Of a reason no more is told to everybody than words that stand in a list, whatever a channel puts around them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import parcours
from parcours.core.known_words import LEFT_OUT, known_code, known_part
from parcours.ingress.hidden_names import shown_report
from parcours.ingress.keys import Key
from parcours.insight.store_report import StoreReport
from parcours.insight.summary import Summary

WHO = "anna@mail.example"


@pytest.mark.parametrize(
    "reason, told",
    [
        ("no address", "no address"),
        (f"address is not well formed: {WHO}", "address is not well formed"),
        ("no consent to email for marketing; 3 of 3 already within the window",) * 2,
        (f"rcpt: 550 5.1.1 <{WHO}>: no such user (550 5.1.1)", "rcpt: 550 5.1.1 (550 5.1.1)"),
        (f"not sent in 5 attempts: mail: 421 4.7.0 {WHO}", "not sent in 5 attempts: mail: 421 4.7.0"),
        ("Twilio answered 400: +33612345678 is blocked (21610)", "Twilio answered 400 (21610)"),
        ("FCM answered 404 UNREGISTERED: anna's token (UNREGISTERED)", "FCM answered 404 UNREGISTERED (UNREGISTERED)"),
        ("no certain answer in 2 attempts: no answer within 1.5 s",) * 2,
        (f"the channel broke: ValueError: {WHO}", "the channel broke: ValueError"),
        (f"ValueError: {WHO}", "ValueError"),
        ("connect: [Errno 111] Connection refused to anna", "connect: [Errno 111]"),
        ("render: undefined name 'anna'", "render"),
        (f"table 'wishes': there is no file 'data/{WHO}.csv'", "table 'wishes': there is no file"),
        (f"table 'wishes': {WHO}.csv, line 2, and", "table 'wishes'"),
        (
            f"table 'wishes': 3 of 1,000 cells of column 'price' do not fit decimal(2), the first in {WHO}",
            "table 'wishes': 3 of 1,000 cells of column 'price' do not fit decimal(2)",
        ),
        ("it took only sets that were skipped, and did nothing",) * 2,
        # what is no word of ours is told to nobody, with a colon or without
        (f"{WHO} is on a list", LEFT_OUT),
        (f"{WHO}: on a list", LEFT_OUT),
        ("+33612345678", LEFT_OUT),
        ("anna (21610)", LEFT_OUT),
        ("", LEFT_OUT),
        # nor what is glued to one
        (f"no address; {WHO}", "no address"),
        ("connect: 33612345678", "connect"),
        ("connect: 123.45", "connect"),
        ("renderanna", LEFT_OUT),
        ("exit@mail.example", LEFT_OUT),
    ],
)
def test_a_reason_is_told_as_far_as_it_is_known(reason: str, told: str) -> None:
    assert known_part(reason) == told


@given(st.text(alphabet="anna@mail.example +0123456789:;()", max_size=40))
def test_whatever_a_plugin_says_is_not_told(said: str) -> None:
    assert known_part(f"Anna {said}") == LEFT_OUT
    assert len(known_part(f"connect: Anna {said}").removeprefix("connect")) <= len(" (12345)")


@pytest.mark.parametrize(
    "code, told",
    [("550 5.1.1", True), ("21610", True), ("UNREGISTERED", True), (WHO, False), ("33612345678", False), (None, False)],
)
def test_a_code_is_told_if_it_is_one(code: str | None, told: bool) -> None:
    assert (known_code(code) is not None) == told


def test_what_the_core_gives_as_a_reason_is_known() -> None:
    folder = Path(parcours.__file__).parent / "core" / "delivery"
    said = [
        word.value.value
        for path in folder.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg == "reason" and isinstance(word.value, ast.Constant) and isinstance(word.value.value, str)
    ]

    assert len(said) > 3
    assert [each for each in said if known_part(each) != each] == []


def test_the_report_shows_others_no_reason_that_a_plugin_has_made_up() -> None:
    report = StoreReport(
        summary=Summary(),
        reasons=[(("note", "failed", f"{WHO} is on a list"), 2), (("note", "failed", f"{WHO} moved"), 1)],
        parked=[(("cart", "wait", f"{WHO} has no birthday"), 1)],
    )
    keys = {scope: Key(name="k", sha256="", scopes=frozenset({scope})) for scope in ("operate:read", "people:read")}

    assert shown_report(report, keys["people:read"]) == report
    shown = shown_report(report, keys["operate:read"])
    assert WHO not in str(shown)
    assert list(shown.reasons) == [(("note", "failed", LEFT_OUT), 3)]
