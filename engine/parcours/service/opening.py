"""What an engine is opened with: a plan made of what a caller gives, or one that runs already."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from types import NoneType

from parcours.arguments import check_kind, check_method
from parcours.campaigns.set_engines import check_makeable
from parcours.closing import close_after
from parcours.config import Settings, settings_of
from parcours.errors import ProjectInvalid, SettingInvalid
from parcours.journey.project import Project, check_project
from parcours.routing.plan import Links, Plan, check_shards
from parcours.runtime.exporting import address_secret, can_export, check_takes_facts
from parcours.service.attached_host import Attachment
from parcours.service.campaigns_of_host import usable_store
from parcours.service.channel_selection import allowing, delivering, recording, unlinked
from parcours.service.destination_settings import facts_to_open, lanes_to_open
from parcours.service.journey_control import drafted
from parcours.store.address import absolute, files_of, is_same_store
from parcours.store.place import shown_address

log = logging.getLogger("parcours")


def new_plan(
    project: Project,
    store: str,
    shards: int,
    records: Iterable[str],
    settings: Settings | None,
    environ: Mapping[str, str] | None,
    links: Links | None,
    private_hosts: Iterable[str],
    files: str | PathLike[str] | None,
) -> Plan:
    """By what an engine is opened. `Service.open` tells of each; raises as that does."""
    check_project("open", project)
    check_kind("environ", environ, (Mapping, NoneType), "a mapping of texts")
    check_method("links", links, "report_url")
    if project.drafts:
        raise ProjectInvalid("\n".join(drafted(project)))
    check_shards(shards)
    store = usable_store(project, store, files)
    recorded = recording(project, records)
    channels = delivering(project, recorded, os.environ if environ is None else environ)
    networks = tuple(private_hosts)
    lanes = lanes_to_open(project, recorded, os.environ if environ is None else environ, networks)
    channels = {**allowing(channels, networks), **lanes}
    plan = Plan(
        project, shards, store, channels, recorded, settings=settings_of(settings), exports=can_export(store),
        address_secret=address_secret(project, os.environ if environ is None else environ),
        links=links, facts_to=facts_to_open(project, recorded, os.environ if environ is None else environ),
    )  # fmt: skip
    check_takes_facts(plan.facts_to)
    check_makeable(plan.settings, project.program, files_of(store))
    if links is None and (without := unlinked(project, channels)):
        log.warning("no links are put into what leaves on %s: nobody gave `links`", ", ".join(without))
    return plan


def attaching(address: str, project: Project) -> Attachment:
    """The connection to the engine that runs the project in a cluster. Raises SettingInvalid, ShardUnavailable."""
    from parcours.runtime.cluster.attaching import attach  # Ray takes a second to import

    return attach(address, project.name)


def keeping(address: str, plan: Plan, runtime: str) -> Attachment:
    """The same; where none runs the project, an engine is opened by the plan, and stays there.

    Raises SettingInvalid where one with another store runs it too, StoreBroken where a store does not say which it is.
    """
    if runtime != "ray":
        raise SettingInvalid(f"address={address!r} is that of a Ray cluster, and runtime={runtime!r} uses none")
    from parcours.runtime.cluster.attaching import keep
    from parcours.service.keeper_desk import KeeperDesk

    plan = replace(plan, store=absolute(plan.store))
    attached = keep(address, plan, KeeperDesk)
    try:
        _check_same_store(plan, attached.plan)
    except BaseException as error:
        close_after(error, attached.close)
        raise
    return attached


def _check_same_store(wanted: Plan, running: Plan) -> None:
    if not is_same_store(wanted.store, running.store):
        there, here = shown_address(running.store), shown_address(wanted.store)
        raise SettingInvalid(
            f"the engine that runs {wanted.project.name!r} in this cluster has the store {there}, and not {here}: "
            "name that one, or another cluster"
        )
