"""Readers of proofs with hidden inputs, and of what ties them to commitments."""

from __future__ import annotations

from fuzzing.proofs import made
from fuzzing.target import Target
from private_exec.linking import Link
from private_exec.pedersen import H
from zk.curve.bn254 import G1_GENERATOR
from zk.groth16.hidden import HiddenProof


def _proofs() -> list[bytes]:
    return [HiddenProof(made().proof, point).to_bytes() for point in (G1_GENERATOR, H)]


def _read(data: bytes) -> Link:
    """Of two values: how many there are follows from the statement, not from the bytes."""
    return Link.from_bytes(data, 2)


def _links() -> list[bytes]:
    return [Link((G1_GENERATOR, H, H), (1, 2), (3, 0), 5).to_bytes()]


TARGETS = (
    Target(
        "hidden_proof",
        HiddenProof.from_bytes,
        HiddenProof.to_bytes,
        _proofs,
        memory=16,
        exact=True,
    ),
    Target("link", _read, Link.to_bytes, _links, memory=16, exact=True),
)
