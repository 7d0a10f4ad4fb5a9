"""Do stores tell who keeps an engine, and where its shards run, also once somebody else has taken over?"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from parcours.errors import StoreBusy
from parcours.store.address import claims_at, open_store, prepare
from parcours.store.claims import Claims, Held, check_keeper


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store of four shards."""
    found = f"sqlite:///{tmp_path}/store" if request.param == "sqlite" else request.getfixturevalue("postgres_address")
    prepare(found, "luma", 4)
    return str(found)


@pytest.fixture
def claims(address: str) -> Claims:
    return claims_at(address, 4)


def test_of_what_nobody_has_held_nobody_knows_where(claims: Claims) -> None:
    assert claims.keeper() == Held()
    assert list(claims.shards()) == [Held()] * 4


def test_whoever_takes_over_is_known_and_the_one_before_is_refused(address: str, claims: Claims) -> None:
    first = claims.take_over("host-1, process 7")
    check_keeper(claims, first)

    second = claims_at(address, 4).take_over("host-2, process 8")

    assert claims.keeper() == Held(second, "host-2, process 8")
    with pytest.raises(StoreBusy, match=f"kept under epoch {second}; epoch {first} is over"):
        check_keeper(claims, first)


def test_whoever_keeps_it_no_more_says_so_unless_somebody_has_taken_over_since(claims: Claims) -> None:
    first = claims.take_over("host-1, process 7")
    claims.give_up(first)
    assert claims.keeper() == Held(first, None)

    second = claims.take_over("host-2, process 8")
    claims.give_up(first)

    assert claims.keeper() == Held(second, "host-2, process 8")


def test_where_a_shard_runs_is_what_its_newest_owner_has_noted(address: str, claims: Claims) -> None:
    with closing(open_store(address, 3, is_owner=True)) as store:
        first = store.acquire(None)
        claims.note(3, Held(first, "shard-3@1.1 at host-1"))
        assert claims.shards()[3].actor == "shard-3@1.1"

        second = store.acquire(first)
        claims.note(3, Held(second, "shard-3@1.2 at host-2"))
        claims.note(3, Held(first, "shard-3@1.1 at host-1"))

    assert list(claims.shards()) == [Held(), Held(), Held(), Held(second, "shard-3@1.2 at host-2")]
