"""The vector kernels of one multiplier as one object."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from zk.errors import BackendUnavailable
from zk.kernels import compile as compiler
from zk.kernels.constants import FP, Modulus
from zk.kernels.emit import Module
from zk.kernels.loaded import NUMBER, Kernels, Signature
from zk.kernels.vector import fma, fma_assembly, ifma
from zk.kernels.vector.buckets import emit_buckets, emit_fill
from zk.kernels.vector.convert import emit_convert
from zk.kernels.vector.coordinates import Prime, Quadratic
from zk.kernels.vector.digits import emit_digits
from zk.kernels.vector.groups import emit_groups, emit_reduce
from zk.kernels.vector.lanes import Lanes
from zk.kernels.vector.sums import Group, emit_inverse, emit_sum

G1: Final = Group("g1", Prime)
G2: Final = Group("g2", Quadratic)

_SIGNATURES: Final[dict[str, Signature]] = {
    "fp_pack": ("ppn", None),
    "fp_unpack": ("ppn", None),
    "vector_digits": ("ppnnnn", None),
    "lines": ("pppnnn", NUMBER),
    **{
        f"{group}_{name}": signature
        for group in ("g1", "g2")
        for name, signature in {
            "sum": ("pppnnpp", NUMBER),
            "reduce": ("ppppnppnpp", NUMBER),
            "fill": ("ppppppppnnnnnnpp", NUMBER),
        }.items()
    },
}
_LANES: Final[dict[str, tuple[type[Lanes], tuple[str, ...]]]] = {
    "fma": (fma_assembly.Assembled, fma.FEATURES),
    "ifma": (ifma.Ifma, ifma.FEATURES),
    "ifma-emulated": (ifma.EmulatedIfma, ()),
}


class VectorLibrary(Kernels):
    """The loaded kernels of one multiplier. Sizes must have been checked.

    Attributes:
        lanes: elements a vector holds.
    """

    __slots__ = ("lanes",)

    def __init__(
        self, code: compiler.Compiled, lanes: int, signatures: Mapping[str, Signature]
    ) -> None:
        super().__init__(code, signatures)
        self.lanes = lanes


def supported(multiplier: str) -> bool:
    """Whether this machine has what a multiplier's instructions need.

    Decided on the very feature string that code is made for, before any IR exists: LLVM ends the
    process when it meets an instruction that its target lacks.
    """
    lanes, features = _LANES[multiplier]
    lacking = compiler.host().lacks(features)
    return not lacking and (compiler.assembles() or not issubclass(lanes, fma_assembly.Assembled))


def lanes_of(multiplier: str) -> type[Lanes]:
    """The arithmetic of a multiplier."""
    return _LANES[multiplier][0]


def begin(multiplier: str, *fields: Modulus) -> Module:
    """A module with what arithmetic in some fields calls."""
    lanes = lanes_of(multiplier)
    module = Module()
    if lanes is ifma.EmulatedIfma:
        ifma.emit_emulation(module)
    if issubclass(lanes, fma_assembly.Assembled):
        for field in fields:
            fma_assembly.emit_products(module, field)
    return module


def build(multiplier: str) -> Module:
    """The IR of all kernels of a multiplier."""
    lanes = lanes_of(multiplier)
    module = begin(multiplier, FP)
    emit_inverse(module, lanes)
    emit_groups(module)
    emit_buckets(module)
    emit_digits(module, lanes)
    emit_convert(module, lanes)
    for group in (G1, G2):
        emit_sum(module, lanes, group)
        emit_reduce(module, group)
        emit_fill(module, group)
    return module


def recipe(multiplier: str, build_: Callable[[str], Module]) -> compiler.Recipe:
    """How a library of a multiplier is made.

    Raises:
        BackendUnavailable: this machine lacks the instructions; no IR was written.
    """
    if not supported(multiplier):
        lacking = ", ".join(compiler.host().lacks(_LANES[multiplier][1]))
        raise BackendUnavailable(
            f"the backend {multiplier!r} cannot run here: this processor lacks {lacking}"
            if lacking
            else f"the backend {multiplier!r} cannot run here: llvmlite has no assembler",
            why="its kernels would be instructions that cannot be executed here",
            fix="leave the choice to Chiaroscuro, or use the backend `portable`",
        )
    kind = build_.__module__.rpartition(".")[2].removesuffix("library").rstrip("_") or "msm"
    return compiler.Recipe(f"{kind}-{multiplier}", build_, (multiplier,))


def bind(
    multiplier: str,
    build_: Callable[[str], Module],
    signatures: Mapping[str, Signature],
    folder: Path | None = None,
) -> VectorLibrary:
    """Compile a module, or take it from the cache, and bind its functions.

    Raises:
        BackendError: this machine lacks the instructions, or nothing can be compiled on it.
    """
    code = compiler.load_recipe(recipe(multiplier, build_), tuple(signatures), folder=folder)
    return VectorLibrary(code, lanes_of(multiplier).width, signatures)


def load(multiplier: str, folder: Path | None = None) -> VectorLibrary:
    """Multi-scalar multiplication: compile, or take from the cache, and bind.

    Raises:
        BackendError: this machine lacks the instructions, or nothing can be compiled on it.
    """
    return bind(multiplier, build, _SIGNATURES, folder)


@functools.cache
def shared(multiplier: str) -> VectorLibrary:
    """The one library of this process for a multiplier."""
    return load(multiplier)
