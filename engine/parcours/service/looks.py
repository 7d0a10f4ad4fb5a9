"""Calls about sets of people as of now, while nothing happens to them: previews and proofs of campaigns, audiences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from parcours.core.identity import person_asked_for
from parcours.dispatch.proofs import send_proof
from parcours.dispatch.registry import Registry
from parcours.errors import CallerError
from parcours.insight.audience_shown import AudienceQuestion, AudienceShown, audience_key, audience_names, condition_of
from parcours.insight.offers_foreseen import DecisionForeseen, OffersQuestion
from parcours.journey.audience_uses import AudienceUse, uses_of_audiences
from parcours.routing.calls import person_text
from parcours.service.audience_saves import LastSave, last_saves, saving_names
from parcours.service.campaign_preview import SAMPLE_MAX, CampaignPreview
from parcours.service.engine_host import EngineHost
from parcours.service.people_calls import Id, check_text, object_of
from parcours.service.published import Published
from parcours.shard.messages import Look
from parcours.shard.requests import NoteLook
from parcours.wording import shown_value


@dataclass(frozen=True, slots=True)
class AudienceListed:
    """An audience that there is.

    condition  as it is written, None of one that campaigns save
    label      of one that campaigns save, "" where it has none
    uses       who asks for it, in the newest versions of all that is offered
    last_save  None where there is none
    """

    audience: str
    condition: str | None
    label: str = ""
    uses: tuple[AudienceUse, ...] = ()
    last_save: LastSave | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """A message that went to an address of one's own.

    person       whose data it has
    channel      on which it went
    provider_id  by which the provider knows it, None where it says none
    """

    person: str
    channel: str
    provider_id: str | None


class Looks(ABC):
    """Those of a service."""

    _host: EngineHost
    _control: Published

    @property
    @abstractmethod
    def _registry(self) -> Registry:
        """The channels that are installed."""

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless it is open, on the running loop."""

    @abstractmethod
    def _answered(self) -> AbstractAsyncContextManager[None]:
        """Known as under way until it is answered, so that closing leaves no caller without an answer."""

    @abstractmethod
    def _check_campaign(self, name: str) -> None:
        """Raises CallerError where there is none of this name that an author has written."""

    @abstractmethod
    def _check_conducted(self, name: str) -> None:
        """The same, but for those by which audiences are kept up to date."""

    def preview_campaign(
        self, campaign: str, sample: int = 5, *, look: Look | None = None
    ) -> Coroutine[Any, Any, CampaignPreview]:
        """All sets that a run of the campaign's newest version would make now; nothing happens to anybody.

        sample  how many rows are shown of each set
        look    says who asks: that somebody has looked is one fact, about nobody
        What comes after a wait or a reaction is not foreseen. One preview is made at a time, the others wait. Raises
        CallerError for a campaign that there is not, AuthorError for tables that are not as they were declared,
        ShardUnavailable where a shard takes too long to stand still, StoreBroken, OSError.
        """
        check_text("campaign", campaign)
        _check_sample(sample)
        return self._preview_campaign(campaign, sample, look)

    async def _preview_campaign(self, name: str, sample: int, look: Look | None) -> CampaignPreview:
        self._check_open()
        self._check_conducted(name)
        await self._note_look(look)
        return await self._host.preview(name, sample)

    def prove_campaign(
        self,
        campaign: str,
        step: str,
        person: Id,
        to: str,
        channel: str | None = None,
        *,
        look: Look | None = None,
    ) -> Coroutine[Any, Any, Proof]:
        """Send what a campaign's send would say to a person now to an address of yours, marked as a proof.

        step     the send; `channel` is one of its channels, without it the first that takes the address
        person   whose data it has; she has to be in the step's set
        look     says who asks, which is recorded as a fact of hers
        It goes by the engine's own channel, and is in no count: neither consent nor caps are asked. Raises as
        `preview_campaign` does, CallerError for a step, a person or an address for which there is none, and
        ProofUnsent where the provider does not take it.
        """
        for name, value in (("campaign", campaign), ("step", step), ("to", to)):
            check_text(name, value)
        if channel is not None:
            check_text("channel", channel)
        named = person_asked_for(person_text(person, "prove_campaign"))
        return self._prove_campaign(campaign, step, named, (to, channel), look)

    async def _prove_campaign(
        self, name: str, step: str, person: str, where: tuple[str, str | None], look: Look | None
    ) -> Proof:
        self._check_open()
        self._check_campaign(name)
        owner = (await self._host.locate(person)).owner
        if look is not None:
            await self._host.port_of(owner).ask(NoteLook([owner], look))
        outgoing = await self._host.compose_proof(name, step, owner, *where)
        settings = self._host.channels[outgoing.channel]
        async with self._answered():
            known_as = await send_proof(self._control.current, outgoing, self._registry, self._host.settings, settings)
        return Proof(outgoing.person, outgoing.channel, known_as)

    async def audiences(self) -> list[AudienceListed]:
        """The audiences that there are, by name."""
        self._check_open()
        program = self._control.current
        uses, names = uses_of_audiences(program), saving_names(program) if program.saved_audiences else []
        saves = last_saves(program, await self._host.standing(names))
        labels = {key: each.label for key, each in program.saved_audiences.items()}
        return [
            AudienceListed(
                name, condition_of(program, key), labels.get(key, ""), tuple(uses.get(name, ())), saves.get(name)
            )
            for name, key in audience_names(program).items()
        ]

    def audience(
        self, audience: str, sample: int = 5, *, look: Look | None = None
    ) -> Coroutine[Any, Any, AudienceShown]:
        """How many are in an audience now, and the first `sample` of them with what its condition reads.

        `look` is that of `preview_campaign`. Raises CallerError for an audience that there is not, ShardUnavailable
        where a shard takes too long to stand still.
        """
        check_text("audience", audience)
        _check_sample(sample)
        return self._audience(audience, sample, look)

    async def _audience(self, name: str, sample: int, look: Look | None) -> AudienceShown:
        self._check_open()
        audience_key(self._control.current, name)
        await self._note_look(look)
        return await self._host.look_at(AudienceQuestion(name, sample))

    def preview_offers(
        self,
        decision: str,
        *,
        placements: Sequence[str] = (),
        person: Id | None = None,
        audience: str | None = None,
        where: str | None = None,
        context: Mapping[str, object] | None = None,
        sample: int = 5,
        look: Look | None = None,
    ) -> Coroutine[Any, Any, DecisionForeseen]:
        """Who would get which offer by a decision now, and why not the others; nobody is given anything.

        placements  at each of these by itself; without any at all where an offer of the decision says something
        person      she alone; or the members of an `audience`, or those for whom the condition `where` holds; of these
                    three no more than one is given, without any it is everybody
        context     the values that the decision declares under `context`
        sample      how many people are shown
        look        that of `preview_campaign`; about one person, it is a fact of hers
        Raises CallerError for what the project does not know, and for a condition that asks for a history that nobody
        keeps; ShardUnavailable where a shard takes too long to stand still.
        """
        check_text("decision", decision)
        _check_sample(sample)
        if sum(each is not None for each in (person, audience, where)) > 1:
            raise CallerError("no more than one of person, audience and where is expected")
        for name, value in (("audience", audience), ("where", where)):
            if value is not None:
                check_text(name, value)
        named = None if person is None else person_asked_for(person_text(person, "preview_offers"))
        given = {} if context is None else object_of("context", context)
        question = OffersQuestion(decision, tuple(placements), named, audience, where, given, sample)
        return self._preview_offers(question, look)

    async def _preview_offers(self, question: OffersQuestion, look: Look | None) -> DecisionForeseen:
        self._check_open()
        question.asked(self._control.current)
        if question.person is None:
            await self._note_look(look)
            return await self._host.look_at(question)
        owner = (await self._host.locate(question.person)).owner
        if look is not None:
            await self._host.port_of(owner).ask(NoteLook([owner], look))
        return await self._host.look_at(question, owner)

    async def _note_look(self, look: Look | None) -> None:
        if look is not None:
            await self._host.ports[0].ask(NoteLook([""], look))


def _check_sample(sample: object) -> None:
    if isinstance(sample, bool) or not isinstance(sample, int) or not 0 <= sample <= SAMPLE_MAX:
        raise CallerError(f"sample={shown_value(sample)}: a whole number from 0 to {SAMPLE_MAX} is expected")
