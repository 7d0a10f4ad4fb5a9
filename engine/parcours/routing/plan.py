"""The plan: what is to be run, and how. Everything that a runtime needs to know, in one frozen object."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from parcours.channel import DeliveryLinks
from parcours.config import Settings
from parcours.core.effect import Outgoing
from parcours.core.identity import SLOTS, SlotMap
from parcours.core.remarks import RemarkCounter
from parcours.core.turn import Crowd
from parcours.errors import SettingInvalid
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.routing.fact_destinations import FactsTo
from parcours.shard.outbox import Answering
from parcours.store.address import check_address
from parcours.wording import shown_value

SHARDS_MAX = SLOTS
"""A shard without a hash slot would own nobody."""


Homes: TypeAlias = Awaitable[Mapping[str, int]]
"""Where names live that have other homes than their own slot, for whoever has them only once a recording is read."""


class Links(Protocol):
    """The addresses of ours in deliveries. It travels with the plan, pickled, to wherever deliveries leave."""

    def of(self, outgoing: Outgoing, *, tracked: bool) -> DeliveryLinks:
        """Those that the delivery carries itself; `tracked` if opens and clicks are to be told."""

    def preferences(self, outgoing: Outgoing) -> str:
        """The page on which the person says what she wants to get; templates name it `preferences_url`."""

    def offer_pixel(self, person: str, proposition: str) -> str:
        """A picture of one pixel: whoever loads it has the offer of this key before him, which the person got."""

    def report_url(self, outgoing: Outgoing) -> str | None:
        """The address at which a provider reports on the delivery, None if on this one nobody is to report."""

    def return_path(self, outgoing: Outgoing) -> str | None:
        """The address to which mail servers report on the delivery, None if nobody takes mail for it."""


class RecordedAnswers(Protocol):
    """Looks at what deliveries say that are only recorded, or lie in an inbox, where it places them.

    It travels with the plan to wherever a shard is opened.
    """

    def answering(self, program: Program, remarks: RemarkCounter) -> Answering:
        """By what a shard's deliveries are answered; `remarks` counts what a person should know of those that leave.

        Raises ProjectInvalid where the program holds what no delivery can say.
        """
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """
    project   the checked project
    shards    how many shards share its people
    store     the store's address
    channels  settings by channel, secrets resolved; deliveries leave on these
    records   channels that only record: the shard accepts their deliveries itself. Outbound calls are of the
              channel `call`, which has no settings
    virtual   time is that of the events, and passes only when told to
    told      under virtual time: told lines say what becomes of deliveries and reads (segment/told.py)
    crowd     how simulated people react, under virtual time
    links        makes the addresses of ours that deliveries carry. None: they carry none, and providers report where a
                 channel's own settings say
    rendering    reads what is only recorded; None: nobody does, and all of it counts as sent
    homes        names that live in another slot than their own, as whoever may be merged in a simulation
    exports      whether facts are exported into the store's folder
    facts_to     the destinations that take facts
    address_secret  by what exported addresses are hashed, None where the project names none
    """

    project: Project
    shards: int
    store: str = field(repr=False)  # it may hold a password
    channels: Mapping[str, Mapping[str, object]] = field(default_factory=dict, repr=False)
    records: tuple[str, ...] = ()
    virtual: bool = False
    told: bool = False
    crowd: Crowd | None = None
    settings: Settings = field(default_factory=Settings)
    rendering: RecordedAnswers | None = None
    links: Links | None = field(default=None, repr=False)
    homes: Mapping[str, int] = field(default_factory=dict, repr=False)
    exports: bool = False
    facts_to: tuple[FactsTo, ...] = ()
    address_secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Raises SettingInvalid for what no shard can be opened with."""
        check_shards(self.shards)
        check_address(self.store)

    @property
    def slot_map(self) -> SlotMap:
        """Where people live."""
        return SlotMap(self.shards, self.homes)


def check_shards(shards: object) -> None:
    """Raises SettingInvalid unless it is a number of shards that people can be divided into."""
    if not isinstance(shards, int) or isinstance(shards, bool) or not 1 <= shards <= SHARDS_MAX:
        raise SettingInvalid(f"shards={shown_value(shards)}: a whole number from 1 to {SHARDS_MAX} is expected")
