"""Labelled hashed ElGamal with TDH2's proof (Shoup and Gennaro, J. Cryptology 2002), on BN254's G1.

    U = rG   Ū = rḠ   W = sG   W̄ = sḠ   z = s + e·r   e = H(label, U, Ū, W, W̄, H(body))
    body = ChaCha20-Poly1305(key = HKDF(r·pk₁, U, label); associated data: label, U)

    valid iff  zG = W + eU  and  zḠ = W̄ + eŪ

The proof makes copying, changing and re-labelling impossible without knowing r; validators make
shares of valid ciphertexts only. The cipher's nonce is 0: each key is used once. Given U the key
is unique, so a ciphertext opens to one thing at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.errors import BadSeals, Undecryptable
from private_exec.halving import failing
from private_exec.keys import EpochKey
from private_exec.transcript import coefficients, scalar_hash, secret_scalar
from zk.curve.bn254 import G1_GENERATOR, G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

TAG_BYTES: Final = 16
POINTS_BYTES: Final = 5 * 32
"""Of a ciphertext, before its body: four points and z."""
_NONCE: Final = bytes(12)
_INFO: Final = b"chiaro/v1/private/body-key"

Labelled = tuple[bytes, "Seal"]
"""A ciphertext and its label, 32 bytes."""


@dataclass(frozen=True, slots=True)
class Seal:
    """A ciphertext.

    Raises:
        DecodeError: PX-13: U, Ū, W, W̄ are points of G1 and not the identity; z is below r.
    """

    u: G1Affine
    u_bar: G1Affine
    w: G1Affine
    w_bar: G1Affine
    z: int
    body: bytes

    def __post_init__(self) -> None:
        for name in ("u", "u_bar", "w", "w_bar"):
            check_g1(getattr(self, name), what=name)
        group.check_scalar(self.z, "z")

    def to_bytes(self) -> bytes:
        points = b"".join(map(g1_to_bytes, (self.u, self.u_bar, self.w, self.w_bar)))
        return points + Writer().fr(self.z).done() + self.body

    @staticmethod
    def read(reader: Reader, body: int) -> Seal:
        """A ciphertext whose body has `body` bytes."""
        u, u_bar, w, w_bar = (
            g1_from_bytes(reader.take(G1_BYTES), what=what) for what in ("u", "u_bar", "w", "w_bar")
        )
        return Seal(u, u_bar, w, w_bar, reader.fr(), reader.take(body))


def seal(key: EpochKey, label: bytes, plaintext: bytes, entropy: bytes) -> Seal:
    """Encrypt.

    r hashes entropy, key, label and plaintext: entropy used twice gives no U twice, except for the
    very same message (PX-12).

    Args:
        key: of the epoch in which the intent will be ordered.
        label: what the ciphertext is bound to, 32 bytes (`envelope.label_of`).
        plaintext: already padded.
        entropy: 32 fresh bytes of the system's generator.
    """
    parts = (entropy, key.digest, label, tagged_hash("private/plaintext", plaintext))
    r, s = (secret_scalar(f"private/seal/{name}", *parts) for name in ("r", "s"))
    u, w = group.base_g1([r, s])
    u_bar, w_bar = group.base_g1([r, s], key.second_base)
    shared = group.multiple_g1(r, key.pk1)
    body = ChaCha20Poly1305(body_key(shared, u, label)).encrypt(
        _NONCE, plaintext, _associated(label, u)
    )
    e = challenge(label, u, u_bar, w, w_bar, body)
    return Seal(u, u_bar, w, w_bar, (s + e * r) % group.R, body)


def challenge(
    label: bytes, u: G1Affine, u_bar: G1Affine, w: G1Affine, w_bar: G1Affine, body: bytes
) -> int:
    """The proof's challenge e."""
    points = map(g1_to_bytes, (u, u_bar, w, w_bar))
    return scalar_hash("private/seal/e", label, *points, tagged_hash("private/body", body))


def body_key(shared: G1Affine, u: G1Affine, label: bytes) -> bytes:
    """The key of the body: HKDF-SHA256 of r·pk₁ = sk·U, which nobody else can compute.

    Never of a value of the pairing: e(U, pk₂) is public (PX-12).
    """
    info = _INFO + g1_to_bytes(u) + label
    return HKDF(SHA256(), 32, salt=None, info=info).derive(g1_to_bytes(shared))


def _associated(label: bytes, u: G1Affine) -> bytes:
    return label + g1_to_bytes(u)


def verify(key: EpochKey, label: bytes, sealed: Seal) -> None:
    """PX-14: the sender of this label knows r.

    Raises:
        BadSeals: PX-14.
    """
    if not _is_proved(key, label, sealed):
        raise BadSeals("PX-14", "the proof of the ciphertext does not hold for its label", (0,))


def _is_proved(key: EpochKey, label: bytes, sealed: Seal) -> bool:
    """Both equations, each by itself."""
    e = challenge(label, sealed.u, sealed.u_bar, sealed.w, sealed.w_bar, sealed.body)
    plain = group.sum_g1([sealed.z, -1, -e], [G1_GENERATOR, sealed.w, sealed.u])
    barred = group.sum_g1([sealed.z, -1, -e], [key.second_base, sealed.w_bar, sealed.u_bar])
    return plain is None and barred is None


def verify_batch(key: EpochKey, items: Sequence[Labelled]) -> None:
    """PX-14 for many: one sum of 4B + 2 multiples; on failure both halves, down to the culprits.

    Accepts what `verify` accepts; of bad ones a combination misses any with probability 2⁻¹²⁸.

    Raises:
        BadSeals: PX-14; names every bad one.
    """
    if not items:
        return
    alpha, beta = batch_coefficients(key, items)
    challenges = [challenge(la, s.u, s.u_bar, s.w, s.w_bar, s.body) for la, s in items]

    def holds(part: Sequence[int]) -> bool:
        if len(part) == 1:
            return _is_proved(key, *items[part[0]])
        return _combined(key, items, challenges, alpha, beta, part)

    bad = failing(len(items), holds)
    if bad:
        raise BadSeals(
            "PX-14", f"{len(bad)} of {len(items)} proofs do not hold for their labels", tuple(bad)
        )


def batch_coefficients(key: EpochKey, items: Sequence[Labelled]) -> tuple[list[int], list[int]]:
    """PX-9: from whole ciphertexts and labels, separate for the two equations."""
    data = (part for label, sealed in items for part in (label, sealed.to_bytes()))
    seed = tagged_hash("private/seal/batch", key.digest, *data)
    return coefficients(seed, "plain", len(items)), coefficients(seed, "barred", len(items))


def _combined(
    key: EpochKey,
    items: Sequence[Labelled],
    challenges: Sequence[int],
    alpha: Sequence[int],
    beta: Sequence[int],
    part: Sequence[int],
) -> bool:
    """Whether Σ αⱼ(zⱼG − Wⱼ − eⱼUⱼ) + Σ βⱼ(zⱼḠ − W̄ⱼ − eⱼŪⱼ) = O over a part of the batch."""
    scalars, points = [0, 0], [G1_GENERATOR, key.second_base]
    for j in part:
        s, e = items[j][1], challenges[j]
        scalars[0] += alpha[j] * s.z
        scalars[1] += beta[j] * s.z
        scalars += [-alpha[j], -alpha[j] * e, -beta[j], -beta[j] * e]
        points += [s.w, s.u, s.w_bar, s.u_bar]
    return group.sum_g1(scalars, points) is None


def open_body(sealed: Seal, label: bytes, shared: G1Affine) -> bytes:
    """The plaintext under K = sk·U.

    Raises:
        Undecryptable: PX-16: the body was not made with this key; all nodes find the same.
    """
    cipher = ChaCha20Poly1305(body_key(shared, sealed.u, label))
    try:
        return cipher.decrypt(_NONCE, sealed.body, _associated(label, sealed.u))
    except InvalidTag:
        raise Undecryptable("PX-16", "the body does not open under its key", where="body") from None
