"""Vectors for shared secrets of one multiplier as one object."""

from __future__ import annotations

import functools
from pathlib import Path

from zk.kernels.constants import FR
from zk.kernels.emit import Module
from zk.kernels.vector import library
from zk.kernels.vector.ifma import Ifma
from zk.kernels.vector.linear import SIGNATURES, emit_raise
from zk.kernels.vector.linear_wide import SIGNATURES as WIDE
from zk.kernels.vector.linear_wide import emit_wide


def has_wide(multiplier: str) -> bool:
    """Whether there is a kernel for combinations of 320-bit integers."""
    return issubclass(library.lanes_of(multiplier), Ifma)


def build(multiplier: str) -> Module:
    """The IR of these kernels of a multiplier."""
    module = library.begin(multiplier, FR)
    lanes = library.lanes_of(multiplier)
    emit_raise(module, lanes)
    if issubclass(lanes, Ifma):
        emit_wide(module, lanes)
    return module


def load(multiplier: str, folder: Path | None = None) -> library.VectorLibrary:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: this machine lacks the instructions, or nothing can be compiled on it.
    """
    signatures = {**SIGNATURES, **WIDE} if has_wide(multiplier) else SIGNATURES
    return library.bind(multiplier, build, signatures, folder=folder)


@functools.cache
def shared(multiplier: str) -> library.VectorLibrary:
    """The one library of this process for a multiplier."""
    return load(multiplier)
