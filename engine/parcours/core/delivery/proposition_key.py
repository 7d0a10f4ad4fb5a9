"""What is an offer called that somebody got? By a key that is the same for ever, and a short code to redeem it by.

A key is made as those of deliveries are: it begins with the hash slot and a hash of the name under which it was
decided, so whoever is told a key and nobody's name finds the person. The rest is a hash of all that tells it from every
other one.

A code is eight characters of Crockford's base 32, which has no letters that are taken for each other: 40 bits, of
which only those of one person's newest propositions have to differ.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from parcours.core.delivery.delivery_key import key_of

CODE_PARAMETER: Final = "offer_code"
"""The parameter of a link's query that has the code."""

CODE_CHARACTERS: Final = 8
_BITS: Final = 5
_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
"""What people write for a digit, and between groups of digits."""


def proposition_key(project: str, person: str, decision: str, placement: str, origin: str, number: int) -> str:
    """The key of an offer that somebody got.

    person  the name under which it was decided
    origin  what asked for it: a run with its step, visit and channel, or a request with its instant
    number  its place in the answer, from 0
    """
    return key_of(person, ("proposition", project, person, decision, placement, origin, str(number)))


def code_of(key: str) -> str:
    """The code of a proposition."""
    digest = blake2b(f"code\0{key}".encode(), digest_size=CODE_CHARACTERS * _BITS // 8).digest()
    whole = int.from_bytes(digest, "big")
    return "".join(_DIGITS[(whole >> _BITS * place) % 2**_BITS] for place in reversed(range(CODE_CHARACTERS)))


def with_code(url: str, code: str) -> str:
    """The address of a link within an offer, with the offer's code: whoever follows it clicks the offer."""
    whole, mark, fragment = url.partition("#")
    return f"{whole}{'&' if '?' in whole else '?'}{CODE_PARAMETER}={code}{mark}{fragment}"


def carries(url: str, code: str) -> bool:
    """Whether it is the link of an offer with this code."""
    return f"{CODE_PARAMETER}={code}" in url


def read_code(text: str) -> str:
    """A code as somebody has typed it, in the form of `code_of`; what is none stays none."""
    return text.strip().upper().translate(_MEANT)
