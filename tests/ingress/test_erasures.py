"""People are erased over the real application: at once from all answers, and a job says how far the rest is."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.ingress.test_people import CART, Desk, at_the_desk

from parcours.service import opening


async def cart_left(desk: Desk, person: str) -> None:
    await desk.service.identify(person, {"email": f"{person}@shop.example"})
    await desk.service.track(person, "Cart Left", CART)
    await desk.service.drain(30)


async def delete(desk: Desk, path: str, by: str = "care") -> tuple[int, dict[str, object]]:
    answer = await desk.client.delete(path, headers={"Authorization": f"Bearer {by}"})
    return answer.status_code, answer.json()


def test_whoever_is_erased_is_unknown_and_the_job_says_how_far_it_is(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await cart_left(desk, "sarah")

        status, job = await delete(desk, "/people/sarah")

        assert status == 202
        assert job["rows"][0]["done"] is True  # type: ignore[index]  # of four
        for path in ("/people/sarah", "/people/sarah/facts", "/people/sarah/explain"):
            assert (await desk.get(path)).status_code == 404
        assert (await desk.get("/people?email=sarah@shop.example")).json() == {"people": []}
        followed = await desk.get(f"/erasures/{job['job']}")
        assert followed.status_code == 200
        assert followed.json()["asked_at"] == job["asked_at"]
        assert len(followed.json()["rows"]) == 5

    at_the_desk(tmp_path, visit)


def test_to_repeat_it_is_harmless_and_later_events_make_a_new_person(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await cart_left(desk, "sarah")
        first, again = await delete(desk, "/people/sarah"), await delete(desk, "/people/sarah")
        assert first[0] == again[0] == 202

        await desk.post("/people/sarah/traits", {"traits": {"plan": "new"}})

        told = (await desk.get("/people/sarah")).json()
        assert (told["traits"], told["runs"], told["deliveries"]) == ({"plan": "new"}, [], [])

    at_the_desk(tmp_path, visit)


def test_where_nothing_is_exported_the_job_names_the_day_on_which_facts_lapse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "can_export", lambda _: False)

    async def visit(desk: Desk) -> None:
        await cart_left(desk, "sarah")

        _, job = await delete(desk, "/people/sarah")

        assert (await desk.get("/people/sarah/facts")).status_code == 404
        asked_on, lapses_on = (date.fromisoformat(str(job[each])[:10]) for each in ("asked_at", "lapses_on"))
        assert lapses_on - asked_on == timedelta(days=90)

    at_the_desk(tmp_path, visit)


def test_only_a_key_for_people_erases_and_there_are_no_other_jobs(tmp_path: Path) -> None:
    async def visit(desk: Desk) -> None:
        await cart_left(desk, "sarah")
        assert (await delete(desk, "/people/sarah", by="eve"))[0] == 403
        assert (await desk.client.delete("/people/sarah")).status_code == 401
        for name in ("x", "0001-ab", "9999-ab", "-"):
            assert (await desk.get(f"/erasures/{name}")).status_code == 404
        assert (await desk.get("/people/sarah")).status_code == 200

    at_the_desk(tmp_path, visit)
