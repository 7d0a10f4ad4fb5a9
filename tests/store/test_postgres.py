"""Does the store in PostgreSQL keep its promise, and does it notice what happened to its rows and its server?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from tests.postgres import drop, new_address

from parcours.store.layout import Layout
from parcours.store.postgres.schema import made_or_found
from parcours.store.postgres.session import Session
from parcours.store.postgres.store import PostgresStore
from parcours.store.postgres.url import postgres_address
from parcours.store.store import Store
from parcours.testing.store_contract import StoreContract


def make(address: str, shards: int = 4) -> None:
    with closing(Session(postgres_address(address), "test")) as session:
        made_or_found(session, Layout("luma", shards))


class TestPostgresStore(StoreContract):
    @pytest.fixture(autouse=True)
    def on_a_server(self, postgres_url: str) -> Iterator[None]:
        self.url = postgres_url
        self.made: list[str] = []
        yield
        for address in self.made:
            drop(postgres_url, address)

    def new_data(self) -> Callable[[], Store]:
        address = new_address(self.url)
        self.made.append(address)
        make(address)
        return lambda: PostgresStore(postgres_address(address), shard=3)
