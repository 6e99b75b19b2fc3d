"""Ingest: sources become documents, a plan says what changed, and applying it writes just that."""
