"""The vector kernels of one multiplier as one object."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any, Final

from zk.errors import BackendError
from zk.kernels import compile as compiler
from zk.kernels.constants import FP
from zk.kernels.emit import Module
from zk.kernels.vector import fma, ifma, outlined
from zk.kernels.vector.convert import emit_convert
from zk.kernels.vector.coordinates import Prime, Quadratic
from zk.kernels.vector.groups import emit_groups, emit_reduce
from zk.kernels.vector.lanes import Lanes
from zk.kernels.vector.sums import Group, emit_inverse, emit_sum

G1: Final = Group("g1", Prime)
G2: Final = Group("g2", Quadratic)

_P: Final = ctypes.c_void_p
_N: Final = ctypes.c_int64
_SIGNATURES: Final[dict[str, tuple[str, Any]]] = {
    # one letter a parameter: p address, n number
    "fp_pack": ("ppn", None),
    "fp_unpack": ("ppn", None),
    "place": ("pppnnnp", _N),
    **{
        f"{group}_{name}": signature
        for group in ("g1", "g2")
        for name, signature in {
            "sum": ("pppnnpp", _N),
            "reduce": ("pppnppnpp", _N),
        }.items()
    },
}
_LANES: Final[dict[str, tuple[type[Lanes], tuple[str, ...]]]] = {
    "fma": (outlined.Outlined, fma.FEATURES),
    "ifma": (ifma.Ifma, ifma.FEATURES),
    "ifma-emulated": (ifma.EmulatedIfma, ()),
}


class VectorLibrary:
    """The loaded kernels of one multiplier. Sizes must have been checked.

    Attributes:
        lanes: elements a vector holds.
        cached: whether the machine code came from the cache.
    """

    __slots__ = ("_code", "_functions", "cached", "lanes")

    def __init__(self, code: compiler.Compiled, lanes: int) -> None:
        self._code = code  # owns the machine code
        self._functions = {
            name: code.bind(name, *(_P if c == "p" else _N for c in letters), returns=returns)
            for name, (letters, returns) in _SIGNATURES.items()
        }
        self.cached = code.cached
        self.lanes = lanes

    def call(self, name: str, *arguments: int) -> Any:
        """Run one kernel; the GIL is released meanwhile."""
        return self._functions[name](*arguments)


def supported(multiplier: str) -> bool:
    """Whether this machine has what a multiplier's instructions need.

    Decided on the very feature string that code is made for, before any IR exists: LLVM ends the
    process when it meets an instruction that its target lacks.
    """
    flags = set(compiler.host().features.split(","))
    return all(f"+{feature}" in flags for feature in _LANES[multiplier][1])


def build(multiplier: str) -> Module:
    """The IR of all kernels of a multiplier."""
    lanes = _LANES[multiplier][0]
    module = Module()
    if lanes is ifma.EmulatedIfma:
        ifma.emit_emulation(module)
    if issubclass(lanes, outlined.Outlined):
        outlined.emit_products(module, FP)
    emit_inverse(module, lanes)
    emit_groups(module)
    emit_convert(module, lanes)
    for group in (G1, G2):
        emit_sum(module, lanes, group)
        emit_reduce(module, group)
    return module


def load(multiplier: str, folder: Path | None = None) -> VectorLibrary:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: this machine lacks the instructions, or nothing can be compiled on it.
    """
    if not supported(multiplier):
        needed = ", ".join(_LANES[multiplier][1])
        raise BackendError(
            f"the backend {multiplier!r} needs {needed}, which this processor lacks",
            why="its kernels would be instructions that cannot be executed here",
            fix="leave the choice to Chiaroscuro, or use the backend `portable`",
        )
    module = build(multiplier)
    code = compiler.load(module.text(), module.exports, folder=folder)
    return VectorLibrary(code, _LANES[multiplier][0].width)


@functools.cache
def shared(multiplier: str) -> VectorLibrary:
    """The one library of this process for a multiplier."""
    return load(multiplier)
