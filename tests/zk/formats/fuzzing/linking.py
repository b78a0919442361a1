"""Readers of proofs with hidden inputs, of what ties them to commitments, and of files of both."""

from __future__ import annotations

import json

from fuzzing.proofs import made
from fuzzing.target import Target
from private_exec.linking import Link, Linked
from private_exec.mpc.labels import SessionId
from private_exec.pedersen import H
from private_exec.programs.library import PROGRAMS
from private_exec.provable.document import Transition, document, parse
from private_exec.provable.transition import context_of, session_element
from zk.curve.bn254 import G1_GENERATOR
from zk.groth16.hidden import HiddenProof


def _proofs() -> list[bytes]:
    return [HiddenProof(made().proof, point).to_bytes() for point in (G1_GENERATOR, H)]


def _read(data: bytes) -> Link:
    """Of two values: how many there are follows from the statement, not from the bytes."""
    return Link.from_bytes(data, 2)


def _links() -> list[bytes]:
    return [Link((G1_GENERATOR, H, H), (1, 2), (3, 0), 5).to_bytes()]


def _transition(data: bytes) -> Transition:
    return parse(data, "fuzzed")


def _document(transition: Transition) -> bytes:
    return json.dumps(document(transition)).encode()


def _transitions() -> list[bytes]:
    """Of the right form; nothing is proved."""
    program, session = PROGRAMS["auction"].at(bidders=1), SessionId(bytes(range(32)))
    cells = (G1_GENERATOR, H, H, G1_GENERATOR)
    linked = Linked(
        (session_element(session),),
        cells,
        HiddenProof(made().proof, H),
        Link((G1_GENERATOR, H, H, H, H), (1, 2, 3, 4), (5, 6, 7, 8), 9),
        context_of(program, session),
    )
    return [_document(Transition(program, session, cells[:2], cells[2:], linked))]


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
    Target("transition", _transition, _document, _transitions, memory=64, text=True),
)
