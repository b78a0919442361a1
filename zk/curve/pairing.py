"""The optimal ate pairing e: G1 × G2 → μ_r ⊂ Fp12 on BN254 (Vercauteren, eprint 2008/096).

    f  = f_{6x+2,Q}(P) · ℓ_{T,π(Q)}(P) · ℓ_{T+π(Q),−π²(Q)}(P),   T = [6x + 2]Q,   π = ψ of G2
    e  = f^((p¹² − 1)/r)

The twist is untwisted by (x, y) ↦ (x·w², y·w³), so a line of slope λ through T ∈ E'(Fp2) is, at
P ∈ E(Fp),

    ℓ(P) = y_P − λ·x_P·w + (λ·x_T − y_T)·w³

Vertical lines lie in Fp6 and vanish in the final exponentiation; they are left out. Points are kept
affine: one inversion of a GMP integer costs less here than the products it would save.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from zk.curve.bn254 import G1, G2
from zk.field.params import SEED
from zk.field.tower import Fp2, Fp12

LOOP: Final = 6 * SEED + 2

Line = tuple[Fp2, Fp2]
"""(λ, λ·x_T − y_T) of a line on the twist."""
_Affine = tuple[Fp2, Fp2]


def pairing(p: G1, q: G2) -> Fp12:
    """e(P, Q); 1 where either point is infinity. Q must lie in the subgroup."""
    return final_exponentiation(miller_loop([(p, q)]))


def pairing_product_is_one(pairs: Iterable[tuple[G1, G2]]) -> bool:
    """Whether Π e(Pᵢ, Qᵢ) = 1, with one final exponentiation; every Qᵢ must lie in the subgroup.

    Points that came through `from_affine` do. An empty product is 1.
    """
    return final_exponentiation(miller_loop(pairs)) == Fp12.one()


def miller_loop(pairs: Iterable[tuple[G1, G2]]) -> Fp12:
    """Π f(Pᵢ, Qᵢ) before the final exponentiation; all pairs share the squarings."""
    prepared = []
    for p, q in pairs:
        at, base = p.coordinates(), q.coordinates()
        if at is not None and base is not None:
            prepared.append((at[0].value, at[1].value, lines(base)))
    f = Fp12.one()
    for squared in _schedule():
        if squared:
            f = f.square()
        for x, y, following in prepared:
            slope, constant = next(following)
            f = f.times_line(y, slope * -x, constant)
    return f


def _schedule() -> Iterator[bool]:
    """For each line in order, whether f is squared before it."""
    for bit in bin(LOOP)[3:]:
        yield True
        if bit == "1":
            yield False
    yield False
    yield False


def lines(q: _Affine) -> Iterator[Line]:
    """The lines of the Miller loop of Q, in the order of use; they do not depend on P.

    No step is exceptional for Q of order r: T = [k]Q with 1 < k ≤ 6x + 2 is never ±Q; and of
    6x + 2 + p − p² + p³ ≡ 0 (mod r) no two or three terms cancel, so both last chords exist.
    """
    t = q
    for bit in bin(LOOP)[3:]:
        line, t = _tangent(t)
        yield line
        if bit == "1":
            line, t = _chord(t, q)
            yield line
    once = _frobenius(q)
    x, y = _frobenius(once)
    line, t = _chord(t, once)
    yield line
    line, _ = _chord(t, (x, -y))
    yield line


def _tangent(t: _Affine) -> tuple[Line, _Affine]:
    x, y = t
    slope = x.square() * 3 * (y + y).inverse()
    return _step(slope, t, x)


def _chord(t: _Affine, q: _Affine) -> tuple[Line, _Affine]:
    slope = (q[1] - t[1]) * (q[0] - t[0]).inverse()
    return _step(slope, t, q[0])


def _step(slope: Fp2, t: _Affine, other_x: Fp2) -> tuple[Line, _Affine]:
    """The line of this slope through T, and the sum of the two points on it."""
    x = slope.square() - t[0] - other_x
    y = slope * (t[0] - x) - t[1]
    return (slope, slope * t[0] - t[1]), (x, y)


def _frobenius(q: _Affine) -> _Affine:
    moved = G2.affine(*q).frobenius()
    return moved.x, moved.y


def final_exponentiation(f: Fp12) -> Fp12:
    """f^((p¹² − 1)/r), exactly: (p⁶ − 1)(p² + 1) first, then (p⁴ − p² + 1)/r.

    The hard part is λ₀ + λ₁p + λ₂p² + p³ with

        λ₀ = −2 − 18x − 30x² − 36x³,  λ₁ = 1 − 12x − 18x² − 36x³,  λ₂ = 1 + 6x²

    evaluated by the addition chain of Scott et al. (eprint 2008/490, section 5).
    """
    f = f.conjugate() * f.inverse()
    f = f.frobenius().frobenius() * f

    # From here f has norm 1 over Fp6, so that its inverse is its conjugate.
    fx = f**SEED
    fxx = fx**SEED
    fxxx = fxx**SEED
    fp = f.frobenius()
    fpp = fp.frobenius()
    fxx_p = fxx.frobenius()

    y0 = fp * fpp * fpp.frobenius()
    y1 = f.conjugate()
    y2 = fxx_p.frobenius()
    y3 = fx.frobenius().conjugate()
    y4 = (fx * fxx_p).conjugate()
    y5 = fxx.conjugate()
    y6 = (fxxx * fxxx.frobenius()).conjugate()

    # y0 · y1² · y2⁶ · y3¹² · y4¹⁸ · y5³⁰ · y6³⁶
    t0 = y6.square() * y4 * y5
    t1 = y3 * y5 * t0
    t0 = t0 * y2
    t1 = (t1.square() * t0).square()
    t0 = t1 * y1
    t1 = t1 * y0
    return t0.square() * t1
