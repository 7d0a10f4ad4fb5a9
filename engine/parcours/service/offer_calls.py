"""Decisions that somebody asks for: which offers a person gets, answered once they are committed, or else in time.

A request is a line of the person's. What she gets by it is remembered with her under the request's id, so whoever asks
again under the same one is answered the same; only what the offers say is filled in anew. Where that is not remembered
any more, or something else was asked for, it is an error: an empty answer says that there is nothing. Where her shard
does not answer within `decision_timeout_ms`, fallbacks are given. What it then still decides is an offer that nobody
was shown.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from secrets import token_hex
from typing import Any

from msgspec.structs import replace

from parcours.core.delivery.showing import shown_offer
from parcours.core.fact import OfferGiven
from parcours.core.identity import person_name
from parcours.core.input import AskedAt
from parcours.core.offers.choosing import Asked
from parcours.core.offers.requests import digest_of
from parcours.dispatch.asked_offers import AskedOffers
from parcours.errors import CallerError, NobodyYet, RequestChanged, RequestForgotten
from parcours.insight.offer_words import decision_sentence
from parcours.journey.offers import Offers
from parcours.routing.calls import checked_line
from parcours.routing.ports import ShardPort
from parcours.service.acknowledgement import LinesTaken
from parcours.service.decided import Asking, Decided, Decisions, OfferDecided, check_asking
from parcours.service.engine_host import EngineHost
from parcours.service.following import ask_owner
from parcours.service.people_calls import Id, check_text, id_text, object_of, sender
from parcours.service.published import Published
from parcours.shard.found import OffersFound
from parcours.shard.requests import GetOffers, TryDecisions
from parcours.wording import error_words, shown_value

log = logging.getLogger("parcours")


class OfferCalls(ABC):
    """Those of a service."""

    _host: EngineHost
    _control: Published

    @abstractmethod
    async def take_lines(
        self,
        lines: Sequence[bytes],
        *,
        room_wait_s: float | None = None,
        answer_wait_s: float | None = None,
    ) -> LinesTaken:
        """Hand in lines of the event format as they are."""

    @abstractmethod
    def _port_of(self, person: str) -> ShardPort:
        """The shard that owns the slot of this name."""

    def decide(
        self,
        user_id: Id | None,
        decision: str,
        *,
        placement: str,
        count: int | None = None,
        context: Mapping[str, object] | None = None,
        request_id: str | None = None,
        anonymous_id: Id | None = None,
        dry: bool = False,
    ) -> Coroutine[Any, Any, Decided]:
        """Which offers somebody gets at a placement, the best first; the others are as for `decisions`.

        count  at most so many, 1 to 30; as many as the decision says without it
        """
        asking = Asking(decision, placement, count)
        told = self.decisions(
            user_id, [asking], context=context, request_id=request_id, anonymous_id=anonymous_id, dry=dry
        )
        return _first(told)

    def decisions(
        self,
        user_id: Id | None,
        asked: Sequence[Asking],
        *,
        context: Mapping[str, object] | None = None,
        request_id: str | None = None,
        anonymous_id: Id | None = None,
        before: Sequence[Mapping[str, object]] = (),
        dry: bool = False,
    ) -> Coroutine[Any, Any, Decisions]:
        """Which offers somebody gets by several decisions, which are made in their order; an offer comes once in all.

        context     the values that the decisions declare under `context`
        request_id  whoever asks again under the same one is answered the same; each time anew without it
        before      track calls of the same person that are applied first, such as `{"event": "Product Viewed"}`
        dry         only try it: nothing is remembered or told, no call goes before it, offers have no propositions, and
                    `why` says what spoke for and against each
        Awaiting it ends within about `decision_timeout_ms`, if need be with fallbacks (`is_late`). Raises CallerError
        for what the project does not know, and for more offers than can be remembered (`propositions_max`);
        RequestChanged where the request_id has asked for something else before, and RequestForgotten where it was
        answered before and nobody knows any more how.
        """
        if request_id is not None:
            check_text("request_id", request_id)
        who = sender(user_id, anonymous_id, None, None)
        user, anonymous = who.get("userId"), who.get("anonymousId")
        name = person_name(None if user is None else str(user), None if anonymous is None else str(anonymous))
        if name is None:
            raise CallerError("a decision is about somebody: user_id or anonymous_id is expected")
        given = {} if context is None else object_of("context", context)
        check_asking(asked, given, self._control.current.offers)
        request = request_id or token_hex(16)
        told = {"decisions": [each.call() for each in asked], "context": given, **who}
        call = {"type": "decision", "requestId": request, "messageId": _message_id(name, request), **told}
        calls = [*_of_person(before, who, str(call["messageId"])), call]
        lines = [checked_line(each, self._control.current, self._host.settings) for each in calls]
        if dry:
            return self._tried(name, request, asked, given)
        return self._decisions(name, request, asked, given, lines)

    async def _decisions(
        self, name: str, request: str, asked: Sequence[Asking], context: dict[str, object], lines: Sequence[bytes]
    ) -> Decisions:
        late_at = asyncio.get_running_loop().time() + self._host.settings.decision_timeout_ms / 1_000
        try:
            is_repeated = await self._take_request(lines)
            async with asyncio.timeout_at(late_at):
                return await self._told_of(name, request, asked, context, is_repeated=is_repeated)
        except (NobodyYet, TimeoutError) as error:
            log.warning("a request for decisions is answered by their fallbacks: %s", error_words(error))
        return Decisions(request, tuple(self._answer(name, each, None, context) for each in asked), is_late=True)

    async def _told_of(
        self, name: str, request: str, asked: Sequence[Asking], context: dict[str, object], *, is_repeated: bool
    ) -> Decisions:
        """What she has got by a request that is on disk.

        Nothing is remembered of the answer to somebody of whom nothing is known: it is empty, unless she was erased.
        """
        found = await ask_owner(self._port_of, name, lambda owner: GetOffers(owner, request))
        if found.asked is None and (found.is_full or (found.is_known and is_repeated)):
            raise RequestForgotten(
                f"the request {shown_value(request)} was answered before, and what was given is not remembered any "
                "more: ask under a new id"
            )
        if found.asked is None and self._host.settings.strangers == "forget":
            return await self._tried(name, request, asked, context, is_passing=True)
        if found.asked not in (None, digest_of([Asked(each.decision, each.placement, each.count) for each in asked])):
            raise RequestChanged(
                f"the request {shown_value(request)} has asked for other decisions, placements or counts before: "
                "ask for something else under an id of its own"
            )
        return Decisions(request, tuple(self._answer(name, each, found, context) for each in asked))

    async def _tried(
        self, name: str, request: str, asked: Sequence[Asking], context: dict[str, object], *, is_passing: bool = False
    ) -> Decisions:
        """What she would get; of whoever is_passing nothing was remembered when it was decided, and this is it."""
        told = tuple(AskedAt(each.decision, each.placement, each.count) for each in asked)
        tried = await ask_owner(self._port_of, name, lambda owner: TryDecisions(owner, told, context, is_passing))
        answers: list[Decided] = []
        for each in tried.decided:
            given = [replace(one, proposition="") for one in each.offers]
            offers = self._said(name, each.placement, given, tried.traits, context)
            why = "" if is_passing else decision_sentence(each)
            answers.append(Decided(each.decision, each.placement, offers, why=why))
        return Decisions(request, tuple(answers))

    def _answer(self, name: str, asked: Asking, found: OffersFound | None, context: Mapping[str, object]) -> Decided:
        given = _given(asked, found, self._control.current.offers)
        offers = self._said(name, asked.placement, given, found.traits if found else {}, context)
        return Decided(asked.decision, asked.placement, offers, is_late=found is None)

    def _said(
        self,
        name: str,
        placement: str,
        given: Sequence[OfferGiven],
        traits: Mapping[str, object],
        context: Mapping[str, object],
    ) -> tuple[OfferDecided, ...]:
        """The offers with what they say; without those that are gone meanwhile, or that cannot be filled in."""
        program, now_ms, links = self._control.current, self._host.now_ms(), self._host.links
        told: list[OfferDecided] = []
        for each in given:
            offer = program.offers.offers.get(each.offer)
            shown = None if offer is None else shown_offer(offer, placement, each)
            values = {"profile": traits, "context": context}
            content = None if shown is None else self._saying.content(shown, values, now_ms, program.timezone)
            if offer is not None and content is not None:
                pixel = links.offer_pixel(name, each.proposition) if links and each.proposition else None
                about = each.score, each.is_fallback, each.proposition or None, pixel
                told.append(OfferDecided(offer.name, content, dict(offer.attributes), *about))
        return tuple(told)

    @cached_property
    def _saying(self) -> AskedOffers:
        return AskedOffers()

    async def _take_request(self, lines: Sequence[bytes]) -> bool:
        """Hand in a request, the last of the lines; whether it has come before.

        Raises NobodyYet where that cannot be done in time.
        """
        half_s = self._host.settings.decision_timeout_ms / 2_000
        taken = await self.take_lines(lines, room_wait_s=half_s, answer_wait_s=half_s)
        for place, reason in taken.rejected:
            if place == len(lines) - 1:
                raise CallerError(f"decision: {reason}")
        if taken.failure is not None:
            raise taken.failure
        return len(lines) - 1 in taken.repeated


def _given(asked: Asking, found: OffersFound | None, offers: Offers) -> list[OfferGiven]:
    """What she got by this; the fallback, of which nothing is remembered, where nobody has answered."""
    if found is not None:
        place = asked.decision, asked.placement
        got = [each for each in found.given if (each.decision, each.placement) == place]
        return [OfferGiven(each.offer, each.key, each.score, each.is_fallback) for each in got]
    decision = offers.decisions.get(asked.decision)
    if decision is None or decision.fallback is None:
        return []
    return [OfferGiven(decision.fallback.name, "", is_fallback=True)]


def _of_person(
    calls: Sequence[Mapping[str, object]], who: Mapping[str, object], message_id: str
) -> Iterator[dict[str, object]]:
    """Events that come with a request, as calls of its person; they count once, however often the request comes."""
    for number, each in enumerate(calls):
        told = {name: value for name, value in object_of("before", each).items() if value is not None}
        if told.get("type", "track") != "track":
            raise CallerError(f"a track call may come with a request, and not type={shown_value(told['type'])}")
        for name in ("userId", "anonymousId"):
            if (named := id_text(name, told.get(name))) is not None and named != who.get(name):
                raise CallerError(f"an event comes with a request of the same person, and not of {name}={named!r:.64}")
        yield {"messageId": f"{message_id}/{number}", **told, "type": "track", **who}


def _message_id(name: str, request: str) -> str:
    """By it a request that comes again is recognised; another person's of the same id is another one."""
    return blake2b(f"decision\0{name}\0{request}".encode(), digest_size=16).hexdigest()


async def _first(asked: Coroutine[Any, Any, Decisions]) -> Decided:
    return (await asked).decisions[0]
