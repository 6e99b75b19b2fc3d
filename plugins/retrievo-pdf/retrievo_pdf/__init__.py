"""Reads PDF files for Retrievo."""
