"""Pairings and weights of one multiplier as one object, compiled apart from the other kernels."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from zk.kernels.constants import FP
from zk.kernels.emit import Module
from zk.kernels.loaded import Signature
from zk.kernels.vector import ifma, library
from zk.kernels.vector.combine import emit_combine
from zk.kernels.vector.pairing import emit_pairing
from zk.kernels.vector.sums import emit_inverse
from zk.kernels.vector.weigh import emit_weigh

_SIGNATURES: Final[dict[str, Signature]] = {
    "pairing_miller": ("pppnppnpp", None),
    "pairing_prepare": ("pppp", None),
    "pairing_hard": ("p", None),
    "g1_weigh": ("ppppn", None),
    "g1_sum_lanes": ("pppnnp", None),
}

_FEW: Final[dict[str, Signature]] = {"pairing_few": _SIGNATURES["pairing_miller"]}
"""Of eight lanes only."""


def build(multiplier: str) -> Module:
    """The IR of all these kernels of a multiplier."""
    module = library.begin(multiplier, FP)
    lanes = library.lanes_of(multiplier)
    emit_inverse(module, lanes)
    emit_pairing(module, lanes)
    emit_weigh(module, lanes)
    emit_combine(module, lanes)
    return module


def load(multiplier: str, folder: Path | None = None) -> library.VectorLibrary:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: this machine lacks the instructions, or nothing can be compiled on it.
    """
    few = issubclass(library.lanes_of(multiplier), ifma.Ifma)
    signatures = {**_SIGNATURES, **(_FEW if few else {})}
    return library.bind(multiplier, build, signatures, folder=folder)


@functools.cache
def shared(multiplier: str) -> library.VectorLibrary:
    """The one library of this process for a multiplier."""
    return load(multiplier)
