"""The index over the sealed shards: the only room that knows DuckDB."""
