"""Statements to measure provers with. No protocol uses them, and no registry of keys lists them."""
