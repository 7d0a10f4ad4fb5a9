"""Does a channel by which nothing can leave wait, with growing pauses, instead of using up everybody's attempts?"""

from __future__ import annotations

import pytest

from parcours.channel import Accepted, Ambiguous, NotSent, Receipt, Refused
from parcours.config import Settings
from parcours.dispatch.breaker import Breaker

SETTINGS = Settings(channel_refusals_max=3, channel_pause_ms=1_000, channel_pause_max_ms=4_000)


def outage(key: str = "k", reason: str = "no connection") -> NotSent:
    return NotSent(key, reason, of_channel=True)


def relay_denied(key: str = "k", code: str = "554 5.7.1") -> Refused:
    return Refused(key, f"rcpt: {code} <{key}@mail.example>: relay access denied", code=code, of_channel=True)


def opened_at(now_s: float) -> Breaker:
    breaker = Breaker(SETTINGS)
    breaker.hear(now_s, outage(), "anna")
    return breaker


def test_as_long_as_deliveries_leave_there_is_room_for_any_number() -> None:
    breaker = Breaker(SETTINGS)
    breaker.hear(1, Accepted("k"), "anna")

    assert (breaker.room(1), breaker.pause_s(1), breaker.trouble) == (None, None, None)


def test_the_first_delivery_that_finds_no_connection_opens_it_and_counts_and_the_others_are_given_back() -> None:
    breaker = Breaker(SETTINGS)

    first = breaker.hear(10, outage("k1"), "anna")
    second = breaker.hear(10, outage("k2"), "bert")

    assert first == outage("k1")
    assert second == NotSent("k2", "no connection", of_channel=True, tried=False)
    assert (breaker.room(10.9), breaker.trouble) == (0, "waits: no connection")


@pytest.mark.parametrize(
    "receipt, told",
    [
        (
            NotSent("k", "no stream takes\nthe subject", code="503", of_channel=True),
            "no stream takes the subject (503)",
        ),
        (NotSent("k", "the other side answered 404", code="404", of_channel=True), "the other side answered 404"),
        (NotSent("k", "topic vip: Broker: Unknown topic", of_channel=True), "topic vip: Broker: Unknown topic"),
        (NotSent("k", "x" * 1_000, of_channel=True), "x" * 500 + "..."),
    ],
)
def test_what_holds_for_everybody_at_another_system_is_told_in_its_own_words(receipt: NotSent, told: str) -> None:
    breaker = Breaker(SETTINGS, tells_whole=True)

    breaker.hear(10, receipt, "anna")

    assert breaker.trouble == f"waits: {told}"


def test_what_is_in_doubt_of_somebody_is_not_told_in_words_that_may_name_her() -> None:
    breaker = Breaker(SETTINGS, tells_whole=True)
    breaker.hear(10, outage("k1"), "anna")
    breaker.probe(["k2"])

    breaker.hear(11, Ambiguous("k2", "anna@mail.example may be there"), "anna")

    assert breaker.trouble == "waits: for a reason that its deliveries tell"


@pytest.mark.parametrize(
    "reason, code, told",
    [
        ("mail: 421 4.7.0 too many mails for <anna@mail.example>", "421 4.7.0", "mail: 421 4.7.0"),
        (
            "the server refused the user name or the password: 535 anna",
            "535",
            "the server refused the user name or the password: 535",
        ),
        ("anna@mail.example is on a list", None, "for a reason that its deliveries tell"),
        ("anna@mail.example: on a list", "anna", "for a reason that its deliveries tell"),
        ("anna@mail.example is on a list", "421", "…: 421"),
        ("the other side answered 503", "503", "the other side answered 503"),
    ],
)
def test_what_it_waits_for_is_told_without_the_provider_s_own_words(reason: str, code: str | None, told: str) -> None:
    breaker = Breaker(SETTINGS)

    breaker.hear(0, NotSent("k", reason, code=code, of_channel=True), "anna")

    assert breaker.trouble == f"waits: {told}"


def test_a_probe_goes_out_after_each_pause_and_pauses_grow_to_their_maximum() -> None:
    breaker, now_s, pauses = opened_at(0), 0.0, []

    for number in range(4):
        pause_s = breaker.pause_s(now_s)
        assert pause_s is not None
        pauses.append(pause_s)
        now_s += pause_s
        assert breaker.room(now_s) == 1
        breaker.probe([f"p{number}"])
        assert breaker.room(now_s + 100) == 0, "one at a time"
        assert breaker.hear(now_s, outage(f"p{number}"), "anna") == outage(f"p{number}"), "it was tried, which counts"

    assert pauses == [1, 2, 4, 4]


@pytest.mark.parametrize(
    "word",
    [
        Accepted("p"),
        Refused("p", "no such user", permanent=True, code="550 5.1.1"),
        Refused("p", "mailbox full", code="552 5.2.2"),
        NotSent("p", "greylisted", code="450"),
    ],
)
def test_any_word_about_a_single_delivery_shows_that_the_channel_works_again(word: Receipt) -> None:
    breaker = opened_at(0)
    breaker.probe(["p"])

    assert breaker.hear(1, word, "anna") == word

    assert (breaker.room(1), breaker.trouble) == (None, None)
    breaker.hear(2, outage(), "anna")
    assert breaker.pause_s(2) == 1, "pauses begin anew"


def test_a_probe_of_which_nobody_knows_is_followed_by_a_longer_pause() -> None:
    breaker = opened_at(0)
    breaker.probe(["p"])

    breaker.hear(1, Ambiguous("p", "no answer in time"), "anna")

    assert (breaker.pause_s(1), breaker.trouble) == (2, "waits: no answer in time")


@pytest.mark.parametrize("skipped", [True, False])
def test_a_probe_that_the_provider_never_saw_is_followed_by_another_at_once(skipped: bool) -> None:
    breaker = opened_at(0)
    breaker.probe(["p"])

    if skipped:
        breaker.skip("p")  # it could not be rendered
    else:
        breaker.hear(1, Refused("p", "a line break in the subject"), "anna")

    assert (breaker.room(1), breaker.trouble) == (1, "waits: no connection")


def test_the_same_refusal_of_the_sender_for_several_people_in_a_row_opens_it() -> None:
    breaker = Breaker(SETTINGS)

    given = [breaker.hear(0, relay_denied(f"k{number}"), f"u{number}") for number in range(5)]

    assert given[:2] == [relay_denied("k0"), relay_denied("k1")], "so far each may have been meant for one person"
    assert [(type(each), isinstance(each, NotSent) and each.tried) for each in given[2:]] == [
        (NotSent, True), (NotSent, False), (NotSent, False),
    ]  # fmt: skip
    assert breaker.trouble == "waits: the provider refuses everybody, with 554 5.7.1", "and nobody's address is told"


@pytest.mark.parametrize(
    "heard",
    [
        [(relay_denied(), "anna")] * 9,  # one person, whom the provider may not like
        [(relay_denied(), "anna"), (relay_denied(), "bert"), (Accepted("k"), "carl"), (relay_denied(), "dora")],
        [(relay_denied(), "anna"), (relay_denied(), "bert"), (relay_denied(code="550 5.7.26"), "carl")],
        [(Refused("k", "no such user", code="550 5.1.1", permanent=True), f"u{number}") for number in range(9)],
    ],
    ids=["one person", "not in a row", "not the same", "not of the sender"],
)
def test_other_refusals_do_not(heard: list[tuple[Receipt, str]]) -> None:
    breaker = Breaker(SETTINGS)

    assert [breaker.hear(0, receipt, person) for receipt, person in heard] == [receipt for receipt, _ in heard]
    assert breaker.room(0) is None


def test_a_probe_that_is_refused_for_the_sender_is_kept_and_tried_again() -> None:
    breaker = opened_at(0)
    breaker.probe(["p"])

    kept = breaker.hear(1, relay_denied("p"), "anna")

    assert isinstance(kept, NotSent) and kept.tried and kept.code == "554 5.7.1"
    assert breaker.pause_s(1) == 2


def test_a_silent_channel_is_handed_nothing_more_until_it_answers() -> None:
    breaker = Breaker(SETTINGS)

    breaker.be_silent(5)
    assert (breaker.room(100), breaker.pause_s(100)) == (0, None)
    said = breaker.trouble or ""
    assert (breaker.state, said) == ("silent", "has not answered for 5 s")

    breaker.hear(101, Accepted("k"), "anna")
    now: str = breaker.state
    assert (breaker.room(101), breaker.trouble, now) == (None, None, "closed")


def test_a_silence_that_ends_without_an_answer_opens_it() -> None:
    breaker = Breaker(SETTINGS)
    breaker.be_silent(5)

    breaker.hear(60, Ambiguous("k", "no answer from the channel within send_timeout_s=60"), "anna")

    assert (breaker.pause_s(60), breaker.state, breaker.trouble) == (
        1,
        "open",
        "waits: no answer from the channel within send_timeout_s=60",
    )
