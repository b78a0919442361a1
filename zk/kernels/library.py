"""All kernels as one object: what is emitted, compiled, and how each function is called."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

from zk.kernels import compile as compiler
from zk.kernels.babyjub import emit_babyjub
from zk.kernels.check import emit_check, emit_standard
from zk.kernels.constants import FP, FR
from zk.kernels.emit import Module
from zk.kernels.field import emit_field
from zk.kernels.loaded import NUMBER, Kernels, Signature
from zk.kernels.msm import emit_digits, emit_msm
from zk.kernels.ntt import emit_vectors
from zk.kernels.pairing import emit_pairing
from zk.kernels.points import G1, G2, emit_points
from zk.kernels.poseidon import emit_poseidon
from zk.kernels.rows import emit_rows
from zk.kernels.scale import emit_scale
from zk.kernels.sparse import emit_sparse
from zk.kernels.tape import emit_tape
from zk.kernels.tower import emit_fp2, emit_fp6, emit_fp12

_SIGNATURES: Final[dict[str, Signature]] = {
    "digits": ("ppnnn", None),
    "g1_window": ("pppnpn", None),
    "g2_window": ("pppnpn", None),
    "g1_combine": ("ppnn", None),
    "g2_combine": ("ppnn", None),
    "g1_table": ("ppppnn", None),
    "g2_table": ("ppppnn", None),
    "g1_fixed": ("ppppnnpnn", None),
    "g2_fixed": ("ppppnnpnn", None),
    "g1_scaled": ("pppppnnnn", None),
    "g2_scaled": ("pppppnnnn", None),
    "g1_rows": ("ppppppnppnnn", None),
    "g2_rows": ("ppppppnppnnn", None),
    "fr_bit_reversed": ("ppnn", None),
    "fr_layers": ("ppnnnnn", None),
    "fr_reduce_rows": ("pn", None),
    "fr_mul_rows": ("pppnn", None),
    "fr_sub_rows": ("pppn", None),
    "fr_powers": ("ppn", None),
    "fr_sparse": ("pppppnn", None),
    "fr_sparse_beside": ("pppppnnpppp", None),
    "fr_tape_inputs": ("pppn", None),
    "fr_tape_run": ("ppppnn", None),
    "fr_tape_outputs": ("ppn", None),
    "fr_poseidon": ("ppnppnnn", None),
    "babyjub_sum": ("pppnnnp", None),
    "miller": ("pppppppn", None),
    "final_exponentiation": ("pp", None),
    "fp12_is_one": ("p", NUMBER),
    "g2_in_subgroup": ("pn", NUMBER),
    "g1_first_off": ("pn", NUMBER),
    "fp_standard_rows": ("ppn", None),
    "g2_first_off": ("pn", NUMBER),
}


def build() -> Module:
    """The IR of all kernels."""
    module = Module()
    emit_field(module, FP)
    emit_field(module, FR)
    emit_fp2(module)
    emit_fp6(module)
    emit_fp12(module)
    emit_digits(module)
    for group in (G1, G2):
        emit_points(module, group)
        emit_msm(module, group)
        emit_scale(module, group)
        emit_rows(module, group)
        emit_check(module, group)
    emit_standard(module)
    emit_vectors(module)
    emit_sparse(module)
    emit_tape(module)
    emit_poseidon(module)
    emit_babyjub(module)
    emit_pairing(module)
    return module


def recipe(*, beside: bool = False) -> compiler.Recipe:
    """How this library is made.

    Args:
        beside: for a backend that computes what takes long by other kernels. Compiled in a third
            of the time; pairings and single points are up to a tenth slower.
    """
    if beside:
        return compiler.Recipe("scalar-beside", build, passes=compiler.LIGHT)
    return compiler.Recipe("scalar", build, passes=compiler.FULL)


def load(folder: Path | None = None, *, beside: bool = False) -> Kernels:
    """Compile, or take from the cache, and bind.

    Raises:
        BackendError: nothing can be compiled on this machine.
    """
    made = recipe(beside=beside)
    return Kernels(compiler.load_recipe(made, tuple(_SIGNATURES), folder=folder), _SIGNATURES)


@functools.cache
def shared(*, beside: bool = False) -> Kernels:
    """The one library of this process, of each kind."""
    return load(beside=beside)
