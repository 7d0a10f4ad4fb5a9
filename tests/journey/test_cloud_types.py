"""The types of CloudEvents that an author gives to his events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from parcours.journey.project import Project
from parcours.journey.publish.digest import digests_of

Change = Callable[[dict[str, str]], Path]


def with_types(luma: Path, **types: str) -> dict[str, str]:
    """The sample project's events, some with a type of CloudEvents; `Order_Completed` stands for `Order Completed`."""
    text = (luma / "events.yaml").read_text()
    for name, cloud_type in types.items():
        head, tail = text.split(f"  {name.replace('_', ' ')}: {{", 1)
        comma = "" if tail.startswith("}") else ", "
        text = f"{head}  {name.replace('_', ' ')}: {{cloud_type: {cloud_type}{comma}{tail}"
    return {"events.yaml": text}


def test_a_type_leads_to_its_event(luma: Path, changed: Change) -> None:
    project = Project.load(changed(with_types(luma, Order_Completed="com.luma.order", Notice_Shown="com.luma.notice")))

    assert project.program.cloud_types == {"com.luma.order": "Order Completed", "com.luma.notice": "Notice Shown"}


def test_what_an_event_is_called_elsewhere_makes_no_other_version_of_a_journey(luma: Path, changed: Change) -> None:
    before, after = Project.load(luma), Project.load(changed(with_types(luma, Order_Completed="com.luma.order")))

    assert digests_of(before.documents, before.program) == digests_of(after.documents, after.program)


def test_two_events_of_one_type_and_a_type_of_a_rule_are_errors(luma: Path, changed: Change) -> None:
    folder = changed(with_types(luma, Order_Completed="a", Cart_Emptied="a", Thanked="b"))

    assert [str(finding) for finding in Project.check(folder)] == [
        "events.yaml:5: events.Order Completed.cloud_type: 'Cart Emptied' has the same cloud_type",
        (
            "events.yaml:7: events.Thanked.cloud_type: 'Thanked' is recognised by a rule: give 'Notice Shown' the"
            " cloud_type"
        ),
    ]
