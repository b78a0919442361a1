"""Claims of proofs, from bytes to what verifies them; of those that hide inputs, with the link."""

from __future__ import annotations

from node.core.interfaces import LinkedClaim, ProofClaim
from private_exec.linking import Link, Linked, verify_linked
from zk.curve.encoding import g1_from_bytes
from zk.groth16.hidden import HiddenProof
from zk.groth16.keys import Proof, VerifyingKey
from zk.groth16.verify import verify
from zk.interfaces import Backend


def check_claim(key: VerifyingKey, claim: ProofClaim, backend: Backend) -> None:
    """That a claim holds under a key, judged alone.

    Raises:
        DecodeError: a point or scalar that is none; LinkRefused: PV-61 to PV-66.
        InvalidProof, ShapeMismatch: by `zk.groth16`.
    """
    if (linked := claim.linked) is not None:
        verify_linked(key, hidden_count(linked), said_by(claim, linked), backend)
        return
    proof = Proof.from_bytes(claim.proof, order=False)  # `verify` checks it, far faster
    verify(key, claim.public, proof, backend)


def hidden_count(linked: LinkedClaim) -> int:
    """How many inputs the statement hides: the committed ones, and the one that blinds them.

    Commitments are the environment's to list, so their number is the statement's.
    """
    return len(linked.commitments) + 1


def said_by(claim: ProofClaim, linked: LinkedClaim) -> Linked:
    """The claim, decoded; the order of B is left to who verifies.

    Raises:
        DecodeError: a point that is none; LinkRefused: PV-62.
    """
    proof = Proof.from_bytes(claim.proof, order=False)
    point = g1_from_bytes(linked.point, what="proof.d")
    commitments = tuple(g1_from_bytes(data, what="commitment") for data in linked.commitments)
    link = Link.from_bytes(linked.link, len(commitments))
    return Linked(claim.public, commitments, HiddenProof(proof, point), link, linked.context)
