"""What does an offer say in a message, and which links are those of the offer?"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, Field
from tests.core.conftest import Story, project_of

from parcours.core.delivery.proposition_key import code_of
from parcours.dispatch.render import ContentRejected, Renderer
from parcours.ingress.sealed_links import SealedLinks
from parcours.ingress.tokens import OfferToken


class MailContent(BaseModel):
    text: str = ""
    html: str = Field("", json_schema_extra={"contentMediaType": "text/html"})


OFFERS = """
placements: {{here: {{channel: email, format: {format}}}}}
offers:
  free: {{title: Free & easy, priority: 4, attributes: {{store: Atlanta}}, content: {{here: {content}}}}}
decisions: {{best: {{choose: [{{collection: all}}]}}}}
"""

TRIP = """
journey: trip
entry: {event: Start}
steps: [{id: mail, send: mail}]
"""


def said(
    content: str, city: str = "Rome", form: str = "text", links: SealedLinks | None = None, **mail: str
) -> tuple[dict[str, Any], str]:
    """What the mail says to somebody who starts, and the parameter of links with the offer's code."""
    told = ", ".join(f"{name}: {template!r}" for name, template in mail.items())
    message = (
        f"[{{message: mail, offers: {{hero: {{decision: best, placement: {{email: here}}}}}}, email: {{{told}}}}}]"
    )
    program = project_of(TRIP, offers=OFFERS.format(format=form, content=content), messages=message).program
    story = Story(program).identify(1, email="s@a.example", city=city).event(10, "Start")
    (outgoing,) = story.outbox.values()
    rendered = Renderer(program, {"email": MailContent}, links=links).render(outgoing)
    return rendered.model_dump(), f"offer_code={code_of(outgoing.offers['hero'].proposition)}"


@pytest.mark.parametrize(
    "form, content, template, expected",
    [
        ("text", "{text: 'In {{ offer.attributes.store }}'}", "{{ offers.hero.content }}", "In Atlanta"),
        ("text", "{text: 'To {{ profile.city }}'}", "{{ offers.hero.content }}", "To Rome"),
        ("text", "{text: x}", "{{ offers.hero.title }}, {{ offers.hero.attributes.store }}", "Free & easy, Atlanta"),
        ("text", "{text: x}", "{{ offers.hero.url }}", ""),
        ("text", "{text: x, url: 'https://a.example/{{ profile.city }}?x=1#y'}", "{{ offers.hero.url }}",
         "https://a.example/Rome?x=1&CODE#y"),
        ("text", "{text: 'See https://a.example.'}", "{{ offers.hero.content }}", "See https://a.example?CODE."),
        ("text", "{text: x}", "{% if offers.hero.fallback %}no{% else %}{{ offers.hero.score }}{% endif %}", "4"),
        ("json", "{json: {title: '{{ offer.name }}'}}", "{{ offers.hero.content.title }}", "free"),
        ("image", "{image: a.png}", "{{ offers.hero.content.image }}{{ offers.hero.content.alt }}", "a.png"),
    ],
)  # fmt: skip
def test_an_offer_says_what_its_author_wrote_for_the_placement(
    form: str, content: str, template: str, expected: str
) -> None:
    mail, code = said(content, form=form, text=template)

    assert mail["text"] == expected.replace("CODE", code)


def test_a_message_may_carry_the_picture_that_tells_that_its_offer_was_shown() -> None:
    links = SealedLinks("https://door.example", ["k" * 32])
    mail, _ = said("{text: x}", links=links, text="{{ offers.hero.pixel }}")

    token = links.seals.unseal(OfferToken, mail["text"].removeprefix("https://door.example/p/"))
    assert token.person == "sarah" and token.proposition
    assert said("{text: x}", text="{{ offers.hero.pixel }}")[0]["text"] == "", "without a door there is none"


def test_the_code_in_a_message_is_the_one_by_which_the_offer_is_redeemed() -> None:
    mail, code = said("{text: x}", text="{{ offers.hero.code }}")

    assert code == f"offer_code={mail['text']}" and len(mail["text"]) == 8


def test_html_of_an_offer_is_put_in_as_it_is_and_what_fills_it_is_escaped() -> None:
    content = """{html: '<a href="https://a.example/?x=1&amp;y=2">{{ profile.city }}</a><a href="#top">up</a>'}"""

    mail, code = said(
        content, city="<Rome>", form="html", html="<div>{{ offers.hero.content }}{{ offers.hero.title }}</div>"
    )

    link = f'<a href="https://a.example/?x=1&amp;y=2&amp;{code}">&lt;Rome&gt;</a>'
    assert mail["html"] == f'<div>{link}<a href="#top">up</a>Free &amp; easy</div>'


def test_a_text_of_an_offer_is_escaped_in_html() -> None:
    mail, _ = said("{text: 'a < b'}", html="{{ offers.hero.content }}")

    assert mail["html"] == "a &lt; b"


def test_an_offer_may_call_its_message_off() -> None:
    with pytest.raises(ContentRejected, match="not today"):
        said("""{text: '{% abort "not today" %}'}""", text="{{ offers.hero.content }}")
