"""What a publication says of insight/*.yaml, which is no part of any version."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree

import pytest

from parcours.journey.project import Project
from parcours.journey.publish.difference import Difference, beyond, differences
from parcours.journey.publish.publications import begun
from parcours.routing.change_protocol import publishing

YOGA = Path(__file__).parent / "yoga"
OF_YOGA, OF_MORE = "insight/yoga.yaml", "insight/more.yaml"
WEST_SIDE = '  west-side: {funnel: compared, who: "group:west", mode: append, schedule: {at: 2026-11-02T06:00:00Z}}\n'


def changed(folder: Path, file: str, old: str, new: str) -> tuple[Project, list[Difference]]:
    """The sample project with another text in one place of a file, and what publishing it would change."""
    changed_folder = Path(copytree(YOGA, folder))
    text = (changed_folder / file).read_text()
    assert old in text
    (changed_folder / file).write_text(text.replace(old, new))
    after, published = Project.load(changed_folder), begun(Project.load(YOGA))
    return after, differences(published, publishing(after, reopen=False)(published, 0))


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        (OF_YOGA, "sum: event.total", "sum: event.total * 2", "the metric 'revenue' has changed"),
        (OF_YOGA, "  opened: {count: deliveries.opened}\n", "", "the metric 'opened' is gone"),
        (OF_YOGA, '["Seattle", "San Francisco"]', '["Seattle"]', "the segment 'west' has changed"),
        (OF_YOGA, "within: 7d", "within: 8d", "the funnel 'to-order' has changed"),
        (OF_MORE, "  by-category:", "  by-kind:", "the funnel 'by-category' is gone"),
        (OF_YOGA, "most: 8", "most: 9", "the flow 'before-order' has changed"),
        (OF_YOGA, "lookback: 30d", "lookback: 31d", "the attribution 'orders' has changed"),
        (OF_MORE, "unit: month", "unit: day", "the cohort 'monthly' has changed"),
        (OF_YOGA, '"lost:2"', '"lost:1"', "the kept audience 'almost' has changed"),
        (OF_YOGA, "FREQ=DAILY", "FREQ=WEEKLY", "the kept audience 'almost' has changed"),
        (OF_MORE, "mode: append, ", "", "the kept audience 'west-side' has changed"),
        (OF_MORE, f"audiences:\n{WEST_SIDE}", "", "the kept audience 'west-side' is gone"),
    ],
)
def test_each_part_of_insight_that_changes_is_told_and_refused_beside_one_journey(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    after, found = changed(tmp_path / "changed", file, old, new)

    assert said in [each.text for each in found]
    assert beyond(found, after, "cart") == [each.text for each in found]  # none of it is the journey's alone


def test_what_comes_anew_is_told(tmp_path: Path) -> None:
    after, found = changed(tmp_path / "changed", OF_MORE, "metrics:\n", "metrics:\n  views: {count: Product Viewed}\n")

    assert [each.text for each in found] == ["the metric 'views' is new"]
    assert beyond(found, after, "cart") == ["the metric 'views' is new"]


@pytest.mark.parametrize(
    "old, new",
    [
        ("metrics:\n", "# Numbers.\nmetrics:\n"),
        ("{funnel: compared, who:", "{funnel: compared,    who:"),
    ],
)
def test_another_text_that_says_the_same_is_no_change(tmp_path: Path, old: str, new: str) -> None:
    _, found = changed(tmp_path / "changed", OF_MORE, old, new)

    assert found == []


def test_which_file_has_it_makes_no_difference(tmp_path: Path) -> None:
    folder = Path(copytree(YOGA, tmp_path / "changed"))
    (folder / OF_MORE).rename(folder / "insight/another.yaml")
    after, published = Project.load(folder), begun(Project.load(YOGA))

    assert differences(published, publishing(after, reopen=False)(published, 0)) == []
