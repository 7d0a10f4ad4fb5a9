"""What becomes of journeys that are published, closed, stopped, paused and resumed, the same on every runtime."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours.errors import CallerError, PublishRefused
from parcours.journey.project import Project
from parcours.service.engine import Engine
from parcours.testing.doubles import SmtpServer

if TYPE_CHECKING:
    from tests.engine.behaviour import PATIENCE_S, Behaviour, Opening, eventually, states, visits
else:
    spec = importlib.util.spec_from_file_location("engine_behaviour", Path(__file__).with_name("behaviour.py"))
    behaviour = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(behaviour)
    Behaviour, PATIENCE_S = behaviour.Behaviour, behaviour.PATIENCE_S
    eventually, states, visits = behaviour.eventually, behaviour.states, behaviour.visits

NewShop = Callable[..., Project]


def patient(project: Project, **receipt: str) -> Project:
    """The shop, which waits a day for a purchase and says this in the receipt."""
    documents = msgspec.json.decode(project.to_json())
    (cart,) = (each for each in documents["journeys"] if each["journey"] == "cart")
    (bought,) = (each for each in cart["steps"] if each["id"] == "bought")
    bought["timeout"] = "1d"
    (message,) = (each for each in documents["messages"] if each["message"] == "receipt")
    message["email"].update(receipt)
    return Project.from_json(msgspec.json.encode(documents))


def shop_for(new_shop: NewShop, smtp: SmtpServer) -> Project:
    server = {"host": smtp.host, "port": smtp.port, "sender": "Shop <shop@shop.example>", "tls": "none"}
    return new_shop(email=server)


def begin(engine: Engine, person: str) -> None:
    """The person becomes known and starts a cart."""
    engine.identify(person, {"email": f"{person}@mail.example"}).result(PATIENCE_S)
    engine.track(person, "Started", {"cart": "c1"}).result(PATIENCE_S)


def subjects(smtp: SmtpServer) -> dict[str, str]:
    """The subject of each mail, by address."""
    headers = {mail.to: mail.raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for mail in smtp.mailbox}
    return dict(sorted(headers.items()))


def standing(engine: Engine, journey: str = "cart") -> tuple[str, int, Mapping[int, int]]:
    (found,) = (each for each in engine.journeys() if each.journey == journey)
    return found.state, found.version, found.runs


class LifeBehaviour(Behaviour):
    """Fill in what `Behaviour` wants."""

    def test_a_run_drains_in_its_version_and_the_next_one_has_the_new_version(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        with SmtpServer() as smtp:
            shop = shop_for(new_shop, smtp)
            engine = opening(patient(shop), store="memory:", records=())
            begin(engine, "anna")

            engine.publish(patient(shop, subject="Thanks a lot"))
            begin(engine, "bert")

            assert standing(engine) == ("open", 2, {1: 1, 2: 1})
            assert standing(engine, "visits") == ("open", 1, {})
            for person in ("anna", "bert"):
                engine.track(person, "Bought", {"cart": "c1"}).result(PATIENCE_S)
            engine.drain(PATIENCE_S)
            assert subjects(smtp) == {"anna@mail.example": "Thank you", "bert@mail.example": "Thanks a lot"}
            engine.close()

    def test_opening_a_changed_project_publishes_it_and_an_unchanged_one_changes_nothing(
        self, opening: Opening, new_shop: NewShop
    ) -> None:
        with SmtpServer() as smtp:
            shop = shop_for(new_shop, smtp)
            engine = opening(patient(shop), records=())
            begin(engine, "anna")
            engine.stop_journey("visits")
            engine.close()

            engine = opening(patient(shop, subject="Thanks a lot"), records=())
            assert standing(engine) == ("open", 2, {1: 1})
            assert standing(engine, "visits") == ("stopped", 1, {}), "it has not changed"
            engine.close()

            engine = opening(patient(shop, subject="Thanks a lot"), records=())
            assert standing(engine) == ("open", 2, {1: 1})
            assert standing(engine, "visits") == ("stopped", 1, {}), "it has not changed"
            engine.track("anna", "Bought", {"cart": "c1"}).result(PATIENCE_S)
            engine.drain(PATIENCE_S)
            assert subjects(smtp) == {"anna@mail.example": "Thank you"}, "as it was when she entered"
            engine.close()

    def test_a_journey_is_closed_stopped_and_published_again(self, opening: Opening, new_shop: NewShop) -> None:
        engine = opening(patient(new_shop()), store="memory:")
        begin(engine, "anna")

        engine.close_journey("cart")
        begin(engine, "bert")
        assert standing(engine) == ("closed", 1, {1: 1})

        engine.stop_journey("cart")
        engine.drain(PATIENCE_S)
        assert standing(engine) == ("stopped", 1, {})

        engine.publish(patient(new_shop()))
        begin(engine, "bert")
        assert standing(engine) == ("open", 1, {1: 1})

    def test_a_paused_journey_stands_still_and_makes_up_for_it(self, opening: Opening, new_shop: NewShop) -> None:
        engine = opening(patient(new_shop()))
        begin(engine, "anna")
        engine.pause_journey("cart")
        engine.close()

        engine = opening(patient(new_shop()))
        engine.track("anna", "Bought", {"cart": "c1"}).result(PATIENCE_S)
        begin(engine, "bert")
        engine.drain(PATIENCE_S)
        assert standing(engine) == ("paused", 1, {1: 1})
        assert states(engine, "anna") == []

        engine.resume_journey("cart")
        eventually(lambda: states(engine, "anna") == ["sent"], "the receipt")
        assert standing(engine) == ("open", 1, {})

    def test_a_project_that_cannot_be_published_is_refused_with_every_reason(
        self, shared: Engine, shop: Project
    ) -> None:
        documents = msgspec.json.decode(shop.to_json())
        documents["settings"]["project"] = "other"
        documents["profile"]["traits"]["phone"] = "string"
        documents["messages"][0]["sms"] = {"text": "hi"}

        with pytest.raises(PublishRefused) as caught:
            shared.publish(Project.from_json(msgspec.json.encode(documents)))

        channel, store = caught.value.reasons
        assert channel.startswith("the messages use the channel 'sms', which the engine was not opened with")
        assert channel.endswith("open it anew, with channels.sms in parcours.yaml or with records=['sms']")
        assert store == "the store belongs to project 'shop', not to 'other'"
        assert standing(shared) == ("open", 1, {})

    def test_a_journey_that_there_is_not_is_an_error_of_the_caller(self, shared: Engine) -> None:
        with pytest.raises(CallerError, match="there is no journey 'card', did you mean 'cart'"):
            shared.pause_journey("card")

        shared.track("judy", "Seen").result(PATIENCE_S)
        assert visits(shared, "judy") == 1, "nobody stands still because of it"
