"""The commands that look after a store while no engine uses it: back it up, restore it, check it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from parcours.cli.door_options import DoorKey, DoorUrl, named_store, one_of

if TYPE_CHECKING:
    from typing import TypeAlias

    from parcours.insight.exporter.checking import ExportsFound, Standing
    from parcours.store.store import Store

    Exports: TypeAlias = dict[str, dict[int, ExportsFound]]  # facts as "exports", and "inputs", by shard

POLL_S: Final = 0.2
"""How often a running engine is asked whether its backup is done."""

store = typer.Typer(name="store", help="Look after a store that no engine uses.", no_args_is_help=True)

STORE_HELP: Final = "The store, such as sqlite:///var/shop."

Url = Annotated[str, typer.Option("--store", metavar="URL", callback=named_store, help=STORE_HELP)]


@store.command()
def backup(
    address: Annotated[
        str | None, typer.Option("--store", metavar="URL", callback=named_store, help=STORE_HELP)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="With --store: an empty folder, or one to be made.")
    ] = None,
    url: DoorUrl = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="With --url: how the backup is to be called there.")
    ] = None,
    key: DoorKey = None,
) -> None:
    """Copy a store that no engine uses into a folder, and check all of it.

    A running engine makes its own backups: engine.backup(FOLDER), or --url, where they lie in the folder `backups` of
    the store's, on the engine's machine.
    """
    if one_of(address, url):
        if out is None or name is not None:
            raise typer.BadParameter("a store is copied into a folder: name one by --out.", param_hint="--out")
        assert address is not None, "it is one of the two"
        _copy(address, out)
        return
    if name is None or out is not None:
        raise typer.BadParameter("a backup of a running engine has a name: give one by --name.", param_hint="--name")
    assert url is not None, "it is one of the two"
    _back_up_there(url, key, name)


def _back_up_there(url: str, key: str | None, name: str) -> None:
    """Have a running engine make a backup, and wait until it is done."""
    from time import sleep

    from parcours.cli.remote import Remote
    from parcours.errors import BackupFailed

    door = Remote(url, key)
    job = door.post("store", "backup", body={"name": name})
    while job["state"] == "running":
        sleep(POLL_S)
        job = door.look("store", "backups", job["job"])
    if job["state"] != "done":
        raise BackupFailed(f"The backup {name!r} has not been made: {job['why']}.")
    typer.echo(f"{job['folder']} is a backup, on the machine of the engine.")


def _copy(url: str, out: Path) -> None:
    from parcours.shard.closed_store import copy_exports_of
    from parcours.store.backup import back_up

    layout = back_up(url, out, copy_exports_of)
    typer.echo(f"{out} is a backup of {layout.project!r}, {layout.shards} shards.")


@store.command()
def restore(
    source: Annotated[
        Path,
        typer.Option("--from", metavar="FOLDER", exists=True, file_okay=False, help="A backup, or a store's folder."),
    ],
    url: Url,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Take the files as they are, though the manifest says that newer ones have been there.",
        ),
    ] = False,
    erasures: Annotated[
        Path | None,
        typer.Option(
            "--erasures",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="The newest erasures.ndjson of the store: who was erased since the backup is erased again.",
        ),
    ] = None,
) -> None:
    """Copy a backup to where there is no store yet, and check all of it.

    The backup stays as it is. It has to be writable, for SQLite.
    """
    from parcours.shard.closed_store import copy_exports_of
    from parcours.store.address import folder_of
    from parcours.store.backup import restore as restore_store
    from parcours.store.erasure_log import LOG, add_to_log, read_log
    from parcours.store.place import shown_address

    layout = restore_store(source, url, copy_exports_of, accept_loss=accept_loss)
    if erasures is not None:
        add_to_log(folder_of(url) / LOG, read_log(erasures).values())
    typer.echo(f"{shown_address(url)} is the store of {layout.project!r}: open it with shards={layout.shards}.")


@store.command()
def check(url: Url) -> None:
    """Read all that a store holds, exported files too, and tell of each shard whether it is as it was written.

    Exit code 1 if anything is not.
    """
    from parcours.store.address import files_of, shards_of
    from parcours.store.backup import check_shard_at, strays_in

    shards, folder = shards_of(url), files_of(url)
    wrong = 0
    exports: Exports = {"exports": {}, "inputs": {}}
    for shard in range(shards):
        found = check_shard_at(url, shard, partial(_check_further, folder, shard, exports))
        if found.wrong is not None:
            wrong += 1
            typer.echo(f"shard {shard}: {found.wrong}")
        else:
            records = f"records {found.oldest} to {found.newest}" if found.newest else "no record yet"
            typer.echo(f"shard {shard}: {records}, {found.size_bytes:,} bytes, {found.images} images; all in order")
    wrong += 0 if folder is None else _tell_of_exports(folder, shards, exports)
    for stray in [] if folder is None else [folder / each for each in strays_in(folder, shards)]:
        wrong += 1
        typer.echo(f"{stray}: the store has {shards} shards, and this is of none of them")
    if wrong:
        raise typer.Exit(1)


def _check_further(folder: Path | None, shard: int, exports: Exports, store: Store) -> None:
    """What no store knows of: message ids, and what is exported. Raises StoreBroken for the former."""
    from parcours.insight.exporter.checking import Standing
    from parcours.shard.closed_store import check_messages, exported_of, tells

    if folder is not None:
        _check_exported(folder, shard, Standing(exported_of(store), partial(tells, store)), exports)
    check_messages(store)


def _check_exported(folder: Path, shard: int, standing: Standing | None, exports: Exports) -> None:
    from parcours.insight.exporter.checking import check_exports, check_inputs

    exports["exports"][shard] = check_exports(folder, shard, standing)
    exports["inputs"][shard] = check_inputs(folder, shard, standing)


def _tell_of_exports(folder: Path, shards: int, exports: Exports) -> int:
    """Tell of each shard of which anything is exported; returns how much is wrong."""
    from parcours.insight.exporter.checking import can_look_inside, exported_shards

    for shard in {*range(shards), *exported_shards(folder)} - exports["exports"].keys():
        _check_exported(folder, shard, None, exports)
    told = [(what, shard, found) for what, of_shard in exports.items() for shard, found in sorted(of_shard.items())]
    for what, shard, found in told:
        if not found.wrong and found.through:
            files = "1 file" if found.files == 1 else f"{found.files:,} files"
            size = f"{found.size_bytes:,} bytes"
            typer.echo(f"{what} of {_whose(shard)}: {files} through record {found.through}, {size}; all in order")
        for sentence in (*found.wrong, *found.remarks):
            typer.echo(f"{what} of {_whose(shard)}: {sentence}")
    if any(found.files for _, _, found in told) and not can_look_inside():
        install = "pip install 'parcours[insight]'"
        typer.echo(f"exports: no file has been looked into, only for its size, because pyarrow is missing: {install}")
    return sum(len(found.wrong) for _, _, found in told)


def _whose(shard: int) -> str:
    from parcours.store.exports import CAMPAIGNS_SHARD, PEOPLE_SHARD

    return {CAMPAIGNS_SHARD: "campaigns", PEOPLE_SHARD: "people"}.get(shard, f"shard {shard}")


@store.command()
def inputs(
    url: Url,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", dir_okay=False, help="The file to be written.")],
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="TIME", help="Leave out what took effect before, such as 2026-03-02T00:00:00Z."),
    ] = None,
) -> None:
    """Write all inputs of a store that no engine uses, in their order: `simulate` makes its twin of them.

    Its project has to say `insight: {inputs: true}`. The file holds personal data, and so does the store's folder.
    """
    from parcours.cli.run import time_ms
    from parcours.simulation.store_inputs import write_inputs
    from parcours.store.place import shown_address

    lines = write_inputs(url, out, 0 if since is None else time_ms(since, "--from"))
    typer.echo(f"{out} has {lines:,} inputs of {shown_address(url)}.")


@store.command()
def reshard(
    url: Url,
    shards: Annotated[int, typer.Option(metavar="N", help="For how many shards.")],
    target: Annotated[
        str,
        typer.Option("--to", metavar="URL", callback=named_store, help="The new store, where there is none yet."),
    ],
) -> None:
    """Make a store for another number of shards, with the same people, of one that no engine uses.

    The old one stays as it is: only one of the two may be opened from now on. Either may be on disk or in PostgreSQL.
    """
    from parcours.routing.plan import check_shards
    from parcours.shard.resharding import reshard as reshard_store
    from parcours.store.place import shown_address

    check_shards(shards)
    reshard_store(url, target, shards)
    new, old = shown_address(target), shown_address(url)
    typer.echo(f"{new} is the store for {shards} shards: open it with shards={shards}, and {old} no more.")
