"""What does each built-in channel say of a content before it leaves?"""

from __future__ import annotations

from typing import Any

import pytest

from parcours.channel import Finding
from parcours_channels.email import EmailChannel
from parcours_channels.email_content import EmailContent
from parcours_channels.push import PushChannel, PushContent
from parcours_channels.sms import SmsChannel, SmsContent


@pytest.mark.parametrize(
    "text, told",
    [
        ("Hi Sarah, your cart waits", None),
        ("x" * 160, None),
        ("x" * 161, "the text leaves as 2 segments in GSM-7"),
        ("x" * 306, "the text leaves as 2 segments in GSM-7"),
        ("x" * 307, "the text leaves as 3 segments in GSM-7"),
        ("€" * 80, None),  # two units each
        ("€" * 81, "the text leaves as 2 segments in GSM-7"),
        ("x" * 152 + "€" * 4, None),
        ("x" * 152 + "€" * 77, "the text leaves as 3 segments in GSM-7"),  # an escape is not torn from its character
        ("très bien", None),
        ("fête", "the text leaves as 1 segment in UCS-2, because of 'ê'"),
        ("ê" * 70, "the text leaves as 1 segment in UCS-2, because of 'ê'"),
        ("ê" * 71, "the text leaves as 2 segments in UCS-2, because of 'ê'"),
        ("😀" * 35, "the text leaves as 1 segment in UCS-2, because of '😀'"),
        ("😀" * 67, "the text leaves as 3 segments in UCS-2, because of '😀'"),  # 33 in a segment
    ],
)
def test_a_text_message_tells_its_segments_and_its_encoding(text: str, told: str | None) -> None:
    assert SmsChannel.check(SmsContent(text=text)) == ([] if told is None else [Finding(told, kind=kind_of(told))])


def kind_of(told: str) -> str:
    """Texts are counted by segments and encoding, whatever characters the names of people bring."""
    without, because, _ = told.partition(", because of ")
    return without if because else ""


@pytest.mark.parametrize("text, refused", [(" \n", "empty"), ("x" * 1_601, "1601 characters, and 1600")])
def test_what_twilio_refuses_is_refused_beforehand(text: str, refused: str) -> None:
    (finding,) = SmsChannel.check(SmsContent(text=text))
    assert finding.refused
    assert refused in finding.text


@pytest.mark.parametrize(
    "content, refused",
    [
        ({"title": "t" * 4_091}, None),
        ({"title": "t" * 4_092}, "4097 bytes, and 4096"),
        ({"title": "é" * 2_046}, "4097 bytes"),
        ({"data": {"k" * 96: "v" * 4_001}}, "4097 bytes"),
        ({"data": {"from": "shop"}}, "'from' of data is reserved"),
        ({"data": {"message_type": "x"}}, "reserved"),
        ({"data": {"google.x": "x"}}, "reserved"),
        ({"data": {"gcm.notification.x": "x"}}, "reserved"),
        ({"data": {"google_campaign": "x", "from_shop": "x"}}, None),
    ],
)
def test_a_push_message_that_fcm_refuses_is_refused_beforehand(content: dict[str, Any], refused: str | None) -> None:
    findings = PushChannel.check(PushContent.model_validate(content))
    assert [finding.refused for finding in findings] == ([] if refused is None else [True])
    assert refused is None or refused in findings[0].text


def test_a_mail_without_a_subject_or_a_text_is_told_and_leaves() -> None:
    assert EmailChannel.check(EmailContent(subject="Hello", text="Hi")) == []
    assert EmailChannel.check(EmailContent(subject="", html=" \n")) == [
        Finding("the subject is empty"),
        Finding("the mail has no text"),
    ]
