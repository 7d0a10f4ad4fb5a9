"""Somebody who is there as a test person: what is known of her, but for the addresses at which she is reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from parcours.expression.expression import Expression, Scope, to_json
from parcours.ingress.door import Door
from parcours.ingress.exchange import Problem, Request
from parcours.ingress.page.sandbox import Consents, Traits
from parcours.journey.program import Program
from parcours.service.person import Person
from parcours.shard.messages import Look

COPIES: Final = "people"
"""What a key has to open to take somebody's data into a trial, from where they may go into a file."""


def may_copy(request: Request) -> bool:
    """Whether whoever asks may make a copy of somebody."""
    return request.key is not None and request.key.opens(COPIES)


async def copy_of(door: Door, request: Request, who: str, program: Program) -> tuple[Traits, Consents]:
    """The traits of somebody, and what she has consented to. It is a look at her, which is recorded.

    Where she is reached is replaced by an address for tests, or left out where there is none. Raises Problem.
    """
    if not may_copy(request):
        raise Problem(403, "scope", f"to copy somebody takes a key that opens {COPIES!r}")
    by = "" if request.key is None else request.key.name
    person = await door.service.profile(who, look=Look(by, "POST /try"))
    if person is None:
        raise Problem(404, "unknown", "nothing is known of such a person")
    return unreachable(_plain(person.traits), program, _test_addresses(door, program)), _consents(person)


def _test_addresses(door: Door, program: Program) -> dict[str, str]:
    """The first address for tests that each channel takes."""
    found = {channel: addresses_for_tests(door, channel, program.region) for channel in program.addresses}
    return {channel: addresses[0] for channel, addresses in found.items() if addresses}


def addresses_for_tests(door: Door, channel: str, region: str | None) -> list[str]:
    """Those of serve.yaml that the channel takes, in the form in which it uses them."""
    taken: list[str] = []
    for address in door.settings.test_addresses:
        try:
            taken.append(door.address_rules(channel, address, region))
        except ValueError:
            continue  # it is one of another channel
    return taken


def unreachable(traits: Traits, program: Program, instead: Mapping[str, str]) -> Traits:
    """The traits with these addresses, by channel, in place of each at which the person is reached.

    Raises Problem where an address comes about by more than that one trait has it.
    """
    for channel, asked in program.addresses.items():
        for address in _addresses(asked, traits):
            traits = _replaced(traits, address, instead.get(channel))
        if set(_addresses(asked, traits)) - set(instead.values()):
            raise Problem(409, "refused", f"she cannot be copied: her address on {channel!r} is no trait of its own")
    return traits


def _addresses(asked: Expression, traits: Traits) -> list[str]:
    """Where somebody with these traits is reached."""
    found = to_json(asked.value(Scope(profile=traits)))
    return [str(each) for each in (found if isinstance(found, list) else [found]) if each is not None and each != ""]


def _replaced(value: Any, address: str, instead: str | None) -> Any:
    match value:
        case Mapping():
            kept = {name: each for name, each in value.items() if instead is not None or str(each) != address}
            return {name: _replaced(each, address, instead) for name, each in kept.items()}
        case list():
            kept_ones = [each for each in value if instead is not None or str(each) != address]
            return [_replaced(each, address, instead) for each in kept_ones]
        case _:
            return instead if str(value) == address else value


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


def _consents(person: Person) -> Consents:
    return [(channel, purpose, granted) for (channel, purpose), granted in person.consents.items()]
