"""What can be set: settings that nobody could run with are refused in words, wherever they are given."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from parcours.config import COUNT_MAX, Settings, settings_of
from parcours.errors import SettingInvalid
from parcours.insight.summary import Tally
from parcours.wording import shown_value


@pytest.mark.parametrize(
    "given, words",
    [
        ({"claim_max": 0}, "claim_max: input should be greater than or equal to 1"),
        ({"claim_max": 2**63}, f"claim_max: input should be less than or equal to {COUNT_MAX}"),
        ({"claim_max": 10**5000}, f"claim_max: input should be less than or equal to {COUNT_MAX}"),
        ({"claim_max": "many"}, "claim_max: a whole number is expected"),
        ({"claim_max": None}, "claim_max: a whole number is expected"),
        ({"claim_max": 1.5}, "claim_max: a whole number is expected"),
        ({"claims_max": 5}, "claims_max: unknown key, did you mean 'claim_max'?"),
        ({"foo": 1, "claim_max": 0}, "claim_max: input should be greater than or equal to 1; foo: unknown key"),
        ({"retry_delays_ms": ()}, "retry_delays_ms: at least one is needed"),
        ({"retry_delays_ms": (-1,)}, r"^retry_delays_ms\.0: input should be greater than or equal to 1$"),
        ({"retry_delays_ms": (2**63,)}, "retry_delays_ms.0: input should be less than or equal to"),
        ({"retry_delays_ms": 5}, "retry_delays_ms: a list is expected"),
        ({"run_memory_ms": 2**63}, "run_memory_ms: input should be less than or equal to"),
        ({"send_timeout_s": float("nan")}, "send_timeout_s: "),
        ({"send_timeout_s": float("inf")}, "send_timeout_s: "),
    ],
)  # fmt: skip
def test_a_setting_out_of_bounds_is_told_in_words(given: dict[str, Any], words: str) -> None:
    made: tuple[Callable[[], Settings], ...] = (lambda: Settings(**given), lambda: Settings.model_validate(given))
    for make in made:
        with pytest.raises(SettingInvalid, match=words):
            make()


def test_settings_travel_unchanged() -> None:
    settings = Settings(claim_max=7)

    assert pickle.loads(pickle.dumps(settings)) == settings == Settings.model_validate(settings.model_dump())


@pytest.mark.parametrize("given", [{"claim_max": 5}, {}, 0, "", False, [], 10**5000, Settings], ids=shown_value)
@pytest.mark.parametrize("taken_by", [settings_of, lambda given: Tally((), given)])
def test_what_is_no_settings_is_refused(given: object, taken_by: Callable[[Any], object]) -> None:
    with pytest.raises(SettingInvalid, match=r"Settings are expected, such as Settings\(claim_max=100\)"):
        taken_by(given)


def test_none_stands_for_the_defaults() -> None:
    assert settings_of(None) == Settings()
