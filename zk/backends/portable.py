"""The compiled backend for any 64-bit machine: checks, buffers and threads around `zk.kernels`.

Each method checks its arrays, allocates what the kernels write to, and spreads independent shares
(windows, blocks, rows) over a pool of threads; kernels run without the GIL. On one core, or for
small inputs, everything runs in the calling thread.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from threading import Lock
from typing import Any, ClassVar, Final

import numpy as np

from zk.backends import checks
from zk.backends.babyjub_portable import PortableEdwards
from zk.backends.linear_portable import PortableLinear
from zk.backends.multiples_portable import PortableMultiples
from zk.backends.pairing_portable import PortablePairings
from zk.backends.poseidon_portable import PortableHashes
from zk.curve.bn254 import G1_GENERATOR, G2_GENERATOR
from zk.field.arrays import LIMBS, U64Array, address, from_array, to_array, to_montgomery
from zk.field.params import FP, FR
from zk.interfaces import Csr
from zk.kernels import library, msm, points, tower
from zk.r1cs.tape import Op, Tape

_ROW: Final = 8 * LIMBS
_SERIAL: Final = 1 << 9
_FIXED_CHUNK: Final = 1 << 10
_MAX_THREADS: Final = 16

Job = Callable[[], object]


def _window_bits(n: int) -> int:
    """Window width c that minimises ⌈257/c⌉·(10·n + 14·2^c) field multiplications."""
    costs = {c: msm.windows(c) * (10 * n + (14 << c)) for c in range(2, msm.MAX_WINDOW + 1)}
    return min(costs, key=costs.__getitem__)


def _processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _fixed_bits(n: int) -> int:
    """Width c for n multiples of one base: W·n mixed additions, and a table of W·2^(c−1)."""
    costs = {c: msm.windows(c) * (10 * n + (22 << (c - 1))) for c in range(2, 13)}
    return min(costs, key=costs.__getitem__)


def _shares(n: int, parts: int) -> list[tuple[int, int]]:
    """Cut range(n) into at most `parts` pieces of nearly equal length."""
    cuts = [n * k // parts for k in range(parts + 1)]
    return [(a, b) for a, b in itertools.pairwise(cuts) if a < b]


class PortableBackend(
    PortablePairings, PortableHashes, PortableEdwards, PortableMultiples, PortableLinear
):
    """`zk.interfaces.Backend` on compiled 4×64-bit arithmetic.

    Args:
        threads: most threads to use; the number of processors by default.

    Raises:
        BackendError: nothing can be compiled on this machine.

    Attributes:
        vectors: whether a class has vector kernels for what takes long.
    """

    vectors: ClassVar[bool] = False

    def __init__(self, threads: int | None = None) -> None:
        self.kernels = library.shared(beside=self.vectors)
        self.threads = min(threads or _processors(), _MAX_THREADS)
        self._pool: ThreadPoolExecutor | None = None
        self._pool_process = 0
        self._pool_lock = Lock()
        self._roots: dict[tuple[int, bool], U64Array] = {}

    @property
    def name(self) -> str:
        return "portable"

    def _executor(self) -> ThreadPoolExecutor:
        """The pool of this process: after a fork the parent's threads are gone."""
        with self._pool_lock:
            if self._pool is None or self._pool_process != os.getpid():
                self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="chiaro-kernel")
                self._pool_process = os.getpid()
            return self._pool

    def run_all(self, jobs: Iterable[Job], *, serial: bool) -> None:
        """Run independent jobs; the first error is raised after all have ended."""
        if serial or self.threads == 1:
            for job in jobs:
                job()
            return
        futures = [self._executor().submit(job) for job in jobs]
        wait(futures)  # buffers must outlive every kernel, even if one job fails
        for future in futures:
            future.result()

    # -- points -----------------------------------------------------------------------------------

    def msm_g1(self, points: U64Array, scalars: U64Array) -> U64Array:
        return self._msm(_G1, points, scalars)

    def msm_g2(self, points: U64Array, scalars: U64Array) -> U64Array:
        return self._msm(_G2, points, scalars)

    def _msm(self, group: points.Group, bases: U64Array, scalars: U64Array) -> U64Array:
        n = checks.rows(bases, group.affine // 8, "points")
        checks.rows(scalars, LIMBS, "scalars", count=n)
        out = np.zeros(group.affine // 8, dtype=np.uint64)
        if n == 0:
            return out
        c = _window_bits(n)
        count, half = msm.windows(c), 1 << (c - 1)
        digits = self.digits(scalars, c, count)
        sums = np.zeros((count, group.xyzz // 8), dtype=np.uint64)
        busy = [w for w in range(count) if digits[w].any()]

        def windows(chosen: list[int]) -> None:
            buckets = np.empty((half, group.xyzz // 8), dtype=np.uint64)
            for w in chosen:
                self.kernels.call(
                    f"{group.name}_window",
                    address(sums[w]),
                    address(bases),
                    address(digits[w]),
                    n,
                    address(buckets),
                    half,
                )

        shares = [busy[k :: self.threads] for k in range(self.threads)]
        self.run_all(
            (partial(windows, share) for share in shares if share),
            serial=n < _SERIAL,
        )
        self.kernels.call(f"{group.name}_combine", address(out), address(sums), count, c)
        return out

    def digits(self, scalars: U64Array, c: int, count: int) -> Any:
        n = scalars.shape[0]
        digits = np.empty((count, n), dtype=np.int16)
        self.kernels.call("digits", address(digits), address(scalars), n, c, count)
        return digits

    def fixed_base_g1(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        return self._fixed(_G1, scalars, base, G1_GENERATOR)

    def fixed_base_g2(self, scalars: U64Array, base: U64Array | None = None) -> U64Array:
        flat = (*G2_GENERATOR[0], *G2_GENERATOR[1])
        return self._fixed(_G2, scalars, base, flat)

    def _fixed(
        self,
        group: points.Group,
        scalars: U64Array,
        base: U64Array | None,
        generator: tuple[int, ...],
    ) -> U64Array:
        n = checks.rows(scalars, LIMBS, "scalars")
        width = group.affine // 8
        if base is None:
            base = to_array(to_montgomery(generator, FP.modulus)).reshape(1, width)
        base = checks.one_point(base, width)
        out = np.zeros((n, width), dtype=np.uint64)
        if n == 0:
            return out
        c = _fixed_bits(n)
        count, half = msm.windows(c), 1 << (c - 1)
        table = np.empty((count * half, width), dtype=np.uint64)
        work = np.empty((count * half, 2 * width), dtype=np.uint64)
        scratch = np.empty((count * half, width // 2), dtype=np.uint64)
        self.kernels.call(
            f"{group.name}_table",
            *(address(array) for array in (table, work, scratch, base)),
            count,
            c,
        )
        digits = self.digits(scalars, c, count)

        def chunk(start: int, stop: int) -> None:
            points_ = np.empty((stop - start, 2 * width), dtype=np.uint64)
            products = np.empty((stop - start, width // 2), dtype=np.uint64)
            self.kernels.call(
                f"{group.name}_fixed",
                address(out[start:]),
                address(points_),
                address(products),
                address(digits[:, start:]),
                n,
                stop - start,
                address(table),
                count,
                half,
            )

        pieces = _shares(n, -(-n // _FIXED_CHUNK))
        self.run_all((partial(chunk, a, b) for a, b in pieces), serial=len(pieces) == 1)
        return out

    # -- vectors over Fr --------------------------------------------------------------------------

    def ntt(self, values: U64Array, *, inverse: bool = False) -> U64Array:
        log = checks.domain(values)
        n = 1 << log
        out = np.empty((n, LIMBS), dtype=np.uint64)
        if log == 0:
            out[:] = values
            return out
        call = self.kernels.call
        twiddles = address(self._twiddles(log, inverse=inverse))
        target = address(out)
        call("fr_bit_reversed", target, address(values), n, 64 - log)
        parts = 1 if n < _SERIAL else 1 << ((self.threads).bit_length() - 1)
        lower = log - (parts.bit_length() - 1)
        ranges = _shares(n // 2, parts)

        def layers(first: int, last: int) -> None:
            self.run_all(
                (
                    partial(call, "fr_layers", target, twiddles, log, first, last, a, b)
                    for a, b in ranges
                ),
                serial=parts == 1,
            )

        layers(0, lower)
        for layer in range(lower, log):
            layers(layer, layer + 1)
        if inverse:
            share = to_array(to_montgomery([pow(n, -1, FR.modulus)], FR.modulus))
            call("fr_mul_rows", target, target, address(share), 0, n)
        else:
            call("fr_reduce_rows", target, n)
        return out

    def quotient(self, a: U64Array, b: U64Array) -> U64Array:
        log = checks.quotient(a, b)
        n = 1 << log
        generator = pow(FR.root_of_unity, 1 << (FR.two_adicity - log - 1), FR.modulus)
        shift = self.fr_powers(to_array(to_montgomery([generator], FR.modulus)), n)

        def at_odd_points(values: U64Array) -> U64Array:
            return self.ntt(self.fr_mul(self.ntt(values, inverse=True), shift))

        products = self.fr_mul(at_odd_points(a), at_odd_points(b))
        odd = self.fr_sub(products, at_odd_points(self.fr_mul(a, b)))
        return self.fr_mul(odd, to_array([1]))  # out of Montgomery form

    def _twiddles(self, log: int, *, inverse: bool) -> U64Array:
        """ω⁰ … ω^(n/2 − 1), kept for the life of the backend (16 bytes a row of the domain)."""
        known = self._roots.get((log, inverse))
        if known is None:
            root = pow(FR.root_of_unity, 1 << (FR.two_adicity - log), FR.modulus)
            if inverse:
                root = pow(root, -1, FR.modulus)
            base = to_array(to_montgomery([root], FR.modulus))
            known = self.fr_powers(base, 1 << (log - 1))
            self._roots[log, inverse] = known
        return known

    def fp_standard(self, values: U64Array) -> U64Array:
        n = checks.rows(values, LIMBS, "values")
        out = np.empty((n, LIMBS), dtype=np.uint64)
        self.kernels.call("fp_standard_rows", address(out), address(values), n)
        return out

    def fr_mul(self, a: U64Array, b: U64Array) -> U64Array:
        n, single = checks.factors(a, b)
        out = np.empty((n, LIMBS), dtype=np.uint64)
        step = 0 if single else _ROW
        self.kernels.call("fr_mul_rows", address(out), address(a), address(b), step, n)
        return out

    def fr_sub(self, a: U64Array, b: U64Array) -> U64Array:
        n = checks.rows(a, LIMBS, "a")
        checks.rows(b, LIMBS, "b", count=n)
        out = np.empty((n, LIMBS), dtype=np.uint64)
        self.kernels.call("fr_sub_rows", address(out), address(a), address(b), n)
        return out

    def fr_powers(self, base: U64Array, count: int) -> U64Array:
        checks.rows(base, LIMBS, "base", count=1)
        out = np.empty((checks.natural(count, "count"), LIMBS), dtype=np.uint64)
        self.kernels.call("fr_powers", address(out), address(base), out.shape[0])
        return out

    def sparse_product(
        self, indptr: U64Array, columns: U64Array, values: U64Array, vector: U64Array
    ) -> U64Array:
        rows = checks.sparse(indptr, columns, values, vector)
        return self._sparse((indptr, columns, values), vector, rows)

    def sparse_products(self, a: Csr, b: Csr, vector: U64Array) -> tuple[U64Array, U64Array]:
        rows = checks.sparse(*a, vector)
        checks.same_rows(rows, checks.sparse(*b, vector))
        first = self._sparse(a, vector, rows)
        return first, self._sparse(b, vector, rows, beside=(first, *a))

    def _sparse(
        self, matrix: Csr, vector: U64Array, rows: int, beside: tuple[U64Array, ...] = ()
    ) -> U64Array:
        """A product; `beside` is another one with its matrix, whose equal rows are copied."""
        out = np.empty((rows, LIMBS), dtype=np.uint64)
        inputs = [address(x) for x in (out, *matrix, vector)]
        others = [address(x) for x in beside]
        name = "fr_sparse_beside" if beside else "fr_sparse"
        self.run_all(
            (
                partial(self.kernels.call, name, *inputs, start, stop, *others)
                for start, stop in _shares(rows, self.threads)
            ),
            serial=rows < _SERIAL,
        )
        return out

    def run_tape(self, tape: Tape, inputs: U64Array) -> U64Array:
        checks.rows(inputs, LIMBS, "inputs", count=len(tape.inputs))
        slots = np.empty((tape.slots, LIMBS), dtype=np.uint64)
        call = self.kernels.call
        program = (tape.operations, tape.terms, tape.coefficients)
        addresses = [address(array) for array in (slots, *program)]
        call("fr_tape_inputs", addresses[0], address(tape.inputs), address(inputs), len(inputs))
        start = 0
        for stop in np.flatnonzero(tape.operations[:, 0] == Op.CALL).tolist():
            call("fr_tape_run", *addresses, start, stop)
            self._host_call(tape, slots, stop)
            start = stop + 1
        call("fr_tape_run", *addresses, start, len(tape.operations))
        out = np.empty((tape.wires, LIMBS), dtype=np.uint64)
        call("fr_tape_outputs", address(out), addresses[0], tape.wires)
        return out

    def _host_call(self, tape: Tape, slots: U64Array, number: int) -> None:
        """An operation of a tape that is a Python function."""
        _, first, index, _ = tape.operations[number].tolist()
        function = tape.calls[index]
        operands = np.ascontiguousarray(slots[list(function.arguments)])
        self.kernels.call("fr_tape_outputs", address(operands), address(operands), len(operands))
        results = to_array(function.run(from_array(operands)))
        places = np.arange(first, first + len(results), dtype=np.uint32)
        self.kernels.call(
            "fr_tape_inputs", address(slots), address(places), address(results), len(results)
        )

    # -- pairings ---------------------------------------------------------------------------------

    def pairing_check(self, g1: U64Array, g2: U64Array) -> bool:
        n = checks.rows(g1, checks.G1_WIDTH, "g1")
        checks.rows(g2, checks.G2_WIDTH, "g2", count=n)
        proper = g1.any(axis=1) & g2.any(axis=1)  # e(∞, Q) = e(P, ∞) = 1
        left, right = np.ascontiguousarray(g1[proper]), np.ascontiguousarray(g2[proper])
        pairs = left.shape[0]
        if pairs == 0:
            return True
        f = np.empty(tower.FP12 // 8, dtype=np.uint64)
        moving, images = np.empty_like(right), np.empty_like(right)
        inverses = np.empty((pairs, tower.FP2 // 8), dtype=np.uint64)
        products = np.empty_like(inverses)
        buffers = (f, left, right, moving, images, inverses, products)
        self.kernels.call("miller", *(address(x) for x in buffers), pairs)
        self.kernels.call("final_exponentiation", address(f), address(f))
        return bool(self.kernels.call("fp12_is_one", address(f)))

    def in_g2_subgroup(self, points: U64Array) -> bool:
        n = checks.rows(points, checks.G2_WIDTH, "points")
        return bool(self.kernels.call("g2_in_subgroup", address(points), n))

    def first_off_curve_g1(self, points: U64Array) -> int:
        return self._first_off(_G1, points)

    def first_off_curve_g2(self, points: U64Array) -> int:
        return self._first_off(_G2, points)

    def _first_off(self, group: points.Group, rows: U64Array) -> int:
        n = checks.rows(rows, group.affine // 8, "points")
        found = []

        def share(start: int, stop: int) -> None:
            count = stop - start
            first = self.kernels.call(f"{group.name}_first_off", address(rows[start:]), count)
            found.append(start + int(first) if first < count else n)

        self.run_all(
            (partial(share, a, b) for a, b in _shares(n, self.threads)), serial=n < _SERIAL
        )
        return min(found, default=n)


_G1: Final = points.G1
_G2: Final = points.G2
