"""The options of commands that ask a store, or a running engine by its door."""

from __future__ import annotations

from typing import Annotated, Final

import typer

URL_HELP: Final = "The door of a running engine, such as http://127.0.0.1:8080."

KEY_HELP: Final = "The key for it: env:NAME or file:PATH; PARCOURS_KEY, if this is left out."

ClusterAddress = Annotated[
    str | None,
    typer.Option(
        metavar="RAY",
        help="A Ray cluster, such as auto, in which the engine stays; one that is there is used as it is.",
    ),
]
DoorUrl = Annotated[str | None, typer.Option("--url", metavar="URL", help=URL_HELP)]
NeededUrl = Annotated[str, typer.Option("--url", metavar="URL", help=URL_HELP)]
DoorKey = Annotated[str | None, typer.Option("--key", metavar="REF", help=KEY_HELP)]


def named_store(address: str | None) -> str | None:
    """The store of an option, with the folder of its files if it remembers one."""
    from parcours.store.address import known_address
    from parcours.store.postgres.url import is_postgres

    written_store(address)
    return known_address(address) if address is not None and is_postgres(address) else address


def written_store(address: str | None) -> str | None:
    """The address of an option as it is; it is said where a relative one was perhaps meant to be absolute."""
    from parcours.store.address import folder_of, perhaps_absolute

    if address is not None and (absolute := perhaps_absolute(address)) is not None:
        typer.echo(
            f"{address} is {folder_of(address).absolute()}, and nothing is there yet: did you mean {absolute}, with "
            "four slashes?",
            err=True,
        )
    return address


def one_of(store: str | None, url: str | None) -> bool:
    """Whether it is the store that is asked. Raises BadParameter unless exactly one of the two is given."""
    if (store is None) == (url is None):
        raise typer.BadParameter("choose one of --store and --url.", param_hint="--store")
    return store is not None
