"""What does an address say of a person that is sent to her, and a cookie of a session? A sealed token: nobody but this
door can read or make one.

A token is what AES-SIV (RFC 5297) makes of its content, with its kind beside: a token of one kind means nothing in the
place of another. The same content under the same key is the same token, so a mail that is rendered again has the same
bytes. Whatever is no token, cut, forged, of another kind or of a key that is gone, is refused in the same words, and
after the same work: all keys are tried on it, or on as many bytes that stand for it.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256, sha512
from typing import Any, ClassVar, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from parcours.ingress.settings import SIGNING_KEY_MIN

TOKEN_CHARACTERS_MAX: Final = 16_384
"""Longer than any token of ours: the address of a link that long is refused when it is put in."""

TAG_BYTES: Final = 16

KEY_DIGEST: Final = b"the digest of a signing key, and nothing else: "
"""Stands before a key whose digest is made, so that it is that of nothing else."""

DIGEST_CHARACTERS: Final = 8

NO_TOKEN: Final = bytes(64)
"""Stands for what cannot be decoded, so that keys are tried on it all the same."""


class TokenRefused(Exception):
    """It is no token of this kind."""


class Token(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed as one of its kind."""

    kind: ClassVar[bytes]


class PersonToken(Token, frozen=True, array_like=True):
    """
    person  the name that she had when it was made
    """

    person: str


class DeliveryToken(PersonToken, frozen=True, array_like=True):
    """
    delivery  the key of the delivery that carries it
    """

    delivery: str


class OpenToken(DeliveryToken, frozen=True, array_like=True):
    """Whoever loads its picture has the mail before him."""

    kind = b"open"


class ClickToken(DeliveryToken, frozen=True, array_like=True):
    """A link of the delivery, which leads to `url`."""

    kind = b"click"

    url: str


class OfferToken(PersonToken, frozen=True, array_like=True):
    """Whoever loads its picture has the offer of the key `proposition` before him."""

    kind = b"offer"

    proposition: str


class UnsubscribeToken(DeliveryToken, frozen=True, array_like=True):
    """What its holder may say of consent is the person's word; one click withdraws marketing on `channel`."""

    kind = b"unsubscribe"

    channel: str


class ReactionToken(DeliveryToken, frozen=True, array_like=True):
    """An app that holds it tells what the person did with the delivery."""

    kind = b"reaction"


class ReportToken(DeliveryToken, frozen=True, array_like=True):
    """A provider that holds it tells what became of the delivery."""

    kind = b"report"


class InboxToken(PersonToken, frozen=True, array_like=True):
    """Whoever holds it may read the person's inbox until it expires."""

    kind = b"inbox"

    expires_ms: int


class SessionToken(Token, frozen=True, array_like=True):
    """Whoever has it in a cookie has shown a key, and looks at the page until it expires.

    key     the name of the key
    digest  by what the key is told from a later one of its name, or with other scopes
    number  of chance, by which sessions of one key are told apart
    """

    kind = b"session"

    key: str
    digest: str
    number: str
    expires_ms: int


class FormToken(Token, frozen=True, array_like=True):
    """A form that has it comes from a page of the session of this number; that is "" where nobody has to log in."""

    kind = b"form"

    session: str


T = TypeVar("T", bound=Token)


class Seals:
    """Makes tokens with the first of its keys, and reads those of all of them.

    It can be pickled, and its representation shows no key.
    """

    def __init__(self, signing_keys: Iterable[str]) -> None:
        """Raises ValueError without any key, and for one that is too short to be a secret."""
        self._keys = tuple(signing_keys)
        if not self._keys:
            raise ValueError("there is no signing key")
        if any(len(key) < SIGNING_KEY_MIN for key in self._keys):
            raise ValueError(f"a signing key has at least {SIGNING_KEY_MIN} characters")
        self._ciphers = [AESSIV(sha512(key.encode()).digest()) for key in self._keys]

    def __reduce__(self) -> tuple[Any, ...]:
        return Seals, (self._keys,)

    @property
    def digests(self) -> tuple[str, ...]:
        """By what its keys can be told from others, in their order; none of them can be guessed from it."""
        return tuple(sha256(KEY_DIGEST + key.encode()).hexdigest()[:DIGEST_CHARACTERS] for key in self._keys)

    def seal(self, token: Token) -> str:
        """The token as it stands in an address: letters, digits, `-` and `_`."""
        sealed = self._ciphers[0].encrypt(_encoder.encode(token), [token.kind])
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def unseal(self, kind: type[T], text: str) -> T:
        """What the token of this kind says. Raises TokenRefused for everything else."""
        sealed = _decoded(text)
        for cipher in self._ciphers:
            try:
                return msgspec.msgpack.decode(cipher.decrypt(sealed, [kind.kind]), type=kind)
            except (InvalidTag, msgspec.MsgspecError):
                continue
        raise TokenRefused


_encoder = msgspec.msgpack.Encoder()


def _decoded(text: str) -> bytes:
    if len(text) > TOKEN_CHARACTERS_MAX or not text.isascii():
        return NO_TOKEN
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return NO_TOKEN
    # The decoder passes over characters that are none of its own: an altered token would be as good as the one made.
    is_canonical = urlsafe_b64encode(sealed).rstrip(b"=") == text.encode()
    return sealed if is_canonical and len(sealed) > TAG_BYTES else NO_TOKEN
