"""Is a file there whole or not at all?"""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.campaigns.sets.whole_file import whole_file


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "new" / "set.parquet"

    with whole_file(path, durable=durable) as unfinished:
        unfinished.write_bytes(b"whole")
        assert not path.exists()

    assert [(each.name, each.read_bytes()) for each in path.parent.iterdir()] == [("set.parquet", b"whole")]
    assert path.stat().st_mode & 0o077 == 0


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    path.write_bytes(b"before")

    with pytest.raises(ZeroDivisionError):
        write_half(path)

    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("set.parquet", b"before")]


def write_half(path: Path) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_bytes(b"half")
        raise ZeroDivisionError


def test_two_who_write_the_same_file_do_not_write_into_one_another(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"

    with whole_file(path) as frozen:
        frozen.write_bytes(b"fro")
        with whole_file(path) as taken_over:
            taken_over.write_bytes(b"taken over")
        with frozen.open("ab") as file:
            file.write(b"zen")

    assert path.read_bytes() == b"frozen"
