"""Somebody's own test suite lets days pass and looks at what was sent."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from parcours import Project, simulate
from parcours.core.fact import Moved
from parcours.errors import CallerError, EngineClosed
from parcours.testing.sent_names import SentNames
from parcours.testing.virtual_project import VirtualProject

README = Path(str(sys.modules["parcours.testing.virtual_project"].__file__)).parent / "README.md"


@pytest.fixture
def shop(parcours_project: Any, luma: Project) -> VirtualProject:
    """Luma, and sarah with a full cart."""
    shop: VirtualProject = parcours_project(luma, start=datetime(2026, 3, 2, 9, tzinfo=UTC))
    shop.identify("sarah", {"email": "s@luma.example", "phone": "+33612345678"})
    shop.track("sarah", "Product Added", {"cart": {"total": 80}})
    return shop


def test_time_passes_when_told_and_what_is_due_at_its_end_has_happened(shop: VirtualProject) -> None:
    shop.advance(minutes=59, seconds=59)
    before = shop.sent(who="sarah")
    shop.advance(seconds=1)

    (mail,) = shop.sent(who="sarah", channel="email")
    assert before == []
    assert (mail.message, mail.to, mail.at) == ("cart-reminder", "s@luma.example", shop.now)


@pytest.mark.parametrize(
    "asked, told",
    [
        ({"channel": "emial"}, "channel: the project has no channel 'emial', did you mean 'email'?"),
        ({"journey": "abandoned-card"}, "did you mean 'abandoned-cart'?"),
        ({"step": "remnid"}, "did you mean 'remind'?"),
        ({"message": "cart-remindr"}, "did you mean 'cart-reminder'?"),
    ],
)
def test_a_misspelt_name_is_told_for_it_would_look_as_if_nothing_was_sent(
    shop: VirtualProject, asked: dict[str, str], told: str
) -> None:
    with pytest.raises(CallerError, match=re.escape(told)):
        shop.sent(who="sarah", **asked)


def test_what_an_earlier_publication_named_can_still_be_asked_for(luma: Project) -> None:
    names = SentNames()
    names.add(luma.program)
    names.add(replace(luma.program, journeys=(), messages={}))

    names.check({"journey": "abandoned-cart", "step": "remind", "message": "cart-reminder"})


def test_a_reaction_moves_the_person_on(shop: VirtualProject) -> None:
    shop.advance(hours=1)
    shop.react("sarah", "opened", of="abandoned-cart.remind")
    shop.advance(timedelta(days=30))

    assert [sent.step for sent in shop.sent()] == ["remind"], shop.explain("sarah")


def test_the_same_happens_as_in_a_simulation(shop: VirtualProject, luma: Project) -> None:
    at = {"userId": "sarah", "timestamp": "2026-03-02T09:00:00Z"}
    calls: list[dict[str, Any]] = [
        {"type": "identify", "traits": {"email": "s@luma.example", "phone": "+33612345678"}, **at},
        {"type": "track", "event": "Product Added", "properties": {"cart": {"total": 80}}, **at},
    ]
    lines = [json.dumps(call).encode() for call in calls]
    for _ in range(10):
        shop.advance(days=1)

    assert shop.facts() == simulate(luma, lines, until_ms=1_773_306_000_000).facts  # 2026-03-12T09:00Z


def test_a_read_takes_place_when_its_time_has_come(parcours_project: Any, luma: Project) -> None:
    shop = parcours_project(luma, start=datetime(2024, 5, 6, 15, tzinfo=UTC))
    shop.identify("ana", {"city": "Seattle", "birth_year": 1990, "email": "ana@luma.example"})

    shop.advance(hours=1)

    assert [sent.at.hour for sent in shop.sent(who="ana", step="announce")] == [16]


def test_two_projects_do_not_disturb_each_other(shop: VirtualProject, parcours_project: Any, luma: Project) -> None:
    other = parcours_project(luma)
    shop.advance(hours=1)

    assert len(shop.sent()) == 1
    assert other.sent() == []
    assert other.profile("sarah") is None


def test_it_can_be_used_inside_a_coroutine(shop: VirtualProject) -> None:
    async def backend() -> int:
        shop.advance(hours=1)
        return len(shop.sent())

    assert asyncio.run(backend()) == 1


def test_an_explanation_says_where_somebody_is(shop: VirtualProject) -> None:
    assert "now: at leave-in-peace, waiting until 2026-03-02T10:00:00.000Z" in shop.explain("sarah")


@pytest.mark.parametrize(
    "wrong, sentence",
    [
        (lambda shop: shop.track("sarah", "Product Addd"), "no event 'Product Addd', did you mean 'Product Added'"),
        (lambda shop: shop.react("sarah", "opened", of="x.remnd"), "'x.remnd' has to be one step"),
        (lambda shop: shop.react("sarah", "opened", of="announce"), "a channel where it sends on several"),
        (lambda shop: shop.advance(days=-1), "time does not go back"),
        (lambda shop: shop.happen({"type": "poem", "userId": "sarah"}), "unknown type 'poem'"),
        (lambda shop: shop.happen({"type": "track", "userId": object()}), "the call cannot be written as JSON"),
        (lambda shop: shop.happen(None), "a call is an object"),
        (lambda shop: shop.react("sarah", "opend", of="abandoned-cart.remind"), "did you mean 'opened'"),
        (lambda shop: shop.react("sarah", None, of="abandoned-cart.remind"), "this is no reaction"),
        (lambda shop: shop.answer("sarah", 5, of="abandoned-cart.remind"), "the answer to a call is an object"),
        (lambda shop: shop.answer("sarah", "ab", of="abandoned-cart.remind"), "the answer to a call is an object"),
        (lambda shop: shop.advance(hours=float("nan")), "so much time cannot pass"),
        (lambda shop: shop.advance(days=4_000_000), "so much time cannot pass"),
        (lambda shop: shop.advance(days=2_800_000), "a test ends by the year 9000"),
        (lambda shop: shop.advance(days=10**12), "so much time cannot pass"),
        (lambda shop: shop.advance(5), "so much time cannot pass"),
        (lambda shop: shop.publish(None), "a Project or its folder is expected"),
        (lambda shop: shop.pause_journey(None), "a journey's name is a text"),
        (lambda shop: shop.close_journey(["abandoned-cart"]), "a journey's name is a text"),
        (lambda shop: shop.explain("\ud800"), "a person's id is a text that UTF-8 can write"),
        (lambda shop: shop.profile("\ud800"), "a person's id is a text that UTF-8 can write"),
        (lambda shop: shop.profile(None), "a person's id is a text"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error(wrong: Any, sentence: str, shop: VirtualProject) -> None:
    with pytest.raises(CallerError, match=sentence):
        wrong(shop)


def test_consents_are_told_by_channel_and_purpose(shop: VirtualProject) -> None:
    shop.consent("sarah", "email", purpose="news")
    shop.consent("sarah", "sms", granted=False)

    sarah = shop.profile("sarah")

    assert sarah is not None
    assert {key: sarah.consents[key] for key in [("email", "news"), ("sms", None)]} == {
        ("email", "news"): True,
        ("sms", None): False,
    }


def test_a_whole_number_is_asked_for_as_it_is_told(shop: VirtualProject) -> None:
    shop.identify(7, {"email": "seven@mail.example"})

    assert shop.profile(7) == shop.profile("7") is not None
    assert shop.sent(who=7) == []
    assert shop.explain(7) == shop.explain("7")


@pytest.mark.parametrize("start", [datetime(2026, 3, 2, 9), "2026-03-02", 0])  # noqa: DTZ001  # what is wrong with it
def test_a_start_needs_its_time_zone(start: Any, parcours_project: Any, luma: Project) -> None:
    for door in (parcours_project, VirtualProject):
        with pytest.raises(CallerError, match="a time with its zone is expected, such as datetime"):
            door(luma, start=start)


def test_folders_of_one_name_are_told_apart(
    parcours_project: Any, luma_copy: Path, shop_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = []
    for folder in (luma_copy, shop_folder):
        place = folder.parent / f"of-{folder.name}"
        place.mkdir()
        folder.rename(place / "here")
        monkeypatch.chdir(place)
        names.append(parcours_project("here").project.name)

    assert names == ["luma", "starter"]


def test_a_folder_is_loaded_once_until_it_changes(parcours_project: Any, shop_folder: Path) -> None:
    first, again = (parcours_project(folder).project for folder in (shop_folder, str(shop_folder)))
    settings = shop_folder / "parcours.yaml"
    settings.write_text(settings.read_text().replace("project: ", "project: new-"))
    changed = parcours_project(shop_folder).project

    assert first is again
    assert changed.name == f"new-{first.name}"


@pytest.mark.parametrize("asked", ["@sarah", "@user/@sarah"])
def test_a_user_id_that_looks_like_a_name_can_be_asked_for(asked: str, parcours_project: Any, luma: Project) -> None:
    shop = parcours_project(luma)
    shop.identify("@sarah", {"email": "s@luma.example"})
    shop.track("@sarah", "Product Added", {"cart": {"total": 80}})
    shop.advance(hours=1)

    profile = shop.profile(asked)
    assert profile is not None and profile.traits == {"email": "s@luma.example"}
    assert [sent.message for sent in shop.sent(who=asked)] == ["cart-reminder"]
    assert "run 1, version 1" in shop.explain(asked)


def test_nothing_is_left_running_behind_a_test(luma: Project) -> None:
    with VirtualProject(luma) as shop:
        shop.advance(days=1)
    shop.close()

    with pytest.raises(EngineClosed):
        shop.advance(days=1)


def test_the_code_of_the_guide_runs(tmp_path: Path, shop_folder: Path) -> None:
    code = "\n\n".join(block.split("```")[0] for block in README.read_text().split("```python\n")[1:])
    conftest = f"import pytest\n\n\n@pytest.fixture\ndef shop_folder():\n    return {str(shop_folder)!r}\n"
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_guide.py").write_text(code)

    done = run_pytest(tmp_path, "-W", "error", "-q")

    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_the_tests_of_the_guide_pass(shop_folder: Path) -> None:
    from parcours.testing.cases.read import read_cases
    from parcours.testing.cases.run import run_cases, verdict_lines

    (shop_folder / "tests" / "abandoned-cart.yaml").write_text(README.read_text().split("```yaml\n")[1].split("```")[0])
    project = Project.load(shop_folder)
    cases, findings = read_cases(project, shop_folder)

    (verdict,) = run_cases(project, cases)

    assert (findings, verdict.passed) == ([], True), "\n".join(verdict_lines(verdict))


def test_whoever_does_not_use_the_fixture_does_not_pay_for_it(tmp_path: Path) -> None:
    heavy = "{'ray', 'pydantic', 'msgspec', 'parcours.simulation.simulation'}"
    (tmp_path / "test_none.py").write_text(
        f"import sys\n\n\ndef test_nothing():\n    assert not {heavy} & set(sys.modules)\n"
    )

    done = run_pytest(tmp_path, "-q", "-p", "no:hypothesispytest", "-p", "no:cacheprovider")

    assert done.returncode == 0, done.stdout + done.stderr


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Pytest in a folder of its own, with the plugin as an installation brings it, whether or not it is installed."""
    plugin = ("-p", "no:parcours", "-p", "parcours.testing.pytest_plugin")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugin, "--rootdir", str(folder), str(folder), *options],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
    )


def test_steps_are_told_in_the_order_of_happening(shop: VirtualProject) -> None:
    shop.advance(days=1, hours=1)

    reached = [fact.step for fact in shop.facts() if isinstance(fact, Moved) and fact.what == "reached"]
    assert reached == ["leave-in-peace", "remind", "opened", "text", "one-more-day"]
