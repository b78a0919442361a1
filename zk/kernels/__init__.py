"""Compiled kernels; the only place that knows llvmlite."""

from zk.kernels import sources  # first: what it hashes is what is imported after it

__all__ = ["sources"]
