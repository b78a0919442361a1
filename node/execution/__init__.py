"""Mempool and executor."""
