"""The contract suites of stores, channels, sources and destinations. Subclass one in a test module and fill in its
fixtures.

Each is imported when it is asked for, so that a channel's tests need none of the libraries of a store's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcours.testing.channel_contract import ChannelContract, receipts_of
    from parcours.testing.destination_contract import DestinationContract
    from parcours.testing.facts_contract import FactsDestinationContract
    from parcours.testing.source_contract import SourceContract
    from parcours.testing.store_contract import StoreContract
else:
    from importlib import import_module

    _HOMES = {
        "ChannelContract": "parcours.testing.channel_contract",
        "SourceContract": "parcours.testing.source_contract",
        "DestinationContract": "parcours.testing.destination_contract",
        "FactsDestinationContract": "parcours.testing.facts_contract",
        "StoreContract": "parcours.testing.store_contract",
        "receipts_of": "parcours.testing.channel_contract",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)


__all__ = [
    "ChannelContract",
    "DestinationContract",
    "FactsDestinationContract",
    "SourceContract",
    "StoreContract",
    "receipts_of",
]
