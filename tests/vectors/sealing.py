"""Makes `sealing.json`: `python tests/vectors/sealing.py`.

Nothing here comes from `private_exec`: the formulas of its SPEC.md are written out once more, over
py_ecc's groups, with hashlib's hashes and `cryptography`'s cipher and signatures. Every value is a
function of this file. One committee without packing, one with ℓ = 2.
"""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from py_ecc import optimized_bn128 as bn

HERE = Path(__file__).resolve().parent
COMMAND = "python tests/vectors/sealing.py"
P, R = bn.field_modulus, bn.curve_order
PREFIX = b"chiaro/v1/"
CHAIN, INSTANCE, DA_DOMAIN, EPOCH, HEIGHT = bytes(range(32)), 1, 2, 3, 20
SECOND_BASE_TAG = b"chiaro/v1/private/second-base_BN254G1_XMD:SHA-256_SVDW_RO_"
Json = dict[str, Any]


# Hashes: BLAKE2b over length-prefixed parts under a tag.


def le(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


def blake(size: int, tag: str, *parts: bytes) -> bytes:
    data = b"".join(le(len(part), 8) + part for part in (PREFIX + tag.encode(), *parts))
    return hashlib.blake2b(data, digest_size=size).digest()


def tagged(tag: str, *parts: bytes) -> bytes:
    return blake(32, tag, *parts)


def scalar(tag: str, *parts: bytes) -> int:
    return int.from_bytes(blake(64, tag, *parts), "little") % R


def seed(*parts: object) -> bytes:
    return hashlib.sha256(repr(("sealing.json", *parts)).encode()).digest()


# Points, compressed as arkworks does.


def times(k: int, point: Any) -> Any:
    return bn.multiply(point, k % R)


def total(points: list[Any]) -> Any:
    result = bn.Z1
    for point in points:
        result = bn.add(result, point)
    return result


def g1(point: Any) -> bytes:
    x, y = (int(c) for c in bn.normalize(point))
    data = bytearray(le(x, 32))
    data[31] |= 0x80 if y > P - y else 0
    return bytes(data)


def g2(point: Any) -> bytes:
    x, y = bn.normalize(point)
    (x0, x1), (y0, y1) = ([int(c) for c in value.coeffs] for value in (x, y))
    data = bytearray(le(x0, 32) + le(x1, 32))
    data[63] |= 0x80 if (y1 or y0) > (P - (y1 or y0)) else 0
    return bytes(data)


# RFC 9380, BN254G1_XMD:SHA-256_SVDW_RO_, by the formulas of its section 6.6.1.


def expand(message: bytes, tag: bytes, length: int) -> bytes:
    suffix = tag + bytes([len(tag)])
    b0 = hashlib.sha256(bytes(64) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    out, last = b"", bytes(32)
    for i in range(1, -(-length // 32) + 1):
        mixed = bytes(a ^ b for a, b in zip(b0, last, strict=True))
        last = hashlib.sha256(mixed + bytes([i]) + suffix).digest()
        out += last
    return out[:length]


def is_square(x: int) -> bool:
    return pow(x, (P - 1) // 2, P) in (0, 1)


def root(x: int) -> int:
    return pow(x, (P + 1) // 4, P)


def map_to_curve(u: int) -> Any:
    def g(x: int) -> int:
        return (x**3 + 3) % P

    def inverse(x: int) -> int:
        return pow(x, P - 2, P)

    z = 1
    tv1 = u * u * g(z) % P
    tv2 = (1 + tv1) % P
    tv1 = (1 - tv1) % P
    tv3 = inverse(tv1 * tv2 % P)
    tv4 = root(-g(z) * 3 * z * z % P)
    if tv4 % 2 == 1:
        tv4 = P - tv4
    tv5 = u * tv1 % P * tv3 % P * tv4 % P
    tv6 = -4 * g(z) * inverse(3 * z * z) % P
    x1 = (-z * inverse(2) - tv5) % P
    x2 = (-z * inverse(2) + tv5) % P
    x3 = (z + tv6 * (tv2 * tv2 * tv3) ** 2) % P
    x = x1 if is_square(g(x1)) else x2 if is_square(g(x2)) else x3
    y = root(g(x))
    if y % 2 != u % 2:
        y = P - y
    return (bn.FQ(x), bn.FQ(y), bn.FQ(1))


def hash_to_g1(message: bytes, tag: bytes) -> Any:
    data = expand(message, tag, 96)
    u = [int.from_bytes(data[at : at + 48], "big") % P for at in (0, 48)]
    return bn.add(map_to_curve(u[0]), map_to_curve(u[1]))


# Sharing.


def share(coefficients: list[int], packing: int, x: int) -> int:
    z = 1
    for k in range(1, packing + 1):
        z = z * (x + k) % R
    tail = sum(c * pow(x, k, R) for k, c in enumerate(coefficients[1:]))
    return (coefficients[0] + z * tail) % R


def lagrange(points: list[int], at: int) -> list[int]:
    weights = []
    for x in points:
        w = 1
        for other in points:
            if other != x:
                w = w * (at - other) * pow(x - other, R - 2, R) % R
        weights.append(w)
    return weights


# One committee.


def committee(n: int, packing: int, count: int) -> Json:
    quorum = n - (n - 1) // 3
    privacy = quorum - 2 * packing + 1
    signers = [Ed25519PrivateKey.from_private_bytes(seed("validator", n, i)) for i in range(n)]
    payer = Ed25519PrivateKey.from_private_bytes(seed("payer"))
    coefficients = [
        int.from_bytes(seed("coefficient", n, k), "little") % R for k in range(privacy + 1)
    ]
    secret = coefficients[0]
    values = [share(coefficients, packing, i) for i in range(1, n + 1)]

    domain = CHAIN + le(INSTANCE, 4) + le(DA_DOMAIN, 4)
    parameters = le(n, 2) + le(quorum, 2) + le(packing, 2)
    roster = le(n, 2) + b"".join(public(s) + le(1, 2) for s in signers)
    pk1, pk2 = times(secret, bn.G1), times(secret, bn.G2)
    vks = [times(value, bn.G2) for value in values]
    key = b"\1" + blob(domain) + le(EPOCH, 8) + blob(parameters) + blob(roster)
    key += g1(pk1) + g2(pk2) + b"".join(map(g2, vks))
    digest = tagged("private/epoch-key", key)
    second = hash_to_g1(domain + le(EPOCH, 8) + g1(pk1), SECOND_BASE_TAG)

    sealed = [seal(k, n, payer, domain, digest, pk1, second) for k in range(count)]
    bases = [item.pop("base") for item in sealed]
    header = le(HEIGHT, 8) + le(EPOCH, 8) + le(count, 4)
    batch_root = tagged(
        "private/batch", header, digest, *(bytes.fromhex(item["id"]) for item in sealed)
    )
    slots = [-1 - s for s in range(packing)]
    subs = [range(at, min(at + packing, count)) for at in range(0, count, packing)]
    shares = []
    for i in range(1, n + 1):
        weights = lagrange(slots, i)
        points = [
            times(values[i - 1], total([times(weights[s], bases[j]) for s, j in enumerate(sub)]))
            for sub in subs
        ]
        shares.append(points)
    numbers = list(range(1, quorum + 1))
    combined = [
        total(
            [
                times(w, shares[i - 1][u])
                for w, i in zip(lagrange(numbers, slots[s]), numbers, strict=True)
            ]
        )
        for u, sub in enumerate(subs)
        for s, _ in enumerate(sub)
    ]
    assert [g1(k) for k in combined] == [g1(times(secret, base)) for base in bases]
    messages = []
    for i, points in enumerate(shares):
        unsigned = le(HEIGHT, 8) + le(EPOCH, 8) + batch_root + le(i, 2) + le(len(points), 4)
        unsigned += b"".join(map(g1, points))
        messages.append(unsigned + signers[i].sign(tagged("private/shares", digest, unsigned)))
    bases_bytes, points_bytes = (b"".join(map(g1, points)) for points in (bases, combined))
    reveal_seed = tagged(
        "private/reveal",
        domain,
        le(HEIGHT, 8) + le(EPOCH, 8) + batch_root + le(count, 4),
        g2(pk2),
        bases_bytes,
        points_bytes,
    )
    rho = [
        hashlib.blake2b(le(j, 8) + le(0, 4) + b"reveal", digest_size=16, key=reveal_seed).digest()
        for j in range(count)
    ]
    reveal = le(HEIGHT, 8) + le(EPOCH, 8) + batch_root + le(count, 2) + points_bytes
    return {
        "n": n,
        "quorum": quorum,
        "packing": packing,
        "privacy": privacy,
        "coefficients": [str(c) for c in coefficients],
        "validators": [seed("validator", n, i).hex() for i in range(n)],
        "payer": seed("payer").hex(),
        "shares": [str(value) for value in values],
        "key": key.hex(),
        "key_digest": digest.hex(),
        "second_base": g1(second).hex(),
        "sealed": sealed,
        "root": batch_root.hex(),
        "messages": [message.hex() for message in messages],
        "reveal": reveal.hex(),
        "reveal_seed": reveal_seed.hex(),
        "reveal_coefficients": [str(int.from_bytes(word, "little")) for word in rho],
    }


def public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def blob(data: bytes) -> bytes:
    return le(len(data), 4) + data


def seal(
    number: int,
    n: int,
    payer: Ed25519PrivateKey,
    domain: bytes,
    digest: bytes,
    pk1: Any,
    second: Any,
) -> Json:
    intent, entropy = b"intent %d" % number, seed("entropy", n, number)
    expiry, size = 50, 512
    terms = public(payer) + le(number, 8) + le(5, 8) + le(1000, 8) + le(expiry, 8) + b"\0"
    env = tagged("private/terms", b"\1", terms)
    label = tagged("private/label", domain, le(EPOCH, 8) + digest + le(expiry, 8), env)
    plaintext = (le(len(intent), 2) + intent).ljust(size - 16, b"\0")
    parts = (entropy, digest, label, tagged("private/plaintext", plaintext))
    r, s = (scalar(f"private/seal/{name}", *parts) for name in "rs")
    u, w, u_bar, w_bar = times(r, bn.G1), times(s, bn.G1), times(r, second), times(s, second)
    shared = times(r, pk1)
    info = b"chiaro/v1/private/body-key" + g1(u) + label
    key = HKDF(SHA256(), 32, salt=None, info=info).derive(g1(shared))
    body = ChaCha20Poly1305(key).encrypt(bytes(12), plaintext, label + g1(u))
    points = [g1(point) for point in (u, u_bar, w, w_bar)]
    e = scalar("private/seal/e", label, *points, tagged("private/body", body))
    z = (s + e * r) % R
    sealed = b"".join(points) + le(z, 32) + body
    auth = payer.sign(tagged("private/auth", label, sealed))
    envelope = b"\1" + le(EPOCH, 8) + terms + sealed + auth
    return {
        "intent": intent.hex(),
        "entropy": entropy.hex(),
        "label": label.hex(),
        "r": str(r),
        "s": str(s),
        "e": str(e),
        "shared": g1(shared).hex(),
        "body_key": key.hex(),
        "envelope": envelope.hex(),
        "id": tagged("private/envelope", label, sealed).hex(),
        "base": u,
    }


def document() -> str:
    """The file's text."""
    content = {
        "source": COMMAND,
        "oracle": f"py_ecc {version('py-ecc')} (optimized_bn128); hashlib; cryptography",
        "chain_id": CHAIN.hex(),
        "instance": INSTANCE,
        "da_domain": DA_DOMAIN,
        "epoch": EPOCH,
        "height": HEIGHT,
        "committees": [committee(4, 1, 2), committee(7, 2, 3)],
    }
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    (HERE / "sealing.json").write_text(document())
