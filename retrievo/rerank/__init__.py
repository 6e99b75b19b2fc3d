"""Rerankers: they read query and chunk together, or chunks beside one another."""
