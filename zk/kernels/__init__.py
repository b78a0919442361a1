"""Compiled kernels; the only place that knows Numba and LLVM."""

from zk.kernels import sources  # first: what it hashes is what is imported after it

__all__ = ["sources"]
