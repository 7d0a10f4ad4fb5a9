"""What the tests of the core share: a small shop, and a person to whom things happen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import msgspec
import pytest
from ruamel.yaml import YAML

from parcours.channel import Accepted
from parcours.config import Settings
from parcours.core.advance import advance, first_timer
from parcours.core.audiences import unfilled
from parcours.core.delivery.destinations import retold
from parcours.core.effect import Effects, Outgoing
from parcours.core.fact import (
    Changed,
    CopyReached,
    Decided,
    DeliveryReached,
    Fact,
    Learned,
    LedgerChanged,
    LimitReached,
    Looked,
    Merged,
    Moved,
    NotMerged,
    OfferMarked,
    Published,
    Unmatched,
    Unmet,
    ZoneUnknown,
)
from parcours.core.input import (
    AudiencesPublished,
    ChangeSetAside,
    ConsentChanged,
    DeliveriesClaimed,
    Input,
    JourneyResumed,
    JourneyStopped,
    ReactionArrived,
    ReceiptArrived,
    Settlement,
    TimePassed,
    TimerDue,
)
from parcours.core.profile import Profile, decode_profile, encode_profile
from parcours.core.run.kept_scores import unkept
from parcours.core.synced import Synced
from parcours.core.turn import Crowd, DeadCodes, Normalize, as_it_stands
from parcours.journey.model.campaign import CampaignDocument
from parcours.journey.model.destinations import DestinationsDocument
from parcours.journey.model.document import (
    ActionsDocument,
    AudiencesDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.model.offers import OffersDocument
from parcours.journey.model.scores import ScoresDocument
from parcours.journey.model.tables import TablesDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.journey.publish.ledger import Verb, changed, published
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun, candidate_of, source_of
from parcours.scoring.model import ScoreModel
from parcours.segment.inputs import input_of
from parcours.segment.line import read_call

SHOP = """
settings: {project: shop, timezone: Europe/Paris, policies: {consent: {default: opt_out}}}
profile:
  traits:
    email: string
    phone: string
    push_token: string
    timezone: string
    city: string
    score: number
    born: timestamp
    home.city: string
events:
  events:
    Start: {properties: {cart: string, total: number, until: timestamp, email: string}}
    Bought: {properties: {cart: string, total: number}}
    Left: {properties: {cart: string}}
    Seen: {properties: {cart: string, page: string}}
    Big: {of: Bought, rule: event.total > 100, properties: {total: number}}
messages:
  - {message: mail, class: marketing, email: {text: "{{ entry.cart }} {{ run.entered_at }}"}, sms: {text: hi}}
  - {message: receipt, class: transactional, email: {text: "{{ profile.home.city }}"}}
"""


def shop_codes(channel: str) -> frozenset[str]:
    """What the providers of the shop say of a dead address."""
    return frozenset({"email": {"5.1.1"}, "sms": {"30005"}}.get(channel, ()))


def project_of(
    journeys: str,
    policies: str = "",
    audiences: str = "",
    messages: str = "",
    actions: str = "",
    events: str = "",
    traits: str = "",
    timezone: str = "profile.timezone",
    tables: Mapping[str, object] | None = None,
    campaigns: Sequence[CampaignDocument] = (),
    holdouts: str = "",
    scores: Mapping[str, object] | None = None,
    models: Mapping[str, ScoreModel] | None = None,
    offers: str = "",
    destinations: str = "",
) -> Project:
    """The shop with these journeys: YAML documents, one after the other.

    policies   YAML in place of the shop's own
    audiences  YAML: conditions by name
    messages   YAML: a list of messages besides the shop's own, or in their place
    actions    YAML: outbound calls by name
    events     YAML: event types besides the shop's own, or in their place
    traits     YAML: kinds of traits besides the shop's own, or in their place
    timezone   what a person's time zone is
    holdouts   YAML: hold-outs by name
    offers     YAML: offers.yaml
    destinations  YAML: destinations by name
    scores     by name, and `models` by the files that they name
    """
    yaml = YAML(typ="safe", pure=True)
    shop = yaml.load(SHOP)
    if policies:
        shop["settings"]["policies"] = yaml.load(policies)
    if holdouts:
        shop["settings"]["holdouts"] = yaml.load(holdouts)
    shop["events"]["events"] |= yaml.load(events) if events else {}
    shop["profile"]["traits"] |= yaml.load(traits) if traits else {}
    shop["profile"]["timezone"] = timezone
    more = yaml.load(messages) if messages else []
    renewed = {each["message"] for each in more}
    shop["messages"] = [each for each in shop["messages"] if each["message"] not in renewed] + more
    return Project.of(
        ProjectDocument.model_validate(shop["settings"]),
        ProfileDocument.model_validate(shop["profile"]),
        EventsDocument.model_validate(shop["events"]),
        AudiencesDocument.model_validate({"audiences": yaml.load(audiences) if audiences else {}}),
        [MessageDocument.model_validate(each) for each in shop["messages"]],
        [JourneyDocument.model_validate(each) for each in yaml.load_all(journeys) if each],
        actions=ActionsDocument.model_validate({"actions": yaml.load(actions) if actions else {}}),
        tables=TablesDocument.model_validate({"tables": tables or {}}),
        campaigns=campaigns,
        scores=ScoresDocument.model_validate({"scores": scores or {}}),
        models=models,
        offers=OffersDocument.model_validate(yaml.load(offers) if offers else {}),
        destinations=DestinationsDocument.model_validate({"destinations": yaml.load(destinations or "{}")}),
    )


@dataclass
class Story:
    """One person. Inputs are applied as a shard does it: the person's own earlier timers first, and
    everything goes through the encoded profile each time. Times are milliseconds; methods return self.
    """

    program: Program
    settings: Settings = field(default_factory=Settings)
    crowd: Crowd | None = None
    normalize: Normalize = as_it_stands
    dead_codes: DeadCodes = shop_codes
    person: str = "sarah"
    state: bytes = encode_profile(Profile())
    facts: list[Fact] = field(default_factory=list)
    outbox: dict[str, Outgoing] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    claimed: list[tuple[str, int]] = field(default_factory=list)

    def consent(self, at: int, channel: str, purpose: str | None = None, *, granted: bool) -> Story:
        return self.give(ConsentChanged(at, channel, purpose, granted))

    def give(self, given: Input) -> Story:
        profile = self.profile
        while True:
            timer = first_timer(profile, given.at)
            now = given if timer is None else TimerDue(timer.due)
            self._note(
                advance(
                    self.person, profile, now, self.program, self.settings, self.crowd, self.normalize, self.dead_codes
                )
            )
            profile = decode_profile(encode_profile(profile))
            if timer is None:
                self.state = encode_profile(profile)
                return self

    def _note(self, effects: Effects) -> None:
        self.facts += effects.facts
        self.outbox.update({outgoing.key: outgoing for outgoing in effects.queued})
        self.ready += effects.ready
        self.claimed += effects.claimed
        for key in effects.settled:
            self.outbox.pop(key, None)

    def call(self, at: int, **fields: object) -> Story:
        given = input_of(
            read_call(msgspec.json.encode({"userId": self.person, **fields})), at, self.program, self.settings
        )
        assert given is not None, "the call moves something"
        return self.give(given)

    def event(self, at: int, name: str, **properties: object) -> Story:
        return self.call(at, type="track", event=name, properties=properties)

    def identify(self, at: int, **traits: object) -> Story:
        return self.call(at, type="identify", traits=traits)

    def wait(self, until: int) -> Story:
        """Let the timers due before this time fire."""
        return self.give(TimePassed(until))

    def claim(self, at: int) -> list[str]:
        """A dispatcher takes everything that is ready; the keys that may leave."""
        keys, self.ready, self.claimed = tuple(self.ready), [], []
        self.give(DeliveriesClaimed(at, keys))
        return [key for key, _ in self.claimed]

    def answer(self, at: int, receipt: Settlement) -> Story:
        return self.give(ReceiptArrived(at, receipt))

    def send(self, at: int) -> list[str]:
        """Everything that is ready leaves, and the channel accepts it."""
        keys = self.claim(at)
        for key in keys:
            self.answer(at, Accepted(key))
        return keys

    def react(self, at: int, reaction: str, step: str, channel: str = "email", link: str | None = None) -> Story:
        return self.give(ReactionArrived(at, reaction, "trip", step, channel, link))

    @property
    def profile(self) -> Profile:
        return decode_profile(self.state)

    def moves(self, *what: str, journey: str | None = None) -> list[tuple[str, str | None, str | None]]:
        """(what, step, why) of each move, or of these kinds of move only."""
        return [
            (fact.what, fact.step, fact.why)
            for fact in self.facts
            if isinstance(fact, Moved) and (not what or fact.what in what) and journey in (None, fact.journey)
        ]

    def steps(self) -> list[tuple[int, str | None]]:
        """(time, step) of each step reached."""
        return [(fact.at, fact.step) for fact in self.facts if isinstance(fact, Moved) and fact.what == "reached"]

    def told(self, what: str) -> list[tuple[int, str, int | None, str | None]]:
        """(time, journey, run, why) of each move of this kind."""
        return [
            (fact.at, fact.journey, fact.run, fact.why)
            for fact in self.facts
            if isinstance(fact, Moved) and fact.what == what
        ]

    def outcomes(self, *left_out: str) -> list[tuple[int, str, str]]:
        """(time, step, outcome) of each delivery's states and marks."""
        return [
            (fact.at, fact.step, fact.outcome)
            for fact in self.facts
            if isinstance(fact, DeliveryReached) and fact.outcome not in left_out
        ]

    def gates(self) -> list[tuple[int, str, str, str | None]]:
        """(time, channel, outcome, gate) of each state before a claim."""
        return [
            (fact.at, fact.channel, fact.outcome, fact.gate)
            for fact in self.facts
            if isinstance(fact, DeliveryReached) and fact.outcome in ("queued", "held", "refused", "cancelled")
        ]

    def others(self) -> list[Unmet | Unmatched | LimitReached | ZoneUnknown | NotMerged | Merged]:
        usual = (
            Moved
            | DeliveryReached
            | CopyReached
            | Changed
            | Decided
            | OfferMarked
            | Learned
            | Published
            | LedgerChanged
            | Looked
            | Synced
        )
        return [fact for fact in self.facts if not isinstance(fact, usual)]


@dataclass
class Control:
    """The journey control of a project over one person's story: its changes one after another."""

    story: Story
    publications: Publications
    _compiler: PublicationCompiler = field(default_factory=PublicationCompiler)

    def publish(self, at: int, project: Project, *, reopen: bool = True, set_aside: bool = False) -> Control:
        before = self._hold(self.publications)
        ledger = published(self.publications.ledger, candidate_of(project), at, reopen=reopen)
        self.publications = Publications(ledger, {**self.publications.sources, ledger.publication: source_of(project)})
        program = self._hold(self.publications)
        touched = [each(before, program) for each in (unfilled, unkept, retold)]
        touches = AudiencesPublished(at, ledger.number, *touched)
        if set_aside:
            mistake = ChangeSetAside(at, ledger.number, None, "a mistake of ours", touches.audiences)
            return self._go_through(program, mistake)
        return self._go_through(program, touches if any(touched) else TimePassed(at))

    def change(self, at: int, verb: Verb, journey: str = "trip") -> Control:
        """Apply a change. A person whom it does not concern only has her time moved to that of the change."""
        ledger = changed(self.publications.ledger, verb, journey, at)
        self.publications = Publications(ledger, self.publications.sources)
        given: Input = TimePassed(at)
        if verb == "stop":
            given = JourneyStopped(at, ledger.number, journey)
        elif verb == "resume":
            given = JourneyResumed(at, ledger.number, journey)
        return self._go_through(self._hold(self.publications), given)

    def _hold(self, publications: Publications) -> Program:
        return self._compiler.program(publications)

    def _go_through(self, program: Program, given: Input) -> Control:
        """Timers due before the change still fire under the program of before."""
        self.story.wait(given.at)
        self.story.program = program
        self.story.give(given)
        return self


class Tell(Protocol):
    """Begin a story under journeys written in YAML."""

    def __call__(
        self,
        journeys: str,
        /,
        crowd: Crowd | None = None,
        *,
        policies: str = "",
        audiences: str = "",
        messages: str = "",
        actions: str = "",
        **settings: Any,
    ) -> Story: ...


class Begin(Protocol):
    """Publish a project and begin a story under it."""

    def __call__(self, project: Project, /, **settings: Any) -> Control: ...


@pytest.fixture(scope="session")
def shop() -> Callable[..., Project]:
    """Makes the shop of `project_of`."""
    return project_of


@pytest.fixture(scope="session")
def shop_with_campaigns() -> Callable[..., Project]:
    """Makes the shop of `project_of` without journeys."""
    return partial(project_of, "")


@pytest.fixture
def begin() -> Begin:
    """Journey control over a project, with a person who has an address for each channel."""

    def start(project: Project, /, **settings: Any) -> Control:
        story = Story(project.program, Settings(**settings))
        story.identify(0, email="sarah@mail.example", phone="+33612345678", push_token="token")
        return Control(story, begun(project))

    return start


@pytest.fixture
def tell() -> Tell:
    """A story of somebody with an address for each channel."""

    def begin(
        journeys: str,
        /,
        crowd: Crowd | None = None,
        *,
        policies: str = "",
        audiences: str = "",
        messages: str = "",
        actions: str = "",
        **settings: Any,
    ) -> Story:
        project = project_of(journeys, policies, audiences, messages, actions)
        story = Story(project.program, Settings(**settings), crowd)
        story.identify(0, email="sarah@mail.example", phone="+33612345678", push_token="token")
        return story

    return begin
