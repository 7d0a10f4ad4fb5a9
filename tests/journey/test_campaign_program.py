"""The compiled form of a campaign: its sets, columns, stages and expressions, and what belongs to a version of it."""

from __future__ import annotations

import pickle
from pathlib import Path
from shutil import copytree

import pytest

from parcours.expression.expression import Scope
from parcours.journey.campaign_columns import ShardColumns, shard_columns
from parcours.journey.campaign_parts import asked_of_rows
from parcours.journey.campaign_program import CampaignProgram
from parcours.journey.campaign_steps import Column, Dedupe, Divide, Enrich, SendToSet, SetRef
from parcours.journey.picture.mermaid import campaign_mermaid
from parcours.journey.program import Send, Standby, Update
from parcours.journey.project import Project
from parcours.journey.publish.digest import digests_of
from parcours.journey.publish.ledger import published
from parcours.journey.publish.publications import PublicationCompiler, Publications, begun, candidate_of, source_of

CELLAR = Path(__file__).parent / "wishlist"


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.load(CELLAR)


@pytest.fixture(scope="module")
def autumn(project: Project) -> CampaignProgram:
    return project.program.campaigns[0]


def test_steps_take_sets_of_steps_above(autumn: CampaignProgram) -> None:
    assert {name: [str(source) for source in step.sources] for name, step in autumn.steps.items()} == {
        "tasters": [],
        "once": ["tasters"],
        "risk": ["once"],
        "leaving": ["risk.high"],
        "calm": ["risk.low", "risk.medium"],
        "noted": ["calm"],
        "big": ["noted"],
        "mail": ["big.few"],
        "tier": ["mail"],
        "clicked": ["tier"],
        "half": ["clicked.rest"],
        "text": ["half.sms"],
        "note": ["half.push"],
        "crowd": ["big.many"],
    }
    assert autumn.steps["mail"].outputs == ("main", "refused")
    assert autumn.steps["risk"].outputs == ("low", "medium", "high", "rest")
    assert autumn.steps["note"].after == ("text",)


def test_columns_stay_with_the_rows(autumn: CampaignProgram) -> None:
    noted = Column("list", {"wine": "string", "price": "number"})
    shop = Column("object", {"town": "string", "phone": "string"})

    assert autumn.columns_of(SetRef("calm")) == {}
    for step in ("noted", "big", "mail", "clicked", "half"):
        assert autumn.columns_of(SetRef(step)) == {"noted": noted, "spent": Column("number"), "shop": shop}
    mail = autumn.steps["mail"]
    assert isinstance(mail, SendToSet) and mail.row_paths == ("noted",)


def test_stages_are_told_apart_by_the_steps_that_end_later(autumn: CampaignProgram) -> None:
    assert [(stage.ends, stage.steps) for stage in autumn.stages] == [
        ((), ("tasters", "once", "risk", "leaving", "calm", "noted", "big", "mail", "crowd")),
        (("mail",), ("tier",)),
        (("tier",), ("clicked",)),
        (("clicked",), ("half", "text")),
        (("text",), ("note",)),
    ]


def test_an_expression_says_who_can_evaluate_it(autumn: CampaignProgram) -> None:
    asked = {each.text: each.basis for step in autumn.steps.values() for each in asked_of_rows(step)}

    assert asked == {
        "profile.email": "profile",
        "profile.score": "profile",
        "profile.churn < 0.3": "profile",
        "profile.churn < 0.7": "profile",
        "profile.phone": "profile",
        "profile.push_token": "profile",
        "profile.city": "profile",
        "row.noted": "row",
        'row.state == "paid"': "row",
        "row.amount": "row",
        "row.spent": "row",
        "row.shop": "row",
        'row.spent > 1000 ? "gold" : profile.tier': "both",
    }


def test_an_expression_reads_the_row_and_the_profile(autumn: CampaignProgram) -> None:
    enrich, once = autumn.steps["noted"], autumn.steps["once"]
    assert isinstance(enrich, Enrich) and isinstance(once, Dedupe)
    spent = enrich.enrichments[1]
    assert spent.where is not None and spent.value is not None

    assert spent.where.expression.holds(Scope(row={"state": "paid"}))
    assert spent.value.expression.value(Scope(row={"amount": 80})) == 80
    assert spent.value.row == ("amount",)
    assert [each if isinstance(each, str) else each.profile for each in once.by] == [(("email",),)]


def test_a_limit_is_a_share_as_it_is_written(autumn: CampaignProgram) -> None:
    risk = autumn.steps["risk"]
    assert isinstance(risk, Divide)

    assert [(each.name, each.limit, each.share) for each in risk.subsets] == [
        ("low", None, None),
        ("medium", None, 50),
        ("high", None, None),
    ]


def test_a_campaign_has_the_tables_that_its_steps_read(project: Project, autumn: CampaignProgram) -> None:
    assert set(autumn.tables) == {"cellar", "bills", "shops"}
    assert project.program.tables["regulars"].uses == ("bills",)
    assert project.program.tables["cellar"].match_is_trait and not project.program.tables["bills"].match_is_trait
    assert [each.text for each in project.program.tables["cellar"].key] == ["row.wine", "row.vintage"]


def test_histories_and_events_of_campaigns_are_listened_for(project: Project) -> None:
    assert project.program.moving == {"Case Ordered", "Tasting Booked"}
    assert set(project.program.series) == {"Tasting Booked"}


def test_it_travels_as_its_documents(project: Project, autumn: CampaignProgram) -> None:
    restored = pickle.loads(pickle.dumps(project))

    assert restored.program.campaigns == (autumn,)
    assert Project.from_json(project.to_json()).program.campaigns == (autumn,)


@pytest.mark.parametrize(
    "file, old, new, changes",
    [
        ("campaigns/autumn.yaml", "rate: 500/s", "rate: 400/s", True),
        ("campaigns/autumn.yaml", "limit: 50%", "limit: 50.0%", False),
        ("messages/last-bottles.yaml", "Until Sunday", "Until Monday", True),
        ("tables.yaml", "fold: true", "fold: false", True),
        ("tables.yaml", "count(*) as bills", "count(*)  as bills", False),  # a table that no step reads
        ("audiences.yaml", '"90d"', '"80d"', True),
        ("audiences.yaml", "Who may soon be gone", "Leaving", True),
        ("parcours.yaml", "Europe/Paris", "Europe/Oslo", False),
    ],
)
def test_a_version_covers_what_a_campaign_uses(
    project: Project, tmp_path: Path, file: str, old: str, new: str, changes: bool
) -> None:
    folder = tmp_path / "changed"
    copytree(CELLAR, folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    changed = Project.load(folder)

    digests = [digests_of(each.documents, each.program).campaigns["autumn"] for each in (project, changed)]
    assert (digests[0] != digests[1]) is changes


def test_the_graph_has_sets_on_its_edges(autumn: CampaignProgram) -> None:
    assert campaign_mermaid(autumn) == (CELLAR / "autumn.mmd").read_text(encoding="utf-8")


def test_the_graph_has_sizes_where_they_are_known(autumn: CampaignProgram) -> None:
    drawn = campaign_mermaid(autumn, {"tasters": 12_345, "risk.low": 7, "clicked.rest": 0, "elsewhere": 1})

    whole = (CELLAR / "autumn.mmd").read_text(encoding="utf-8").splitlines()
    assert [each.strip() for each in drawn.splitlines() if each not in whole] == [
        's0 -->|"12,345"| s1',
        's2 -->|"low 7"| s4',
        's9 -->|"rest 0"| s10',
    ]


def test_a_campaign_has_a_version_like_a_journey(project: Project, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    copytree(CELLAR, folder)
    path = folder / "campaigns/autumn.yaml"
    path.write_text(path.read_text() + "priority: 7\n")
    first = begun(project)
    changed = Project.load(folder)

    ledger = published(first.ledger, candidate_of(changed), 5, reopen=True)
    program = PublicationCompiler().program(Publications(ledger, {**first.sources, 2: source_of(changed)}))

    assert (program.campaigns[0].version, program.taking[0].version) == (2, 2)
    older = program.journey("autumn", 1)
    assert older is not None and (older.priority, older.steps.keys()) == (50, program.taking[0].steps.keys())
    assert [each.name for each in program.journeys] == []


def test_what_happens_to_one_person_is_a_journey_of_the_steps_that_take_her(project: Project) -> None:
    (taking,) = project.program.taking

    assert {name: type(step) for name, step in taking.steps.items()} == {
        "mail": Send,
        "tier": Update,
        "clicked": Standby,
        "text": Send,
        "note": Send,
    }
    assert (taking.name, taking.goal) == ("autumn", project.program.campaigns[0].goal)


def test_shards_are_asked_for_what_a_stage_needs(autumn: CampaignProgram) -> None:
    first, *later = (shard_columns(autumn, stage) for stage in autumn.stages)

    assert first.audiences == ("tasters",)
    assert [each.text for each in first.expressions] == [
        "profile.email",
        "profile.score",
        "profile.churn < 0.3",
        "profile.churn < 0.7",
        "profile.phone",
        "profile.city",
    ]
    assert first.paths == (("city",), ("email",))  # of the join with shops, and of the match of cellar
    assert all(each == ShardColumns((), (), (), (), ()) for each in later)


def test_of_what_reads_a_row_as_well_shards_tell_paths_histories_and_consents(tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    copytree(CELLAR, folder)
    (folder / "campaigns/second.yaml").write_text(
        "campaign: second\nsteps:\n"
        "  - {id: bills, read: {table: bills}}\n"
        "  - id: many\n"
        '    filter: \'row.amount > profile.score * 2 && count("Tasting Booked", "30d") > row.amount\'\n'
        '  - {id: may, filter: \'consent("email", "marketing") && has(row.amount)\'}\n'
        "  - {id: list, export: {file: many.csv, columns: [person, amount]}}\n"
    )
    second = next(each for each in Project.load(folder).program.campaigns if each.name == "second")

    (stage,) = second.stages
    columns = shard_columns(second, stage)

    assert columns.expressions == () and columns.paths == (("score",),)
    assert [(each.event, each.window_ms) for each in columns.histories] == [("Tasting Booked", 30 * 86_400_000)]
    assert columns.consents == (("email", "marketing"),)


def test_a_run_keeps_of_a_row_what_its_message_and_addresses_name(tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    copytree(CELLAR, folder)
    text = (folder / "campaigns/autumn.yaml").read_text()
    (folder / "campaigns/autumn.yaml").write_text(
        text.replace("channels: [email], rate", "channels: [email], to: {email: row.shop.phone}, rate")
    )

    mail = Project.load(folder).program.campaigns[0].steps["mail"]

    assert isinstance(mail, SendToSet) and mail.row_paths == ("noted", "shop.phone")
