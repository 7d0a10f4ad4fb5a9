"""The façade: everything that can be asked of a running project, live or under virtual time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from parcours.config import Settings
from parcours.core.consent import may_personalise
from parcours.core.fact import Fact
from parcours.core.identity import person_asked_for
from parcours.insight.explain import Explanation, explain, with_scores
from parcours.insight.place_words import NOT_FOLLOWED, whereabouts_lines
from parcours.insight.whose_facts import Told
from parcours.journey.identities import never_linked
from parcours.journey.project import Project, check_project
from parcours.journey.publish.ledger import Verb
from parcours.routing.calls import person_text
from parcours.routing.ports import ShardPort
from parcours.service.acknowledgement import Ingested
from parcours.service.change_outcome import ChangeOutcome, Order
from parcours.service.following import ask_owner, told_under
from parcours.service.inbox import InboxItem, items_of
from parcours.service.journey_state import JourneyState
from parcours.service.people_calls import (
    Id,
    check_bool,
    check_text,
    feedback_call,
    mark_call,
    object_of,
    reaction_call,
    sender,
)
from parcours.service.person import Person
from parcours.service.published import Published
from parcours.shard.messages import Look
from parcours.shard.requests import GetInbox, GetProfile, NoteLook


class Facade(ABC):
    """Awaited on the loop where the project runs.

    What a call says wrong is raised when it is made, as CallerError, and not only when it is awaited. People are named
    by their user id, a whole number standing for its text; whoever is asked for may also be named as results do it,
    such as `@anonymous/7f3a` or `@user/@sarah`: whatever begins with `@` and holds a `/` is taken for such a name. One
    that was merged into a person stands for her.
    """

    _control: Published

    @abstractmethod
    def _check_open(self) -> None:
        """Raises CallerError unless the project runs on the running loop."""

    @abstractmethod
    def _hand_in(self, call: Mapping[str, object]) -> Coroutine[Any, Any, Ingested]:
        """Apply one call of the event format."""

    @abstractmethod
    def _port_of(self, person: str) -> ShardPort:
        """The shard that owns the slot of this name."""

    @abstractmethod
    def _as_of(self) -> tuple[int, Settings]:
        """The instant that it is, in ms, and the project's settings."""

    @abstractmethod
    async def _facts_of(self, names: Sequence[str]) -> list[Fact]:
        """All that is still told under these names, in the order of happening for each."""

    @abstractmethod
    def _hear_event(self, event: str) -> None:
        """An event of this name is about to be handed in: raise CallerError if it should not be."""

    @abstractmethod
    def _hear_traits(self, traits: Iterable[str]) -> None:
        """Traits of these names are about to be handed in."""

    @abstractmethod
    def _hear_consent(self, channel: str, purpose: str | None) -> None:
        """Consent for a channel of this name, or a purpose on it, is about to be handed in."""

    # What people do

    def track(
        self,
        user_id: Id | None,
        event: str,
        properties: Mapping[str, object] | None = None,
        *,
        anonymous_id: Id | None = None,
        timestamp: datetime | None = None,
        message_id: Id | None = None,
    ) -> Coroutine[Any, Any, Ingested]:
        """Somebody did something.

        anonymous_id  of somebody whose user id is not known: then `user_id` is None
        timestamp     when it happened by the caller's word, as data; it orders nothing. Now, if it is left out
        message_id    a call that may be repeated needs one to count once
        """
        check_text("event", event)
        told = {} if properties is None else object_of("properties", properties)
        who = sender(user_id, anonymous_id, timestamp, message_id)
        self._hear_event(event)
        return self._hand_in({"type": "track", "event": event, "properties": told, **who})

    def identify(
        self,
        user_id: Id | None,
        traits: Mapping[str, object],
        *,
        anonymous_id: Id | None = None,
        timestamp: datetime | None = None,
        message_id: Id | None = None,
    ) -> Coroutine[Any, Any, Ingested]:
        """Something becomes known of somebody; a trait of None is taken away. The others are as for `track`.

        A trait for which a profile has no room is left out: the call is accepted, and a fact and the log tell it.
        """
        told = object_of("traits", traits)
        who = sender(user_id, anonymous_id, timestamp, message_id)
        self._hear_traits(told)
        return self._hand_in({"type": "identify", "traits": told, **who})

    def consent(
        self,
        user_id: Id | None,
        channel: str,
        *,
        purpose: str | None = None,
        granted: bool = True,
        anonymous_id: Id | None = None,
        timestamp: datetime | None = None,
        message_id: Id | None = None,
    ) -> Coroutine[Any, Any, Ingested]:
        """Somebody grants or withdraws consent; without a purpose, for all of the channel."""
        check_text("channel", channel)
        if purpose is not None:
            check_text("purpose", purpose)
        check_bool("granted", granted)
        who = sender(user_id, anonymous_id, timestamp, message_id)
        self._hear_consent(channel, purpose)
        terms = {"channel": channel, "granted": granted, **({"purpose": purpose} if purpose else {})}
        return self._hand_in({"type": "consent", **terms, **who})

    def suppress(
        self,
        user_id: Id | None,
        channel: str,
        address: str,
        *,
        suppressed: bool = True,
        anonymous_id: Id | None = None,
        timestamp: datetime | None = None,
        message_id: Id | None = None,
    ) -> Coroutine[Any, Any, Ingested]:
        """Nothing is to leave for this address of somebody any more, whatever it says; or it may again."""
        check_text("channel", channel)
        check_text("address", address)
        check_bool("suppressed", suppressed)
        who = sender(user_id, anonymous_id, timestamp, message_id)
        told = {"channel": channel, "address": address, "suppressed": suppressed}
        return self._hand_in({"type": "suppression", **told, **who})

    def react(
        self,
        user_id: Id | None,
        reaction: str,
        *,
        of: str,
        channel: str | None = None,
        link: str | None = None,
        answer: Mapping[str, object] | None = None,
        anonymous_id: Id | None = None,
        timestamp: datetime | None = None,
        message_id: Id | None = None,
    ) -> Coroutine[Any, Any, Ingested]:
        """Somebody opens, clicks ... the newest delivery of a step, named JOURNEY.STEP.

        channel  one on which the step sends; it may be left out where that is one only, in every version that
                 somebody may be in
        answer   of an outbound call, for the reaction `answered`
        """
        call = reaction_call(self._control.current.versions(), reaction, of, channel, link, answer)
        return self._hand_in({**call, **sender(user_id, anonymous_id, timestamp, message_id)})

    def react_to(self, delivery: str, reaction: str, *, link: str | None = None) -> Coroutine[Any, Any, Ingested]:
        """Somebody opens, clicks, dismisses ... the delivery of this key. Told again, it changes nothing."""
        return self._hand_in(feedback_call(delivery, reaction, link))

    def mark_offer(
        self,
        user_id: Id | None,
        proposition: str,
        mark: str,
        *,
        anonymous_id: Id | None = None,
        timestamp: datetime | None = None,
        message_id: Id | None = None,
    ) -> Coroutine[Any, Any, Ingested]:
        """An offer that somebody got was shown to her, clicked, dismissed or converted; told again, it changes nothing.

        proposition  its key, as a decision tells it
        """
        who = sender(user_id, anonymous_id, timestamp, message_id)
        return self._hand_in({**mark_call(proposition, mark), **who})

    # Looking in

    def inbox(self, person: Id) -> Coroutine[Any, Any, list[InboxItem]]:
        """The cards and in-app messages that lie with a person now, pinned ones first, then the newest."""
        return self._inbox(person_asked_for(person_text(person, "inbox")))

    async def _inbox(self, name: str) -> list[InboxItem]:
        found = await ask_owner(self._port_of, name, GetInbox)
        return items_of(found.entries)

    def profile(self, person: Id, *, look: Look | None = None) -> Coroutine[Any, Any, Person | None]:
        """What is known of a person now: traits, runs, deliveries. None if nothing is.

        look  who looks, which is recorded as a fact of hers; None for the program's own questions
        """
        return self._profile(person_asked_for(person_text(person, "profile")), look)

    async def _profile(self, name: str, look: Look | None) -> Person | None:
        found = await ask_owner(self._port_of, name, lambda asked: GetProfile(asked, look))
        if found.profile is None:
            return None
        return Person.of(found.owner, found.profile, self._control.current, asked_for=name)

    def explain(self, person: Id, *, look: Look | None = None) -> Coroutine[Any, Any, Explanation]:
        """Why a person got, or did not get, a message: journey by journey, from the facts that were recorded.

        `parcours.explanation_text` makes it a text. `look` is that of `profile`.
        """
        return self._explain(person_asked_for(person_text(person, "explain")), look)

    async def _explain(self, name: str, look: Look | None) -> Explanation:
        told = await self._told(name)
        if look is not None and told.facts:
            await self._port_of(told.owner).ask(NoteLook([told.owner], look))
        explanation = explain(
            told.facts,
            told.owner,
            self._control.current.versions(),
            self._control.journey_states(),
            used=told.used,
            names=told.names,
            asked_for=name,
            unlinked=never_linked(self._control.current.identities),
        )
        explanation = await self._as_she_stands(explanation)
        return await self._with_sets(explanation, [told.owner, *(told.names if told.used else ())])

    async def _as_she_stands(self, explanation: Explanation) -> Explanation:
        """The explanation with where its person is now, and what scores say of her; of nobody who is not known."""
        program = self._control.current
        if not program.scores and not program.places:
            return explanation
        profile = (await ask_owner(self._port_of, explanation.person, GetProfile)).profile
        if profile is None:
            return explanation
        if program.places and not may_personalise(profile, program.policies):
            explanation = replace(explanation, places=(NOT_FOLLOWED,))
        elif profile.whereabouts is not None:
            explanation = replace(explanation, places=whereabouts_lines(profile.whereabouts))
        return with_scores(explanation, profile, program, *self._as_of()) if program.scores else explanation

    async def _with_sets(self, explanation: Explanation, names: Sequence[str]) -> Explanation:
        """The explanation with where the person of these names is in sets of campaigns, as far as they are kept."""
        return explanation

    async def _told(self, name: str) -> Told:
        """What is told of the person of this name."""
        used = self._control.current.anonymous_history == "used"
        return await told_under(self._port_of, self._facts_of, name, used=used)

    # Journeys

    def publish(
        self,
        project: Project,
        *,
        journey: str | None = None,
        dry: bool = False,
        ledger: int | None = None,
        by: str | None = None,
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """Publish a project: what it says holds for everybody from one instant on.

        A journey whose content has changed gets the next version, which takes the entries from then on; whoever is
        in it stays in the version in which she entered. Closed and stopped journeys of the project are open again,
        those that it does not have any more are closed. Policies and the profile are the project's from then on;
        its channels' settings are those with which it was opened.

        journey  refuse it if anything else than this journey or campaign, and what it alone uses, would change
        dry      change nothing, and say what would be changed or why it would be refused
        ledger   refuse it unless this is the number of the newest change, by the answer that the caller has seen
        by       who does it: a name that is kept with the change
        Raises PublishRefused with every reason, LedgerOutdated, and ShardUnavailable, naming the shard, where one does
        not answer within `change_wait_s`; nothing has changed then.
        """
        check_project("publish", project)
        if journey is not None:
            check_text("journey", journey)
        return self._publish(project, Order.of(dry, ledger, by), journey)

    async def _publish(self, project: Project, order: Order, journey: str | None) -> ChangeOutcome:
        self._check_open()
        return await self._control.publish(project, order, journey)

    async def journeys(self) -> list[JourneyState]:
        """How every journey stands: its state, its newest version, and how many runs are open in which version.

        Counting looks at everybody, so it takes a while where there are millions.
        """
        self._check_open()
        return await self._control.states()

    def close_journey(
        self, journey: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """Nobody enters any more; who is in it goes on. A closed journey is opened again by publishing it.

        `dry`, `ledger` and `by` are those of `publish`. Raises CallerError if there is no such journey, as do all four;
        LedgerOutdated and ShardUnavailable as `publish` does.
        """
        return self._change("close", journey, Order.of(dry, ledger, by))

    def stop_journey(
        self, journey: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """All runs end where they are, nothing more is sent for them, and nobody enters any more."""
        return self._change("stop", journey, Order.of(dry, ledger, by))

    def pause_journey(
        self, journey: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """Nobody enters, nobody moves and nothing is sent, until it is resumed. What people do meanwhile is kept."""
        return self._change("pause", journey, Order.of(dry, ledger, by))

    def resume_journey(
        self, journey: str, *, dry: bool = False, ledger: int | None = None, by: str | None = None
    ) -> Coroutine[Any, Any, ChangeOutcome]:
        """Runs make up for what they have missed, each input at its own time; gates go by the time of now."""
        return self._change("resume", journey, Order.of(dry, ledger, by))

    async def _change(self, verb: Verb, journey: str, order: Order) -> ChangeOutcome:
        self._check_open()
        return await self._control.change(verb, journey, order)
