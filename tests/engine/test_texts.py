"""What a template makes of one person is the same in a test, in a rendered simulation, and live."""

from __future__ import annotations

import pytest
from tests.engine.test_one_judgement import in_a_simulation, in_a_test, live, project, providers

PERSON = {"email": "sarah@shop.example"}


@pytest.mark.parametrize(
    "content, verdict",
    [
        ({"text": "{% abort 'nothing in stock' %}"}, ("refused", "content", "nothing in stock")),
        ({"text": "{{ profile.name | divided_by: 0 }}"}, ("failed", None, "render: divided_by: can't divide by 0")),
        (
            {"text": "Hi", "headers": {"X-Tag": "{{ '1' | append: '|2' | replace: '|', profile.name }}"}},
            ("failed", None, "render: headers: 'X-Tag' holds a line break"),
        ),
    ],
    ids=["abort", "fails", "line break"],
)
def test_a_delivery_that_its_texts_keep_from_leaving(
    content: dict[str, str], verdict: tuple[str, str | None, str]
) -> None:
    with providers() as (mail, _, channels):
        shop = project("email", {"subject": "Hi", **content}, channels)
        traits = {**PERSON, "name": "a\nb"}

        found = in_a_simulation(shop, traits)

        assert found == in_a_test(shop, traits) == live(shop, traits)
        assert found[1:3] == verdict[:2] and verdict[2] in str(found[3])
        assert mail.mailbox == []


def test_dates_of_a_mail_are_in_the_zone_of_its_reader() -> None:
    with providers() as (mail, _, channels):
        text = "{{ '2026-03-01T21:30:00Z' | date: '%d.%m. %H:%M' }}"
        shop = project("email", {"subject": text, "text": "Hi"}, channels)

        live(shop, {**PERSON, "timezone": "Asia/Tokyo"})
        live(shop, PERSON)  # without a zone of her own she has the project's

        assert [each.raw.split(b"Subject: ")[1].split(b"\r\n")[0] for each in mail.mailbox] == [
            b"02.03. 06:30",
            b"01.03. 21:30",
        ]
