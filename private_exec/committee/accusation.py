"""A complaint about something sealed to its sender, and what it discloses.  Rule PV-34.

    K = e·E, with a proof that log_G(EK) = log_E(K), signed by the accuser

One form for the ceremony, inputs and resharing. With K anyone opens what that message sealed to the
accuser, and judges; it opens nothing else (PV-33).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.committee.declaration import Declaration
from private_exec.committee.errors import ComplaintRefused
from private_exec.keygen.notice import DecryptionKey
from private_exec.proofs import Equality, are_equal, prove_equality
from private_exec.roster import SIGNATURE_BYTES, Signer
from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

_PROOF: Final = "private/committee/accusation"


class Verdict(Enum):
    """Who is at fault."""

    GUILTY_SENDER = "what was sealed is wrong"
    FALSE_ACCUSER = "what was sealed is right, or the complaint's proof is wrong"


@dataclass(frozen=True, slots=True)
class Accusation:
    """An accusation. Raises a DecodeError where K is no point.

    Attributes:
        accuser: a member.
        about: digest of the message, 32 bytes.
        shared: K.
        proof: that it is e·E.
        signature: of the accuser.
    """

    accuser: int
    about: bytes
    shared: G1Affine
    proof: Equality
    signature: bytes

    def __post_init__(self) -> None:
        check_g1(self.shared, what="K")

    def body(self) -> bytes:
        head = Writer().u8(self.accuser).raw(self.about, 32).done()
        return head + g1_to_bytes(self.shared) + self.proof.to_bytes()

    def to_bytes(self) -> bytes:
        return self.body() + self.signature

    @staticmethod
    def from_bytes(data: bytes) -> Accusation:
        reader = Reader(data, "complaint")
        accuser, about = reader.u8(), reader.take(32)
        shared = g1_from_bytes(reader.take(G1_BYTES), what="K")
        proof, signature = Equality.read(reader), reader.take(SIGNATURE_BYTES)
        reader.done()
        return Accusation(accuser, about, shared, proof, signature)


def _binding(session: bytes, accuser: int, about: bytes) -> bytes:
    return tagged_hash("private/committee/accused", session, Writer().u8(accuser).done(), about)


def _digest(binding: bytes, accusation: Accusation) -> bytes:
    return tagged_hash("private/committee/complaint", binding, accusation.body())


def accuse(
    session: bytes,
    accuser: int,
    about: bytes,
    ephemeral: G1Affine,
    secret: DecryptionKey,
    signer: Signer,
    entropy: bytes,
) -> Accusation:
    """Disclose what a message sealed to this member.

    Args:
        session: of the epoch whose encryption key it was sealed to.
        accuser: this member.
        about: the message's digest.
        ephemeral: its E, whose proof was checked.
        secret: e.
        signer: this member's key.
        entropy: for the proof's nonce.
    """
    binding = _binding(session, accuser, about)
    shared = group.multiple_g1(secret.secret, ephemeral)
    proof = prove_equality(secret.secret, ephemeral, _PROOF, binding, entropy)
    unsigned = Accusation(accuser, about, shared, proof, b"")
    return Accusation(accuser, about, shared, proof, signer.sign(_digest(binding, unsigned)))


def disclosed(
    accusation: Accusation,
    declaration: Declaration,
    session: bytes,
    keys: Mapping[int, G1Affine],
    about: bytes,
    ephemeral: G1Affine,
) -> G1Affine:
    """K; None where its proof does not hold: then the accuser is at fault.

    Raises:
        ComplaintRefused: PV-34, it is not its accuser's, or about another message.
    """
    where = f"complaint of member {accusation.accuser}"
    if accusation.about != about:
        raise ComplaintRefused("PV-34", "it is about another message", where=where)
    if accusation.accuser not in keys:
        raise ComplaintRefused("PV-34", "nothing was sealed to this member", where=where)
    binding = _binding(session, accusation.accuser, about)
    digest = _digest(binding, accusation)
    if not declaration.is_signed(accusation.accuser, digest, accusation.signature):
        raise ComplaintRefused("PV-34", "not signed by its accuser", where=where)
    public = keys[accusation.accuser]
    if not are_equal(public, accusation.shared, ephemeral, accusation.proof, _PROOF, binding):
        return None
    return accusation.shared
