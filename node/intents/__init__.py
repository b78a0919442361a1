"""Intents: what people want, how solvers match it, and how a settlement is checked."""
