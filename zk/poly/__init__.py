"""Radix-2 domains over Fr."""
