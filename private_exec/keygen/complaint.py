"""A complaint, and the verdict that everybody reaches.  Rule PX-21.

    K = ek·E, with a proof that log_G(EK) = log_E(K), signed by the accuser

With K anyone opens the share in question. If it is none or does not fit the commitments, the dealer
is guilty; else, or if the proof fails, the accuser is. K opens that dealer's shares of that accuser
only, and a guilty dealing is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.errors import KeygenRefused
from private_exec.keygen import dealing as dealings
from private_exec.keygen.context import Context
from private_exec.keygen.dealing import Dealing
from private_exec.keygen.notice import DecryptionKey
from private_exec.proofs import Equality, are_equal, prove_equality
from private_exec.roster import SIGNATURE_BYTES, Signer
from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

_PROOF: Final = "private/keygen/complaint"


class Verdict(Enum):
    """Who is at fault."""

    GUILTY_DEALER = "the share is wrong"
    FALSE_ACCUSER = "the share is right, or the complaint's proof is wrong"


@dataclass(frozen=True, slots=True)
class Complaint:
    """An accusation. Raises a DecodeError where K is no point (PX-13).

    Attributes:
        accuser: a member.
        dealer: whom it accuses.
        number: a share number of the accuser.
        shared: K = ek·E.
        proof: that it is.
        signature: of the accuser's consensus key.
    """

    accuser: int
    dealer: int
    number: int
    shared: G1Affine
    proof: Equality
    signature: bytes

    def __post_init__(self) -> None:
        check_g1(self.shared, what="K")

    def to_bytes(self) -> bytes:
        return self.body() + self.signature

    def body(self) -> bytes:
        head = Writer().u16(self.accuser).u16(self.dealer).u16(self.number).done()
        return head + g1_to_bytes(self.shared) + self.proof.to_bytes()

    @staticmethod
    def from_bytes(data: bytes) -> Complaint:
        reader = Reader(data, "complaint")
        accuser, dealer, number = reader.u16(), reader.u16(), reader.u16()
        shared = g1_from_bytes(reader.take(G1_BYTES), what="K")
        proof, signature = Equality.read(reader), reader.take(SIGNATURE_BYTES)
        reader.done()
        return Complaint(accuser, dealer, number, shared, proof, signature)


def _binding(session: bytes, accuser: int, dealing: Dealing, number: int) -> bytes:
    place = Writer().u16(accuser).u16(number).done()
    return tagged_hash("private/keygen/accused", session, place, dealing.digest(session))


def make(
    context: Context,
    keys: dict[int, G1Affine],
    dealing: Dealing,
    accuser: int,
    number: int,
    secret: DecryptionKey,
    signer: Signer,
    entropy: bytes,
) -> Complaint:
    """Accuse the dealer of a wrong share of this number."""
    binding = _binding(dealings.session_of(context, keys), accuser, dealing, number)
    shared = group.multiple_g1(secret.secret, dealing.ephemeral)
    proof = prove_equality(secret.secret, dealing.ephemeral, _PROOF, binding, entropy)
    unsigned = Complaint(accuser, dealing.dealer, number, shared, proof, b"")
    signature = signer.sign(_digest(binding, unsigned))
    return Complaint(accuser, dealing.dealer, number, shared, proof, signature)


def _digest(binding: bytes, complaint: Complaint) -> bytes:
    return tagged_hash("private/keygen/complaint", binding, complaint.body())


def judge(
    complaint: Complaint, dealing: Dealing, context: Context, keys: dict[int, G1Affine]
) -> Verdict:
    """Public and deterministic. The dealing passed `dealing.check`: others are not complainable.

    Raises:
        KeygenRefused: PX-21, no admissible complaint: not signed by its accuser, or about a share
            that is not the accuser's.
    """
    where = f"complaint of member {complaint.accuser} about {complaint.dealer}"
    if complaint.accuser not in keys or complaint.dealer != dealing.dealer:
        raise KeygenRefused("PX-21", "its accuser received no shares of this dealer", where=where)
    if complaint.number not in context.roster.indices(complaint.accuser):
        raise KeygenRefused("PX-21", "it is about a share of somebody else", where=where)
    session = dealings.session_of(context, keys)
    binding = _binding(session, complaint.accuser, dealing, complaint.number)
    if not context.roster.check_signature(
        complaint.accuser, _digest(binding, complaint), complaint.signature
    ):
        raise KeygenRefused("PX-21", "not signed by its accuser", where=where)
    public = keys[complaint.accuser]
    if not are_equal(public, complaint.shared, dealing.ephemeral, complaint.proof, _PROOF, binding):
        return Verdict.FALSE_ACCUSER
    value = dealings.open_share(dealing, context, keys, complaint.number, complaint.shared)
    if value is None or not dealings.is_share(dealing, context, complaint.number, value):
        return Verdict.GUILTY_DEALER
    return Verdict.FALSE_ACCUSER
