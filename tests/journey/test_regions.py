"""Are the countries that a project may name those that there are?"""

from __future__ import annotations

from babel import Locale
from phonenumbers import SUPPORTED_REGIONS

from parcours.journey.model.region import COUNTRIES, WITH_NUMBERS

NO_COUNTRIES = frozenset({"CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "UN", "XA", "XB", "ZZ"})
"""What CLDR names beside the countries: islands that belong to one, unions, and codes for tests."""


def test_every_country_that_libraries_know_can_be_named() -> None:
    territories = {code for code in map(str, Locale("en").territories) if len(code) == 2 and code.isalpha()}

    assert territories - NO_COUNTRIES == COUNTRIES | WITH_NUMBERS
    assert SUPPORTED_REGIONS <= COUNTRIES | WITH_NUMBERS
