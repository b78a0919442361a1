"""Authenticated state and its storage."""
