"""Configuration: tables that are read, checked and kept, and the parts that are built from them."""

from retrievo.config.tables import FORMAT, SEVERAL, SINGLE, TABLES, Config

__all__ = ["Config", "FORMAT", "SINGLE", "SEVERAL", "TABLES"]
