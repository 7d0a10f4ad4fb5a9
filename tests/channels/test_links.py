"""Do addresses of ours get into contents, only where they belong, and nothing else of them changed?"""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from pydantic import ValidationError

from parcours.channel import Delivery
from parcours.testing.channel_contract import receipts_of
from parcours.testing.doubles import SmtpServer
from parcours_channels.email import EmailChannel, EmailSettings
from parcours_channels.email_content import EmailContent
from parcours_channels.html_links import links_in, with_urls
from parcours_channels.push import PAYLOAD_BYTES_MAX, PushChannel, PushContent


@dataclass(frozen=True)
class Links:
    """Addresses that can be read."""

    opened: str | None = "https://door.example/o/1"
    one_click: str | None = "https://door.example/u/1"
    reaction: str = "https://door.example/r/1"

    def clicked(self, url: str) -> str:
        return f"https://door.example/c?to={url}"


UNTRACKED = Links(opened=None, one_click=None)
PAGE = '<html><BODY><p>Hi</p><a class="x" href="https://shop.example/?a=1&amp;b=2">cart</a></BODY></html>'


def linked(links: Links = Links(), **content: object) -> EmailContent:
    with_links = EmailChannel.with_links(EmailContent.model_validate({"subject": "Hello", **content}), links)
    assert isinstance(with_links, EmailContent)
    return with_links


def mail_of(content: EmailContent) -> EmailMessage:
    """What arrives of this content."""
    with SmtpServer() as server:
        settings = {"host": server.host, "port": server.port, "sender": "shop@luma.example", "tls": "none"}
        channel = EmailChannel(EmailSettings.model_validate({**settings, "client_name": "localhost"}))
        receipts_of(channel, [Delivery(key="k1", channel="email", to="sarah@mail.example", content=content)])
        (mail,) = server.mailbox
    message = message_from_bytes(mail.raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize(
    "html, urls",
    [
        ('<a href="https://a.example">x</a>', ["https://a.example"]),
        ("<A class=b HREF='https://a.example'>x</A>", ["https://a.example"]),
        ("<a href=https://a.example/b>x</a>", ["https://a.example/b"]),
        ('<a href = "https://a.example/?b=1&amp;c=2">x</a>', ["https://a.example/?b=1&c=2"]),
        # as browsers have it: in an attribute these are no references
        ('<a href="https://a.example/?b=1&copy=2&reg">x</a>', ["https://a.example/?b=1&copy=2®"]),
        ('<a href=" https://a.ex\nample ">x</a>', ["https://a.example"]),
        ('<a data-href="1" href="https://a.example">x</a>', ["https://a.example"]),
        ('<a name="top">x</a> a < b <b>', []),
        ('<!--[if mso]><v:rect href="https://a.example"/><![endif]-->', ["https://a.example"]),
        ('<a href="https://a.example', []),  # no reader takes what does not end
    ],
)
def test_each_address_in_html_is_found_as_a_browser_reads_it(html: str, urls: list[str]) -> None:
    assert [link.url for link in links_in(html)] == urls


@pytest.mark.parametrize(
    "html, becomes",
    [
        ("<a href='https://a.example'>x</a>", '<a href="NEW">x</a>'),
        ("<map><AREA href=http://a.example></map>", '<map><AREA href="NEW"></map>'),
        ('<!--[if mso]><v:rect href="https://a.example"/>-->', '<!--[if mso]><v:rect href="NEW"/>-->'),
        # what a click does not lead to, or not to a web page
        *((each, each) for each in (
            '<link href="https://a.example/x.css">', '<base href="https://a.example">', '<a href="#top">x</a>',
            '<a href="mailto:shop@a.example">x</a>', '<a href="tel:+33">x</a>', '<a href="luma://cart">x</a>',
            '<a href="/cart">x</a>', '<img src="https://a.example/x.png">', "<a href>x</a>",
        )),
    ],
)  # fmt: skip
def test_web_pages_that_a_click_leads_to_get_another_address(html: str, becomes: str) -> None:
    assert with_urls(html, lambda url: "NEW") == becomes


def test_a_mail_has_the_pixel_at_its_end_and_its_links_lead_by_the_door() -> None:
    content = linked(html=PAGE)

    assert content.html is not None
    before, _, behind = content.html.partition('<img src="https://door.example/o/1"')
    assert before.endswith('href="https://door.example/c?to=https://shop.example/?a=1&amp;b=2">cart</a>')
    assert behind.endswith("></BODY></html>")


def test_the_text_that_is_made_of_the_html_has_its_links_as_they_are() -> None:
    assert linked(html=PAGE).text == "Hi\n\ncart (https://shop.example/?a=1&b=2)\n"
    assert linked(html=PAGE, text="Mine").text == "Mine"


def test_a_mail_without_html_has_no_pixel_and_its_text_is_left_alone() -> None:
    content = linked(text="Look: https://shop.example")

    assert (content.text, content.html) == ("Look: https://shop.example", None)


def test_what_is_not_tracked_stays_as_it_is() -> None:
    assert linked(UNTRACKED, html=PAGE) == EmailContent(subject="Hello", html=PAGE)


def test_marketing_arrives_with_both_headers_of_rfc_8058_each_on_a_line() -> None:
    long = Links(one_click="https://door.example/u/" + "x" * 400)

    message = mail_of(linked(long, text="Hi", headers={"X-Campaign": "spring"}))

    assert message["List-Unsubscribe"] == f"<{long.one_click}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["X-Campaign"] == "spring"


@pytest.mark.parametrize(
    "headers, way_out",
    [
        ({"list-unsubscribe": "<mailto:stop@luma.example>"}, "<https://door.example/u/1>, <mailto:stop@luma.example>"),
        (
            {"List-Unsubscribe": "<https://luma.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
            "<https://luma.example/u/1>",
        ),
    ],
)
def test_a_way_out_that_the_message_names_stays(headers: dict[str, str], way_out: str) -> None:
    message = mail_of(linked(text="Hi", headers=headers))

    assert message["List-Unsubscribe"] == way_out
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " java&#10;script:alert(1)",
        "java\tscript:alert(1)",
        "&#106;avascript:alert(1)",
        "&#x6a;avascript&colon;alert(1)",
        "data:text/html,x",
        "vbscript:x",
    ],
)
def test_a_link_that_runs_something_makes_the_content_none(url: str) -> None:
    with pytest.raises(ValidationError, match="has a link of the scheme"):
        EmailContent(subject="Hello", html=f'<p><a href="{url}">x</a></p>')


def test_a_notification_says_to_its_app_where_to_tell_what_the_person_did() -> None:
    content = PushContent(title="Hi", data={"url": "https://shop.example"})
    told = {"url": "https://shop.example", "reaction_url": "https://door.example/r/1"}

    assert PushChannel.with_links(content, UNTRACKED) == PushContent(title="Hi", data=told)


def test_a_notification_that_has_no_room_for_that_leaves_without_it() -> None:
    full = PushContent(title="x" * (PAYLOAD_BYTES_MAX - 10))

    assert PushChannel.with_links(full, UNTRACKED) == full
    assert not PushChannel.check(full)
