"""Where shards and dispatchers run: on one event loop, or in Ray actors."""
