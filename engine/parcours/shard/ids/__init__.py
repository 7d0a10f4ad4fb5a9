"""Message ids that have been consumed: the newest in memory, a day of them in sorted files behind filters."""
