"""Named people are followed step by step, with waits as short as asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from parcours import Project
from parcours.errors import CallerError
from parcours.testing.rehearsal import rehearse

PEOPLE = """\
people: {sarah: {email: s@luma.example}, mike: {}}
start: 2026-03-02T09:00:00Z
given:
  - {who: sarah, event: Product Added, properties: {cart: {total: 80}}}
  - {at: +5s, who: sarah, event: Product Added, properties: {cart: {}}}
"""

EVENTS = (
    '{"type":"track","event":"Checkout Started","userId":"%s","properties":{},"timestamp":"2026-03-02T09:00:00Z"}\n'
)


@pytest.mark.parametrize("name", ["people.yaml", "people.yml", "people.YAML"])
def test_everybody_is_followed_with_the_waits_made_short(name: str, luma: Project, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(PEOPLE)

    lines, findings = rehearse(luma, file, 10_000)

    assert findings == []
    assert lines[0] == "sarah"
    assert "  2026-03-02T09:00:10.000Z  +10s         abandoned-cart.remind: email cart-reminder sent" in lines
    assert "  2026-03-02T09:00:20.000Z  +20s         abandoned-cart.opened: timed out" in lines
    assert lines[-2:] == ["mike", "  nothing happened"]


def test_somebody_is_followed_whose_user_id_looks_like_a_name(luma: Project, tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(PEOPLE.replace("sarah", '"@sarah"'))

    lines, _ = rehearse(luma, file, None)

    assert lines[0] == "@user/@sarah"
    assert "abandoned-cart.remind: email cart-reminder sent" in "\n".join(lines)


def test_without_shortening_waits_are_as_long_as_written(luma: Project, tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(PEOPLE)

    lines, _ = rehearse(luma, file, None)

    assert "  2026-03-02T10:00:00.000Z  +1h          abandoned-cart.remind: email cart-reminder sent" in lines


CAMPAIGN = """\
people: {ana: {email: ana@shop.example, churnprop: 0.1, phone: "+33612345613"}}
start: 2026-11-02T07:00:00Z
given:
  - {who: ana, event: Product Viewed, properties: {category: equipment}}
  - {at: +1h5s, who: ana, reaction: clicked, of: wishlist.mail}
  - {at: +1d, campaign: wishlist}
until: +2d
"""


def test_a_campaign_waits_no_longer_either_and_may_begin_by_hand(wishlist: Project, tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(CAMPAIGN)

    lines, findings = rehearse(wishlist, file, 10_000)

    assert findings == []
    assert "  2026-11-02T08:00:10.000Z  +1h10s       wishlist.text: sms wishlist-nudge sent" in lines
    assert "  2026-11-03T07:00:00.000Z  +1d          wishlist: taken along by the campaign (run 2)" in lines


def test_a_run_that_fails_is_told(wishlist_folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(wishlist_folder, tmp_path / "wishlist"))
    table = copy / "data" / "wishlist.csv"
    table.write_text(table.read_text().replace(".90,", ".-90,"))
    file = tmp_path / "people.yaml"
    file.write_text(CAMPAIGN)

    lines, _ = rehearse(Project.load(copy), file, None)

    assert [line.partition(":")[0] for line in lines[-2:]] == [
        "run 1 of wishlist failed at wishes",
        "run 2 of wishlist failed at wishes",
    ]


def test_a_file_of_events_names_its_people_itself(luma: Project, tmp_path: Path) -> None:
    file = tmp_path / "people.ndjson"
    file.write_text(EVENTS % "sarah" + "{oops\n" + EVENTS % "mike")

    lines, _ = rehearse(luma, file, None)

    assert [line for line in lines if not line.startswith(" ") and line] == [
        "sarah",
        "mike",
        next(line for line in lines if line.startswith("line 2: not a call")),
    ]


@pytest.mark.parametrize("people", [0, 101])
def test_one_to_a_hundred_people_can_be_followed(people: int, luma: Project, tmp_path: Path) -> None:
    file = tmp_path / "people.ndjson"
    file.write_text("".join(EVENTS % number for number in range(people)))

    with pytest.raises(CallerError, match=f"names {people} people"):
        rehearse(luma, file, None)


def test_mistakes_are_findings(luma: Project, tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(PEOPLE.replace("who: sarah, event", "who: sara, event"))

    lines, findings = rehearse(luma, file, None)

    assert lines == []
    assert [finding.line for finding in findings] == [4, 5]
