"""Metadata by column, for filters: what every embedded store evaluates them with."""
