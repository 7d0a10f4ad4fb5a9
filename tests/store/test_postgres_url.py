"""What does the address of a store in PostgreSQL say, and to whom?"""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.errors import SettingInvalid
from parcours.store.address import check_address, files_of, folder_of, is_durable, known_address
from parcours.store.place import place_of, shown_address
from parcours.store.postgres.url import postgres_address, with_files


@pytest.mark.parametrize(
    ("address", "conninfo", "schema", "files"),
    [
        ("postgresql://db/luma", "postgresql://db/luma", "parcours", None),
        ("postgres://", "postgres://", "parcours", None),  # all by the environment
        ("postgresql://u@db:5432/luma?schema=one", "postgresql://u@db:5432/luma", "one", None),
        ("postgresql://u:p%40@a,b:1/l?sslmode=a+b", "postgresql://u:p%40@a,b:1/l?sslmode=a+b", "parcours", None),
        ("postgresql:///l?host=/run/pg&files=/mnt/l", "postgresql:///l?host=/run/pg", "parcours", Path("/mnt/l")),
        ("postgresql://db/l?files=/mnt/a%20b&application_name=x", "postgresql://db/l?application_name=x", "parcours",
         Path("/mnt/a b")),
    ],
)  # fmt: skip
def test_what_is_ours_is_taken_out_and_the_rest_is_libpq_s(
    address: str, conninfo: str, schema: str, files: Path | None
) -> None:
    found = postgres_address(address)

    assert (found.conninfo, found.schema, found.files) == (conninfo, schema, files)
    assert is_durable(address) and files_of(address) == files


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://db/luma", "postgresql://db/luma"),
        ("postgresql://u:s3cret@db/luma", "postgresql://u:***@db/luma"),
        ("postgresql://u@db/luma?password=s3cret&schema=x", "postgresql://u@db/luma?password=***&schema=x"),
        ("postgresql://u:s3@cret@db/luma", "postgresql://u:***@db/luma"),
        ("postgresql://u:s3/cret@db/luma", "postgresql://u:***@db/luma"),
        ("postgresql://u:s3?cret@db/luma?x=y", "postgresql://u:***@db/luma?x=y"),
        ("postgresql://s3/cret@db/luma", "postgresql://***@db/luma"),
        ("memory:", "memory:"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert shown_address(address) == shown


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://u:s3@cret@db/luma", "write signs such as @"),
        ("postgresql://u:s3/cret@db/luma", "write signs such as @"),
        ("postgresql://u:s3?cret@db/luma", "write signs such as @"),
        ("postgresql://db/luma?schema=Luma", "a name of lower case letters"),
        ("postgresql://db/luma?schema=pg_luma", "a name of lower case letters"),
        ("postgresql://db/luma?schema=", "a name of lower case letters"),
        ("postgresql://db/luma?schema", "after the \\? come NAME=VALUE"),
        ("postgresql://db/luma?schema=a&schema=b", "schema is named twice"),
        ("postgresql://db/luma?files=mnt/luma", "a whole path, such as /mnt/luma"),
        ("postgresql://db/luma?files=", "a whole path, such as /mnt/luma"),
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_password(address: str, says: str) -> None:
    with pytest.raises(SettingInvalid, match=says) as refused:
        check_address(address)

    assert "cret" not in str(refused.value)


def test_no_representation_has_the_password() -> None:
    address = "postgresql://u:s3cret@db/luma?sslpassword=s3cret"

    assert "s3cret" not in f"{place_of(address)!r} {postgres_address(address)!r}"


def test_a_folder_is_added_once() -> None:
    once = with_files("postgresql://db/luma?schema=x", Path("/mnt/luma"))

    assert once == "postgresql://db/luma?schema=x&files=/mnt/luma"
    assert with_files(once, Path("/mnt/luma")) == known_address(once) == once
    with pytest.raises(SettingInvalid, match="names another folder; leave one out"):
        with_files(once, Path("/mnt/other"))


def test_a_store_without_a_folder_for_files_says_how_to_name_one() -> None:
    with pytest.raises(SettingInvalid, match="has no folder for files: name one .* by the setting `files`"):
        folder_of("postgresql://db/luma")
