"""Poseidon and the domain separators."""
