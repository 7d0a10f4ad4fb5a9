"""The filters of numbers as a reader's locale writes them: money, number and percent, by the CLDR's rules."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal, format_percent, is_currency
from liquid.exceptions import FilterArgumentError
from liquid.undefined import is_undefined

LOCALE: Final = "en"
"""The locale where none is named, or one that nobody knows."""

MAGNITUDE_MAX: Final = 30
"""Digits before or behind the point beyond which a number is left as it is: an exponent may name thousands of them."""

NUMBER_CHARACTERS_MAX: Final = 100
"""Longest text that is read as a number."""


def money(value: object, currency: object, locale: object = LOCALE) -> str:
    """An amount in a currency, named by its code: `{{ entry.total | money: "EUR", "fr" }}`."""
    code = str(currency).upper()
    if not is_currency(code):
        raise FilterArgumentError(f"no currency {code!r}, name it by its code as in EUR", token=None)
    amount = _decimal(value)
    return _as_it_is(value) if amount is None else format_currency(amount, code, locale=locale_of(locale))


def number(value: object, locale: object = LOCALE) -> str:
    """A number with its separators: `{{ profile.points | number: "de" }}`."""
    amount = _decimal(value)
    return _as_it_is(value) if amount is None else format_decimal(amount, locale=locale_of(locale))


def percent(value: object, locale: object = LOCALE) -> str:
    """A share as per cent, 0.25 being 25%."""
    amount = _decimal(value)
    return _as_it_is(value) if amount is None else format_percent(amount, locale=locale_of(locale))


def locale_of(name: object) -> Locale:
    """The locale of this name or, where the country is unknown, of its language; English where that is, too."""
    return _nearest_locale(str(name)) or Locale.parse(LOCALE)


def check_locale(name: str) -> None:
    """Raises FilterArgumentError if neither the locale nor its language is known: an author would get English."""
    if _nearest_locale(name) is None:
        raise FilterArgumentError(f"no locale {name!r}, name it as in fr or de-CH", token=None)


def _nearest_locale(name: str) -> Locale | None:
    full = name.replace("-", "_")
    names = [each for each in (full, full.partition("_")[0]) if each.isascii() and len(each) <= 20]
    return next((found for each in names if (found := known_locale(each)) is not None), None)


@cache
def _known(name: str) -> Locale:
    return Locale.parse(name)


def known_locale(name: str) -> Locale | None:
    """The locale of exactly this name, None if there is none."""
    try:
        return _known(name)  # what is unknown is not kept: anybody may name as many as she likes
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > NUMBER_CHARACTERS_MAX:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() and abs(found.adjusted()) <= MAGNITUDE_MAX else None


def _as_it_is(value: object) -> str:
    return "" if is_undefined(value) else str(value)
