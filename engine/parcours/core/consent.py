"""Consent: whether a person may be sent marketing, per channel and, where she was asked for one, per purpose.

The latest word counts: consent to or withdrawal from a whole channel replaces what was said about its purposes. Where a
person has said nothing, the project's policy holds.
"""

from __future__ import annotations

from collections.abc import Mapping

from parcours.core.profile import Profile
from parcours.journey.channels import PERSONALISATION
from parcours.journey.program import ConsentPolicy, Policies, Program


def set_consent(profile: Profile, channel: str, purpose: str | None, granted: bool) -> bool:
    """Keep the person's consent, or its withdrawal, for a channel or one purpose on it. True if that is news."""
    key, replaced = _key(channel, purpose), False
    if purpose is None:
        for other in [each for each in profile.consents if each.startswith(f"{channel}\0")]:
            replaced |= profile.consents.pop(other) != granted
    is_news = replaced or profile.consents.get(key) is not granted
    profile.consents[key] = granted
    return is_news


def has_consent(profile: Profile, policy: ConsentPolicy, channel: str, purpose: str) -> bool:
    """Whether the person may get marketing of this purpose on this channel."""
    said = _word(profile.consents, _key(channel, purpose)) if profile.consents else None
    return policy.assumes(channel) if said is None else said


def may_personalise(profile: Profile, policies: Policies) -> bool:
    """Whether scores may be made of the person, and her positions be used: by her word on `PERSONALISATION` as a
    whole, else by the policy.
    """
    said = profile.consents.get(PERSONALISATION) if profile.consents else None
    return policies.personalisation == "opt_out" if said is None else said


def joined_consents(own: Mapping[str, bool], theirs: Mapping[str, bool], *, grants: bool) -> dict[str, bool]:
    """What two people have said who become one: of whatever either has spoken of. A withdrawal by either holds.

    grants  whether a grant of the second one's counts
    """
    joined: dict[str, bool] = {}
    for key in dict.fromkeys((*own, *theirs)):
        said, also_said = _word(own, key), _word(theirs, key)
        if said is False or also_said is False:
            joined[key] = False
        elif said or grants:
            joined[key] = True
    return joined


def stated_consents(profile: Profile) -> dict[tuple[str, str | None], bool]:
    """What the person has said, by (channel, purpose); the purpose is None where she spoke of the whole channel."""
    return {spoken_of(key): granted for key, granted in profile.consents.items()}


def spoken_of(key: str) -> tuple[str, str | None]:
    """The channel and the purpose of a key of `Profile.consents`; None for all purposes."""
    channel, separator, purpose = key.partition("\0")
    return channel, purpose if separator else None


def consents_in_force(profile: Profile, program: Program) -> dict[tuple[str, str | None], bool]:
    """Whether the person may get marketing, by (channel, purpose); the purpose is None for any that nobody has named.

    Of the channels on which anything is sent or of which she has spoken, and of the purposes that occur there.
    """
    purposes = dict.fromkeys(program.policies.consent.channels, frozenset[str]())
    for versions in (program.messages, *(journey.messages for journey in program.versions())):
        for message in versions.values():
            if message.message_class == "marketing":
                for channel in message.contents:
                    purposes[channel] = purposes.get(channel, frozenset()) | {message.purpose}
    for destination in program.destinations.values():
        if destination.consent is not None:
            channel, purpose_of = destination.consent
            purposes[channel] = purposes.get(channel, frozenset()) | {purpose_of}
    for channel, purpose in stated_consents(profile):
        purposes[channel] = purposes.get(channel, frozenset()) | ({purpose} if purpose else frozenset())
    in_force: dict[tuple[str, str | None], bool] = {}
    for channel, named in sorted(purposes.items()):
        in_force[channel, None] = profile.consents.get(_key(channel, None), program.policies.consent.assumes(channel))
        for purpose in sorted(named):
            in_force[channel, purpose] = has_consent(profile, program.policies.consent, channel, purpose)
    return in_force


def _key(channel: str, purpose: str | None) -> str:
    return channel if purpose is None else f"{channel}\0{purpose}"


def _word(said: Mapping[str, bool], key: str) -> bool | None:
    """What somebody has said at this key, else of its whole channel."""
    return said.get(key, said.get(spoken_of(key)[0]))
