"""A campaign is published alone, with what it alone uses, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import DOCUMENTS, campaign, project_in

from parcours import Engine, Project, PublishRefused

TABLE: dict[str, Any] = {"file": "wishes.csv", "columns": {"who": "string"}, "person": "who", "match": "userId"}

STEPS: tuple[dict[str, Any], ...] = (
    {"id": "all", "read": {"table": "wishes"}},
    {"id": "one", "dedupe": {"by": ["person"]}},
    {"id": "kept", "save": "best"},
    {"id": "mail", "send": "offer", "channels": ["email"]},
)


def message(name: str, subject: str) -> dict[str, Any]:
    return {"message": name, "email": {"subject": subject, "text": "Here it is."}}


def journey(name: str, sent: str) -> dict[str, Any]:
    return {
        "journey": name,
        "entry": {"event": "Seen"},
        "steps": [{"id": "greet", "send": sent, "channels": ["email"]}],
    }


def shop(folder: Path, *steps: Mapping[str, Any], **documents: Mapping[str, Any]) -> Project:
    """A campaign `push` of these steps, `other` and the journey `hello` beside it; documents in place of these."""
    folder.mkdir()
    (folder / "wishes.csv").write_text("who\nu1\n")
    other = {**campaign({"id": "all", "read": "seen"}), "campaign": "other"}
    given: dict[str, Mapping[str, Any]] = {
        "messages_offer": message("offer", "An offer"),
        "journeys_hello": journey("hello", "news"),
        "campaigns_other": other,
        "tables": {"tables": {"wishes": TABLE}},
    }
    return project_in(folder, campaign(*steps), **{**given, **documents})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    project = shop(tmp_path / "first", *STEPS)
    with Engine.open(project, "memory:", runtime="local", records=["email", "sms"]) as engine:
        yield engine


def test_a_campaign_changes_with_all_that_it_alone_uses(engine: Engine, tmp_path: Path) -> None:
    changed = shop(
        tmp_path / "second",
        *STEPS,
        {"id": "note", "send": "late", "channels": ["email"]},
        messages_offer=message("offer", "Another offer"),
        messages_late=message("late", "Still here"),
        audiences={"audiences": {**DOCUMENTS["audiences"]["audiences"], "best": {"saved": True, "label": "The best"}}},
        tables={"tables": {"wishes": {**TABLE, "fold": True}}},
    )

    done = engine.publish(changed, journey="push")

    assert done.changes == (
        "the campaign 'push' has changed: runs go by version 2, and one under way stays on its own",
        "the audience 'best' has changed",
        "the message 'late' is new",
        "the message 'offer' has changed",
        "the table 'wishes' has changed",
    )
    assert engine.campaign("push").version == 2


@pytest.mark.parametrize(
    "documents, reason",
    [
        ({"journeys_hello": {**journey("hello", "news"), "description": "New."}}, "the journey 'hello' has changed"),
        ({"campaigns_other": {**campaign({"id": "all", "read": "best"}), "campaign": "other"}}, "the campaign 'other'"),
        ({"messages_news": message("news", "Changed")}, "the journey 'hello' has changed"),  # which sends it
        ({"journeys_second": journey("second", "offer")}, "the journey 'second' is new"),
        ({"parcours": {"project": "shop", "timezone": "Europe/Paris"}}, "parcours.yaml has changed"),
        ({"tables": {"tables": {"wishes": TABLE, "others": TABLE}}}, "the table 'others' is new"),
    ],
)
def test_what_changes_besides_refuses_it(
    engine: Engine, tmp_path: Path, documents: Mapping[str, Mapping[str, Any]], reason: str
) -> None:
    changed = shop(tmp_path / "second", *STEPS[:3], **documents)

    refused = engine.publish(changed, journey="push", dry=True)

    assert refused.changes == () and refused.refused[0].startswith(reason)
    with pytest.raises(PublishRefused, match=reason):
        engine.publish(changed, journey="push")
    assert engine.campaign("push").version == 1


def test_another_one_that_is_closed_stays_so(engine: Engine, tmp_path: Path) -> None:
    for name in ("push", "other"):
        engine.close_campaign(name)

    done = engine.publish(shop(tmp_path / "second", *STEPS), journey="push")

    assert done.changes == ("the campaign 'push' is open again",)
    assert {each.campaign: each.state for each in engine.campaigns()} == {"push": "open", "other": "closed"}


def test_a_name_that_nothing_has_is_refused_with_a_similar_one(engine: Engine, tmp_path: Path) -> None:
    project = shop(tmp_path / "second", *STEPS)

    for name, similar in (("psuh", "push"), ("helo", "hello")):
        with pytest.raises(PublishRefused, match=f"no journey or campaign '{name}', did you mean '{similar}'?"):
            engine.publish(project, journey=name)
