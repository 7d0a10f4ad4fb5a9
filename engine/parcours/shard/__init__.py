"""Who owns a profile? A shard: one writer for all the people in its hash slots."""
