"""Fusions with one defect each, for the contract kit to find."""
