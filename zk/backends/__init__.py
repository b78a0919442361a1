"""Backends: one interface (`zk.interfaces.Backend`), several implementations, the same tests.

    reference   Python integers; slow, legible, the oracle of the others
    portable    compiled 64-bit arithmetic for any x86-64 or aarch64 machine
    fma         four lanes of doubles, on processors with AVX2 and FMA
    ifma        eight lanes of 52-bit integers, on processors with AVX-512 IFMA

`get()` takes the fastest that starts here, or what `CHIARO_BACKEND` names. A machine where nothing
can be compiled (no llvmlite, no executable memory) silently computes with the reference; a name
that was asked for is never replaced by another.
"""

from __future__ import annotations

from zk.backends.registry import DEFAULT_ORDER, ENV_BACKEND, available, get, started, warm

__all__ = ["DEFAULT_ORDER", "ENV_BACKEND", "available", "get", "started", "warm"]
