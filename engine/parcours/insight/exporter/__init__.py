"""The exporter: what happened, from the journals of shards into Parquet files that belong to the user."""
