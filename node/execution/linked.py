"""Claims of proofs with hidden inputs, from bytes to what `private_exec.linking` verifies."""

from __future__ import annotations

from node.core.interfaces import LinkedClaim, ProofClaim
from private_exec.linking import Link, Linked
from zk.curve.encoding import g1_from_bytes
from zk.groth16.hidden import HiddenProof
from zk.groth16.keys import Proof


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
