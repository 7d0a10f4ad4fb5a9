"""A return path names its delivery to this door, and to nobody else."""

from __future__ import annotations

import pickle
from base64 import b32decode, b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.core.delivery.delivery_key import key_of
from parcours.core.effect import Outgoing
from parcours.ingress.bounces import ReturnPaths
from parcours.ingress.sealed_links import SealedLinks

DOMAIN = "bounces.luma.example"
OLD, NEW = "o" * 32, "n" * 32
PATHS = ReturnPaths(DOMAIN, [NEW, OLD])
KEY = key_of("sarah", ("shop", "1"))


@given(st.text(min_size=1), st.text())
def test_an_address_holds_the_key_and_is_no_longer_than_a_local_part_may_be(name: str, part: str) -> None:
    key = key_of(name, [part])
    address = PATHS.address(key)
    local, _, domain = address.partition("@")
    assert domain == DOMAIN and len(local) <= 64
    assert PATHS.key_in(b"", [address]) == key


def test_the_address_is_the_same_whenever_it_is_made_and_names_nobody() -> None:
    assert PATHS.address(KEY) == ReturnPaths(DOMAIN, [NEW]).address(KEY)
    assert "sarah" not in PATHS.address(KEY) and KEY not in PATHS.address(KEY)


@pytest.mark.parametrize(
    "mail",
    [
        "To: <{}>",
        "Delivered-To: {}\r\nTo: postmaster@luma.example",
        "Return-Path: <{}>",
        "X-Failed: SRS0=hash=tt=elsewhere.example={}",
        "Original-Mail-From: {}",
    ],
)
def test_it_is_found_wherever_a_mail_quotes_it_and_however_servers_write_it(mail: str) -> None:
    address = PATHS.address(KEY)
    for written in (address, address.upper(), address.title(), address.replace("+", "=2B")):
        assert PATHS.key_in(mail.format(written).encode()) == KEY
    folded = mail.format(address[:30] + "=\r\n" + address[30:])  # quoted-printable ends lines so
    assert PATHS.key_in(folded.encode()) == KEY


def test_keys_are_rotated_as_those_of_links_are() -> None:
    before = ReturnPaths(DOMAIN, [OLD]).address(KEY)
    assert PATHS.key_in(b"", [before]) == KEY
    assert PATHS.address(KEY) != before
    assert ReturnPaths(DOMAIN, [NEW]).key_in(b"", [before]) is None


def altered() -> list[str]:
    address = PATHS.address(KEY)
    local = address.partition("@")[0]
    sealed = bytearray(b32decode(local[2:].upper() + "=" * 4))
    made_up = [f"b+{'a' * 44}@{DOMAIN}", f"bounce@{DOMAIN}", f"{local[:-1]}@{DOMAIN}", f"{local}a@{DOMAIN}", ""]
    for place in range(len(sealed)):
        other = bytearray(sealed)
        other[place] ^= 1
        made_up.append(f"b+{b32encode(other).decode().rstrip('=').lower()}@{DOMAIN}")
    return made_up


@pytest.mark.parametrize("address", altered())
def test_nobody_else_can_make_one_or_change_one(address: str) -> None:
    assert PATHS.key_in(f"To: <{address}>".encode(), [address]) is None


def test_a_mail_may_quote_others_and_the_one_that_is_ours_is_found() -> None:
    foreign = ReturnPaths(DOMAIN, ["f" * 32]).address(KEY)
    other = PATHS.address(key_of("tom", ()))
    assert PATHS.key_in(f"To: {foreign}\r\nReturn-Path: <{PATHS.address(KEY)}>".encode()) == KEY
    assert PATHS.key_in(f"Return-Path: <{other}>".encode(), [PATHS.address(KEY)]) == KEY, "the envelope goes first"


def test_what_is_pickled_makes_the_same_and_nothing_shows_the_keys() -> None:
    again = pickle.loads(pickle.dumps(PATHS))
    assert again.address(KEY) == PATHS.address(KEY)
    assert NEW not in repr(PATHS)


def test_deliveries_have_one_where_their_links_know_a_domain() -> None:
    leaving = Outgoing(KEY, "sarah", "trip", 1, 1, "write", "email", "note", "marketing", "a@b.example", 0, {})
    with_domain = SealedLinks("https://door.example", [NEW, OLD], bounce_domain=DOMAIN)
    assert pickle.loads(pickle.dumps(with_domain)).return_path(leaving) == PATHS.address(KEY)
    assert SealedLinks("https://door.example", [NEW]).return_path(leaving) is None
