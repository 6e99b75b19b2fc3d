"""Test collections, metrics, and a pipeline measured on them."""
