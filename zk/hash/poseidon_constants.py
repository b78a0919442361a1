"""Loads Poseidon's constants and derives the sparse form of its partial rounds.

The textbook round is  x ↦ M·S(x + c).  In a partial round S touches lane 0 alone, so a change of
basis of the *other* lanes passes through S and can be chosen to make the matrix sparse. Write

    M = | a  b |     a scalar, b row, c column, D the lower right block
        | c  D |

and put x_i = T_i·z_i + d_i before the i-th partial S-box (i = 1 … n, constants already added), with
T_i = diag(1, D^-(n+1-i)) and d_i zero in lane 0. Then

    T_{i+1}⁻¹·M·T_i = | a                 b·D^-(n+1-i) |   = the sparse matrix of round i
                      | D^(n-i)·c         identity     |

2t − 1 products instead of t². The first basis is absorbed into the last full matrix before,
P = diag(1, Dⁿ)·M; the last basis is the plain one. Constants: lanes 1 … t−1 need none inside the
partial rounds, for d_{i+1} = (M·d_i + c_{i+1}) without its lane 0, which is the one scalar that
round i+1 adds; the last M·d_n joins the constants of the full round that follows.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass

import gmpy2

from zk import params
from zk.errors import DigestMismatch, ParamsError
from zk.field.params import FR
from zk.hash.poseidon_generate import FULL_ROUNDS, PARTIAL_ROUNDS, file_name, generate

Vector = tuple[int, ...]
Matrix = tuple[Vector, ...]


@dataclass(frozen=True, slots=True)
class SparseForm:
    """The same permutation with sparse partial rounds; h = full_rounds / 2, n = partial_rounds.

        for r in 0 … h−1:      x ← M·S(x + full_constants[r])        in the last, `pre` for M
        for i in 0 … n−1:      s = (x₀ + partial_constants[i])⁵
                               x₀ ← Σ rows[i]·(s, x₁, …)             length t, rows[i][0] = M[0][0]
                               x_j ← x_j + columns[i][j−1]·s         length t − 1
        for r in h … 2h−1:     x ← M·S(x + full_constants[r])

    Attributes:
        full_constants: `[full_rounds][t]`.
        pre: `[t][t]`, P of the module's docstring.
        partial_constants: `[n]`.
        rows: `[n][t]`.
        columns: `[n][t − 1]`.
    """

    full_constants: Matrix
    pre: Matrix
    partial_constants: Vector
    rows: Matrix
    columns: Matrix


@dataclass(frozen=True, slots=True)
class PoseidonParams:
    """One width of Poseidon over Fr, S-box x⁵.

    Attributes:
        t: lanes of the state, one capacity and t − 1 inputs.
        full_rounds: 8, half before and half after the partial ones.
        partial_rounds: rounds whose S-box acts on lane 0 alone.
        round_constants: `[full_rounds + partial_rounds][t]`, textbook form.
        mds: `[t][t]`; lane i becomes Σ mds[i][j]·lane j.
        sparse: the equivalent cheaper form.
    """

    t: int
    full_rounds: int
    partial_rounds: int
    round_constants: Matrix
    mds: Matrix
    sparse: SparseForm

    def check(self) -> None:
        """Generate the constants again from public numbers and compare.

        Raises:
            DigestMismatch: the data are not what the generator makes.
        """
        constants, mds = generate(self.t)
        same = (
            self.round_constants == tuple(map(tuple, constants))
            and self.mds == tuple(map(tuple, mds))
            and self.full_rounds == FULL_ROUNDS
            and self.partial_rounds == PARTIAL_ROUNDS[self.t - 2]
        )
        if not same:
            raise DigestMismatch(
                f"Poseidon constants of width {self.t} differ from the generator's",
                fix="run `python -m zk.hash.poseidon_generate` and compare",
            )


def _times_row(row: Sequence[int], m: Sequence[Sequence[int]]) -> list[int]:
    return [sum(map(int.__mul__, row, column)) % FR.modulus for column in zip(*m, strict=True)]


def _times_column(m: Sequence[Sequence[int]], column: Sequence[int]) -> list[int]:
    return [sum(map(int.__mul__, row, column)) % FR.modulus for row in m]


def inverse(m: Sequence[Sequence[int]]) -> list[list[int]]:
    """Gauss–Jordan over Fr; the blocks of an MDS matrix are invertible."""
    r, n = FR.modulus, len(m)
    work = [list(row) + [int(i == j) for j in range(n)] for i, row in enumerate(m)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if work[i][k])
        work[k], work[pivot] = work[pivot], work[k]
        scale = int(gmpy2.invert(work[k][k], r))
        work[k] = [v * scale % r for v in work[k]]
        for i in range(n):
            if i != k and (factor := work[i][k]):
                work[i] = [(v - factor * p) % r for v, p in zip(work[i], work[k], strict=True)]
    return [row[n:] for row in work]


def sparse_form(constants: Matrix, mds: Matrix, partial_rounds: int) -> SparseForm:
    """Derive the sparse form; see the module's docstring for why it is the same function."""
    r, t, n = FR.modulus, len(mds), partial_rounds
    half = (len(constants) - n) // 2
    a, b = mds[0][0], list(mds[0][1:])
    c, d_block = [row[0] for row in mds[1:]], [row[1:] for row in mds[1:]]

    d_inverse = inverse(d_block)
    rows: list[Vector] = []
    columns: list[Vector] = []
    row, column = b, c
    for _ in range(n):  # from the last partial round back to the first
        row = _times_row(row, d_inverse)
        rows.append((a, *row))
        columns.append(tuple(column))
        column = _times_column(d_block, column)
    rows.reverse()
    columns.reverse()

    lower = [list(line) for line in mds[1:]]
    for _ in range(n):
        lower = [_times_row(line, lower) for line in d_block]

    partial: list[int] = []
    carried = [0] * t
    for added in constants[half : half + n]:
        moved = _times_column(mds, carried)
        total = [(x + y) % r for x, y in zip(moved, added, strict=True)]
        partial.append(total[0])
        carried = [0, *total[1:]]
    after = [
        (x + y) % r for x, y in zip(_times_column(mds, carried), constants[half + n], strict=True)
    ]
    return SparseForm(
        full_constants=(*constants[:half], tuple(after), *constants[half + n + 1 :]),
        pre=(mds[0], *map(tuple, lower)),
        partial_constants=tuple(partial),
        rows=tuple(rows),
        columns=tuple(columns),
    )


def build(constants: Sequence[Sequence[int]], mds: Sequence[Sequence[int]]) -> PoseidonParams:
    """Assemble parameters from textbook constants `[rounds][t]` and matrix `[t][t]`."""
    table, matrix = tuple(map(tuple, constants)), tuple(map(tuple, mds))
    t, n = len(matrix), len(table) - FULL_ROUNDS
    return PoseidonParams(
        t=t,
        full_rounds=FULL_ROUNDS,
        partial_rounds=n,
        round_constants=table,
        mds=matrix,
        sparse=sparse_form(table, matrix, n),
    )


@functools.cache
def load(t: int) -> PoseidonParams:
    """Parameters of width t (2 … 9) from `params/poseidon/`.

    The file is checked for shape and range; that it is what Grain makes is `check()`, in a test.

    Raises:
        ParamsError: no file for this width, or a file of another shape.
    """
    source = params.path(file_name(t))
    try:
        data = json.loads(source.read_text())
        constants = [[int(v, 16) for v in row] for row in data["round_constants"]]
        mds = [[int(v, 16) for v in row] for row in data["mds"]]
        shape = (data["t"], data["full_rounds"], data["partial_rounds"])
    except (ValueError, KeyError, TypeError) as error:
        raise _malformed(t, str(source)) from error
    expected = (t, FULL_ROUNDS, PARTIAL_ROUNDS[t - 2])
    lines = [*constants, *mds]
    if (
        shape != expected
        or len(constants) != FULL_ROUNDS + PARTIAL_ROUNDS[t - 2]
        or len(mds) != t
        or any(len(line) != t or not all(0 <= v < FR.modulus for v in line) for line in lines)
    ):
        raise _malformed(t, str(source))
    return build(constants, mds)


def _malformed(t: int, where: str) -> ParamsError:
    return ParamsError(
        f"the Poseidon constants of width {t} are malformed",
        where=where,
        why="other constants are another hash: no commitment or tree would match",
        fix="run `python -m zk.hash.poseidon_generate`",
    )
