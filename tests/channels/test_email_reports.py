"""What mail servers and mailbox providers write in their reports, and what it means for the delivery."""

from __future__ import annotations

from typing import Final

import pytest

from parcours.channel import Feedback, WebhookRequest
from parcours_channels.email import EmailChannel, EmailSettings
from parcours_channels.email_reports import read_mail

KEY = "k1"
BOUNCED: Final = "bounced"


def dsn(*recipients: str, kind: str = "message/delivery-status", report_type: str = "delivery-status") -> bytes:
    """A status notification as servers write it, with such groups of fields."""
    groups = "\n\n".join(
        ["Reporting-MTA: dns; mx.provider.example\nArrival-Date: Mon, 2 Mar 2026 09:00:00 +0000", *recipients]
    )
    return f"""From: Mail Delivery System <MAILER-DAEMON@provider.example>
To: b+abc@bounces.luma.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type={report_type};
\tboundary="=_1"

This is a MIME-encapsulated message.

--=_1
Content-Type: text/plain; charset=us-ascii

<sarah@provider.example>: host mx said: 550 5.1.1 User unknown (in reply to RCPT TO)

--=_1
Content-Description: Delivery report
Content-Type: {kind}

{groups}

--=_1
Content-Type: message/rfc822

From: shop@luma.example
To: sarah@provider.example
Subject: Action: failed
Content-Type: text/plain

Status: 5.1.1
Action: failed

--=_1--
""".replace("\n", "\r\n").encode()


def recipient(action: str, status: str | None, diagnostic: str | None = None) -> str:
    fields = ["Final-Recipient: rfc822; sarah@provider.example", f"Action: {action}"]
    fields += [f"Status: {status}"] if status is not None else []
    fields += [f"Diagnostic-Code: {diagnostic}"] if diagnostic is not None else []
    return "\n".join(fields)


@pytest.mark.parametrize(
    "action, status, diagnostic, code, dead",
    [
        ("failed", "5.1.1", "smtp; 550 5.1.1 <sarah@provider.example>: User unknown", "5.1.1", True),
        ("Failed", "5.1.10", None, "5.1.10", True),
        ("failed", "5.1.6", None, "5.1.6", True),
        ("failed (gone)", "5.2.1 (mailbox disabled)", None, "5.2.1", True),
        ("failed", "5.0.0", "smtp; 550 5.1.1 No such user", "5.1.1", True),  # the words of the other server count
        ("failed", "5.0.0", "smtp; 550-5.7.26 unauthenticated\n 550 5.7.26 mail is blocked", "5.7.26", False),
        ("failed", "5.0.0", "smtp; 550 relay not permitted", "5.0.0", False),
        ("failed", "5.2.2", "smtp; 552 5.2.2 Mailbox full, not 5.1.1", "5.2.2", False),  # a status that says something
        ("failed", "5.7.1", "smtp; 554 5.7.1 blocked by a list", "5.7.1", False),
        ("failed", "4.4.7", "smtp; delivery time expired", "4.4.7", False),
        ("failed", "5.1.11", None, "5.1.11", False),  # exactly the code, and no other that begins so
        ("failed", None, None, "failed", False),
        ("failed", "", "x-unix; no such user", "failed", False),
    ],
)
def test_a_failure_is_judged_by_exactly_its_code(
    action: str, status: str | None, diagnostic: str | None, code: str, dead: bool
) -> None:
    assert read_mail(KEY, dsn(recipient(action, status, diagnostic))) == [
        Feedback(key=KEY, reaction=BOUNCED, code=code)
    ]
    assert (code in EmailChannel.dead_codes) is dead


@pytest.mark.parametrize("action", ["delayed", "relayed", "expanded", "an action of tomorrow", ""])
def test_what_is_no_end_says_nothing(action: str) -> None:
    assert read_mail(KEY, dsn(recipient(action, "4.4.1"))) == []


def test_a_delivery_that_was_asked_for_is_told() -> None:
    assert read_mail(KEY, dsn(recipient("delivered", "2.0.0"))) == [Feedback(key=KEY, reaction="delivered")]


def test_each_recipient_of_a_forwarded_mail_is_read_once() -> None:
    mail = dsn(recipient("delivered", "2.1.5"), recipient("failed", "5.2.2"), recipient("failed", "5.2.2"))
    assert read_mail(KEY, mail) == [
        Feedback(key=KEY, reaction="delivered"),
        Feedback(key=KEY, reaction=BOUNCED, code="5.2.2"),
    ]


def test_reports_on_addresses_beyond_ascii_are_read_too() -> None:
    mail = dsn(recipient("failed", "5.1.1"), kind="message/global-delivery-status")
    assert read_mail(KEY, mail) == [Feedback(key=KEY, reaction=BOUNCED, code="5.1.1")]


ARF = """From: <abusedesk@provider.example>
Subject: FW: Earn money
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

--part1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <b+abc@bounces.luma.example>

--part1
Content-Type: message/rfc822

From: <shop@luma.example>
Subject: News
Content-Type: text/plain

Feedback-Type: abuse
--part1--
"""


@pytest.mark.parametrize(
    "kind, reaction",
    [("abuse", "complained"), ("Abuse", "complained"), ("not-spam", None), ("fraud", None), ("auth-failure", None)],
)
def test_only_abuse_is_a_complaint(kind: str, reaction: str | None) -> None:
    reports = read_mail(KEY, ARF.format(kind=kind).encode())
    assert [each.reaction for each in reports] == ([] if reaction is None else [reaction])


NO_REPORTS = {
    "somebody is away": b"Auto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nStatus: 5.1.1\r\nAction: failed\r\n",
    "a bounce in prose": b"Subject: failure notice\r\n\r\nHi. This is the qmail-send program. No mailbox here.\r\n",
    "a report that is cut off": dsn(recipient("failed", "5.1.1")).partition(b"Content-Description")[0],
    "a receipt of reading": dsn(recipient("failed", "5.1.1"), kind="message/disposition-notification"),
    "nothing": b"",
    "no mail": b"\x00\xff\xfe" * 100,
    "no boundary": b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nAction: failed\r\n",
    "parts within parts": b"".join(
        b"Content-Type: multipart/report; boundary=%d\r\n\r\n--%d\r\n" % (n, n) for n in range(3_000)
    ),
}


@pytest.mark.parametrize("name", NO_REPORTS)
def test_whatever_is_no_report_says_nothing(name: str) -> None:
    assert read_mail(KEY, NO_REPORTS[name]) == []


def test_the_channel_hears_what_a_door_says_is_about_a_delivery_of_ours() -> None:
    channel = EmailChannel(EmailSettings(host="mail.example", sender="shop@luma.example"))
    mail = dsn(recipient("failed", "5.1.1"))
    request = WebhookRequest(method="POST", url="", headers={}, body=mail)
    assert channel.read_feedback(request) == [], "anybody can have written it"
    ours = WebhookRequest(method="POST", url="", headers={}, body=mail, key=KEY)
    assert channel.read_feedback(ours) == [Feedback(key=KEY, reaction=BOUNCED, code="5.1.1")]
    assert not EmailChannel.proves_reports
