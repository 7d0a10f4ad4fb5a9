"""The commands of keys: one is made, shown once, and kept by nobody."""

from __future__ import annotations

import secrets
import string
from typing import Annotated, Final

import typer

keys = typer.Typer(name="keys", help="Keys for those who may come in by the door.", no_args_is_help=True)

ALPHABET: Final = string.ascii_letters + string.digits

SECRET_CHARACTERS: Final = 32
"""190 bits: nobody finds one by trying."""

PREFIXES: Final = {True: "wk_", False: "sk_"}
"""By whether it is only for handing events in: such a key may stand in the settings of many clients."""


@keys.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="By which logs and facts tell whose it is.")],
    scope: Annotated[list[str], typer.Option("--scope", metavar="SCOPE", help="What it opens; may be repeated.")],
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", metavar="URL", help="A site whose pages hold it; it is public then. May be repeated."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="TIME", help="From when on it opens nothing, in ISO 8601.")
    ] = None,
) -> None:
    """Make a key: its secret for the client, and its entry for serve.yaml. The secret is shown this once.

    Scopes are ingest, feedback, decide, people:read, people, operate:read and operate.
    """
    import json
    from hashlib import sha256

    from pydantic import ValidationError

    from parcours.errors import CallerError
    from parcours.ingress.settings import KeyEntry
    from parcours.validation import keys_of_model, line_of, mattering, message_of

    prefix = PREFIXES[set(scope) <= {"ingest", "decide"}]
    secret = prefix + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_CHARACTERS))
    entry: dict[str, object] = {"name": name, "sha256": sha256(secret.encode()).hexdigest(), "scopes": list(scope)}
    if origin:
        entry |= {"public": True, "origins": list(origin)}
    if expires is not None:
        entry["expires"] = expires
    try:
        KeyEntry.model_validate(entry)
    except ValidationError as error:
        known = keys_of_model(KeyEntry)
        raise CallerError(line_of([(each["loc"], message_of(each, known)) for each in mattering(error)])) from None
    typer.echo(f"The secret, shown this once:\n\n    {secret}\n\nIts entry, under `keys:` in serve.yaml:\n")
    typer.echo(f"    - {json.dumps(entry, ensure_ascii=False)}")
