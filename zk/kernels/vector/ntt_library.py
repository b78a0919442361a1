"""The transforms of one multiplier as one object, compiled apart from the other vector kernels."""

from __future__ import annotations

import functools
from pathlib import Path

from zk.kernels.constants import FR
from zk.kernels.emit import Module
from zk.kernels.vector import library
from zk.kernels.vector.ntt import SIGNATURES, emit_ntt


def build(multiplier: str) -> Module:
    """The IR of all transforms of a multiplier."""
    module = library.begin(multiplier, FR)
    emit_ntt(module, library.lanes_of(multiplier))
    return module


def load(multiplier: str, folder: Path | None = None) -> library.VectorLibrary:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: this machine lacks the instructions, or nothing can be compiled on it.
    """
    signatures = {name: (letters, None) for name, letters in SIGNATURES.items()}
    return library.bind(multiplier, build, signatures, folder=folder)


@functools.cache
def shared(multiplier: str) -> library.VectorLibrary:
    """The one library of this process for a multiplier."""
    return load(multiplier)
