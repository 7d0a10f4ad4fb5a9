"""The channels that come with Parcours. Each needs `parcours.channel` and its provider's library only."""
