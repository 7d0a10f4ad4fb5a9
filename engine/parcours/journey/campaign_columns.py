"""What shards have to tell of their people so that the steps of one stage can act.

What reads the profile alone they evaluate; of what reads the row as well they tell the paths, histories, consents and
audiences that it asks for. What a send or an update asks of a person is evaluated when it reaches her, and is no part
of this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from parcours.expression.dotted import split_path
from parcours.expression.history import HistoryCall
from parcours.journey.campaign_parts import asked_of_rows
from parcours.journey.campaign_program import CampaignProgram, Stage, Table
from parcours.journey.campaign_steps import (
    CampaignStep,
    Enrich,
    ReadAudience,
    ReadPeople,
    ReadTable,
    SendToSet,
    UpdatePeople,
)
from parcours.journey.program import Program
from parcours.journey.set_expressions import SetExpression, set_expression

_T = TypeVar("_T")

ALL_NAMES: Final = "*"
"""Stands for every namespace."""

USER_ID: Final = "userId"
"""Stands in `match` of a table for a user id, or for a person's name as results have it."""


@dataclass(frozen=True, slots=True)
class ShardColumns:
    """
    audiences    whose members are read or asked for, by their keys (definition_keys.py)
    expressions  of the profile alone, each text once
    paths        of traits, below `profile`
    histories    each call with its own window
    consents     the channel and purpose of each
    namespaces   whose names of hers are told, `ALL_NAMES` for those of any: by them rows of tables are linked to her,
                 and in later stages it is found out who has become whom since a set was made
    """

    audiences: tuple[str, ...]
    expressions: tuple[SetExpression, ...]
    paths: tuple[tuple[str, ...], ...]
    histories: tuple[HistoryCall, ...]
    consents: tuple[tuple[str, str], ...]
    namespaces: tuple[str, ...] = ()


def shard_columns(campaign: CampaignProgram, stage: Stage) -> ShardColumns:
    """What the steps of a stage need to be told of people, in document order."""
    asked = _asked_of_sets_of_people(campaign, stage)
    both = [each for each in asked if each.basis == "both"]
    tables, steps = tables_linked(campaign, stage), (campaign.steps[name] for name in stage.steps)
    matched = [name for name in map(matched_namespace, tables) if name is not None]
    asks = tables or any(each.basis in ("profile", "both") for each in asked)
    return ShardColumns(
        audiences=_once(
            [
                *(step.audience for step in steps if isinstance(step, ReadAudience)),
                *(audience for each in both for audience in each.audiences),
            ]
        ),
        expressions=tuple({each.text: each for each in asked if each.basis == "profile"}.values()),
        paths=_once([*(path for each in both for path in each.profile), *matched_paths(campaign, stage)]),
        histories=_once(call for each in both for call in each.histories),
        consents=_once(consent for each in both for consent in each.consents),
        namespaces=_once([*matched, *([ALL_NAMES] if stage.ends and asks else [])]),
    )


def asks_shards(campaign: CampaignProgram, stage: Stage) -> bool:
    """Whether shards have to be asked before the steps of a stage can be made."""
    reads = any(isinstance(campaign.steps[name], ReadPeople) for name in stage.steps)
    asks_nothing = shard_columns(campaign, stage) == ShardColumns((), (), (), (), ())
    return reads or not asks_nothing or bool(tables_linked(campaign, stage))


def are_evaluated_beside(campaign: CampaignProgram, stage: Stage) -> bool:
    """Whether something is asked of people in the stage that no shard can evaluate alone."""
    return any(each.basis == "both" for each in _asked_of_sets_of_people(campaign, stage))


def matched_paths(campaign: CampaignProgram, stage: Stage) -> tuple[tuple[str, ...], ...]:
    """The paths of traits by which rows of tables are linked to people."""
    return _once(path for path in map(matched_path, tables_linked(campaign, stage)) if path)


def matched_path(table: Table) -> tuple[str, ...]:
    """The path of the trait by which rows of the table are linked to people; () if it is none."""
    return tuple(split_path(table.match)) if table.match is not None and table.match_is_trait else ()


def matched_namespace(table: Table) -> str | None:
    """The namespace of the names by which they are, `ALL_NAMES` if it may be any; None if it is none."""
    if table.match is None or table.match_is_trait:
        return None
    return ALL_NAMES if table.match == USER_ID else table.match


def tables_linked(campaign: CampaignProgram, stage: Stage) -> list[Table]:
    """The tables whose rows the stage's steps link to people."""
    steps = [campaign.steps[name] for name in stage.steps]
    return [campaign.tables[name] for step in steps for name in _named_tables(step)]


def audience_columns(program: Program, audience: str) -> ShardColumns:
    """Whether somebody is in an audience, named by its key, and all that its condition reads of her."""
    known = program.audiences.get(audience)
    if known is None:
        return ShardColumns((audience,), (), (), (), ())
    asked = set_expression(known.condition)
    return ShardColumns((audience, *asked.audiences), (), asked.profile, asked.histories, asked.consents)


def _asked_of_sets_of_people(campaign: CampaignProgram, stage: Stage) -> list[SetExpression]:
    steps = [campaign.steps[name] for name in stage.steps]
    of_rows = [each for step in steps if not isinstance(step, SendToSet | UpdatePeople) for each in asked_of_rows(step)]
    joins = [table.join for table in tables_linked(campaign, stage) if table.join is not None]
    return [*of_rows, *joins]


def _named_tables(step: CampaignStep) -> list[str]:
    if isinstance(step, ReadTable):
        return [step.table]
    return [each.table for each in step.enrichments] if isinstance(step, Enrich) else []


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    """Each value once, in the order in which it first comes."""
    return tuple(dict.fromkeys(values))
