"""A search from the query to its hits: searcher.py has the steps in their order."""

from retrievo.search.searcher import Searcher, checked

__all__ = ["Searcher", "checked"]
