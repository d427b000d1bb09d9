"""What a launched process runs. A worker writes sealed shards and never opens the database."""
