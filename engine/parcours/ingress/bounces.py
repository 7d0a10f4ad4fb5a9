"""Which delivery is a mail about that came back? Each leaves with a return path of its own, which holds its key.

    b+abagsdokspobrpwrsvyfr4tdgrrdkunrcwvsybhlpndkcdnfuia@bounces.luma.example
      |  base32 of the slot, the hash of the name, the rest of the key, and 8 bytes that only this door can make

A local part has 64 characters at most, and servers may change its case. Whoever makes an address up is not heard: that
is told by the last 8 bytes. What a mail says is for its channel to read.
"""

from __future__ import annotations

import hmac
import re
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from quopri import decodestring
from typing import Any, Final

from parcours.core.delivery.delivery_key import REST_BYTES, SLOT_DIGITS
from parcours.core.identity import NAME_HASH_BYTES, SLOTS

MAIL_BYTES_MAX: Final = 1024 * 1024
"""Longer mails are not looked into: a report quotes of its mail what it has to."""

SLOT_BYTES: Final = 2
MAC_BYTES: Final = 8
KEY_BYTES: Final = SLOT_BYTES + NAME_HASH_BYTES + REST_BYTES
SEALED_CHARACTERS: Final = -(-(KEY_BYTES + MAC_BYTES) * 8 // 5)

PREFIX: Final = "b+"
ADDRESS: Final = re.compile(rb"b\+([a-z2-7]{%d})(?![a-z2-7])" % SEALED_CHARACTERS, re.IGNORECASE)

TRIED_MAX: Final = 100
"""Addresses of a mail that are tried: one that holds many more is not from a mail server."""


class ReturnPaths:
    """Makes return paths with the first of its keys, and reads those of all of them.

    It can be pickled, and its representation shows no key.
    """

    def __init__(self, domain: str, signing_keys: Iterable[str]) -> None:
        self._domain = domain
        self._signing_keys = tuple(signing_keys)
        # Derived, so that nothing else that is signed with the same keys is a return path.
        self._keys = [sha256(b"return path\0" + key.encode()).digest() for key in self._signing_keys]

    def __reduce__(self) -> tuple[Any, ...]:
        return ReturnPaths, (self._domain, self._signing_keys)

    def address(self, key: str) -> str:
        """The return path of the delivery of this key."""
        told = int(key[:SLOT_DIGITS], 16).to_bytes(SLOT_BYTES) + bytes.fromhex(key[SLOT_DIGITS:])
        sealed = b32encode(told + _mac(self._keys[0], told)).decode().rstrip("=").lower()
        return f"{PREFIX}{sealed}@{self._domain}"

    def key_in(self, mail: bytes, recipients: Iterable[str] = ()) -> str | None:
        """The key of the delivery that a mail is about, None if it names none of ours.

        recipients  to whom it was handed in; else it is looked for in the mail, which may quote ours
        """
        texts = ["\n".join(recipients).encode(errors="replace"), mail]
        for sealed in islice(_addresses(texts), TRIED_MAX):
            key = self._key_of(sealed)
            if key is not None:
                return key
        return None

    def _key_of(self, sealed: bytes) -> str | None:
        try:
            data = b32decode(sealed.upper() + b"=" * (-len(sealed) % 8))
        except NotBase32:
            return None
        told, mac = data[:KEY_BYTES], data[KEY_BYTES:]
        slot = int.from_bytes(told[:SLOT_BYTES])
        is_ours = [hmac.compare_digest(mac, _mac(key, told)) for key in self._keys]
        if not any(is_ours) or slot >= SLOTS:
            return None
        return f"{slot:0{SLOT_DIGITS}x}{told[SLOT_BYTES:].hex()}"


def _addresses(texts: Iterable[bytes]) -> Iterator[bytes]:
    """What looks like a return path of ours, also where a text is written with its special characters encoded."""
    for text in texts:
        for match in ADDRESS.finditer(text):
            yield match[1]
        if b"=" in text:
            for match in ADDRESS.finditer(decodestring(text)):
                yield match[1]


def _mac(key: bytes, told: bytes) -> bytes:
    return hmac.digest(key, told, "sha256")[:MAC_BYTES]
