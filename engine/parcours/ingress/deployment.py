"""What does a door need that nobody has said? Its own address, and keys to seal with.

On this machine alone both are found, and said, so that a first try needs no configuration. A door that others can reach
has to be told: an address or a key that was guessed would be in mails for good.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from parcours.errors import SettingInvalid
from parcours.ingress.origins import is_loopback, shown_host
from parcours.ingress.sealed_links import SealedLinks
from parcours.ingress.settings import SIGNING_KEY_MIN, ServeSettings
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
