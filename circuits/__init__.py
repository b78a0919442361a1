"""Statements: programs that build constraints, and the gadgets they are made of."""
