"""Typed building blocks of statements."""
