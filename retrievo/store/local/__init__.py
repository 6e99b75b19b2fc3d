"""The embedded store: a folder with a SQLite catalog and the vectors of a Qdrant Edge shard."""
