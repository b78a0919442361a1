"""Deterministic stand-ins for tests: clocks, clusters."""
