"""Constraint systems: one program, four interpreters."""
