"""Which text can be a number for text messages? Those that `phonenumbers` reads and finds possible, in E.164.

Possible is a matter of length. Whether a range is in use is left to the provider: that changes faster than libraries.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from phonenumbers import (
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

REMEMBERED_MAX: Final = 10_000
"""Numbers of which the form is kept: reading one takes 0.1 ms, and people are written to more than once."""


@lru_cache(maxsize=REMEMBERED_MAX)
def e164(number: str, region: str | None) -> str:
    """The number as `+33612345678`. Raises ValueError with the reason if it is none.

    region  the country by which a national form is read, two capital letters
    """
    if any(each.isalpha() for each in number):
        raise ValueError("it holds letters")
    if region is not None and region not in SUPPORTED_REGIONS:
        region = None  # such as a country that the library has never heard of: international forms need none
    try:
        parsed = parse(number, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE and "+" not in number:
            raise ValueError("it is in national form, and there is no region to read it by") from None
        raise ValueError("it is no phone number") from None
    if parsed.extension:
        raise ValueError("it has an extension, to which no text message goes")
    if is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        raise ValueError("it is too short or too long for a number of its country")
    return format_number(parsed, PhoneNumberFormat.E164)
