"""What observers check of a private session.  Rules PV-68, PV-78."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from node.core.ids import tagged_hash
from private_exec.linking import Linked, verify_linked
from private_exec.mpc.labels import SessionId
from private_exec.programs.ir import Circuit
from private_exec.programs.program import Program
from private_exec.programs.types import Declaration
from private_exec.provable.errors import TransitionRefused
from private_exec.provable.lower import lowered
from private_exec.provable.rows import Layout, shape_of
from private_exec.transcript import scalar_hash
from zk.curve.bn254 import G1Affine
from zk.groth16.keys import ProvingKey, VerifyingKey
from zk.groth16.setup import UnsafeDevSetup
from zk.interfaces import Backend
from zk.r1cs.matrices import R1CS


def session_element(session: SessionId) -> int:
    """The session as the statement's shown input (P2-7)."""
    return scalar_hash("private/transition/session", session)


def context_of(program: Program, session: SessionId) -> bytes:
    """What the proof's link belongs to; the session's id covers chain, cells and versions."""
    return context_at(program.digest, session)


def context_at(digest: bytes, session: SessionId) -> bytes:
    """The same by the program's digest."""
    return tagged_hash("private/transition", session, digest)


@dataclass(frozen=True, eq=False)
class Provable:
    """A program with all that proving its runs takes.

    Attributes:
        program: at its sizes.
        key: of its constraint system.

    Raises:
        TransitionRefused: PV-78, the key is of another constraint system.
    """

    program: Program
    key: ProvingKey

    def __post_init__(self) -> None:
        shape, key = shape_of(self.circuit, name_of(self.program)), self.key
        if (key.wires, key.publics, key.domain) != (shape.wires, shape.publics, shape.domain):
            raise TransitionRefused("PV-78", "a key of another program, or for other sizes")

    @cached_property
    def circuit(self) -> Circuit:
        """What members run."""
        return lowered(self.program)

    @cached_property
    def layout(self) -> Layout:
        return Layout(self.circuit)

    @cached_property
    def verifying_key(self) -> VerifyingKey:
        return self.key.verifying_key

    @staticmethod
    def unsafe(program: Program, backend: Backend) -> Provable:
        """With a development key: whoever has its published seed proves anything."""
        return Provable(program, UnsafeDevSetup().run(shape_of_program(program), backend))


def name_of(program: Program) -> str:
    """Of a program's statement: after its digest, so that every size has its own."""
    return name_at(program.declaration, program.digest)


def name_at(declared: Declaration, digest: bytes) -> str:
    """The same by the program's declaration, which all sizes share, and digest."""
    return f"{declared.name}-{digest.hex()[:16]}/{declared.version}"


def shape_of_program(program: Program) -> R1CS:
    """The constraint system of a program."""
    return shape_of(lowered(program), name_of(program))


def verify_transition(
    program: Program,
    key: VerifyingKey,
    session: SessionId,
    inputs: Sequence[G1Affine],
    outputs: Sequence[G1Affine],
    linked: Linked,
    backend: Backend | None = None,
) -> None:
    """That what `outputs` hold is what the program gives for what `inputs` hold.

    Args:
        program: at its sizes.
        key: verifying key of its constraint system.
        session: which session it must be.
        inputs: commitments of the cells that it read, in the program's order.
        outputs: commitments of the new cells, in the order of their declaration.
        linked: the proof.
        backend: what computes the pairings.

    Raises:
        TransitionRefused: PV-68, a proof of something else; PV-78.
        LinkRefused: PV-61 to PV-66.
        InvalidProof, NonCanonical, NotInSubgroup, ShapeMismatch: by `verify_hidden`.
    """
    layout = Layout(lowered(program))
    if key.publics != layout.publics:
        raise TransitionRefused("PV-78", "a key of another program, or for other sizes")
    if len(inputs) != layout.circuit.given or len(outputs) != len(layout.outputs):
        raise TransitionRefused(
            "PV-68",
            f"{len(inputs)} cells read and {len(outputs)} made, of "
            f"{layout.circuit.given} and {len(layout.outputs)}",
        )
    if linked.commitments != (*inputs, *outputs):
        raise TransitionRefused("PV-68", "a proof about other cells")
    if linked.public != (session_element(session),):
        raise TransitionRefused("PV-68", "a proof of another session")
    if linked.context != context_of(program, session):
        raise TransitionRefused("PV-68", "a proof for another program or session")
    verify_linked(key, layout.linked + 1, linked, backend)
