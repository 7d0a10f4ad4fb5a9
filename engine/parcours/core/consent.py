"""May this person be written to, as far as she has said? Consent per channel, and per purpose where she was asked.

What was said last counts: consent to or withdrawal from a whole channel replaces what was said about its
purposes. Of whom nothing is known, the project's policy holds.
"""

from __future__ import annotations

from parcours.core.profile import Profile
from parcours.journey.program import ConsentPolicy


def set_consent(profile: Profile, channel: str, purpose: str | None, granted: bool) -> None:
    """Remember what the person said about a channel, or about one purpose on it."""
    if purpose is None:
        for key in [key for key in profile.consents if key.startswith(f"{channel}\0")]:
            del profile.consents[key]
    profile.consents[_key(channel, purpose)] = granted


def has_consent(profile: Profile, policy: ConsentPolicy, channel: str, purpose: str) -> bool:
    """Whether the person may get marketing of this purpose on this channel."""
    for key in (_key(channel, purpose), _key(channel, None)) if profile.consents else ():
        if key in profile.consents:
            return profile.consents[key]
    return policy.assumes(channel)


def _key(channel: str, purpose: str | None) -> str:
    return channel if purpose is None else f"{channel}\0{purpose}"
