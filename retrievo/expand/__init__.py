"""Expanders: more words, a moved vector or other forms of a query before it is searched for."""
