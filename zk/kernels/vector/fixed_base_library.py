"""What fixed bases need besides sums of groups, of one multiplier, as one object."""

from __future__ import annotations

import functools
from pathlib import Path

from zk.kernels.constants import FP
from zk.kernels.emit import Module
from zk.kernels.vector import library
from zk.kernels.vector.fixed_base import SIGNATURES, emit_refer, emit_rows


def build(multiplier: str) -> Module:
    """The IR of these kernels of a multiplier."""
    module = library.begin(multiplier, FP)
    emit_refer(module)
    for group in (library.G1, library.G2):
        emit_rows(module, library.lanes_of(multiplier), group)
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
