"""A person as callers see her: what is known of one person at one moment, which nothing can change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from parcours.core.consent import consents_in_force, stated_consents
from parcours.core.profile import NEVER, DeliveryState, DeliveryStateName, Profile, Run
from parcours.core.waits import goes_on_ms
from parcours.expression.definition_keys import plain
from parcours.insight.outline import awaited
from parcours.journey.program import Program
from parcours.service.person_places import PersonWhereabouts


@dataclass(frozen=True, slots=True)
class PersonDelivery:
    """One message on one channel, or an outbound call: then `message` is the action.

    visit     which time the run was at the step, from 1
    to        the address; None where there is none
    at        when it was decided on, in ms since 1970
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
    at: int
    marks: Mapping[str, int]
    links: Mapping[str, int]
    machines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PersonRun:
    """Her way through one journey. Times are in ms since 1970, None for what has not happened.

    number       counts from 1 per person and journey
    correlation  canonical text of the correlation's value, None where it has none
    since        when it has come to its step
    waits_for    what would move it on from there before its time, in words; empty where it only waits
    until        when it goes on at the latest, as far as that is known
    parked       why the run stands still for good, None if it does not
    """

    journey: str
    version: int
    number: int
    step: str | None
    correlation: str | None
    entered_at: int
    since: int | None
    waits_for: tuple[str, ...]
    until: int | None
    goal_at: int | None
    ended_at: int | None
    parked: str | None
    deliveries: tuple[PersonDelivery, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """
    name        as results have it: the user id, or `@anonymous/7f3a`
    names       those that were merged into her, sorted
    asked_for   the name by which she was asked for
    traits      by name; what is in them cannot be changed either
    audiences   those that she is in
    consents    whether she granted or withdrew it, by (channel, purpose); the purpose is None for all of a channel
    in_force    whether she may get marketing now, by (channel, purpose) likewise: of each channel on which anything is
                sent or of which she has spoken, and of each purpose there
    suppressed  by channel, the addresses at which nothing arrives
    runs, past  open and ended ones
    counts      all runs ever, by journey
    next_due    when her next timer is due, in ms since 1970, None if none is set
    whereabouts the places that she is in, and her newest position
    """

    name: str
    names: tuple[str, ...]
    asked_for: str
    traits: Mapping[str, object]
    audiences: frozenset[str]
    consents: Mapping[tuple[str, str | None], bool]
    in_force: Mapping[tuple[str, str | None], bool]
    suppressed: Mapping[str, tuple[str, ...]]
    runs: tuple[PersonRun, ...]
    past: tuple[PersonRun, ...]
    counts: Mapping[str, int]
    next_due: int | None
    whereabouts: PersonWhereabouts

    @classmethod
    def of(cls, name: str, profile: Profile, program: Program, *, asked_for: str | None = None) -> Person:
        """The person of this profile, as it is now, by what is published; asked for by her own name if by no other."""
        due = profile.next_due()
        return cls(
            name=name,
            names=() if profile.identity is None else tuple(sorted(profile.identity.names)),
            asked_for=asked_for or name,
            traits=MappingProxyType({trait: _frozen(value) for trait, value in profile.traits.items()}),
            audiences=frozenset(plain(key) for key, inside in profile.audiences.items() if inside),
            consents=MappingProxyType(stated_consents(profile)),
            in_force=MappingProxyType(consents_in_force(profile, program)),
            suppressed=MappingProxyType({channel: tuple(dead) for channel, dead in profile.suppressed.items()}),
            runs=tuple(_run(run, profile, program) for run in profile.runs),
            past=tuple(_run(run, profile, program) for run in profile.past),
            counts=MappingProxyType(dict(profile.counts)),
            next_due=None if due == NEVER else due,
            whereabouts=PersonWhereabouts.of(profile, program),
        )

    @property
    def waiting(self) -> int:
        """How many of her messages wait to leave, or are held."""
        states = [delivery.state for run in (*self.past, *self.runs) for delivery in run.deliveries]
        return sum(each in ("held", "queued") for each in states)

    def newest_deliveries(self, most: int) -> list[tuple[PersonRun, PersonDelivery]]:
        """The deliveries that were decided on last, each with its run, the newest first."""
        found = [(run, delivery) for run in (*self.past, *self.runs) for delivery in run.deliveries]
        found.sort(key=lambda each: each[1].at)
        return found[: -most - 1 : -1]


def _run(run: Run, profile: Profile, program: Program) -> PersonRun:
    return PersonRun(
        journey=run.journey,
        version=run.version,
        number=run.number,
        step=run.step,
        correlation=run.correlation,
        entered_at=run.entered_at,
        since=run.since,
        waits_for=tuple(awaited(program.journey(run.journey, run.version), run.step)),
        until=goes_on_ms(run, profile),
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
        at=delivery.decided_at,
        marks=MappingProxyType(dict(delivery.marks)),
        links=MappingProxyType(dict(delivery.links)),
        machines=MappingProxyType(dict(delivery.machines)),
    )


def _frozen(value: object) -> object:
    """The value, its lists as tuples and its objects so that they cannot be changed."""
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(each) for key, each in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
