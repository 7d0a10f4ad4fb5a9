"""What a door finds by itself on this machine alone, and what it has to be told where others can reach it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from parcours.config import Settings
from parcours.errors import SettingInvalid
from parcours.ingress.deployment import (
    KEY_FILE,
    agreed,
    check_reachable,
    completed,
    links_of,
    other_settings,
)
from parcours.ingress.settings import ServeSettings, proxy_unnamed

ADDRESS = "http://127.0.0.1:8080"
KEYS = [{"name": "shop", "sha256": "a" * 64, "scopes": ["ingest"]}]
SIGNING = ["s" * 32]


def settings(**given: object) -> ServeSettings:
    return ServeSettings.model_validate(given)


def test_a_first_try_needs_no_settings_and_what_was_found_is_said(tmp_path: Path) -> None:
    complete, said = completed(settings(), ADDRESS, tmp_path / "store")

    assert complete.public_url == ADDRESS
    assert len(complete.signing_keys) == 1 and len(complete.signing_keys[0]) >= 32
    assert [sentence.split(",")[0] for sentence in said] == ["public_url is not set", "signing_keys are not set"]
    assert complete.signing_keys[0] not in " ".join(said)
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_the_key_is_the_owner_s_alone_and_the_same_after_a_restart(tmp_path: Path) -> None:
    first, _ = completed(settings(), ADDRESS, tmp_path)

    again, _ = completed(settings(), ADDRESS, tmp_path)

    assert again.signing_keys == first.signing_keys
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_a_file_that_holds_no_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("short")

    with pytest.raises(SettingInvalid, match="holds no signing key"):
        completed(settings(), ADDRESS, tmp_path)


@pytest.mark.parametrize(
    "given, is_told",
    [
        ({}, False),
        ({"public_url": "https://journeys.example"}, True),
        ({"public_url": "https://journeys.example", "keys": KEYS}, True),
        ({"public_url": "https://journeys.example", "forwarded_allow": ["127.0.0.1"]}, False),
        ({"public_url": "http://localhost:8080"}, False),
    ],
)
def test_a_proxy_that_nobody_has_named_is_told_of(given: dict[str, object], is_told: bool) -> None:
    told = proxy_unnamed(settings(**given))

    assert (told is not None and "/metrics is open to all" in told) == is_told


def test_what_is_set_stays(tmp_path: Path) -> None:
    given = settings(public_url="https://journeys.example", signing_keys=SIGNING)

    assert completed(given, ADDRESS, tmp_path) == (given, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "given, has_marketing, told",
    [
        ({}, False, "there are no keys"),
        ({"keys": KEYS}, False, "there are no signing_keys"),
        ({"keys": KEYS, "signing_keys": SIGNING}, True, "no way out"),
    ],
)
def test_a_door_that_others_can_reach_has_to_be_told(given: dict[str, object], has_marketing: bool, told: str) -> None:
    check_reachable(settings(**given), has_marketing=has_marketing)  # on this machine it is fine

    with pytest.raises(SettingInvalid, match=told):
        check_reachable(settings(host="0.0.0.0", **given), has_marketing=has_marketing)


@pytest.mark.parametrize(
    "given", [{"public_url": "https://journeys.example"}, {"unsubscribe": "elsewhere"}], ids=["here", "elsewhere"]
)
def test_marketing_with_a_way_out_may_leave_from_anywhere(given: dict[str, object]) -> None:
    check_reachable(settings(host="::", keys=KEYS, signing_keys=SIGNING, **given), has_marketing=True)


def agreeing(opened: ServeSettings, given: ServeSettings) -> tuple[ServeSettings, list[str]]:
    """What a door with given settings has and says at an engine that was opened with others."""
    complete, said = completed(given, "http://127.0.0.1:9090", None)
    return agreed(given, complete, said, links_of(opened))


def test_links_lead_where_the_engine_was_opened_with() -> None:
    opened = settings(public_url="https://journeys.example", signing_keys=SIGNING)

    complete, said = agreeing(opened, settings(signing_keys=SIGNING))
    assert complete.public_url == "https://journeys.example"
    assert len(said) == 1 and "as the engine was opened with" in said[0]

    complete, said = agreeing(opened, settings(public_url="https://other.example", signing_keys=SIGNING))
    assert complete.public_url == "https://other.example"
    assert said == [
        "links lead to https://journeys.example, as the engine was opened with, not to https://other.example"
    ]


def test_a_door_that_could_not_read_links_is_refused_and_no_key_is_told() -> None:
    opened = settings(public_url=ADDRESS, signing_keys=SIGNING)

    with pytest.raises(
        SettingInvalid, match="seals links by the key with the digest [0-9a-f]{8}, and this door"
    ) as told:
        agreeing(opened, settings(signing_keys=["t" * 32]))

    assert SIGNING[0] not in str(told.value) and "t" * 32 not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_key_that_is_added_in_front_counts_once_the_engine_is_opened_anew() -> None:
    opened = settings(public_url=ADDRESS, signing_keys=SIGNING)

    _, said = agreeing(opened, settings(public_url=ADDRESS, signing_keys=["t" * 32, *SIGNING]))

    assert len(said) == 1 and "sealed by the engine's first until it is opened anew" in said[0]


def test_settings_of_an_engine_that_runs_stay_and_those_that_differ_are_named() -> None:
    assert other_settings(Settings(), Settings()) == []
    assert other_settings(Settings(), Settings(batch_events_max=7))[0].endswith("which differ in batch_events_max")
