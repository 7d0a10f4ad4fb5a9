"""Everybody's traits follow from the user id, and some addresses are bad on purpose."""

from __future__ import annotations

from collections import Counter

import phonenumbers
import pytest
from email_validator import validate_email

from parcours.demo.people import DEAD_PREFIX, REFUSED_SUFFIX, DemoPerson, person

EVERYBODY = [person(f"user_{number:04}") for number in range(600)]


def test_a_person_is_always_the_same() -> None:
    assert person("user_0042") == DemoPerson(
        first_name="Nora",
        email="nora.0042@mail.example",
        phone="+13125550142",
        push_token="luma-d66f988ad775e977d5ca43e330820701",
        city="Chicago",
        birth_year=1969,
        timezone="America/Chicago",
    )


@pytest.mark.parametrize("address", ["email", "phone", "push_token"])
def test_no_two_people_share_an_address(address: str) -> None:
    assert len({getattr(someone, address) for someone in EVERYBODY}) == len(EVERYBODY)


def test_addresses_are_well_formed_and_belong_to_nobody() -> None:
    for someone in EVERYBODY:
        number = phonenumbers.parse(someone.phone)
        validate_email(someone.email, check_deliverability=False)
        assert phonenumbers.is_valid_number(number)
        assert someone.phone[5:10] == "55501"  # kept for fiction
        assert someone.email.endswith("@mail.example")  # a reserved domain


def test_about_one_address_in_a_hundred_is_refused_by_the_mail_server() -> None:
    refused = [someone for someone in EVERYBODY if someone.email.split("@")[0].endswith(REFUSED_SUFFIX)]

    assert len(refused) == 7


def test_about_one_token_in_twenty_five_is_dead() -> None:
    assert sum(someone.push_token.startswith(DEAD_PREFIX) for someone in EVERYBODY) == 27


def test_people_live_in_ten_cities_and_are_of_all_ages() -> None:
    cities = Counter(someone.city for someone in EVERYBODY)
    young = sum(someone.birth_year > 1980 for someone in EVERYBODY)

    assert set(cities.values()) == {60}
    assert 200 < young < 400
