"""Is everything of a message's mail in the mail, and is what cannot be one found out when it is read or rendered?"""

from __future__ import annotations

from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from pydantic import ValidationError

from parcours.channel import FILLED_IN, Delivery
from parcours.testing.channel_contract import receipts_of
from parcours.testing.doubles import SmtpServer
from parcours_channels.email import EmailChannel, EmailSettings
from parcours_channels.email_content import EmailContent
from parcours_channels.html_text import text_of
from parcours_channels.mjml_source import DEPTH_MAX, ELEMENTS, check_mjml


def mail_with(**content: object) -> EmailMessage:
    """What arrives of this content."""
    with SmtpServer() as server:
        settings = {"host": server.host, "port": server.port, "sender": "shop@luma.example", "tls": "none"}
        channel = EmailChannel(EmailSettings.model_validate({**settings, "client_name": "localhost"}))
        model = EmailContent.model_validate({"subject": "Hello", **content})
        receipts_of(channel, [Delivery(key="k1", channel="email", to="sarah@mail.example", content=model)])
        (mail,) = server.mailbox
    message = message_from_bytes(mail.raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def test_answers_and_further_headers_go_out_with_the_mail() -> None:
    headers = {"list-unsubscribe": "<https://luma.example/u/1>", "X-Campaign": "été", "X-None": " "}

    message = mail_with(text="Hi", reply_to="Équipe\n Luma <help@luma.example>", headers=headers)

    assert message["Reply-To"] == "Équipe Luma <help@luma.example>"
    assert message["List-Unsubscribe"] == "<https://luma.example/u/1>"
    assert message["X-Campaign"] == "été"
    assert "X-None" not in message  # a header without a value is none


@pytest.mark.parametrize(
    "content, words",
    [
        ({"reply_to": "nobody"}, "neither|form name@domain"),
        ({"reply_to": "a@b@c.example"}, "reply_to"),
        ({"reply_to": "a@b.example, c@d.example"}, "holds more than one address"),
        ({"reply_to": "a@b.example; c@d.example"}, "holds more than one address"),
        ({"reply_to": "Luma <a@b.example> <c@d.example>"}, "holds more than one address"),
        ({"reply_to": "Doe, Jane <a@b.example>"}, "or a name that needs double quotes around it"),
        ({"reply_to": "élodie@luma.example"}, "in ASCII"),
        ({"headers": {"X-Name": "a\r\nBcc: b@mail.example"}}, "'X-Name' holds a line break"),
        ({"headers": {"X-Name": "a\u2028b"}}, "'X-Name' holds the character U\\+2028"),
        ({"headers": {"X-Name": "a\0b"}}, "'X-Name' holds the character U\\+0000"),
        ({"headers": {"X-Name": "a\x0bb"}}, "'X-Name' holds the character U\\+000B"),
        ({"headers": {"Bcc": "b@mail.example"}}, "'Bcc' cannot be set, only Auto-Submitted"),
        ({"headers": {"From": "b@mail.example"}}, "cannot be set"),
        ({"headers": {"X-Na me": "a"}}, "cannot be set"),
        ({"headers": {"X-Name: a\r\nBcc": "a"}}, "cannot be set"),
        ({"headers": {"X-Name": "a", "x-name": "b"}}, "twice"),
        ({"preheader": "Soon"}, "preheader needs html"),
    ],
)
def test_a_content_that_cannot_be_a_mail_is_refused(content: Mapping[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        EmailContent.model_validate({"subject": "Hello", "text": "Hi", **content})


def test_a_template_in_a_header_may_go_over_several_lines() -> None:
    headers = {"X-Name": "{% if profile.a %}\na{% endif %}".replace("\na", "a"), "X-Tag": "{{ profile.a\n}}"}

    content = EmailContent(subject="Hello", text="Hi", headers=headers, reply_to="{{ profile.owner }}")

    assert (content.headers, content.reply_to) == (headers, "{{ profile.owner }}")
    assert EmailContent(subject="Hello", text="Hi", reply_to="  ").reply_to is None  # nobody owns the customer


def filled_in(**content: object) -> EmailContent:
    """What has been made of templates with what somebody has sent."""
    return EmailContent.model_validate({"subject": "Hello", "text": "Hi", **content}, context=dict(FILLED_IN))


@pytest.mark.parametrize("sent", ["{{\r\nBcc: b@mail.example\r\n}}", "{%\nBcc: b@mail.example\n%}"])
def test_what_somebody_has_sent_is_no_template_though_it_looks_like_one(sent: str) -> None:
    sign = sent[:2]

    assert filled_in(subject=f"Hello {sent}").subject.startswith(f"Hello {sign} Bcc: b@mail.example ")
    for content in ({"headers": {"X-Name": sent}}, {"reply_to": sent}):
        with pytest.raises(ValidationError, match="a line break|its domain is none"):
            filled_in(**content)


@pytest.mark.parametrize("piece", ["  ", "\x01 ", "{{", "{%", "\r\n"])
def test_a_subject_is_made_one_line_however_long_a_name_is(piece: str) -> None:
    subject = f"Hello {piece * 500_000}!"

    for line in (filled_in(subject=subject).subject, EmailContent(subject=subject, text="").subject):
        assert line.startswith("Hello ") and line.endswith("!") and "\n" not in line  # within an hour


@pytest.mark.parametrize("mjml", ["{{" * 500_000, "<!--" * 500_000, "<mj-style" * 500_000])
def test_mjml_that_never_ends_is_refused(mjml: str) -> None:
    with pytest.raises(ValidationError, match="mjml"):
        EmailContent.model_validate({"subject": "Hello", "mjml": f"<mjml><mj-body>{mjml}"})


@pytest.mark.parametrize("reply_to", ['"Doe, Jane" <a@b.example>', "a@b.example", "Luma (support) <a@b.example>"])
def test_answers_go_to_one_address(reply_to: str) -> None:
    content = EmailContent(subject="Hello", text="Hi", reply_to=reply_to)

    assert parseaddr(content.reply_to or "")[1] == "a@b.example"


def test_a_text_part_is_made_of_the_html_where_there_is_none() -> None:
    html = """
    <html><head><title>T</title><style>p {color: red}</style></head><body>
      <h1>Hello &amp; welcome</h1><p>Your <b>cart</b>
      waits.<br>Really.</p><ul><li>Mat</li><li>Bag</li></ul>
      <table><tr><td>Total</td><td>80&nbsp;€</td></tr></table>
      <a href="https://shop.example/c?a=1&amp;b=2">Back to it</a> <a href="https://x.example">https://x.example</a>
      <img src="x.png" alt="A mat"><script>alert(1)</script><!-- no --></body></html>"""
    expected = """Hello & welcome

Your cart waits.
Really.

- Mat

- Bag

Total 80 €

Back to it (https://shop.example/c?a=1&b=2) https://x.example A mat
"""
    assert text_of(html) == expected

    text, part = mail_with(html=html).iter_parts()

    assert text.get_content().replace("\r\n", "\n") == expected
    assert part.get_content_type() == "text/html"


def test_a_preheader_is_hidden_at_the_top_of_the_body() -> None:
    _, html = mail_with(html="<html><body class='a'><p>Hi</p></body></html>", preheader="Soon\n<b>gone").iter_parts()

    shown, _, rest = html.get_content().partition("</div>")
    assert shown.startswith("<html><body class='a'><div style=\"display:none;")
    assert shown.endswith(">Soon &lt;b&gt;gone")
    assert rest.strip() == "<p>Hi</p></body></html>"


def body(inside: str) -> str:
    return f"<mjml><mj-body>{inside}</mj-body></mjml>"


@pytest.mark.parametrize(
    "source, words",
    [
        (body("<mj-wrapper>" * 3_000 + "</mj-wrapper>" * 3_000), f"nested more than {DEPTH_MAX} deep"),
        (body("<mj-raw>" + "<div>" * 100_000 + "</div>" * 100_000 + "</mj-raw>"), "deep"),
        (body("<mj-raw>" + "<b a='/>'" * 200_000), "cannot be compiled"),
        (body("<mj-sektion></mj-sektion>"), "unknown element <mj-sektion>, did you mean <mj-section>?"),
        (body("<mj-include path='x.mjml' />"), "<mj-include> finds nothing"),
        ("<mjml><mj-head><mj-style inline='inline'>p {color: red}</mj-style></mj-head></mjml>", "not put inline"),
    ],
    ids=["wrappers", "divs", "open", "unknown", "include", "inline"],
)
def test_mjml_that_the_library_would_not_survive_or_leave_out_is_refused(source: str, words: str) -> None:
    with pytest.raises(ValidationError, match="mjml cannot be compiled: ") as caught:
        EmailContent(subject="Hello", mjml=source)

    assert words in str(caught.value)


def test_known_elements_comments_and_html_pass() -> None:
    check_mjml("".join(f"<{name}></{name}>" for name in ELEMENTS))
    check_mjml(body("<!-- <mj-foo> -->" + "<mj-text><br><img src='a'/><hr /></mj-text>" * 500))
    check_mjml(body("<mj-spacer/>" * 500))


def paragraph(inside: str, attributes: str = "") -> str:
    return body(f"<mj-section><mj-column><mj-text {attributes}>{inside}</mj-text></mj-column></mj-section>")


@pytest.mark.parametrize(
    "liquid",
    [
        "{% if entry.x < 2 %}few{% endif %}",
        "{% if entry.x > 2 and entry.y <= 3 %}many{% else %}few{% endif %}",
        "{{ entry.x | default: '<b>none</b>' }}",
        '{{ entry.x | default: "<mj-include>" | replace: \'"\', "&quot;" }}',
        "{%- unless entry.x\n < 2 -%}many{%- endunless -%}",
        "{% if entry.x < 2 %}\ue000{% endif %}",  # which is in use already
    ],
)
def test_tags_of_liquid_pass_through_mjml_whatever_stands_in_them(liquid: str) -> None:
    html = EmailContent(subject="Hello", mjml=paragraph(liquid)).html

    assert liquid in (html or "")


def test_tags_of_liquid_pass_through_the_attributes_of_mjml() -> None:
    tag = '{% if profile.n < 2 %}red{% else %}{{ profile.colour | default: "blue" }}{% endif %}'

    html = EmailContent(subject="Hello", mjml=paragraph("Hi", f'color="{tag}"')).html

    assert f"color:{tag};" in (html or "")


def test_mjml_that_cannot_be_compiled_is_told_of_its_field() -> None:
    with pytest.raises(ValidationError, match="in a text < is written &lt;") as caught:
        EmailContent(subject="Hello", mjml=paragraph("1 < 2"))

    assert [error["loc"] for error in caught.value.errors()] == [("mjml",)]
