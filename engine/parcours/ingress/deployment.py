"""What does a door need that nobody has said? Its own address, and keys to seal with.

On this machine alone both are found, and said, so that a first try needs no configuration. A door that others can reach
has to be told: an address or a key that was guessed would be in mails for good.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from parcours.config import Settings
from parcours.errors import SettingInvalid
from parcours.ingress.origins import is_loopback, shown_host
from parcours.ingress.sealed_links import SealedLinks
from parcours.ingress.settings import SIGNING_KEY_MIN, ServeSettings
from parcours.ingress.tokens import Seals
from parcours.routing.plan import Links
from parcours.service.service import Service
from parcours.store.private_files import FILE_MODE, make_folder

KEY_FILE: Final = "signing.key"


def check_reachable(settings: ServeSettings, *, has_marketing: bool) -> None:
    """Raises SettingInvalid for a door that others can reach, and that is not ready for them.

    has_marketing  whether mails leave that need a way out
    """
    if is_loopback(shown_host(settings.host)):
        return
    reached = f"host: {settings.host} can be reached by others, and "
    if not settings.keys:
        raise SettingInvalid(f"{reached}there are no keys: `parcours keys new` makes one")
    if not settings.signing_keys:
        raise SettingInvalid(f"{reached}there are no signing_keys: a text of {SIGNING_KEY_MIN} characters, as env:NAME")
    if has_marketing and settings.public_url is None and settings.unsubscribe == "here":
        raise SettingInvalid(
            f"{reached}marketing mails would have no way out: set public_url, or unsubscribe: elsewhere"
        )


def completed(settings: ServeSettings, address: str, store: Path | None) -> tuple[ServeSettings, list[str]]:
    """The settings with what was missing in them, and a sentence for each that was found.

    address  at which the door listens
    store    the folder in which a key that is made is kept; None where nothing outlives the process
    """
    found: dict[str, object] = {}
    said: list[str] = []
    if settings.public_url is None:
        found["public_url"] = address
        said.append(f"public_url is not set, and links lead to {address}")
    if not settings.signing_keys:
        found["signing_keys"] = (_kept_key(store),)
        where = "for as long as this process lives" if store is None else f"kept in {store / KEY_FILE}"
        said.append(f"signing_keys are not set, and links are sealed by a key {where}")
    return settings.model_copy(update=found), said


def links_of(settings: ServeSettings) -> SealedLinks:
    """The addresses that what leaves carries, by settings that are complete."""
    assert settings.public_url is not None, "completed settings have one"
    return SealedLinks(
        settings.public_url,
        settings.signing_keys,
        unsubscribe=settings.unsubscribe == "here",
        bounce_domain=None if settings.bounces is None else settings.bounces.domain,
    )


def agreed(
    given: ServeSettings, complete: ServeSettings, said: list[str], links: Links | None
) -> tuple[ServeSettings, list[str]]:
    """The settings of a door to an engine that ran already, and sentences, once they agree with those of the engine.

    given     as somebody has written them
    complete  with what was missing, of which `said` tells
    links     with which the engine was opened: links lead where that says, and are sealed by its keys
    Raises SettingInvalid where the door could not read what the engine seals.
    """
    if not isinstance(links, SealedLinks):
        return complete, ["the engine was opened without links of a door, and puts none into what leaves"]
    mine, theirs = Seals(complete.signing_keys).digests, links.seals.digests
    if theirs[0] not in mine:
        raise SettingInvalid(
            f"signing_keys: the engine that runs already seals links by the key with the digest {theirs[0]}, and this "
            f"door has {' '.join(mine)}: they would lead nowhere here. Give it that key, or end the engine "
            "(`parcours engine shut-down`) and open it anew"
        )
    if given.public_url is None:
        said = [f"public_url is not set, and links lead to {links.public_url}, as the engine was opened with"]
        complete = complete.model_copy(update={"public_url": links.public_url})
    elif given.public_url != links.public_url:
        said = [*said, f"links lead to {links.public_url}, as the engine was opened with, not to {given.public_url}"]
    if theirs != mine:
        differ = f"the engine was opened with signing keys of the digests {' '.join(theirs)}, and this door has"
        said = [*said, f"{differ} {' '.join(mine)}: links are sealed by the engine's first until it is opened anew"]
    return complete, said


async def engine_opened(
    open_service: Callable[[ServeSettings], Service], given: ServeSettings, address: str, store: Path | None
) -> tuple[Service, ServeSettings, list[str]]:
    """The service, yet to be started, with settings that are complete, and a sentence for each that was found.

    open_service  opens the engine by complete settings, or attaches to one that runs already
    The others are those of `completed`. Raises what opening raises, SettingInvalid where an engine that runs does not
    agree.
    """
    complete, said = completed(given, address, store)
    service = await asyncio.to_thread(open_service, complete)  # to find a cluster takes seconds
    if service.was_running:
        try:
            complete, said = agreed(given, complete, said, service.links)
            said += other_settings(complete.settings, service.settings)
        except BaseException:
            await service.close()
            raise
    return service, complete, said


def other_settings(here: Settings, there: Settings) -> list[str]:
    """A sentence where an engine that runs already was opened with other settings than are given here."""
    names = [name for name in Settings.model_fields if getattr(here, name) != getattr(there, name)]
    told = f"the engine goes on with the settings it was opened with, which differ in {', '.join(names)}"
    return [told] if names else []


def _kept_key(store: Path | None) -> str:
    """The key that was made before, or a new one. Only the owner of the file can read it."""
    made = secrets.token_urlsafe(SIGNING_KEY_MIN)
    if store is None:
        return made
    make_folder(store)
    path = store / KEY_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    except FileExistsError:
        kept = path.read_text(encoding="ascii").strip()
        if len(kept) < SIGNING_KEY_MIN:
            raise SettingInvalid(
                f"{path} holds no signing key: delete it, and links sent so far lead nowhere"
            ) from None
        return kept
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    return made
