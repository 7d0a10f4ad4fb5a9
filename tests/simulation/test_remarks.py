"""What channels remark on rendered deliveries is counted by step and channel, the same in any number of shards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from parcours.config import Settings
from parcours.core.remarks import OTHER_REMARKS
from parcours.dispatch.recorded_rendering import RecordedRendering
from parcours.journey.project import Project
from parcours.simulation.result_files import summary_bytes
from parcours.simulation.simulation import Result

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

SHOP = """# file parcours.yaml
{project: shop, policies: {consent: {default: opt_out}}}
# file profile.yaml
{traits: {name: string, phone: string, email: string, title: string}, addresses: {sms: profile.phone}}
# file events.yaml
events: {Bought: {properties: {}}}
# file messages/thanks.yaml
message: thanks
sms: {text: "Thank you, {{ profile.name }}"}
email: {subject: "{{ profile.title }}", text: "Thank you"}
# file journeys/thanks.yaml
journey: thanks
entry: {event: Bought}
steps:
  - {id: text, send: thanks, channels: [sms]}
  - {id: pause, wait: 1h}
  - {id: mail, send: thanks, channels: [email]}
  - {id: done, end: true}
"""

NAMES = ("Anna", "Zoê", "Anna " * 40, "Ö", "Łukasz", " ")
"""GSM-7 in one segment but for the second and the fifth, which need UCS-2, and the third, which needs two segments."""

UCS_2 = ("thanks", "text", "sms", "the text leaves as 1 segment in UCS-2")
LONG = ("thanks", "text", "sms", "the text leaves as 2 segments in GSM-7")
EMPTY = ("thanks", "mail", "email", "the subject is empty")

REMARKS = {UCS_2: 20, LONG: 10, EMPTY: 12}


@pytest.fixture
def shop(write: Write) -> Project:
    return Project.load(write(SHOP))


@pytest.fixture
def bought(recording: Recording) -> Recording:
    """60 people, of whom every fifth has no title."""
    for number in range(60):
        who, title = f"person-{number}", "Thanks" if number % 5 else ""
        traits = {"name": NAMES[number % 6], "phone": f"+3361234{number:04}", "title": title}
        recording.identify(number, who, email=f"{who}@mail.example", **traits)
        recording.track(number + 1_000, who, "Bought")
    return recording


def played(shop: Project, recording: Recording, shards: int = 1, settings: Settings | None = None) -> Result:
    rendering = RecordedRendering.of(shop, keep=False)
    return recording.play(shop, rendering=rendering, shards=shards, settings=settings).result


@pytest.mark.parametrize("shards", [1, 2, 7])
def test_remarks_are_counted_over_all_deliveries(shards: int, shop: Project, bought: Recording) -> None:
    result = played(shop, bought, shards)

    assert result.remarks == REMARKS
    assert msgspec.json.decode(summary_bytes(result.summary))["remarks"] == {
        "thanks": {
            "mail": {"email": {EMPTY[-1]: 12}},
            "text": {"sms": {UCS_2[-1]: 20, LONG[-1]: 10}},
        }
    }


def test_beyond_the_setting_the_last_ones_in_their_order_are_counted_together_in_any_number_of_shards(
    shop: Project, bought: Recording
) -> None:
    settings = Settings(remarks_max=1)

    alone, *others = [played(shop, bought, shards, settings) for shards in (1, 2, 7)]

    assert alone.remarks == {UCS_2: 20, (*LONG[:3], OTHER_REMARKS): 10, EMPTY: 12}
    for apart in others:
        assert apart.remarks == alone.remarks
        assert summary_bytes(apart.summary) == summary_bytes(alone.summary)


def test_each_simulation_with_the_same_rendering_counts_anew(shop: Project, bought: Recording) -> None:
    rendering = RecordedRendering.of(shop, keep=False)

    once, again = [bought.play(shop, rendering=rendering, shards=2).result for _ in range(2)]

    assert once.remarks == again.remarks == REMARKS


def test_a_simulation_that_ends_early_has_the_remarks_so_far(shop: Project, bought: Recording) -> None:
    rendering = RecordedRendering.of(shop, keep=False)

    result = bought.play(shop, until=2_000, rendering=rendering).result

    assert result.remarks == {UCS_2: 20, LONG: 10}


def test_without_remarks_the_summary_has_no_key_for_them(
    shop: Project, bought: Recording, recording: Recording
) -> None:
    unrendered = bought.play(shop).result
    recording.lines = recording.lines[2:4]  # nobody but Zoê
    recording.lines = [each.replace("Zoê".encode(), b"Zoe") for each in recording.lines]
    unremarked = played(shop, recording)

    for result in (unrendered, unremarked):
        assert result.remarks == {}
        assert b"remarks" not in summary_bytes(result.summary)
