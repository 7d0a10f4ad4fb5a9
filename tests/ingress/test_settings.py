"""Where does a setting of the door come from? Flags count over the environment, and that over serve.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.errors import SettingInvalid
from parcours.ingress.settings import load_settings


def test_a_flag_counts_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("port: 1\nhost: 127.0.0.3\nroom_wait_ms: 7\n")
    environ = {"PARCOURS_PORT": "2", "PARCOURS_HOST": "127.0.0.2", "PARCOURS_KEY": "of another command"}

    settings = load_settings(path, environ, {"port": 3, "host": None})

    assert (settings.port, settings.host, settings.room_wait_ms, settings.notice_s) == (3, "127.0.0.2", 7, 3.0)


def test_several_values_of_the_environment_stand_beside_each_other() -> None:
    settings = load_settings(None, {"PARCOURS_FORWARDED_ALLOW": "10.0.0.1 10.0.0.2"})

    assert settings.forwarded_allow == ("10.0.0.1", "10.0.0.2")


def test_secrets_stand_in_the_environment_or_in_files(tmp_path: Path) -> None:
    (tmp_path / "second").write_text("b" * 40 + "\n")
    path = tmp_path / "serve.yaml"
    path.write_text("signing_keys: [env:FIRST, file:second]\n")

    settings = load_settings(path, {"FIRST": "a" * 32})

    assert settings.signing_keys == ("a" * 32, "b" * 40)
    assert "aaaa" not in repr(settings) and "bbbb" not in str(settings.shown())


def test_a_secret_that_is_not_there_is_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("signing_keys: [env:FIRST]\n")

    with pytest.raises(SettingInvalid, match="FIRST, which is not set"):
        load_settings(path, {})


@pytest.mark.parametrize("written", ["- a\n", "just a text\n"])
def test_what_is_no_mapping_is_no_settings(tmp_path: Path, written: str) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text(written)

    with pytest.raises(SettingInvalid, match="keys with values are expected"):
        load_settings(path, {})


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "serve.yaml"
    path.write_text("# nothing yet\n")

    assert load_settings(path, {}) == load_settings(None, {})


@pytest.mark.parametrize("address", ["", " qa@mail.example", "qa@mail.example\n", "qa\u202e@mail.example"])
def test_an_address_for_tests_stands_as_it_is_used(address: str) -> None:
    with pytest.raises(SettingInvalid, match="test_addresses.*is no address"):
        load_settings(None, {}, {"test_addresses": ["+33612345678", address]})
