"""Are dates, amounts and numbers written as the reader of a mail expects them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.expression.zones import zone
from parcours.template.dialect import REASON_CHARACTERS_MAX, Aborted

if TYPE_CHECKING:
    from tests.template.conftest import Filled

PARIS = zone("Europe/Paris")
TOKYO = zone("Asia/Tokyo")


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ 'now' | date: '%d.%m.%Y %H:%M' }}", "01.01.2001 09:00"),  # 2001 began nine hours earlier there
        ("{{ at | date: '%Y-%m-%d %H:%M' }}", "2026-03-02 06:30"),
        ("{{ at | date: '%Y-%m-%d %H:%M %Z', 'America/New_York' }}", "2026-03-01 16:30 EST"),
        ("{{ at | date: '%H:%M', 'UTC' }}", "21:30"),
        ("{{ 0 | date: '%H:%M' }}", "09:00"),
        ("{{ '2026-03-02' | date: '%d %B' }}", "02 March"),  # a day is the same day everywhere
        ("{{ '2026-03-02' | date: '%d %B', 'America/New_York' }}", "02 March"),
        ("{{ '10:30' | date: '%H:%M' }}", "10:30"),
        ("{{ at | date: '%s' }}", "1772400600"),
        ("{{ at | date: '' }}", "2026-03-01T21:30:00Z"),
        ("{{ at | date: nothing }}", "2026-03-01T21:30:00Z"),
        ("{{ long | date: '%Y' | size }}", "5000"),  # too long to be a date, and not looked at
    ],
)
def test_dates_are_in_the_reader_s_zone_or_in_the_one_named(template: str, expected: str, filled: Filled) -> None:
    data = {"at": "2026-03-01T21:30:00Z", "long": "1" * 5_000}

    assert filled(template, data, TOKYO) == expected


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ total | money: 'EUR' }}", "€1,234.50"),
        ("{{ total | money: 'EUR', 'fr-FR' }}", "1\u202f234,50\u00a0€"),
        ("{{ total | money: 'eur', 'de' }}", "1.234,50\u00a0€"),
        ("{{ total | money: 'JPY', 'ja' }}", "￥1,234"),
        ("{{ total | money: currency, locale }}", "CHF\u00a01’234.50"),
        ("{{ '80' | money: 'USD' }}", "$80.00"),
        ("{{ missing | money: 'USD' }}", ""),
        ("{{ 'much' | money: 'USD' }}", "much"),
        ("{{ total | number }}", "1,234.5"),
        ("{{ total | number: 'de' }}", "1.234,5"),
        ("{{ total | number: 'de-XX' }}{{ total | number: 'xx' }}", "1.234,51,234.5"),  # its language, else English
        ("{{ 0.25 | percent }} {{ 0.25 | percent: 'de' }}", "25% 25\u00a0%"),
        ("{{ huge | number }}", "1e999999999"),  # a thousand million digits stay what they are
        ("{{ true | number }}", "True"),
    ],
)
def test_amounts_and_numbers_are_written_by_the_locale(template: str, expected: str, filled: Filled) -> None:
    data = {"total": 1234.5, "currency": "CHF", "locale": "de_CH", "huge": "1e999999999"}

    assert filled(template, data) == expected


def test_json_is_escaped_in_html_unless_it_is_called_safe(filled: Filled) -> None:
    data = {"cart": {"name": "<Mat>", "sizes": [1, None]}}

    assert filled("{{ cart | json }}", data) == '{"name":"<Mat>","sizes":[1,null]}'
    assert "&lt;Mat&gt;" in filled("{{ cart | json }}", data, html=True)
    assert filled("{{ cart | json | safe }}", data, html=True) == '{"name":"<Mat>","sizes":[1,null]}'


@pytest.mark.parametrize(
    "template, reason",
    [
        ("{% abort 'nothing in stock' %}", "nothing in stock"),
        ("{% abort %}", "the template called it off"),
        ("{% abort missing | default: 'no name' %}", "no name"),
        ("x{% for i in (1..3) %}{% if i == 2 %}{% abort i %}{% endif %}{% endfor %}", "2"),
        ("{% capture x %}{% abort long %}{% endcapture %}", "x" * REASON_CHARACTERS_MAX),
    ],
)
def test_a_template_calls_its_delivery_off_with_a_reason(template: str, reason: str, filled: Filled) -> None:
    with pytest.raises(Aborted) as caught:
        filled(template, {"long": "x" * 5_000})

    assert str(caught.value) == reason


def test_an_abort_that_is_not_reached_does_nothing(filled: Filled) -> None:
    assert filled("a{% if false %}{% abort %}{% endif %}b") == "ab"
