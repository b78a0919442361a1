"""A dealing: one validator's contribution to the key, shared among all.  Rules PX-3, PX-20.

    Cₖ = cₖG₁, C'ₖ = cₖG₂        of S's p + 1 coefficients (sharing.py)
    E = kG                       shares are sealed with keys of k·EKᵢ
    sealedᵢ                      ChaCha20-Poly1305 of S(i), 48 bytes; bound to session and Cₖ
    proofs                       of knowledge of c₀ and of k, bound to the whole dealing

Without the proofs a dealing is invalid *and not complainable*: a dealer who copied another's E into
a dealing of garbage would turn honest complaints, which publish ekᵢ·E, into a decryption oracle.
"""

from __future__ import annotations

import functools
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
from private_exec.errors import KeygenRefused
from private_exec.keygen.context import Context
from private_exec.parameters import MAX_SHARES
from private_exec.proofs import Knowledge, knows, prove_knowledge
from private_exec.sharing import PackedPolynomial, commitment_weights
from private_exec.transcript import coefficients, secret_scalar
from zk.curve.bn254 import G1Affine, G2Affine, check_g1
from zk.curve.encoding import G1_BYTES, G2_BYTES, g1_from_bytes, g1_to_bytes, g2_to_bytes

SEALED_BYTES: Final = 32 + 16
_NONCE: Final = bytes(12)
_INFO: Final = b"chiaro/v1/private/keygen/share-key"
_CONSTANT_PROOF: Final = "private/keygen/secret"
_EPHEMERAL_PROOF: Final = "private/keygen/ephemeral"


@dataclass(frozen=True)
class Dealing:
    """What a dealer publishes.

    Attributes:
        dealer: its place in the roster.
        first: C₀ … C_p in G₁.
        second: the same in G₂.
        ephemeral: E.
        sealed: one per share number whose owner gave an encryption key, ascending.
        knows_secret: proof for C₀.
        knows_ephemeral: proof for E.

    Raises:
        DecodeError: PX-13, a point that is none, or outside the subgroup.
    """

    dealer: int
    first: tuple[G1Affine, ...]
    second: tuple[G2Affine, ...]
    ephemeral: G1Affine
    sealed: tuple[bytes, ...]
    knows_secret: Knowledge
    knows_ephemeral: Knowledge

    def __post_init__(self) -> None:
        for point in (*self.first, self.ephemeral):
            check_g1(point, what="commitment")
        group.check_order_g2(self.second, "commitment")

    @functools.cached_property
    def body(self) -> bytes:
        """Everything but the proofs."""
        return _body(self.dealer, self.first, self.second, self.ephemeral, self.sealed)

    def to_bytes(self) -> bytes:
        return self.body + self.knows_secret.to_bytes() + self.knows_ephemeral.to_bytes()

    @staticmethod
    def from_bytes(data: bytes) -> Dealing:
        """Strict; points are checked, G₂'s subgroup included."""
        reader = Reader(data, "dealing")
        dealer = reader.u16()
        count, sealed = (reader.count(2, MAX_SHARES, name) for name in ("commitments", "shares"))
        first = tuple(
            g1_from_bytes(reader.take(G1_BYTES), what=f"commitment {k}") for k in range(count)
        )
        second = tuple(
            group.g2_on_twist(reader.take(G2_BYTES), f"commitment {k}") for k in range(count)
        )
        ephemeral = g1_from_bytes(reader.take(G1_BYTES), what="ephemeral key")
        parts = tuple(reader.take(SEALED_BYTES) for _ in range(sealed))
        proofs = Knowledge.read(reader), Knowledge.read(reader)
        reader.done()
        return Dealing(dealer, first, second, ephemeral, parts, *proofs)

    def digest(self, session: bytes) -> bytes:
        """What a commit names."""
        return digest_of(session, self.to_bytes())


def digest_of(session: bytes, data: bytes) -> bytes:
    """The same of a dealing that is not decoded yet."""
    return tagged_hash("private/keygen/dealing", session, data)


def _body(
    dealer: int,
    first: Sequence[G1Affine],
    second: Sequence[G2Affine],
    ephemeral: G1Affine,
    sealed: Sequence[bytes],
) -> bytes:
    writer = Writer().u16(dealer).u16(len(first)).u16(len(sealed))
    for point in first:
        writer.raw(g1_to_bytes(point), G1_BYTES)
    for twisted in second:
        writer.raw(g2_to_bytes(twisted), G2_BYTES)
    writer.raw(g1_to_bytes(ephemeral), G1_BYTES)
    for part in sealed:
        writer.raw(part, SEALED_BYTES)
    return writer.done()


def session_of(context: Context, keys: dict[int, G1Affine]) -> bytes:
    """The attempt and the encryption keys that take part, as 32 bytes."""
    parts = (Writer().u16(m).done() + g1_to_bytes(keys[m]) for m in sorted(keys))
    return tagged_hash("private/keygen/session", context.digest, *parts)


def recipients(context: Context, keys: dict[int, G1Affine]) -> tuple[int, ...]:
    """Share numbers whose owners gave a key."""
    return tuple(i for m in sorted(keys) for i in context.roster.indices(m))


def make(context: Context, keys: dict[int, G1Affine], dealer: int, entropy: bytes) -> Dealing:
    """Deal a fresh secret.

    Args:
        context: of the attempt.
        keys: encryption keys by member.
        dealer: the member who deals.
        entropy: 32 fresh bytes.
    """
    session = session_of(context, keys)
    seed = (entropy, session, Writer().u16(dealer).done())
    polynomial = PackedPolynomial(
        context.parameters.packing,
        tuple(
            secret_scalar(f"private/keygen/coefficient/{k}", *seed)
            for k in range(context.commitments)
        ),
    )
    ephemeral = secret_scalar("private/keygen/ephemeral-secret", *seed)
    values = {i: polynomial.share(i) for i in recipients(context, keys)}
    return assemble(context, keys, dealer, polynomial, ephemeral, values, entropy)


def assemble(
    context: Context,
    keys: dict[int, G1Affine],
    dealer: int,
    polynomial: PackedPolynomial,
    ephemeral: int,
    values: dict[int, int],
    entropy: bytes,
) -> Dealing:
    """Commit, seal and prove; `values` by share number are what is sealed, right or not."""
    session = session_of(context, keys)
    first = tuple(group.base_g1(polynomial.coefficients))
    second = tuple(group.base_g2(polynomial.coefficients))
    point = group.base_g1([ephemeral])[0]
    owners = sorted(keys)
    shared = dict(
        zip(owners, group.multiples_g1([ephemeral], [keys[m] for m in owners]), strict=True)
    )
    sealed = tuple(
        _cipher(shared[m], session, dealer, i).encrypt(
            _NONCE, Writer().fr(values[i]).done(), _associated(session, first, point)
        )
        for m in owners
        for i in context.roster.indices(m)
    )
    binding = _binding(session, _body(dealer, first, second, point, sealed))
    return Dealing(
        dealer,
        first,
        second,
        point,
        sealed,
        prove_knowledge(polynomial.secret, _CONSTANT_PROOF, binding, entropy),
        prove_knowledge(ephemeral, _EPHEMERAL_PROOF, binding, entropy),
    )


def _binding(session: bytes, body: bytes) -> bytes:
    """Chain, instance, epoch, attempt (by the session), dealer, and the rest of the dealing."""
    return tagged_hash("private/keygen/binding", session, body)


def _associated(session: bytes, first: Sequence[G1Affine], ephemeral: G1Affine) -> bytes:
    return session + b"".join(map(g1_to_bytes, (*first, ephemeral)))


def _cipher(shared: G1Affine, session: bytes, dealer: int, number: int) -> ChaCha20Poly1305:
    info = _INFO + session + Writer().u16(dealer).u16(number).done()
    key = HKDF(SHA256(), 32, salt=None, info=info).derive(g1_to_bytes(shared))
    return ChaCha20Poly1305(key)


def check(dealing: Dealing, context: Context, keys: dict[int, G1Affine]) -> None:
    """Everything about a dealing that everybody sees.

    Raises:
        KeygenRefused: PX-20 counts, or commitments that differ between G₁ and G₂; PX-3 a proof.
    """
    where = f"dealing of member {dealing.dealer}"
    if dealing.dealer >= len(context.roster.members):
        raise KeygenRefused("PX-20", f"there is no member {dealing.dealer}", where=where)
    if not len(dealing.first) == len(dealing.second) == context.commitments:
        raise KeygenRefused(
            "PX-20",
            f"{len(dealing.first)} commitments, the degree asks for {context.commitments}",
            where=where,
        )
    wanted = len(recipients(context, keys))
    if len(dealing.sealed) != wanted:
        raise KeygenRefused(
            "PX-20", f"{len(dealing.sealed)} sealed shares, {wanted} are due", where=where
        )
    session = session_of(context, keys)
    binding = _binding(session, dealing.body)
    if not knows(dealing.first[0], dealing.knows_secret, _CONSTANT_PROOF, binding):
        raise KeygenRefused("PX-3", "the proof for C₀ does not hold", where=where)
    if not knows(dealing.ephemeral, dealing.knows_ephemeral, _EPHEMERAL_PROOF, binding):
        raise KeygenRefused("PX-3", "the proof for E does not hold", where=where)
    seed = tagged_hash("private/keygen/groups", session, dealing.body)
    weights = coefficients(seed, "commitment", context.commitments)
    total1 = group.sum_g1(weights, dealing.first)
    if not group.same_exponent(total1, group.sum_g2(weights, dealing.second)):
        raise KeygenRefused("PX-20", "commitments in G₁ and G₂ differ", where=where)


def open_share(
    dealing: Dealing, context: Context, keys: dict[int, G1Affine], number: int, shared: G1Affine
) -> int | None:
    """The share of number i under K = ek·E, or None where it is none: no AEAD, not below r.

    What comes out is not yet checked against the commitments.
    """
    session = session_of(context, keys)
    sealed = dealing.sealed[recipients(context, keys).index(number)]
    try:
        data = _cipher(shared, session, dealing.dealer, number).decrypt(
            _NONCE, sealed, _associated(session, dealing.first, dealing.ephemeral)
        )
    except InvalidTag:
        return None
    value = int.from_bytes(data, "little")
    return value if value < group.R else None


def is_share(dealing: Dealing, context: Context, number: int, value: int) -> bool:
    """Whether value·G₁ = C₀ + Σ Z(i)iᵏC_{k+1}."""
    weights = commitment_weights(context.parameters.packing, number, context.commitments)
    return group.sum_g1(weights, dealing.first) == group.base_g1([value])[0]
