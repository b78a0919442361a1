"""Constraint systems: one program, three interpreters."""
