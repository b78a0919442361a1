"""Executor, turnstile, proof verification, mempool."""
