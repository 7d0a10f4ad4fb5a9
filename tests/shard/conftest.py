"""What tests of a shard share: a small shop, and a shard of it that can be opened again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
import pytest

from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.fact import Fact
from parcours.core.fact_block import decode_facts
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.input import Settlement
from parcours.journey.model.document import (
    AudiencesDocument,
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.shard.fact_positions import FactsAsked
from parcours.shard.messages import Answer, Batch, Claims
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.store.memory import MemoryStore

REMIND = {
    "journey": "remind",
    "entry": {"event": "Started"},
    "correlation": "event.cart",
    "exit": [{"event": "Emptied"}],
    "steps": [
        {"id": "bought", "wait_for": [{"event": "Bought", "next": "thank"}], "timeout": "20s"},
        {"id": "remind", "send": "reminder"},
        {"id": "pause", "wait": "1d", "next": "done"},
        {"id": "thank", "send": "receipt"},
        {"id": "done", "end": True},
    ],
}

SHIP = {
    "journey": "ship",
    "entry": {"event": "Ordered"},
    "exit": [{"event": "Emptied"}],
    "steps": [{"id": "confirm", "send": "receipt"}, {"id": "way", "wait": "1d"}],
}

TEXT = {
    "journey": "text",
    "entry": {"event": "Posted"},
    "steps": [{"id": "pause", "wait": "20s"}, {"id": "note", "send": "note"}],
}


def shop(
    remind: Mapping[str, object] = REMIND,
    audiences: Mapping[str, str] | None = None,
    consent: str = "opt_out",
    history: str = "unused",
) -> Project:
    """Whoever starts a cart and does not buy within 20 s is reminded; who buys gets a receipt."""
    properties = {"cart": "string"}
    return Project.of(
        ProjectDocument.model_validate(
            {"project": "shop", "policies": {"consent": {"default": consent}}, "anonymous_history": history}
        ),
        ProfileDocument.model_validate({"traits": {"email": "string", "phone": "string"}}),
        EventsDocument(
            events={
                name: EventDocument.model_validate({"properties": properties})
                for name in ("Started", "Bought", "Emptied", "Ordered", "Posted", "Looked")
            }
        ),
        audiences=AudiencesDocument.model_validate({"audiences": dict(audiences or {})}),
        messages=[
            MessageDocument.model_validate({"message": "note", "sms": {"text": "On its way"}}),
            MessageDocument.model_validate({"message": "reminder", "email": {"subject": "Still there?"}}),
            MessageDocument.model_validate(
                {"message": "receipt", "class": "transactional", "email": {"subject": "Thank you"}}
            ),
        ],
        journeys=[JourneyDocument.model_validate(journey) for journey in (remind, SHIP, TEXT)],
    )


@dataclass
class World:
    """One shard, its store, and the time. Lines are those of one router.

    slot     the only slot that the shard owns, None for a shard that owns them all
    project  what the program was compiled from, for a shard whose publications may change
    exports  whether there is an exporter: the test
    facts_to, takes_events  the destinations that are told facts, and whether one of them is told events
    """

    program: Program
    store: MemoryStore = field(default_factory=MemoryStore)
    settings: Settings = field(default_factory=Settings)
    records: tuple[str, ...] = ()
    now_ms: int = 1_000_000
    batches: int = 0
    requests: int = 0
    claims: dict[str, int] = field(default_factory=dict)
    slot: int | None = None
    project: Project | None = None
    exports: bool = False
    facts_to: tuple[str, ...] = ()
    takes_events: bool = False

    def __post_init__(self) -> None:
        self.shard = self.reopen()

    def reopen(self) -> Shard:
        """A shard that knows nothing but what the store kept."""
        number, shards = (0, 1) if self.slot is None else (self.slot, SLOTS)
        self.shard = Shard(
            number, SlotMap(shards), self.program, self.store, self.settings, records=self.records,
            project=self.project, exports=self.exports, facts_to=FactsAsked(self.facts_to, self.takes_events),
        )  # fmt: skip
        self.shard.open(self.now_ms)
        return self.shard

    def batch(self, *lines: bytes) -> Batch:
        self.batches += 1
        return Batch("router", self.batches, [self.batches * 1_000 + place for place in range(len(lines))], list(lines))

    def take(self, *lines: bytes) -> Answer:
        return self.shard.take(self.batch(*lines), self.now_ms)

    def pass_ms(self, duration_ms: int) -> None:
        """Let time pass, and timers fire."""
        self.now_ms += duration_ms
        self.shard.pass_time(self.now_ms)

    def exchange(
        self,
        *receipts: Settlement,
        most: int = 0,
        holds: list[tuple[int, str]] | None = None,
        number: int | None = None,
    ) -> Claims:
        """A request of the dispatcher, with receipts for the newest claims of their deliveries.

        number  another one than that which comes next
        """
        self.requests += number is None
        number = self.requests if number is None else number
        answers = [(self.claims.get(receipt.key, 0), receipt) for receipt in receipts]
        claims = self.shard.exchange(
            ExchangeDeliveries(answers, "email", most, "dispatcher", number, holds), self.now_ms
        )
        self.claims |= {each.key: number for each in claims.outgoing}
        return claims

    def claim(self, most: int = 100) -> list[Outgoing]:
        return self.exchange(most=most).outgoing

    def settle(self, *receipts: Settlement) -> None:
        self.exchange(*receipts)

    def facts(self) -> list[Fact]:
        """Everything that the journal holds."""
        journal = [decode_facts(record.facts, "a record") for record in self.store.records()]
        return [fact for facts in journal for fact in facts]

    def states(self, person: str) -> list[str]:
        """The states of the person's deliveries, those of open runs first."""
        profile = self.shard.profile(person)
        runs = [*profile.runs, *profile.past] if profile else []
        return [delivery.state for run in runs for delivery in run.deliveries]


def track(person: str, event: str, cart: str = "c1", message_id: str | None = None) -> bytes:
    call = {"type": "track", "userId": person, "event": event, "properties": {"cart": cart}}
    return msgspec.json.encode(call | ({"messageId": message_id} if message_id else {}))


def identify(person: str) -> bytes:
    traits = {"email": f"{person}@shop.example", "phone": "+33612345678"}
    return msgspec.json.encode({"type": "identify", "userId": person, "traits": traits})


@dataclass(frozen=True)
class Lines:
    """What people do, as lines."""

    track: Callable[..., bytes] = track
    identify: Callable[[str], bytes] = identify


@pytest.fixture(scope="session")
def program() -> Program:
    return shop().program


@pytest.fixture(scope="session")
def new_shop() -> Callable[..., Project]:
    """Makes the shop; takes another `remind`, audiences by name, and whether consent is `opt_in`."""
    return shop


@pytest.fixture(scope="session")
def remind() -> Mapping[str, object]:
    """The journey `remind` of the shop."""
    return REMIND


@pytest.fixture(scope="session")
def lines() -> Lines:
    return Lines()


@pytest.fixture(scope="session")
def new_world(program: Program) -> Callable[..., World]:
    """Makes a world; takes the fields of `World` by name."""

    def make(**fields: object) -> World:
        project, given = fields.get("project"), fields.pop("program", program)
        own = project.program if isinstance(project, Project) else given
        return World(own, **fields)  # type: ignore[arg-type]  # handed on as they are

    return make


@pytest.fixture
def world(new_world: Callable[..., World]) -> World:
    return new_world()
