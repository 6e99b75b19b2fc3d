"""Vectors that were made before, kept by the content of their texts."""

from retrievo.encode.cache.cache import Cache
from retrievo.encode.cache.setting import CacheSetting, VectorCache

__all__ = ["Cache", "CacheSetting", "VectorCache"]
