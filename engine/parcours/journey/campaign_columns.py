"""What shards have to tell of their people so that the steps of one stage can act.

What reads the profile alone they evaluate; of what reads the row as well they tell the paths, histories and consents
that it asks for. What a send or an update asks of a person is evaluated when it reaches her, and is no part of this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from parcours.expression.dotted import split_path
from parcours.expression.history import HistoryCall
from parcours.journey.campaign_parts import asked_of_rows
from parcours.journey.campaign_program import CampaignProgram, Stage, Table
from parcours.journey.campaign_steps import CampaignStep, Enrich, ReadAudience, ReadTable, SendToSet, UpdatePeople
from parcours.journey.set_expressions import SetExpression

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ShardColumns:
    """
    audiences    whose members are read, by their keys (definition_keys.py)
    expressions  of the profile alone, each text once
    paths        of traits, below `profile`
    histories    each call with its own window
    consents     the channel and purpose of each
    """

    audiences: tuple[str, ...]
    expressions: tuple[SetExpression, ...]
    paths: tuple[tuple[str, ...], ...]
    histories: tuple[HistoryCall, ...]
    consents: tuple[tuple[str, str], ...]


def shard_columns(campaign: CampaignProgram, stage: Stage) -> ShardColumns:
    """What the steps of a stage need to be told of people, in document order."""
    steps = [campaign.steps[name] for name in stage.steps]
    asked = [each for step in steps for each in _asked_of_sets_of_people(step, campaign)]
    both = [each for each in asked if each.basis == "both"]
    matched = [table.match for step in steps for table in _tables(step, campaign) if table.match_is_trait]
    return ShardColumns(
        audiences=_once(step.audience for step in steps if isinstance(step, ReadAudience)),
        expressions=tuple({each.text: each for each in asked if each.basis == "profile"}.values()),
        paths=_once(
            [*(path for each in both for path in each.profile), *(tuple(split_path(name)) for name in matched if name)]
        ),
        histories=_once(call for each in both for call in each.histories),
        consents=_once(consent for each in both for consent in each.consents),
    )


def _asked_of_sets_of_people(step: CampaignStep, campaign: CampaignProgram) -> Iterator[SetExpression]:
    if not isinstance(step, SendToSet | UpdatePeople):
        yield from asked_of_rows(step)
    yield from (table.join for table in _tables(step, campaign) if table.join is not None)


def _tables(step: CampaignStep, campaign: CampaignProgram) -> list[Table]:
    """The tables whose rows the step links to people."""
    if isinstance(step, ReadTable):
        return [campaign.tables[step.table]]
    if isinstance(step, Enrich):
        return [campaign.tables[each.table] for each in step.enrichments]
    return []


def _once(values: Iterable[_T]) -> tuple[_T, ...]:
    """Each value once, in the order in which it first comes."""
    return tuple(dict.fromkeys(values))
