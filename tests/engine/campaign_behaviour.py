"""What a campaign comes to in an engine, whatever its runtime and number of shards: S2 of the example `wishlist`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from shutil import copytree
from typing import Any

from ruamel.yaml import YAML

from parcours import Engine, Settings
from parcours.campaigns.campaign_line import CampaignLine
from parcours.core.fact import DeliveryReached, Fact
from parcours.core.time_text import time_text
from parcours.journey.project import Project
from parcours.runtime.runtimes import RuntimeName
from parcours.service.campaign_state import RunOfCampaign
from parcours.sets_settings import SetsSettings
from parcours.simulation.campaigning import CampaignsAsked
from parcours.simulation.simulation import simulate

CLICKED = ("joe", "mia", "sarah")
"""Those who click, if they have been sent the mail."""

WITHIN = "3s"
BEGIN_MS = 1_795_000_000_000
WITHIN_S = 60.0


@dataclass(frozen=True)
class Came:
    """
    sizes    of each output, named `STEP.OUTPUT`
    sent     by step, to whom its message has been sent
    exports  what each exported file holds
    """

    sizes: Mapping[str, int]
    sent: Mapping[str, Sequence[str]]
    exports: Mapping[str, bytes]


def wishlist(folder: Path) -> Project:
    """The example, without a schedule, with little time to click, and with a file of all who are mailed."""
    with as_file(files("parcours.examples") / "wishlist") as example:
        copytree(example, folder)
    path = folder / "campaigns" / "wishlist.yaml"
    document = YAML(typ="safe").load(path.read_text())
    for name in ("starts", "ends", "schedule"):
        document.pop(name)
    steps = {step["id"]: step for step in document["steps"]}
    steps["clicked"]["reacted"]["within"] = WITHIN
    columns = ["person", "row.wishlist", "row.spent"]
    export = {"id": "list", "export": {"file": "mailed-{run}.ndjson", "columns": columns}}
    document["steps"] = [*document["steps"][:6], export, *document["steps"][6:]]
    path.write_text(json.dumps(document))
    return Project.load(folder)


def events(project: Project) -> list[dict[str, Any]]:
    """What has happened to the example's people, without the times."""
    read = [json.loads(line) for line in (project.folder / "events.ndjson").read_text().splitlines()]
    taken = [each for each in read if each["type"] in ("identify", "track", "consent")]
    return [{name: value for name, value in each.items() if name != "timestamp"} for each in taken]


def until(found: Callable[[], object], within_s: float = WITHIN_S) -> None:
    """Return once there is something."""
    end = time.monotonic() + within_s
    while not found():
        assert time.monotonic() < end, "it has taken too long"
        time.sleep(0.02)


def sizes_of(run: RunOfCampaign) -> dict[str, int]:
    return {f"{name}.{output}": size for name, step in run.steps.items() for output, size in step.outputs.items()}


def sent_of(facts: Sequence[Fact]) -> dict[str, list[str]]:
    """By step, who has been sent its message, each as often as that was."""
    sent: dict[str, list[str]] = {}
    for fact in facts:
        if isinstance(fact, DeliveryReached) and fact.outcome == "sent":
            sent.setdefault(fact.step, []).append(fact.person)
    return {step: sorted(people) for step, people in sorted(sent.items())}


def exports_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}


def lived(
    project: Project,
    store: Path,
    runtime: RuntimeName,
    shards: int,
    disturb: Callable[[Engine], None] = lambda engine: None,
    sets: SetsSettings = SetsSettings(),
) -> Came:
    """The campaign in an engine; `disturb` is called while it goes on."""
    with Engine.open(
        project,
        f"sqlite:///{store}",
        runtime=runtime,
        shards=shards,
        records=["email", "sms", "push"],
        settings=Settings(campaign_lead_ms=100, sets=sets),
    ) as engine:
        happened = events(project)
        people = sorted({str(each["userId"]) for each in happened})
        engine.ingest(happened).result()
        engine.drain(WITHIN_S)
        engine.run_campaign("wishlist")
        disturb(engine)
        until(lambda: "mail" in _run(engine).steps)
        until(lambda: _run(engine).steps["mail"].outputs.keys() == {"main", "refused"})
        engine.ingest([reaction(person) for person in CLICKED]).result()
        until(lambda: _run(engine).state != "under_way")
        engine.drain(WITHIN_S)
        run = _run(engine)
        assert run.state == "done", run
        facts = [fact for person in people for fact in engine.facts(person)]
    return Came(sizes_of(run), sent_of(facts), exports_in(store / "exports"))


def _run(engine: Engine) -> RunOfCampaign:
    return engine.campaign("wishlist").runs[0]


def reaction(person: str) -> dict[str, Any]:
    told = {"reaction": "clicked", "campaign": "wishlist", "step": "mail", "channel": "email"}
    return {"type": "reaction", "userId": person, **told}


def simulated(project: Project, exports: Path, shards: int) -> Came:
    """The same under virtual time."""
    at = time_text(BEGIN_MS)
    clicked = [{**reaction(person), "timestamp": time_text(BEGIN_MS + 2_000)} for person in CLICKED]
    calls = [*({**each, "timestamp": at} for each in events(project)), *clicked]
    lines: list[CampaignLine] = []
    asked = CampaignsAsked(exports, (("wishlist", BEGIN_MS + 1_000),), lines.append)
    found = simulate(
        project,
        b"\n".join(json.dumps(each).encode() for each in calls),
        shards=shards,
        campaigns=asked,
        until_ms=BEGIN_MS + 60_000,
    )
    sizes = {f"{line.step}.{line.output}": line.size for line in lines}
    return Came(sizes, sent_of([*found.facts]), exports_in(exports))
