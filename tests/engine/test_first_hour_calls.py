"""What somebody gets wrong in the first hour is said at once, and by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from parcours.clock import ManualClock
from parcours.errors import CallerError
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.service.unknown_names import NAMES_MAX, WARN_EVERY_MS
from parcours.testing.virtual_project import VirtualProject

NewShop = Callable[..., Project]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000)


@pytest.fixture
def engine(new_shop: NewShop, clock: ManualClock) -> Iterator[Engine]:
    with Engine.open(new_shop(), "memory:", runtime="local", records=["email"], clock=clock) as engine:
        yield engine


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_a_whole_number_as_an_id_is_its_text(engine: Engine) -> None:
    engine.identify(42, {"city": "Oslo"}).result(60)
    engine.track(None, "Seen", anonymous_id=7, message_id=1).result(60)

    known = engine.profile("42")

    assert known is not None and known.traits == {"city": "Oslo"}
    assert engine.profile("@anonymous/7") is not None
    assert engine.track(None, "Seen", anonymous_id=7, message_id="1").result(60).duplicate == 1


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda e: e.track("", "Seen"), "user_id='': an id is not empty"),
        (lambda e: e.track(None, "Seen", anonymous_id=""), "anonymous_id='': an id is not empty"),
        (lambda e: e.track(None, "Seen"), "track: names nobody"),
        (lambda e: e.identify(None, {"city": "Oslo"}), "identify: names nobody"),
        (lambda e: e.track(True, "Seen"), "user_id=True: an id is a text or a whole number"),
        (lambda e: e.track(4.2, "Seen"), "user_id=4.2: an id is a text or a whole number"),
        (lambda e: e.track(b"anna", "Seen"), "user_id=b'anna': an id is a text or a whole number"),
        (lambda e: e.track("anna", "Seen", message_id=4.2), "message_id=4.2: an id is a text or a whole number"),
        (lambda e: e.track("a" * 513, "Seen"), "track: an id of 513 bytes, more than id_bytes_max=512"),
        (lambda e: e.track("anna", "Seen", message_id="m" * 513), "a messageId longer than id_bytes_max=512"),
        (lambda e: e.track("anna", None), "event=None: a text is expected"),
        (lambda e: e.track("anna", ""), "event='': a text is expected that is not empty"),
        (lambda e: e.track("anna", "Seen", [1]), r"properties=\[1\]: an object is expected"),
        (lambda e: e.track("anna", "Seen", "page"), "properties='page': an object is expected"),
        (lambda e: e.track("anna", "Seen", {1: 2}), "the names in an object are texts"),
        (lambda e: e.track("anna", "Seen", {"page": object()}), "the call cannot be written as JSON"),
        (lambda e: e.track("anna", "Seen", {"page": "x" * 40_000}), "track: longer than event_bytes_max"),
        (lambda e: e.track("anna", "Undeclared", {"n": 10**30}), "track: properties with a whole number of more"),
        (lambda e: e.identify("anna", None), "traits=None: an object is expected"),
        (lambda e: e.identify("anna", [("city", "Oslo")]), "traits=.*: an object is expected"),
        (lambda e: e.consent("anna", ""), "channel='': a text is expected"),
        (lambda e: e.consent("anna", "email", purpose=5), "purpose=5: a text is expected"),
        (lambda e: e.consent("anna", "email", granted="no"), "granted='no': True or False is expected"),
        (lambda e: e.react("anna", 5, of="cart.remind"), "this is no reaction: 5"),
        (lambda e: e.react("anna", "opened", of=5), "of=5: a text is expected"),
        (lambda e: e.react("anna", "opened", of="cart.remind", link=5), "reaction: not a call: Expected `str"),
        (lambda e: e.react("", "opened", of="cart.remind"), "user_id='': an id is not empty"),
    ],
)
def test_what_a_call_says_wrong_is_said_before_anybody_waits(
    call: Callable[[Any], object], complaint: str, engine: Engine
) -> None:
    with pytest.raises(CallerError, match=complaint):
        call(engine)


def test_what_is_wrong_with_a_line_of_many_is_a_result(engine: Engine) -> None:
    outcome = engine.ingest(
        [{"type": "track", "userId": 42, "event": "Seen"}, {"type": "track", "userId": "a"}]
    ).result(60)

    assert [place for place, _ in outcome.rejected] == [0, 1]


def test_names_that_nobody_declares_are_warned_of_once_a_minute_each(
    engine: Engine, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def twice() -> None:
        for _ in range(2):
            engine.track("anna", "Sen", {"page": "/"}).result(60)
            known = {"email": "a@b.example", "timezone": "Europe/Oslo"}  # a time zone is read undeclared
            engine.identify("anna", {**known, "citty": "Oslo"}).result(60)
            engine.ingest([{"type": "track", "userId": "anna", "event": "Boght"}]).result(60)

    said = [
        "event 'Sen' is not declared, did you mean 'Seen'?: it is taken, and moves nobody",
        "trait 'citty' is not declared, did you mean 'city'?: it is kept, and read by nobody",
        "event 'Boght' is not declared, did you mean 'Bought'?: it is taken, and moves nobody",
    ]
    twice()
    assert warnings_in(caplog) == said

    clock.move_to(clock.now_ms() + WARN_EVERY_MS)
    twice()
    assert warnings_in(caplog) == said * 2


def test_consent_for_what_nobody_asks_for_is_warned_of_by_name_once_a_minute(
    engine: Engine, new_shop: NewShop, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    said = [
        "nothing is sent for the channel 'emial', did you mean 'email'?: the consent is kept all the same",
        "nothing is sent for the purpose 'markting', did you mean 'marketing'?: the consent is kept all the same",
        "nothing is sent for the channel 'call': the consent is kept all the same",
    ]

    def twice(shop: Engine | VirtualProject) -> None:
        for _ in range(2):
            shop.consent("anna", "emial", purpose="markting")
            shop.consent("anna", "email", purpose="marketing")
            shop.consent("anna", "email", purpose="transactional", granted=False)
            shop.consent("anna", "call")

    twice(engine)
    assert warnings_in(caplog) == said
    clock.move_to(clock.now_ms() + WARN_EVERY_MS)
    twice(engine)
    assert warnings_in(caplog) == said * 2

    with VirtualProject(new_shop()) as virtual:
        twice(virtual)
    assert warnings_in(caplog) == said * 3


def test_a_reaction_is_to_a_channel_on_which_the_step_sends(engine: Engine, new_shop: NewShop) -> None:
    with VirtualProject(new_shop()) as virtual:
        for shop in (engine, virtual):
            with pytest.raises(CallerError, match="'cart.remind' does not send on 'sms'; it sends on email"):
                shop.react("anna", "opened", of="cart.remind", channel="sms")
            with pytest.raises(CallerError, match="channel='': a text is expected"):
                shop.react("anna", "opened", of="cart.remind", channel="")
            shop.react("anna", "opened", of="cart.remind", channel="email")


def test_a_name_of_any_length_is_quoted_in_a_readable_one(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    engine.track("anna", "e" * 20_000).result(60)
    engine.identify("anna", {"t" * 3_000: 1}).result(60)

    assert [len(each) < 200 for each in warnings_in(caplog)] == [True, True]


def test_traits_that_find_no_room_are_warned_of_once_a_minute(
    engine: Engine, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def twice() -> list[str]:
        caplog.clear()
        for name in ("first", "second"):
            engine.identify("anna", {name: "x" * 20_000}).result(60)
        return [each for each in warnings_in(caplog) if "limit" in each]

    assert twice() == ["the limit traits_bytes_max was reached: trait 'first' was not kept"]
    known = engine.profile("anna")
    assert known is None or "first" not in known.traits

    clock.move_to(clock.now_ms() + 60_000)
    assert twice() == ["the limit traits_bytes_max was reached: trait 'first' was not kept"]


def test_no_more_names_are_remembered_as_warned_of_than_there_is_room_for(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    engine.identify("anna", {f"trait {number}": None for number in range(NAMES_MAX + 1)})
    engine.identify("anna", {f"trait {NAMES_MAX}": None})
    assert len(warnings_in(caplog)) == NAMES_MAX + 1

    engine.identify("anna", {"trait 0": None})
    assert len(warnings_in(caplog)) == NAMES_MAX + 2


def test_identify_with_both_ids_makes_the_visitor_the_known_person(engine: Engine) -> None:
    engine.track(None, "Seen", {"page": "/"}, anonymous_id="7f3a").result(60)
    done = engine.identify("anna", {"city": "Oslo"}, anonymous_id="7f3a").result(60)
    alias = engine.ingest([{"type": "alias", "userId": "anna", "previousId": "7f3a"}]).result(60)
    engine.track(None, "Seen", {"page": "/"}, anonymous_id="7f3a").result(60)  # which waits until she has moved

    anna = engine.profile("anna")

    assert (done.accepted, alias.accepted) == (1, 1)
    assert anna is not None and (anna.traits, dict(anna.counts)) == ({"city": "Oslo"}, {"visits": 2})


def test_an_alias_of_nobody_known_is_rejected(engine: Engine) -> None:
    outcome = engine.ingest([{"type": "alias", "anonymousId": "7f3a"}]).result(60)

    assert outcome.rejected == ((0, "an alias needs a userId, of the person who is known"),)
