"""A relative address of a store that was perhaps meant to be absolute is asked about, and means what it meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.conftest import Ask

from parcours.store.address import folder_of, perhaps_absolute


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, which is empty."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_an_address_is_asked_about_where_only_the_absolute_folder_can_be_meant(here: Path) -> None:
    top, rest = Path(*here.parts[1:2]), Path(*here.parts[1:])

    assert perhaps_absolute(f"sqlite:///{rest}") == f"sqlite:////{rest}"
    assert perhaps_absolute(f"sqlite:///{top}/not-yet") == f"sqlite:////{top}/not-yet"

    top.mkdir()  # there is one here, too: a new store below it is nothing strange

    assert perhaps_absolute(f"sqlite:///{top}/not-yet") is None
    assert perhaps_absolute(f"sqlite:///{rest}") == f"sqlite:////{rest}"

    rest.mkdir(parents=True)

    assert perhaps_absolute(f"sqlite:///{rest}") is None


@pytest.mark.parametrize(
    "address", ["sqlite:///no-such-folder/x", "sqlite:////tmp/x", "sqlite:///./tmp/x", "sqlite:///../x", "memory:", "x"]
)
def test_any_other_address_is_clear(here: Path, address: str) -> None:
    assert here.is_dir()
    assert perhaps_absolute(address) is None


def test_commands_ask_and_go_on_with_what_is_given(here: Path, ask: Ask) -> None:
    given = "/".join(here.parts[1:]) + "/new"
    question = f"sqlite:///{given} is {here / given}, and nothing is there yet: did you mean sqlite:////{given}, with"

    for arguments in (["store", "check"], ["dead", "list"], ["report"], ["person", "export", "sarah"]):
        done = ask(*arguments, "--store", f"sqlite:///{given}")

        assert done.exit_code == 1
        first, second = done.stderr.splitlines()
        assert first.startswith(question)
        assert second == f"there is no store sqlite:///{given}"
    assert folder_of(f"sqlite:///{given}") == Path(given)
