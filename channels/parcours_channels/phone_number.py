"""Which text can be a number for text messages? Those that `phonenumbers` reads and finds possible, in E.164.

Possible is a matter of length. Whether a range is in use is left to the provider: that changes faster than libraries.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
    format_number,
    is_possible_number_with_reason,
    parse,
)

REMEMBERED_MAX: Final = 10_000
"""Numbers of which the form is kept: people are written to more than once."""

COMPLETE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""The form itself. Most numbers are stored in it, and reading one as if it could be anything takes much longer."""


@lru_cache(maxsize=REMEMBERED_MAX)
def e164(number: str, region: str | None) -> str:
    """The number as `+33612345678`. Raises ValueError with the reason if it is none.

    region  the country by which a national form is read, two capital letters
    """
    if COMPLETE.fullmatch(number) and _is_as_it_stands(number):
        return number
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


def _is_as_it_stands(complete: str) -> bool:
    """Whether a number of that form is possible, and nothing in it a prefix that the library would take away."""
    for end in (2, 3, 4):
        code, national = int(complete[1:end]), complete[end:]
        if code in COUNTRY_CODE_TO_REGION_CODE:
            break
    else:
        return False
    country = PhoneMetadata.metadata_for_region_or_calling_code(code, COUNTRY_CODE_TO_REGION_CODE[code][0])
    assert country is not None, "the library describes every country whose code it knows"
    prefix = country.national_prefix_for_parsing
    if national.startswith("0") or (prefix is not None and re.match(prefix, national)):
        return False
    number = PhoneNumber(country_code=code, national_number=int(national))
    return bool(is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE)
