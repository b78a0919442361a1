"""Vectors for shared secrets of one multiplier as one object."""

from __future__ import annotations

import functools
from pathlib import Path

from zk.kernels.constants import FR
from zk.kernels.emit import Module
from zk.kernels.vector import library
from zk.kernels.vector.linear import SIGNATURES, emit_raise


def build(multiplier: str) -> Module:
    """The IR of these kernels of a multiplier."""
    module = library.begin(multiplier, FR)
    emit_raise(module, library.lanes_of(multiplier))
    return module


def load(multiplier: str, folder: Path | None = None) -> library.VectorLibrary:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: this machine lacks the instructions, or nothing can be compiled on it.
    """
    return library.bind(multiplier, build, SIGNATURES, folder=folder)


@functools.cache
def shared(multiplier: str) -> library.VectorLibrary:
    """The one library of this process for a multiplier."""
    return load(multiplier)
