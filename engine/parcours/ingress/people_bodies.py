"""What whoever answers people sends and is answered: the bodies of the routes of people.py. Times are texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from parcours.core.profile import DeliveryStateName

Text = Annotated[str, msgspec.Meta(min_length=1)]


class ConsentShown(msgspec.Struct, frozen=True):
    """
    purpose  null for the channel as a whole, and where nothing is said of a purpose
    """

    channel: str
    purpose: str | None
    granted: bool


class ConsentsShown(msgspec.Struct, frozen=True):
    """What the person has said, and what holds by that and by the project's policy."""

    said: list[ConsentShown]
    in_force: list[ConsentShown]


class RunShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    since      when it has come to its step
    waits_for  what would move it on before its time, in words
    until      when it goes on at the latest, as far as that is known
    parked     why it stands still for good, null if it does not
    """

    journey: str
    version: int
    run: int
    step: str | None
    since: str | None
    waits_for: list[str]
    until: str | None
    parked: str | None


class DeliveryShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    at     when it was decided on
    marks  each reaction with its first time
    """

    key: str
    journey: str
    run: int
    step: str
    channel: str
    message: str
    to: str | None
    at: str
    state: DeliveryStateName
    marks: Mapping[str, str]


class PlaceShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    since       when she was inside first
    told        whether she was told to have entered
    enters      when that will be told, unless a position outside comes first; null if it was, or never will be
    away_since  when she was away first, as long as she has not come back
    leaves      when she will be told to have left, unless a position inside comes first
    silent      when she counts as gone if nothing more is heard of her
    """

    place: str
    since: str
    told: bool
    enters: str | None
    away_since: str | None
    leaves: str | None
    silent: str


class PositionShown(msgspec.Struct, frozen=True):
    """
    at      when it took effect
    told_at when she was there, by her sender's clock
    """

    at: str
    told_at: str
    latitude: float
    longitude: float


class PersonShown(msgspec.Struct, frozen=True, kw_only=True):
    """
    owner       the name under which her profile lies
    names       all of hers
    suppressed  by channel, the addresses at which nothing arrives
    runs        those that are open
    deliveries  the newest, the last first
    next_timer  when something happens though nobody does anything
    asked_for   the name by which she was asked for
    places      those that she is in
    position    the newest one, null if there was none
    unheard     how many positions and crossings told nothing, by the reason
    not_followed  why no position of hers is used, `no_personalisation`; null if they are
    """

    owner: str
    names: list[str]
    traits: Mapping[str, Any]
    audiences: list[str]
    consents: ConsentsShown
    suppressed: Mapping[str, list[str]]
    runs: list[RunShown]
    deliveries: list[DeliveryShown]
    next_timer: str | None
    asked_for: str
    places: list[PlaceShown]
    position: PositionShown | None
    unheard: Mapping[str, int]
    not_followed: str | None


class PeopleFound(msgspec.Struct, frozen=True):
    """The names of everybody who has an address, or who is meant by an id, a name or an address."""

    people: list[str]


class FactsShown(msgspec.Struct, frozen=True):
    """
    facts   the newest first, each with `fact` (what kind it is), `at`, and what it says
    before  for `?before=`, to get those before these; null if there are none
    """

    facts: list[dict[str, Any]]
    before: str | None


class TraitsSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trait of null is taken away."""

    traits: dict[str, Any]


class ConsentSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Without a purpose it is said of all of the channel."""

    channel: Text
    granted: bool
    purpose: str | None = None


class SuppressionSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing leaves for a suppressed address."""

    channel: Text
    address: Text
    suppressed: bool
