"""The store without files, exact unless codes are asked for."""
