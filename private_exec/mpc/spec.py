"""The formulas of SPEC.md once more, plainly: the twin that the fast code is compared with.

Python's integers only, one value at a time, sets of members as sets, the field's modulus an
argument where a small one makes every case countable. Slow, for tests and readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from zk.field.params import FR

R = FR.modulus


def interpolate(points: Sequence[int], values: Sequence[int], at: int, p: int = R) -> int:
    """Lagrange's formula."""
    total = 0
    for i, (x, y) in enumerate(zip(points, values, strict=True)):
        term = y
        for j, other in enumerate(points):
            if j != i:
                term = term * (at - other) * pow(x - other, -1, p) % p
        total += term
    return total % p


def share(coefficients: Sequence[int], member: int, p: int = R) -> int:
    """f(i) of (f₀, f₁, …)."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * member + coefficient) % p
    return value


def decode(
    points: Sequence[int], word: Sequence[int], degree: int, agree: int, p: int = R
) -> list[tuple[int, tuple[int, ...]]]:
    """All (f(0), places off f) of polynomials that at least `agree` of a word lie on."""
    found = set()
    for basis in combinations(range(len(points)), degree + 1):
        xs, ys = [points[k] for k in basis], [word[k] for k in basis]
        places = range(len(points))
        off = tuple(k for k in places if interpolate(xs, ys, points[k], p) != word[k] % p)
        if len(points) - len(off) >= agree:
            found.add((interpolate(xs, ys, 0, p), off))
    return sorted(found)


def prf(key: bytes, label: bytes, count: int) -> list[int]:
    """Integers below r of a key and a gate's label: AES-256 of 0, 1, 2, …, 40 bytes each."""
    own = hashlib.blake2b(label, digest_size=32, key=key, person=b"chiaro/v1/prss").digest()
    cipher = Cipher(AES(own), ECB()).encryptor()  # noqa: S305  counters are encrypted, no message
    blocks = -(-40 * count // 16)
    data = b"".join(cipher.update(i.to_bytes(16, "big")) for i in range(blocks))
    return [int.from_bytes(data[40 * i : 40 * i + 40], "little") % R for i in range(count)]


def mask(key: bytes, label: bytes, count: int) -> list[int]:
    """The same for the mask of a cell: BLAKE2b-320 of label and place."""
    found = []
    for j in range(count):
        data = label + j.to_bytes(4, "little")
        hashed = hashlib.blake2b(data, digest_size=40, key=key, person=b"chiaro/v1/mask")
        found.append(int.from_bytes(hashed.digest(), "little") % R)
    return found


def factor(n: int, subset: Iterable[int], member: int, p: int = R) -> int:
    """f_A(i): 1 at 0, 0 at every member that is not in the set."""
    value = 1
    for j in set(range(1, n + 1)) - set(subset):
        value = value * (member - j) * pow(-j, -1, p) % p
    return value


def shares(
    n: int,
    member: int,
    keys: Mapping[frozenset[int], bytes],
    label: bytes,
    count: int,
    function: Callable[[bytes, bytes, int], list[int]] = prf,
) -> list[int]:
    """Σ f_A(i)·PRF(k_A, label) over the sets of a member."""
    sums = [0] * count
    for subset, key in keys.items():
        if member in subset:
            for k, value in enumerate(function(key, label, count)):
                sums[k] += factor(n, subset, member) * value
    return [x % R for x in sums]


def zeros(
    n: int, member: int, keys: Mapping[frozenset[int], bytes], label: bytes, count: int
) -> list[int]:
    """Σ i^j·f_A(i)·PRF(k_A, label)ⱼ, 1 ≤ j ≤ t, over the sets of a member."""
    t = (n - 1) // 3
    sums = [0] * count
    for subset, key in keys.items():
        if member in subset:
            drawn = prf(key, label, count * t)
            for k in range(count):
                for j in range(1, t + 1):
                    weight = member**j * factor(n, subset, member)
                    sums[k] += weight * drawn[k * t + j - 1]
    return [x % R for x in sums]
