"""The protocol's formulas, one function each, and nothing else.

Written independently of `circuits`, which states the same formulas as constraints; tests compare
the two. Values are integers in [0, r); points are on Baby Jubjub.

    cm    commitment of a note            nf   its nullifier
    ak    spending validation key         nk   nullifier key          mpk  master public key
    d     diversifier, 16 bytes           K    point of a kind        R    base of the blinding rcv
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import gmpy2

from node.core.amounts import check_amount
from node.core.ids import Kind
from zk.curve import babyjub
from zk.curve.babyjub import Point
from zk.errors import DecodeError, WrongLength
from zk.field.params import FR
from zk.hash import domains
from zk.hash.poseidon import poseidon

DIVERSIFIER_BYTES: Final = 16
RSEED_BYTES: Final = 32
SECRET_BYTES: Final = 32

_R: Final = FR.modulus

Pair = tuple[int, int]
"""Of an action's two slots."""


def mpk(ak: Point, nk: int) -> int:
    """Master public key, mpk = Poseidon_mpk(ak.x, ak.y, nk).  Rule SH-41.

    One per account; every owner tag of the account is made from it. It commits to both keys, so
    that who may spend (ak) and what marks a note as spent (nk) cannot be recombined.
    """
    return poseidon(domains.MASTER_KEY, (ak[0], ak[1], nk))


def owner(mpk: int, d: bytes) -> int:
    """Owner tag, owner_d = Poseidon_owner(mpk, d), d read as a little-endian integer.  Rule SH-41.

    Raises:
        WrongLength: d is not 16 bytes.
    """
    return poseidon(domains.OWNER, (mpk, diversifier_value(d)))


def diversifier_value(d: bytes) -> int:
    """A diversifier as the field element that hashes and circuits read."""
    if len(d) != DIVERSIFIER_BYTES:
        raise WrongLength(f"a diversifier has {DIVERSIFIER_BYTES} bytes, not {len(d)}")
    return int.from_bytes(d, "little")


def commitment(kind_x: int, quantity: int, data: int, owner: int, nonce: int, rcm: int) -> int:
    """Commitment, cm = Poseidon_cm(kind, quantity, data, owner, nonce, rcm).  Rule SH-42, SH-54.

    Raises:
        DecodeError: the quantity is no u64 (a wrapped value would balance).
        NonCanonical: another value is not below r.
    """
    check_amount(quantity, "quantity of a note")
    return poseidon(domains.COMMITMENT, (kind_x, quantity, data, owner, nonce, rcm))


def nullifier(nk: int, nonce: int, cm: int) -> int:
    """Nullifier, nf = Poseidon_nf(nk, nonce, cm).  Rule SH-42 (S-1).

    Everything here is fixed when the note is created, so a note has one nullifier whoever spends
    it and however; without nk nobody can tell which note it belongs to.
    """
    return poseidon(domains.NULLIFIER, (nk, nonce, cm))


def created_nonce(slot: int, nf_0: int, nf_1: int) -> int:
    """Nonce of slot i, Poseidon_nonce(i, nf₀, nf₁), i ∈ {0, 1}.  Rule SH-52 (S-3).

    Nullifiers never repeat, hence nonces never do: two notes cannot share a nullifier.

    Raises:
        DecodeError: no such slot.
    """
    if slot not in (0, 1):
        raise DecodeError(f"an action creates slots 0 and 1, not {slot}")
    return poseidon(domains.NONCE, (slot, nf_0, nf_1))


def commitment_randomness(rseed: bytes, nonce: int) -> int:
    """Commitment randomness, rcm = H("note/rcm", rseed, nonce) mod r.  Rule SH-51.

    Bound to the nonce: a seed that is used twice still gives two different values.
    """
    return _int(expand("note/rcm", _seed(rseed), nonce.to_bytes(32, "little"))) % _R


def ephemeral_secret(rseed: bytes, cm: int, memo: bytes) -> bytes:
    """Ephemeral X25519 scalar, esk = H("note/esk", rseed, cm, memo).  Rule SH-51 (S-8, S-13).

    Derived, so that the receiver can check that epk was made for its own diversifier (otherwise a
    sender could test whether two addresses belong together, ZIP 212). Bound to all of the plaintext
    (cm commits to everything but the memo): two plaintexts never share a cipher key.
    """
    return expand("note/esk", _seed(rseed), cm.to_bytes(32, "little"), memo)[:SECRET_BYTES]


def is_canonical_y(y: int) -> bool:
    """Whether 2 + y is a square and 2 − y five times a square (y of a point).  Rule SH-40 (S-2).

    If y passes then −y fails: 5 is a non-residue and y = ±2 is on no point, so 2 − y is then a
    non-zero non-square, and 2 + (−y) would have to be a square.
    """
    return bool(gmpy2.jacobi(2 + y, _R) >= 0 and gmpy2.jacobi(5 * (2 - y) % _R, _R) >= 0)


@dataclass(frozen=True, slots=True)
class KindPoint:
    """The curve point of a kind.

    Attributes:
        kind: what it stands for.
        ephemeral: which of the two hashes was used.
        x: Poseidon hash of (logic, label, ctr); the value `kind` inside commitments.
        y: the canonical root.
        ctr: the smallest counter for which there is one.
        point: K = [8](x, y).
    """

    kind: Kind
    ephemeral: bool
    x: int
    y: int
    ctr: int
    point: Point


@functools.lru_cache(maxsize=4096)
def kind_point(kind: Kind, ephemeral: bool = False) -> KindPoint:
    """The point of a kind, K = [8](x, y) with x = Poseidon_{kind|ephemeral}(logic, label, ctr).

    ctr is the smallest ≥ 0 for which x has a canonical y. Executor and wallet compute this
    themselves and never read K, x or ctr from a message: a sender's choice of ctr is another kind,
    and of the sign would mint.  Rule SH-40 (S-2, S-14).
    """
    tag = domains.EPHEMERAL_KIND if ephemeral else domains.KIND
    ctr = 0
    while True:
        x = poseidon(tag, (kind.logic, kind.label, ctr))
        root = babyjub.y_from_x(x)
        if root is not None:
            for y in (root, _R - root):
                if is_canonical_y(y):
                    point = babyjub.multiply(babyjub.COFACTOR, Point(x, y))
                    return KindPoint(kind, ephemeral, x, y, ctr, point)
        ctr += 1


def delta_point(nets: Iterable[tuple[Point, int]], rcv: int) -> Point:
    """Δ = Σ [netᵢ]Kᵢ + [rcv]R over pairs (Kᵢ, netᵢ), nets signed.  Rule SH-40 (S-14)."""
    total = babyjub.multiply(rcv, babyjub.RCV_BASE)
    for point, net in nets:
        total = babyjub.add(total, babyjub.multiply(net, point))
    return total


def randomized_key(ak: Point, alpha: int) -> Point:
    """Randomised key, rk = ak + [α]B8: a fresh signature key per action, unlinkable to ak."""
    return babyjub.add(ak, babyjub.multiply(alpha, babyjub.B8))


def spend_randomizer(alpha_key: bytes, nullifiers: Pair, commitments: Pair) -> int:
    """Randomizer of an action's key, α = H("alpha", alpha key, nf₀, nf₁, cm₀, cm₁) mod (l − 1) + 1.

    A keyed function of what the action publishes: to others α is random, so rk is unlinkable to ak;
    the holder of sk finds it again from the chain alone. The nullifier pair never comes twice, and
    the commitments carry the plan's randomness, so a changed plan has another α.  Rule SH-61.
    """
    values = (value.to_bytes(32, "little") for value in (*nullifiers, *commitments))
    return _int(expand("alpha", alpha_key, *values)) % (babyjub.ORDER - 1) + 1


def expand(tag: str, *parts: bytes) -> bytes:
    """H(tag, parts…): BLAKE2b-512 under `chiaro/v1/<tag>`, each part behind its length (u64).

    The length prefixes make lists of parts collide only where the hash does. 512 bits reduced
    modulo a 254-bit prime are within 2⁻²⁵⁷ of uniform.
    """
    hasher = hashlib.blake2b()
    for part in (domains.PREFIX + tag.encode(), *parts):
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return hasher.digest()


def _int(data: bytes) -> int:
    return int.from_bytes(data, "little")


def _seed(rseed: bytes) -> bytes:
    if len(rseed) != RSEED_BYTES:
        raise WrongLength(f"a note's seed has {RSEED_BYTES} bytes, not {len(rseed)}")
    return rseed
