"""How a line reaches the shard that owns its person, and how all shards are reached together."""
