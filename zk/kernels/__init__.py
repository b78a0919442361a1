"""Compiled kernels; the only place that knows Numba and LLVM."""
