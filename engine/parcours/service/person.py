"""A person as callers see her: what is known of one person at one moment, which nothing can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from parcours.core.consent import stated_consents
from parcours.core.profile import NEVER, DeliveryState, DeliveryStateName, Profile, Run
from parcours.expression.definition_keys import plain


@dataclass(frozen=True, slots=True)
class PersonDelivery:
    """One message on one channel, or an outbound call: then `message` is the action.

    visit     which time the run was at the step, from 1
    to        the address; None where there is none
    marks     each reaction with its first time, in ms since 1970
    links     each link clicked with its first time
    machines  `opened`, and each link, with the first time that a machine did it
    """

    key: str
    step: str
    visit: int
    channel: str
    message: str
    to: str | None
    state: DeliveryStateName
    attempt: int
    marks: Mapping[str, int]
    links: Mapping[str, int]
    machines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PersonRun:
    """Her way through one journey. Times are in ms since 1970, None for what has not happened.

    number       counts from 1 per person and journey
    correlation  canonical text of the correlation's value, None where it has none
    parked       why the run stands still for good, None if it does not
    """

    journey: str
    version: int
    number: int
    step: str | None
    correlation: str | None
    entered_at: int
    goal_at: int | None
    ended_at: int | None
    parked: str | None
    deliveries: tuple[PersonDelivery, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """
    name        as results have it: the user id, or `@anonymous/7f3a`
    traits      by name; what is in them cannot be changed either
    audiences   those that she is in
    consents    whether she granted or withdrew it, by (channel, purpose); the purpose is None for all of a channel
    suppressed  by channel, the addresses at which nothing arrives
    runs, past  open and ended ones
    counts      all runs ever, by journey
    next_due    when her next timer is due, in ms since 1970, None if none is set
    """

    name: str
    traits: Mapping[str, object]
    audiences: frozenset[str]
    consents: Mapping[tuple[str, str | None], bool]
    suppressed: Mapping[str, tuple[str, ...]]
    runs: tuple[PersonRun, ...]
    past: tuple[PersonRun, ...]
    counts: Mapping[str, int]
    next_due: int | None

    @classmethod
    def of(cls, name: str, profile: Profile) -> Person:
        """The person of this profile, as it is now."""
        due = profile.next_due()
        return cls(
            name=name,
            traits=MappingProxyType({trait: _frozen(value) for trait, value in profile.traits.items()}),
            audiences=frozenset(plain(key) for key, inside in profile.audiences.items() if inside),
            consents=MappingProxyType(stated_consents(profile)),
            suppressed=MappingProxyType({channel: tuple(dead) for channel, dead in profile.suppressed.items()}),
            runs=tuple(map(_run, profile.runs)),
            past=tuple(map(_run, profile.past)),
            counts=MappingProxyType(dict(profile.counts)),
            next_due=None if due == NEVER else due,
        )


def _run(run: Run) -> PersonRun:
    return PersonRun(
        journey=run.journey,
        version=run.version,
        number=run.number,
        step=run.step,
        correlation=run.correlation,
        entered_at=run.entered_at,
        goal_at=run.goal_at,
        ended_at=run.ended_at,
        parked=run.parked,
        deliveries=tuple(map(_delivery, run.deliveries)),
    )


def _delivery(delivery: DeliveryState) -> PersonDelivery:
    return PersonDelivery(
        key=delivery.key,
        step=delivery.step,
        visit=delivery.visit,
        channel=delivery.channel,
        message=delivery.message,
        to=delivery.to,
        state=delivery.state,
        attempt=delivery.attempt,
        marks=MappingProxyType(dict(delivery.marks)),
        links=MappingProxyType(dict(delivery.links)),
        machines=MappingProxyType(dict(delivery.machines)),
    )


def _frozen(value: object) -> object:
    """The value, its lists as tuples and its objects so that they cannot be changed."""
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(each) for key, each in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
