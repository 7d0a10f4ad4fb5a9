"""Sources: logs that lie elsewhere are read, partition by partition, as fast as the shards take what is read."""
