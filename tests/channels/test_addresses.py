"""Which addresses does each built-in channel take, in which form, and what does it say of the others?"""

from __future__ import annotations

from random import Random

import pytest
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    PhoneNumberFormat,
    example_number,
    format_number,
)

from parcours.channel import plain_address
from parcours_channels.email import EmailChannel
from parcours_channels.push import PushChannel
from parcours_channels.sms import SmsChannel


@pytest.mark.parametrize(
    "address, normal",
    [
        ("sarah@shop.example", "sarah@shop.example"),
        ("Sarah.M+news@Shop.Example", "Sarah.M+news@shop.example"),  # a name may tell capitals apart, a domain does not
        ("o'hara@a_b.example", "o'hara@a_b.example"),
        ("joe@straße.example", "joe@xn--strae-oqa.example"),
        ("joe@faß.de", "joe@xn--fa-hia.de"),
        ("joe@STRASSE.example", "joe@strasse.example"),
        ("joe@κλαρα-σωλις.ευ", "joe@xn----ylba7abgd9bnh0e.xn--qxa6a"),
        ("joe@نامه\u200cای.com", "joe@xn--mgba3gch31f060k.com"),  # a zero-width non-joiner, which spells the word
        ("joe@xn--strae-oqa.example", "joe@xn--strae-oqa.example"),
        ("joe@shop。example", "joe@shop.example"),  # an ideographic full stop separates labels too
        ("élodie@münchen.example", "élodie@xn--mnchen-3ya.example"),
        ("e\u0301lodie@shop.example", "élodie@shop.example"),
    ],
)
def test_the_form_in_which_a_mail_address_is_used(address: str, normal: str) -> None:
    assert EmailChannel.normalize(address, None) == normal
    assert EmailChannel.normalize(normal, "FR") == normal


@pytest.mark.parametrize(
    "address, reason",
    [
        ("", "form"),
        ("sarah", "form"),
        ("@shop.example", "form"),
        ("sarah@", "form"),
        ("sarah@shop.example\u00a0", r"it holds '\\xa0'"),
        (" sarah@shop.example", "it holds ' '"),
        ("sarah@shop.example\n", "it holds"),
        ("mailto:sarah@shop.example", "it holds ':'"),
        ("sarah@shop.example;", "it holds"),
        ("Sarah <sarah@shop.example>", "it holds"),
        ("sarah@[127.0.0.1]", "it holds"),
        ('"sarah m"@shop.example', "it holds"),
        ("a@b@shop.example", "more than one @"),
        ("sa\u200brah@shop.example", "invisible"),
        ("sarah\0@shop.example", "invisible"),
        ("a..b@shop.example", "dot"),
        (".a@shop.example", "dot"),
        ("a.@shop.example", "dot"),
        ("sarah@a..b", "domain"),
        ("sarah@shop.example.", "domain"),
        ("sarah@.example", "domain"),
        ("sarah@-shop.example", "domain"),
        (f"sarah@{'a' * 64}.example", "domain"),
        (f"sarah@{'ä' * 60}.example", "domain"),
        (f"sarah@{'.'.join(['a' * 60] * 5)}.example", "domain"),
        ("sarah@shop!.example", "domain"),
        ("sarah@☃.example", "domain"),
        ("sarah@xn--a.example", "domain"),
        ("sarah@localhost", "top level"),
        ("sarah@127.0.0.1", "top level"),
        (f"{'s' * 250}@mail.example", "254 bytes"),
    ],
)
def test_what_no_mail_goes_to(address: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        EmailChannel.normalize(address, None)


@pytest.mark.parametrize(
    "number, region, normal",
    [
        ("+33612345678", None, "+33612345678"),
        ("+33 6 12 34 56 78", "US", "+33612345678"),
        ("+33 (0)6 12 34 56 78", None, "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78\u00a0", "FR", "+33612345678"),
        ("0033612345678", "FR", "+33612345678"),
        ("33612345678", "FR", "+33612345678"),
        ("(202) 555-0147", "US", "+12025550147"),
        ("312 345 6789", "IT", "+393123456789"),
        ("+٣٣٦١٢٣٤٥٦٧٨", None, "+33612345678"),
        ("+33612345678", "Atlantis", "+33612345678"),
    ],
)
def test_the_form_in_which_a_number_is_used(number: str, region: str | None, normal: str) -> None:
    assert SmsChannel.normalize(number, region) == normal
    assert SmsChannel.normalize(normal, None) == normal


@pytest.mark.parametrize(
    "number, region, reason",
    [
        ("", "FR", "no phone number"),
        ("none", "FR", "letters"),
        ("tel:+33612345678", "FR", "letters"),
        ("1-800-FLOWERS", "US", "letters"),
        ("0612345678", None, "national form"),
        ("33612345678", None, "national form"),
        ("0612345678", "Atlantis", "national form"),
        ("+999612345678", None, "no phone number"),
        ("+336123", None, "too short"),
        ("+336123456789", None, "too long"),
        ("555-0147", "US", "too short"),  # only within its own town
        ("+33612345678#5", None, "extension"),
        ("1" * 300, "FR", "no phone number"),
    ],
)
def test_what_no_text_message_goes_to(number: str, region: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        SmsChannel.normalize(number, region)


def told(number: str, region: str | None) -> str:
    """The number's form, or why it has none."""
    try:
        return SmsChannel.normalize(number, region)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("region", [None, "US"])
def test_a_number_in_its_form_is_judged_as_the_library_judges_it(region: str | None) -> None:
    """With a blank before it, a number takes the way of all that are not in that form already."""
    chance = Random(7)
    examples = [example_number(country) for country in sorted(SUPPORTED_REGIONS)]
    numbers = [format_number(each, PhoneNumberFormat.E164) for each in examples if each is not None]
    for code in COUNTRY_CODE_TO_REGION_CODE:
        numbers += [f"+{code}{chance.randrange(10**digits):0{digits}}" for digits in (4, 6, 7, 8, 9, 10, 11, 12)]
    numbers += [f"+{chance.randrange(10**9, 10**12)}" for _ in range(200)]

    assert [each for each in numbers if told(each, region) != told(f" {each}", region)] == []
    assert sum(told(each, region) == each for each in numbers) > len(numbers) / 10


def test_a_push_token_is_any_text_without_white_space() -> None:
    assert PushChannel.normalize("fX3:APA91b-_é", None) == "fX3:APA91b-_é"
    for wrong in ("", "a b", "a\n", "a\u00a0", "a\0b", "x" * 5_000):
        with pytest.raises(ValueError, match="it|token"):
            PushChannel.normalize(wrong, None)


def test_without_a_rule_of_its_own_a_channel_takes_any_text_of_one_line() -> None:
    assert plain_address("Sarah M, 1 rue de la Paix, Paris") == "Sarah M, 1 rue de la Paix, Paris"
    for wrong in ("", "  ", "a\nb", "x" * 5_000):
        with pytest.raises(ValueError, match="it"):
            plain_address(wrong)
