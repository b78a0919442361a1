"""Wrappers that call single IR functions on arrays of standard or Montgomery values."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
import pytest

from zk.field.arrays import from_array, to_array
from zk.kernels import compile as compiler
from zk.kernels.constants import FP, FR
from zk.kernels.emit import Module
from zk.kernels.field import SIZE, emit_field
from zk.kernels.msm import emit_digits, emit_msm
from zk.kernels.points import G1, G2, emit_points
from zk.kernels.tower import FP2, FP6, FP12, emit_fp2, emit_fp6, emit_fp12

SIZES = {"fp": SIZE, "fr": SIZE, "fp2": FP2, "fp6": FP6, "fp12": FP12}
UNARY = {
    "fp": ("sqr", "neg", "reduce", "inv"),
    "fr": ("sqr", "neg", "reduce", "inv"),
    "fp2": ("sqr", "neg", "reduce", "inv", "conj", "mul_xi"),
    "fp6": ("neg", "inv", "mul_v"),
    "fp12": ("sqr", "conj", "inv", "frobenius", "pow_seed"),
}
BINARY = {
    "fp": ("mul", "add", "sub"),
    "fr": ("mul", "add", "sub"),
    "fp2": ("mul", "add", "sub"),
    "fp6": ("mul", "add", "sub"),
    "fp12": ("mul",),
}


def _module() -> Module:
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
        for name, params in (("mixed", "xy"), ("add", "b"), ("double", "")):
            f = module.function(f"do_{group.name}_{name}", "out", "a", *params, export=True)
            f.call(f"{group.name}_{name}", "%out", "%a", *(f"%{p}" for p in params))
            f.leave()
        f = module.function(
            f"do_{group.name}_normalise", "out", "a", "i64 n", "scratch", export=True
        )
        f.do(f"call void @{group.name}_normalise(ptr %out, ptr %a, i64 %n, ptr %scratch)")
        f.leave()
    for names, params in ((UNARY, "a"), (BINARY, "ab")):
        for field, functions in names.items():
            for name in functions:
                f = module.function(f"do_{field}_{name}", "out", *params, export=True)
                f.call(f"{field}_{name}", "%out", *(f"%{p}" for p in params))
                f.leave()
    for field in ("fp", "fr", "fp2"):
        f = module.function(f"do_{field}_is_zero", "out", "a", export=True)
        f.store(f.op(f"zext i1 {f.ask(f'{field}_is_zero', '%a')} to i64"), "%out")
        f.leave()
    return module


@pytest.fixture(scope="session")
def call(tmp_path_factory) -> Callable[..., list[int]]:
    """`call(name, words_out, *inputs)` runs `do_name` on lists of 256-bit integers."""
    module = _module()
    code = compiler.load(module.text(), module.exports, folder=tmp_path_factory.mktemp("objects"))

    def run(name: str, words_out: int, *inputs: list[int], alias: bool = False) -> list[int]:
        arrays = [to_array(values) for values in inputs]
        out = arrays[0] if alias else np.zeros((words_out, 4), dtype=np.uint64)
        function = code.bind(f"do_{name}", *[ctypes.c_void_p] * (1 + len(arrays)))
        function(out.ctypes.data, *(a.ctypes.data for a in arrays))
        return from_array(out)

    return run


@pytest.fixture(scope="session")
def normalise(tmp_path_factory):
    """XYZZ rows → canonical affine rows, `normalise(group, rows)`."""
    module = _module()
    code = compiler.load(module.text(), module.exports, folder=tmp_path_factory.mktemp("objects"))

    def run(group, rows: list[int]) -> list[int]:
        array = to_array(rows)
        n = array.size * 8 // group.xyzz
        out = np.zeros((n * group.affine // SIZE, 4), dtype=np.uint64)
        scratch = np.zeros((n * group.size // SIZE, 4), dtype=np.uint64)
        p = ctypes.c_void_p
        function = code.bind(f"do_{group.name}_normalise", p, p, ctypes.c_int64, p)
        function(out.ctypes.data, array.ctypes.data, n, scratch.ctypes.data)
        return from_array(out)

    return run
