"""Does mail reach its mailbox, once, and does each refusal get the receipt that it deserves?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtplib import SMTP, SMTPConnectResponseError
from pydantic import ValidationError

from parcours.channel import Accepted, Ambiguous, Delivery, NotSent, Receipt, Refused
from parcours.testing.channel_contract import receipts_of
from parcours.testing.doubles import Drop, Hang, Reply, SmtpServer
from parcours.testing.doubles.smtp import SmtpFault, Stage
from parcours_channels.email import EmailChannel, EmailSettings
from parcours_channels.email_content import EmailContent
from parcours_channels.smtp_codes import receipt_of_reply
from parcours_channels.smtp_pool import SmtpPool

TEXT = EmailContent(subject="Hello", text="Hi")


def channel_to(server: SmtpServer, **settings: Any) -> EmailChannel:
    return EmailChannel(
        EmailSettings.model_validate(
            {
                "host": server.host,
                "port": server.port,
                "sender": "Luma <shop@luma.example>",
                "tls": "none",
                "client_name": "localhost",
                **settings,
            }
        )
    )


def delivery(key: str = "k1", *, to: str = "sarah@mail.example", content: EmailContent = TEXT) -> Delivery:
    return Delivery(key=key, channel="email", to=to, content=content)


def sent(server: SmtpServer, *deliveries: Delivery, **settings: Any) -> list[Receipt]:
    return receipts_of(channel_to(server, **settings), deliveries or [delivery()])


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_mail_arrives_with_its_text_its_html_and_its_headers() -> None:
    content = EmailContent(subject="Élodie, your cart waits", text="Très bien\n.dot\n", html="<p>" + "é" * 500 + "</p>")
    with SmtpServer() as server:
        (receipt,) = sent(server, delivery(content=content))
        (mail,) = server.mailbox
    message = parsed(mail.raw)
    assert receipt == Accepted("k1", "<k1@luma.example>")
    assert mail.to == "sarah@mail.example"
    assert message["Subject"] == "Élodie, your cart waits"
    assert message["From"] == "Luma <shop@luma.example>"
    assert message["Message-ID"] == "<k1@luma.example>"
    text, html = message.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert text.get_content() == "Très bien\r\n.dot\r\n"
    assert html.get_content().strip() == "<p>" + "é" * 500 + "</p>"


def test_mjml_is_compiled_when_the_document_is_read_and_liquid_passes_through() -> None:
    mjml = (
        "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ profile.first_name }}"
        "</mj-text></mj-column></mj-section></mj-body></mjml>"
    )
    content = EmailContent(subject="Hello", mjml=mjml)
    assert content.mjml is None
    assert content.html is not None
    assert "<table" in content.html
    assert "{{ profile.first_name }}" in content.html


@pytest.mark.parametrize(
    "content, words",
    [
        ({"subject": "Hello"}, "needs text, html or mjml"),
        ({"subject": "Hello", "mjml": "<mjml><mj-body>"}, "mjml cannot be compiled"),
        ({"subject": "Hello", "mjml": "<mjml></mjml>", "html": "<p></p>"}, "not both"),
        ({"text": "Hi"}, "subject"),
    ],
)
def test_content_that_cannot_be_a_mail_is_refused_when_it_is_read(content: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EmailContent.model_validate(content)


def test_a_retry_sends_the_same_bytes_with_the_date_of_the_decision() -> None:
    content = EmailContent(subject="Hello", text="Hi", html="<p>Hi</p>")
    at_ms = int(datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp() * 1000)
    with SmtpServer() as server:
        for attempt in (1, 2):
            to = "sarah@mail.example"
            dated = Delivery(key="k1", channel="email", to=to, content=content, attempt=attempt, at_ms=at_ms)
            sent(server, dated)
        first, again = server.mailbox
    assert first.raw == again.raw
    assert parsed(first.raw)["Date"] == "Mon, 02 Mar 2026 09:00:00 +0000"


@pytest.mark.parametrize(
    "subject, folded",
    [
        ("Hi\r\nBcc: all@mail.example", "Hi Bcc: all@mail.example"),
        ("Hi\nX: y", "Hi X: y"),
        ("Hi\rX: y", "Hi X: y"),
        ("Hi \n\n  Sarah\n", "Hi Sarah"),
        ("Hi\u2028Sarah", "Hi Sarah"),
        ("Hi\x85Sarah", "Hi Sarah"),
        ("Hi\0Sarah", "Hi Sarah"),
        ("\n", ""),
    ],
)
def test_a_line_break_in_a_subject_becomes_a_space_and_no_header(subject: str, folded: str) -> None:
    content = EmailContent(subject=subject, text="Hi")
    with SmtpServer() as server:
        (receipt,) = sent(server, delivery(content=content))
        (mail,) = server.mailbox
    assert isinstance(receipt, Accepted)
    assert content.subject == folded
    assert parsed(mail.raw)["Subject"] == folded
    assert set(parsed(mail.raw).keys()).isdisjoint({"Bcc", "X"})


def test_within_a_tag_of_a_template_a_line_break_of_the_subject_stays() -> None:
    template = "{% liquid\nassign who = 'you'\necho who %}\n{% if who %}\nHi\n{% endif %}\n"
    content = EmailContent(subject=template, text="Hi")
    assert content.subject == "{% liquid\nassign who = 'you'\necho who %} {% if who %} Hi {% endif %}"
    assert EmailContent.model_validate(content.model_dump()) == content


def test_a_subject_of_one_endless_word_has_lines_that_a_server_takes() -> None:
    with SmtpServer() as server:
        (receipt,) = sent(server, delivery(content=EmailContent(subject="x" * 3_000, text="Hi")))
        (mail,) = server.mailbox
    assert isinstance(receipt, Accepted)
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
    assert parsed(mail.raw)["Subject"] == "x" * 3_000


@pytest.mark.parametrize(
    "to",
    [
        "",
        "sarah",
        "@mail.example",
        "sarah@",
        "a@b@c.example",
        "sa rah@mail.example",
        "s@x.example\r\nRCPT TO:<t@x.example>",
        "sarah@mail..example",
        f"sarah@{'a' * 64}.example",
        f"{'s' * 250}@mail.example",
        "sarah@mail.example\u00a0",
        "mailto:sarah@mail.example",
        "sarah@mail.example;",
        "sarah@[127.0.0.1]",
    ],
)
def test_what_is_no_address_is_refused_for_good_without_asking_the_server(to: str) -> None:
    with SmtpServer() as server:
        (receipt,) = sent(server, delivery(to=to))
        assert isinstance(receipt, Refused)
        assert receipt.permanent
        assert server.connections == 0


def test_an_address_beyond_ascii_is_sent_in_utf8_to_the_domain_s_ascii_name() -> None:
    with SmtpServer() as server:
        (receipt,) = sent(server, delivery(to="élodie@münchen.example"))
        assert isinstance(receipt, Accepted)
        (mail,) = server.mailbox
    assert mail.to == "élodie@xn--mnchen-3ya.example"
    assert "To: élodie@xn--mnchen-3ya.example".encode() in mail.raw.split(b"\r\n")


def test_a_domain_beyond_ascii_needs_no_utf8_of_the_server_nor_in_any_header() -> None:
    with SmtpServer(smtputf8=False) as server:
        named = {"sender": "Élodie <shop@luma.example>"}
        to_domain, to_name = delivery(to="joe@straße.example"), delivery("k2", to="élodie@mail.example")
        receipt, refused = sent(server, to_domain, to_name, **named)
        (mail,) = server.mailbox
    assert isinstance(receipt, Accepted)
    assert isinstance(refused, Refused)
    assert mail.to == "joe@xn--strae-oqa.example"
    assert mail.raw.split(b"\r\n\r\n")[0].isascii()


def test_each_recipient_is_a_transaction_of_its_own_and_refusals_stay_apart() -> None:
    refusals = {"gone@mail.example": "550 5.1.1 No such user", "full@mail.example": "552 5.2.2 Mailbox full"}
    with SmtpServer(refuses=refusals.get) as server:
        receipts = sent(
            server,
            delivery("k1", to="gone@mail.example"),
            delivery("k2"),
            delivery("k3", to="full@mail.example"),
            connections_max=1,
        )
        assert receipts == [
            Refused("k1", "rcpt: 550 5.1.1 No such user", permanent=True, code="550 5.1.1"),
            Accepted("k2", "<k2@luma.example>"),
            Refused("k3", "rcpt: 552 5.2.2 Mailbox full", code="552 5.2.2"),
        ]
        assert [mail.to for mail in server.mailbox] == ["sarah@mail.example"]
        assert server.connections == 1


@pytest.mark.parametrize(
    "stage, code, text, expected",
    [
        ("rcpt", 550, "5.1.1 no such user", (Refused, True)),
        ("rcpt", 550, "no such user", (Refused, False)),  # a bare code is mostly about the sender
        ("rcpt", 550, "5.7.1 listed as a spammer", (Refused, False)),  # policy, not the mailbox
        ("rcpt", 552, "5.2.2 mailbox full", (Refused, False)),
        ("rcpt", 554, "5.7.1 relay access denied", (Refused, False)),
        ("rcpt", 450, "4.2.0 greylisted", (NotSent, None)),
        ("rcpt", 421, "4.3.2 shutting down", (NotSent, None)),
        ("mail", 530, "5.7.0 authentication required", (NotSent, None)),  # the operator's to mend
        ("mail", 550, "5.7.1 sender not allowed", (Refused, False)),
        ("mail", 550, "sender not allowed", (Refused, False)),
        ("body", 554, "5.6.0 message refused", (Refused, False)),
        ("body", 550, "5.1.1 no such user after all", (Refused, True)),
        ("body", 452, "4.3.1 disk full", (NotSent, None)),
        ("connect", 554, "5.3.2 no service", (NotSent, None)),  # says nothing about this mail
    ],
)
def test_a_reply_has_its_receipt(stage: Stage, code: int, text: str, expected: tuple[type, bool | None]) -> None:
    receipt = receipt_of_reply("k1", stage, code, text)
    assert (type(receipt), getattr(receipt, "permanent", None)) == expected


@pytest.mark.parametrize(
    "stage, fault, expected",
    [
        ("mail", Drop(), NotSent),
        ("rcpt", Drop(), NotSent),
        ("body", Drop(), Ambiguous),
        ("mail", Hang(), NotSent),
        ("rcpt", Hang(), NotSent),
        ("body", Hang(), Ambiguous),
        ("body", Reply("451 4.3.0 Try again"), NotSent),
        ("body", Reply("554 5.6.0 Spam"), Refused),
        ("body", Reply("251 queued for another host"), Accepted),
        ("body", Reply("354 go on"), Ambiguous),
        ("body", Reply("OK"), Ambiguous),
        ("body", Reply("250 " + "x" * 9_000), Ambiguous),  # more than the library reads
        ("mail", Reply("OK"), NotSent),
    ],
)
def test_what_a_failure_means_depends_on_whether_the_body_had_left(
    stage: Stage, fault: SmtpFault, expected: type
) -> None:
    with SmtpServer() as server:
        server.next(stage, fault)
        (receipt,) = sent(server, timeout_s=1)
        assert isinstance(receipt, expected), receipt


def test_deliveries_still_waiting_for_a_connection_when_time_is_up_are_not_sent() -> None:
    with SmtpServer() as server:
        server.next("body", Hang())
        first, second = sent(server, delivery("k1"), delivery("k2"), connections_max=1, timeout_s=1)
        assert isinstance(first, Ambiguous)
        assert isinstance(second, NotSent)


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
def test_a_login_works_and_a_wrong_password_is_said_to_be_one(tls: Any) -> None:
    with SmtpServer(tls=tls, username="luma", password="right") as server:
        login = {"tls": tls, "ca_file": server.ca_file, "username": "luma"}
        (good,) = sent(server, password="right", **login)
        (bad,) = sent(server, password="wrong", **login)
    assert isinstance(good, Accepted)
    assert isinstance(bad, NotSent)
    assert bad.code == "535"
    assert "refused the user name or the password" in bad.reason
    assert "wrong" not in bad.reason


def test_a_server_that_wants_a_login_and_gets_none_leads_to_not_sent() -> None:
    with SmtpServer(username="luma", password="right") as server:
        (receipt,) = sent(server)
    assert isinstance(receipt, NotSent)
    assert receipt.code == "530 5.7.0"


def test_a_certificate_that_nobody_vouches_for_is_not_trusted() -> None:
    with SmtpServer(tls="starttls") as server:
        (receipt,) = sent(server, tls="starttls")
        assert isinstance(receipt, NotSent)
        assert "certificate" in receipt.reason.lower()
        assert server.mailbox == []


def test_a_server_without_starttls_is_not_spoken_to_in_plain_text() -> None:
    with SmtpServer(tls="none") as server:
        (receipt,) = sent(server, tls="starttls")
        assert isinstance(receipt, NotSent)
        assert server.mailbox == []


def test_connections_are_reused_replaced_after_their_share_and_after_the_server_hung_up() -> None:
    with SmtpServer() as server:
        channel = channel_to(server, connections_max=1, mails_per_connection_max=3)

        async def life() -> list[Receipt]:
            await channel.start()
            receipts = await channel.send([delivery(f"a{number}") for number in range(4)])
            assert server.connections == 2
            server.hang_up()
            receipts += await channel.send([delivery("b1")])
            await channel.stop()
            return receipts

        receipts = asyncio.run(life())
        assert all(isinstance(receipt, Accepted) for receipt in receipts), receipts
        assert server.connections == 3
        assert len(server.mailbox) == 5


def test_a_server_that_grants_fewer_connections_is_content_with_those() -> None:
    with SmtpServer(connections_max=2) as server:
        channel = channel_to(server, connections_max=4)

        async def life() -> list[Receipt]:
            await channel.start()
            receipts = await channel.send([delivery("a")])
            receipts += await channel.send([delivery(f"b{number}") for number in range(40)])
            server.hang_up()
            receipts += await channel.send([delivery("c")])
            await channel.stop()
            return receipts

        receipts = asyncio.run(life())
        assert [receipt for receipt in receipts if not isinstance(receipt, Accepted)] == []
        assert len(server.mailbox) == 42
        assert server.connections <= 4


def test_its_capacity_is_its_connections_or_as_many_as_the_server_grants() -> None:
    async def life(channel: EmailChannel) -> list[int]:
        await channel.start()
        said = [channel.capacity]
        await channel.send([delivery(f"a{number}") for number in range(12)])
        said.append(channel.capacity)
        channel._pool._ask_again_s = 0.0  # it is time to ask for another one
        said.append(channel.capacity)
        await channel.stop()
        return said

    with SmtpServer(connections_max=2) as server:
        assert asyncio.run(life(channel_to(server, connections_max=4))) == [4, 2, 3]
    with SmtpServer() as server:
        assert asyncio.run(life(channel_to(server, connections_max=4))) == [4, 4, 4]


def test_a_server_that_grants_none_is_asked_once_by_each_and_all_are_told() -> None:
    asked = []

    async def open_one() -> SMTP:
        asked.append(1)
        await asyncio.sleep(0)
        raise ConnectionRefusedError("nobody listens")

    async def life() -> list[object]:
        pool = SmtpPool(open_one, 3)
        return [*await asyncio.gather(*(pool.take() for _ in range(4)), return_exceptions=True)]

    assert [type(each) for each in asyncio.run(life())] == [ConnectionRefusedError] * 4
    assert len(asked) == 4


def test_a_connection_that_was_replaced_and_denied_is_soon_asked_for_again() -> None:
    opened: list[SMTP] = []
    granted = 2

    class Open(SMTP):
        is_connected = True

        def close(self) -> None:
            opened.remove(self)

    async def open_one() -> SMTP:
        if len(opened) >= granted:
            raise SMTPConnectResponseError(421, "too many connections")
        opened.append(Open())
        return opened[-1]

    async def life() -> list[float | int | None]:
        pool = SmtpPool(open_one, 3)
        held = [await pool.take(), await pool.take()]
        waiting = asyncio.ensure_future(pool.take())
        await asyncio.sleep(0)
        said: list[float | int | None] = [pool.granted()]

        nonlocal granted
        granted = 1
        pool.drop(held.pop())
        await asyncio.sleep(0)
        now_s = asyncio.get_running_loop().time()
        said += [pool.granted(), round(pool._ask_again_s - now_s)]
        pool.give_back(held.pop())
        pool.give_back(await waiting)
        await pool.close()
        return said

    assert asyncio.run(life()) == [2, 1, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail..luma.example"},
        {"host": "x" * 64 + ".luma.example"},
        {"sender": "nobody"},
        {"sender": "shop@luma.example, other@luma.example"},
        {"sender": "Luma\r\nBcc: x <shop@luma.example>"},
        {"sender": "Luma <élodie@luma.example>"},
        {"username": "luma"},
        {"password": "secret"},
        {"tls": "maybe"},
        {"connections_max": 0},
        {"colour": "red"},
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValidationError, match=name):
        EmailSettings.model_validate({"host": "smtp.luma.example", "sender": "shop@luma.example", **wrong})


def test_the_password_does_not_show() -> None:
    settings = EmailSettings.model_validate(
        {"host": "h", "sender": "shop@luma.example", "username": "luma", "password": "s3cret"}
    )
    assert settings.password is not None
    assert settings.password.get_secret_value() == "s3cret"
    assert not [shown for shown in (repr(settings), str(settings), settings.model_dump_json()) if "s3cret" in shown]
