"""The contract suites of stores and channels. Subclass one in a test module and fill in its fixtures."""

from __future__ import annotations

from parcours.testing.channel_contract import ChannelContract, receipts_of
from parcours.testing.store_contract import StoreContract

__all__ = ["ChannelContract", "StoreContract", "receipts_of"]
