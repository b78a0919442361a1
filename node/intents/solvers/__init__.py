"""Solvers: pure functions from a problem and a seed to components. They are believed in nothing."""
