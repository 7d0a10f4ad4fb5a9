"""Where does Daft work for these tests?"""

from __future__ import annotations

import pytest


def test_daft_works_in_threads_even_where_its_surroundings_speak_for_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    from daft import get_or_infer_runner_type

    monkeypatch.setenv("DAFT_RUNNER", "ray")

    assert get_or_infer_runner_type() == "native"
