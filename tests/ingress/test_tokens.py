"""What a token says, and that it says so to nobody but those who hold its key."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.ingress.tokens import (
    ClickToken,
    InboxToken,
    OpenToken,
    ReactionToken,
    ReportToken,
    Seals,
    Token,
    TokenRefused,
    UnsubscribeToken,
)

FIRST, SECOND = "first-key-of-thirty-two-characters", "second-key-of-thirty-two-characters"
SEALS = Seals([FIRST])
KINDS: tuple[type[Token], ...] = (OpenToken, ClickToken, UnsubscribeToken, ReactionToken, ReportToken, InboxToken)
OPENED = OpenToken("sarah", "k1")


@pytest.mark.parametrize(
    "token",
    [
        OPENED,
        ClickToken("sarah", "k1", "https://shop.example/?q=ü&x=1"),
        UnsubscribeToken("@loyalty/4711", "k1", "email"),
        ReactionToken("sarah", "k1"),
        ReportToken("sarah", "k1"),
        InboxToken("sarah", 5),
    ],
    ids=lambda token: type(token).__name__,
)
def test_a_token_says_what_was_sealed_and_nothing_in_the_place_of_another_kind(token: Token) -> None:
    text = SEALS.seal(token)

    assert SEALS.unseal(type(token), text) == token
    assert text.replace("-", "").replace("_", "").isalnum() and text.isascii()
    for other in KINDS:
        if other is not type(token):
            with pytest.raises(TokenRefused):
                SEALS.unseal(other, text)


def test_the_same_content_is_the_same_token_in_every_process() -> None:
    assert pickle.loads(pickle.dumps(SEALS)).seal(OPENED) == SEALS.seal(OPENED)


def test_the_first_key_makes_and_all_read() -> None:
    before, after = Seals([FIRST]), Seals([SECOND, FIRST])

    assert after.unseal(OpenToken, before.seal(OPENED)) == OPENED
    assert after.seal(OPENED) == Seals([SECOND]).seal(OPENED)
    with pytest.raises(TokenRefused):
        Seals([SECOND]).unseal(OpenToken, before.seal(OPENED))


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(TokenRefused):
        SEALS.unseal(OpenToken, text)


@given(st.data())
def test_a_token_that_is_cut_or_changed_anywhere_is_refused(data: st.DataObject) -> None:
    text = SEALS.seal(OPENED)
    place = data.draw(st.integers(0, len(text) - 1))
    instead = data.draw(st.sampled_from(["", "A", "-", "=", ".", "é", "\0"]).filter(lambda each: each != text[place]))

    with pytest.raises(TokenRefused):
        SEALS.unseal(OpenToken, text[:place] + instead + text[place + 1 :])


@pytest.mark.parametrize("tail", ["=", "==", "\n", ".", "A"])
def test_what_is_appended_to_a_token_spoils_it(tail: str) -> None:
    with pytest.raises(TokenRefused):
        SEALS.unseal(OpenToken, SEALS.seal(OPENED) + tail)


@pytest.mark.parametrize("keys", [[], ["short"], [FIRST, "short"]])
def test_a_key_that_is_no_secret_is_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="signing key"):
        Seals(keys)


def test_no_name_can_be_read_in_a_token_and_no_key_in_its_maker() -> None:
    assert "sarah" not in SEALS.seal(OPENED)
    assert FIRST not in repr(SEALS)
