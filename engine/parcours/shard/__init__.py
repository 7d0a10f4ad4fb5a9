"""Shards: each is the one writer for all the people in its hash slots."""
