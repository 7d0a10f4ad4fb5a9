"""The door's parts: what every handler may need, in one object."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from parcours.dispatch.addressing import InstalledAddresses
from parcours.ingress.backups import Backups
from parcours.ingress.bounces import ReturnPaths
from parcours.ingress.exchange import Request
from parcours.ingress.figures import DoorFigures
from parcours.ingress.inbox_streams import InboxStreams
from parcours.ingress.keys import Key, Keyring, secrets_shown
from parcours.ingress.live_streams import LiveStreams
from parcours.ingress.page.sandbox import Trials
from parcours.ingress.pressure import Pace
from parcours.ingress.project_folder import ProjectFolder
from parcours.ingress.settings import ServeSettings
from parcours.ingress.tokens import Seals
from parcours.ingress.troubles import TroubleTimes
from parcours.ingress.upload import Uploads
from parcours.journey.channels import PERSONALISATION, channels_known
from parcours.journey.program import Program
from parcours.service.service import Service

State: TypeAlias = Literal["starting", "open", "about to stop", "stopping"]


@dataclass(kw_only=True)
class Door:
    """
    service    answers; handlers run on its loop
    settings   of serve.yaml
    keys       of the clients
    now_ms     the engine's clock
    backups    of the store, which somebody has asked for
    trials     of projects that somebody tries out, in test mode
    uploads    of projects that are to be published
    folder     of the project with which the door was started; None where it was given an engine alone
    figures    what the door counts
    pace       of lines that became durable through the door
    state      `about to stop`: everything goes on, and /ready says so; `starting` and `stopping`: only /health and
               /ready answer, all else is 429
    inbox_streams  that are open
    troubles   since when each is known here, and how many there are
    live_streams   those of the page
    at_stop    called when streams and uploads have to end, before the server waits for them
    """

    service: Service
    settings: ServeSettings
    keys: Keyring
    now_ms: Callable[[], int]
    backups: Backups = field(default_factory=Backups)
    trials: Trials = field(default_factory=Trials)
    uploads: Uploads = field(default_factory=Uploads)
    folder: ProjectFolder | None = None
    figures: DoorFigures = field(default_factory=DoorFigures)
    pace: Pace = field(default_factory=Pace)
    state: State = "open"
    inbox_streams: InboxStreams = field(default_factory=InboxStreams)
    troubles: TroubleTimes = field(default_factory=TroubleTimes)
    live_streams: LiveStreams = field(default_factory=LiveStreams)
    at_stop: list[Callable[[], None]] = field(default_factory=list)
    _channels: tuple[Program, frozenset[str]] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.at_stop += [self.inbox_streams.end, self.live_streams.end, self.uploads.end, self.trials.end_all]
        self.at_stop.append(self.troubles.end)
        self.figures.streams.labels("inbox").set_function(lambda: self.inbox_streams.open)
        self.figures.streams.labels("live").set_function(lambda: self.live_streams.open)

    @cached_property
    def seals(self) -> Seals | None:
        """Make and read the tokens in addresses that are sent out; None where no signing key is configured."""
        return Seals(self.settings.signing_keys) if self.settings.signing_keys else None

    @cached_property
    def session_seals(self) -> Seals:
        """Make and read the cookies of sessions. Doors that share a port share the signing keys; without any of these
        sessions last as long as the process.
        """
        return self.seals or Seals([secrets.token_hex()])

    @cached_property
    def return_paths(self) -> ReturnPaths | None:
        """Read the addresses to which mail comes back; None where none is configured to come here."""
        bounces, keys = self.settings.bounces, self.settings.signing_keys
        return ReturnPaths(bounces.domain, keys) if bounces is not None and keys else None

    @cached_property
    def address_rules(self) -> InstalledAddresses:
        """In which form each channel uses an address."""
        return InstalledAddresses()

    def spoken_of(self, kind: str) -> frozenset[str]:
        """What a call of this kind may speak of: the channels, and to a consent that somebody is chosen for."""
        return self._channels_now() | {PERSONALISATION} if kind == "consent" else self._channels_now()

    def _channels_now(self) -> frozenset[str]:
        """The channels on which anything is sent, by what is published now."""
        program = self.service.program
        if self._channels is None or self._channels[0] is not program:
            self._channels = program, channels_known(program)
        return self._channels[1]

    def admit(self, request: Request, scope: str, in_body: str | None = None) -> Key:
        """Whose request it is, where the key may stand in its body. Raises Problem as `Keyring.admit` does."""
        shown = secrets_shown(request.headers)
        if in_body is not None:
            shown.append(in_body)
        return self.keys.admit(shown, scope, request.headers.get("origin"), request.received_ms)
