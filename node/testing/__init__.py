"""Helpers for tests of other packages: a clock, a node in memory, a node that serves."""
