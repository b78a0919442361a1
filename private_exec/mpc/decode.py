"""Shares, some of them wrong → values, and who sent the wrong ones (PV-4, PV-5).

Shares of a value are a word of a Reed–Solomon code. A polynomial is accepted if at least `agree` of
the shares lie on it. With t liars that do what they like, degree + t + 1 are needed: then more than
`degree` honest members are among them, whoever is absent, so it is the honest members' polynomial.
For degree t that leaves room for t liars if all are present, one less for each who is not. For
degree 2t it takes all shares: t liars are noticed, and none corrected.

The whole vector is checked at once; where it fails, one value is decoded (Gao, "A new algorithm for
decoding Reed–Solomon codes", 2003) and its liars are left out of the next check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from private_exec.mpc import shamir, vectors
from private_exec.mpc.errors import TooFewVectors, TooManyLiars
from private_exec.mpc.shamir import Size
from zk.field.arrays import U64Array


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the shares of a vector say.

    Attributes:
        values: `[m, 4]`.
        liars: members whose share of some value is wrong, ascending.
    """

    values: U64Array = field(repr=False)
    liars: tuple[int, ...]


def quorum(size: Size, degree: int) -> int:
    """PV-4: how many shares must lie on a polynomial of this degree, so that no liars made it."""
    return min(degree + size.t + 1, size.n)


def decode(
    size: Size, shares: Mapping[int, U64Array], degree: int, *, agree: int | None = None
) -> Decoded:
    """Values and liars, or nothing.

    Args:
        size: of the committee.
        shares: by member, of equal length; absent members have none.
        degree: t, or 2t for products.
        agree: how many shares must lie on one polynomial, `quorum` by default. Who asks for fewer
            corrects up to ⌊(present − degree − 1)/2⌋ liars, but t of them can choose the value:
            what is decoded so must be checked otherwise (P2-4).

    Raises:
        TooFewVectors: PV-5, fewer shares than must agree.
        TooManyLiars: PV-4, they do not. Nobody is named.
    """
    members = shamir.present(size, shares)
    needed = max(degree + 1, quorum(size, degree) if agree is None else agree)
    if len(members) < needed:
        raise TooFewVectors("PV-5", f"{len(members)} members sent shares, {needed} must agree")
    most = min(len(members) - needed, (len(members) - degree - 1) // 2)
    liars: set[int] = set()
    while True:
        good = [i for i in members if i not in liars]
        basis, rest = good[: degree + 1], good[degree + 1 :]
        values, *others = shamir.extend(basis, (0, *rest), shares)
        place = shamir.disagreeing(others, rest, shares)
        if place is None:
            return Decoded(values, tuple(sorted(liars)))
        word = [vectors.ints(shares[i][place : place + 1])[0] for i in members]
        wrong = locate(members, word, degree, most)
        # others than before: those that are left disagree here
        liars |= {members[k] for k in wrong} if wrong is not None else set(members)
        if len(liars) > most:
            raise TooManyLiars("PV-4", f"no {needed} of {len(members)} shares agree")


def locate(
    points: Sequence[int], word: Sequence[int], degree: int, most: int, modulus: int = vectors.R
) -> tuple[int, ...] | None:
    """Which places of a word are wrong; None unless it is at most `most` of them.

    Args:
        points: where the polynomial was evaluated; they differ.
        word: what is said to be its values.
        degree: its degree, at most.
        most: at most ⌊(places − degree − 1)/2⌋.
        modulus: of the field; tests take small ones.
    """
    p, n = modulus, len(points)
    locator = [1]
    for x in points:
        locator = _times(locator, [-x % p, 1], p)
    older, newer = locator, _interpolated(points, word, p)
    before, factor = [0], [1]
    while 2 * (len(newer) - 1) >= n + degree + 1:
        quotient, rest = _divided(older, newer, p)
        older, newer = newer, rest
        before, factor = factor, _minus(before, _times(quotient, factor, p), p)
    polynomial, rest = _divided(newer, factor, p)
    if any(rest) or len(polynomial) > degree + 1:
        return None
    wrong = tuple(k for k in range(n) if _value(polynomial, points[k], p) != word[k] % p)
    return wrong if len(wrong) <= most else None


# -- polynomials: coefficients modulo p, the lowest first, the last one not 0 unless it is alone ---


def _trimmed(a: list[int]) -> list[int]:
    while len(a) > 1 and a[-1] == 0:
        a.pop()
    return a


def _times(a: Sequence[int], b: Sequence[int], p: int) -> list[int]:
    out = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] = (out[i + j] + x * y) % p
    return _trimmed(out)


def _minus(a: Sequence[int], b: Sequence[int], p: int) -> list[int]:
    length = max(len(a), len(b))
    padded = ([*x, *[0] * (length - len(x))] for x in (a, b))
    return _trimmed([(x - y) % p for x, y in zip(*padded, strict=True)])


def _divided(a: Sequence[int], b: Sequence[int], p: int) -> tuple[list[int], list[int]]:
    """Quotient and remainder; b is not 0."""
    rest, inverse = list(a), pow(b[-1], -1, p)
    quotient = [0] * max(1, len(a) - len(b) + 1)
    for shift in reversed(range(len(a) - len(b) + 1)):
        factor = rest[shift + len(b) - 1] * inverse % p
        quotient[shift] = factor
        for j, y in enumerate(b):
            rest[shift + j] = (rest[shift + j] - factor * y) % p
    return _trimmed(quotient), _trimmed(rest[: max(1, len(b) - 1)])


def _value(a: Sequence[int], x: int, p: int) -> int:
    total = 0
    for coefficient in reversed(a):
        total = (total * x + coefficient) % p
    return total


def _interpolated(points: Sequence[int], values: Sequence[int], p: int) -> list[int]:
    """Newton's interpolation."""
    polynomial, basis = [0], [1]
    for x, y in zip(points, values, strict=True):
        factor = (y - _value(polynomial, x, p)) * pow(_value(basis, x, p), -1, p) % p
        polynomial = _minus(polynomial, [-factor * c % p for c in basis], p)
        basis = _times(basis, [-x % p, 1], p)
    return polynomial
