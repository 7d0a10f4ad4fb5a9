"""What stands on /changes: who has changed what is published, and what that came to."""

from __future__ import annotations

from pathlib import Path

from tests.ingress.page.studio import Seen, Studio, at_the_studio

from parcours import Project
from parcours.journey.publish.ledger import CHANGES_MAX, SENTENCES_MAX


def test_each_change_names_the_key_what_was_done_and_what_it_came_to(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in()
        by_ada = {"Authorization": "Bearer ada"}
        for verb in ("pause", "resume", "stop"):
            answer = await studio.client.post(f"/journeys/joined/{verb}", headers=by_ada)
            assert answer.status_code == 200
            outcome = answer.json()

        told = await studio.json("/changes")
        seen = Seen((await studio.look("/changes")).text)

        assert told["ledger"] == 4 and told["next"] is None
        named = ("what", "name", "by", "before", "ledger")
        assert [tuple(each[field] for field in named) for each in told["changes"]] == [
            ("stop", "joined", "ada", 3, 4), ("resume", "joined", "ada", 2, 3), ("pause", "joined", "ada", 1, 2),
            ("publish", "", "", 0, 1),
        ]  # fmt: skip
        stop, resume, pause, first = told["changes"]
        assert stop["runs"] == outcome["runs"] == {"stay": 0, "end": 7, "make_up": 0}
        assert stop["changes"] == list(outcome["changes"]) and pause["runs"]["stay"] == 7
        assert first["runs"] is None and resume["deliveries_cancelled"] == 0
        rows = [row for row in seen.rows if row[-1].strip().endswith("→ 4")]
        assert [each[1:4] for each in rows] == [
            ["ada", f"stopped joined{stop['changes'][0]}", "7 ended"],
        ]
        assert "nobody was named" in seen.text and "not counted" in seen.text
        assert seen.links["joined"] == "/journeys/joined"

    at_the_studio(tmp_path, visit)


def test_they_are_paged_and_the_oldest_are_forgotten(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        for number in range(260):
            await studio.door.service.pause_journey("joined", by=f"{number}")
            await studio.door.service.resume_journey("joined")
        await studio.log_in()

        first = await studio.json("/changes")
        last = await studio.json("/changes?skip=450")
        seen = Seen((await studio.look("/changes")).text)
        wrong = await studio.look("/changes?skip=-1")

        assert (first["next"], len(first["changes"]), first["remembered"]) == (50, 50, CHANGES_MAX)
        assert [each["ledger"] for each in first["changes"][:2]] == [521, 520]
        assert last["next"] is None and last["changes"][-1]["ledger"] == 521 - CHANGES_MAX + 1
        assert seen.links["Older ones"] == "/changes?skip=50"
        assert wrong.status_code == 400

    at_the_studio(tmp_path, visit)


def test_a_publication_is_remembered_with_the_first_of_what_it_changes_also_after_a_restart(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store"

    async def publish(studio: Studio) -> None:
        for number in range(SENTENCES_MAX + 3):
            path = studio.folder / "journeys" / f"further{number}.yaml"
            path.write_text(f"journey: further{number}\nentry: {{event: Came}}\nsteps: [{{id: rest, wait: 1d}}]\n")
        await studio.door.service.publish(Project.load(studio.folder), by="ada")

    async def visit(studio: Studio) -> None:
        published, first = (await studio.json("/changes"))["changes"]
        assert (published["by"], published["runs"]["stay"], len(published["changes"])) == ("ada", 0, SENTENCES_MAX)
        assert first["ledger"] == 1

    at_the_studio(tmp_path, publish, store=store)
    at_the_studio(tmp_path, visit, store=store)
