"""Contextualizers: what is embedded and indexed beside a chunk's own text."""
