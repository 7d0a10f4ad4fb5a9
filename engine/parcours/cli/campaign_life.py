"""The commands with which a campaign of a running engine is begun, looked at, and changed."""

from __future__ import annotations

import json as as_json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final

import typer

from parcours.cli.door_options import DoorKey, NeededUrl
from parcours.cli.operate import AsJson, Dry, LedgerNumber, change

CampaignName = Annotated[str, typer.Argument(metavar="NAME", help="The campaign's name.")]


def run(name: CampaignName, url: NeededUrl, key: DoorKey = None, json: AsJson = False) -> None:
    """Let a run of a campaign begin now."""
    from parcours.cli.remote import Remote

    begun = Remote(url, key).post("campaigns", name, "run")
    typer.echo(_compact(begun) if json else f"Run {begun['run']} of {begun['name']} is under way.")


def show(
    name: CampaignName,
    url: NeededUrl,
    number: Annotated[
        int | None, typer.Option("--run", metavar="N", min=1, help="The run that is shown step by step; the newest.")
    ] = None,
    key: DoorKey = None,
    json: AsJson = False,
) -> None:
    """Show how a campaign stands: its runs, and one of them step by step, with the sizes of its sets."""
    from parcours.cli.remote import Remote

    door = Remote(url, key)
    looked = door.look("campaigns", name)
    if number is None and looked["kept"]:
        number = looked["kept"][-1]["run"]
    run = None if number is None else door.look("campaigns", name, "runs", str(number))
    if json:
        typer.echo(_compact({"campaign": looked, "run": run}))
    else:
        _print(looked, run)


def _of_campaign(verb: str, told: str) -> Callable[..., None]:
    """The command that changes one campaign; `told` is its help."""

    def changed(
        name: CampaignName,
        url: NeededUrl,
        dry: Dry = False,
        ledger: LedgerNumber = None,
        key: DoorKey = None,
        json: AsJson = False,
    ) -> None:
        change(url, key, ("campaigns", name, verb), {"dry": dry, "ledger": ledger}, json=json)

    changed.__name__, changed.__doc__ = verb, told
    return changed


COMMANDS: Final[dict[str, Callable[..., None]]] = {
    "run": run,
    "show": show,
    "pause": _of_campaign("pause", "Let no run and no step of a campaign begin, until it is resumed."),
    "resume": _of_campaign("resume", "Let a paused campaign go on; it makes up for what it has missed."),
    "close": _of_campaign(
        "close", "Let no run of a campaign begin until the next publication; one that is under way goes on."
    ),
    "stop": _of_campaign(
        "stop", "End the runs of a campaign where they are, and let none begin until the next publication."
    ),
}
"""By the names under which they are in the group."""


def _compact(told: object) -> str:
    return as_json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _print(looked: Mapping[str, Any], run: Mapping[str, Any] | None) -> None:
    from rich.console import Console
    from rich.text import Text

    from parcours.insight.fitting_table import FittingTable

    console = Console()
    console.print(Text.assemble((looked["name"], "bold"), f"  version {looked['version']}, {looked['state']}"))
    runs = "1 run" if looked["runs"] == 1 else f"{looked['runs']:,} runs"
    console.print(f"{runs} · goal reached by {looked['goal']:,}", highlight=False)
    listed = FittingTable(["began", "ended", "by", "is", "run"], widest=2)
    for each in looked["kept"]:
        state = each["state"].replace("_", " ")
        listed.add_row(each["began"], each["ended"] or "", each["by"], state, str(each["run"]))
    if looked["kept"]:
        console.print(listed)
    for each in looked["not_begun"]:
        console.print(f"No run began at {each['at']}: {each['why'].replace('_', ' ')}.", highlight=False)
    if run is not None:
        console.print()
        console.print(Text.assemble((f"run {run['run']}", "bold"), f"  version {run['version']}"))
        console.print(_steps(run["steps"]))
        for step, told in run["steps"].items():
            if told["why"]:
                console.print(Text(f"{step}: {told['why']}"))


def _steps(steps: Mapping[str, Mapping[str, Any]]) -> Any:
    """A row for each output of each step, and for each reason for which rows were dropped."""
    from parcours.insight.fitting_table import FittingTable

    table = FittingTable(["step", "at", "took", "output", "has"], widest=3)
    for step, told in steps.items():
        sizes = [*told["outputs"].items(), *((f"dropped: {why}", rows) for why, rows in told["dropped"].items())]
        firsts = [(step, told["at"], f"{told['inflow']:,}")]
        firsts += [] if told["begins"] is None else [("  begins", told["begins"], "")]
        for at in range(max(len(sizes), len(firsts))):
            output, rows = (sizes[at][0], f"{sizes[at][1]:,}") if at < len(sizes) else ("", "")
            table.add_row(*(firsts[at] if at < len(firsts) else ("", "", "")), output, rows)
    return table
