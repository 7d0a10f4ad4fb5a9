"""Addresses of stores in PostgreSQL: libpq's, with two parameters of our own, and without passwords wherever shown.

    postgresql://user@host:5432/database?schema=luma&files=/mnt/luma

`schema` is where the store's tables are (`parcours` if it is left out), so a database has room for several stores.
`files` is the folder of all that a store keeps in files. Everything else is libpq's: `?host=/run/postgresql` names a
socket, `?sslmode=verify-full` asks for TLS, `?service=` and the variables of the environment hold as with psql.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from parcours.arguments import is_path
from parcours.errors import SettingInvalid

SCHEMES: Final = ("postgresql://", "postgres://")

SCHEMA: Final = "parcours"
"""Where a store's tables are unless its address says otherwise."""

SCHEMA_NAME: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,51}")
"""Names that need no quotes anywhere, with room for a suffix. Those that begin with `pg_` are PostgreSQL's own."""

SECRETS: Final = frozenset({"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
"""Parameters of libpq that nobody else is to see."""

ESCAPES: Final = "write signs such as @ : / ? # % in names, passwords and values as %40 %3A %2F %3F %23 %25"

HIDDEN: Final = "***"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """
    conninfo  what libpq is given
    schema    where the tables are
    files     the folder of the store's files, None where the address names none
    shown     the address as it may be shown to anybody
    secrets   what must not be in any message
    """

    conninfo: str = field(repr=False)
    schema: str
    files: Path | None
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def without_secrets(self, text: str) -> str:
        """The text as it may be shown to anybody."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text


def is_postgres(address: str) -> bool:
    """Whether this is an address of a store in PostgreSQL."""
    return address.startswith(SCHEMES)


def postgres_address(address: str) -> PostgresAddress:
    """The parts of an address. What libpq is to make of its own part is not looked at. Raises SettingInvalid."""
    scheme, user, secret, rest, query = _split(address)
    if any(sign in f"{user}{secret}" for sign in "@/?#"):
        raise SettingInvalid(f"store {shown_postgres(address)}: {ESCAPES}")
    pairs = _pairs(address, query)
    own = {name: unquote(value) for name, value in pairs if name in ("schema", "files")}
    schema = own.get("schema", SCHEMA)
    if not SCHEMA_NAME.fullmatch(schema):
        raise SettingInvalid(
            f"store {shown_postgres(address)}: schema={schema!r} is to be a name of lower case letters, digits and _"
        )
    who = user if secret is None else f"{user}:{secret}"
    theirs = "&".join(f"{name}={value}" for name, value in pairs if name not in ("schema", "files"))
    conninfo = f"{scheme}{f'{who}@' if who else ''}{rest}{f'?{theirs}' if theirs else ''}"
    hidden = [secret, unquote(secret)] if secret else []
    hidden += [each for name, value in pairs if name in SECRETS and value for each in (value, unquote(value))]
    return PostgresAddress(conninfo, schema, _files(address, own), shown_postgres(address), tuple(hidden))


def shown_postgres(address: str) -> str:
    """The address without its passwords, also where it is no address that can be used."""
    scheme, user, secret, rest, query = _split(address)
    who = user if secret is None else f"{user}:{HIDDEN}"
    if any(sign in user for sign in "@/?#"):
        who = HIDDEN  # nobody knows what that is
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    shown = "&".join(f"{name}{mark}{HIDDEN if name in SECRETS else value}" for name, mark, value in pairs)
    return f"{scheme}{f'{who}@' if who else ''}{rest}{f'?{shown}' if shown else ''}"


def with_files(address: str, files: Path) -> str:
    """The address, which now names this folder for the store's files. Raises SettingInvalid if it names another one."""
    named = postgres_address(address).files
    if named is not None and named != files:
        raise SettingInvalid(f"files={files}: the store {shown_postgres(address)} names another folder; leave one out")
    if named is not None:
        return address
    before, mark, query = address.partition("?")
    return f"{before}?{f'{query}&' if mark and query else ''}files={quote(str(files))}"


def _split(address: str) -> tuple[str, str, str | None, str, str]:
    """Scheme, user, password, host with database, and query.

    The login goes as far as the last `@`, whatever stands there: what may be of a password is never taken for a host.
    """
    scheme = next(each for each in SCHEMES if address.startswith(each))
    login, at, rest = address.removeprefix(scheme).rpartition("@")
    user, colon, secret = login.partition(":")
    place, _, query = rest.partition("?")
    return scheme, user, secret if at and colon else None, place, query


def _pairs(address: str, query: str) -> list[tuple[str, str]]:
    """The parameters as they are written."""
    pairs = [pair.partition("=") for pair in query.split("&")] if query else []
    if not all(name and mark for name, mark, _ in pairs):
        raise SettingInvalid(f"store {shown_postgres(address)}: after the ? come NAME=VALUE, with & between")
    names = [name for name, _, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingInvalid(f"store {shown_postgres(address)}: {twice} is named twice")
    return [(name, value) for name, _, value in pairs]


def _files(address: str, own: dict[str, str]) -> Path | None:
    if "files" not in own:
        return None
    named = own["files"]
    if not is_path(named) or not Path(named).is_absolute():
        raise SettingInvalid(
            f"store {shown_postgres(address)}: files={named!r} is to be a whole path, such as /mnt/luma, the same "
            "on all machines"
        )
    return Path(named)
