"""A session with a proof: compute on shares, commit to the outputs, prove.  Rules PV-69, PV-79.

Nothing that was declared is opened here: outputs stay hidden in their commitments until the proof
has landed and is final (P2-5).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from node.core.ids import tagged_hash
from private_exec import exponent
from private_exec.collaborative.protocol import prove
from private_exec.collaborative.task import Holding, Task
from private_exec.linking import Linked
from private_exec.mpc import vectors
from private_exec.mpc.arithmetic import Mpc, compute
from private_exec.mpc.context import Context
from private_exec.mpc.message import Kind
from private_exec.mpc.rounds import WAIT, Form, Inbox, Round, Rounds
from private_exec.pedersen import Opening, commit
from private_exec.programs.run import all_wires
from private_exec.provable.errors import TransitionRefused
from private_exec.provable.transition import Provable, context_of, session_element
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import g1_to_bytes
from zk.field.arrays import U64Array

GATE = (1 << 32) - 1
"""Of the proof: the last number, which no operation of a program has."""


@dataclass(frozen=True, eq=False)
class Operands:
    """A member's side of the cells that a session reads; prints no share.

    Attributes:
        values: shares, `[k, 4]`.
        blindings: shares of their commitments' blindings, `[k, 4]`.
        commitments: as the chain has them.
    """

    values: U64Array = field(repr=False)
    blindings: U64Array = field(repr=False)
    commitments: tuple[G1Affine, ...]


@dataclass(frozen=True, eq=False)
class Proved:
    """What a session came to, as one member has it.

    Attributes:
        linked: the proof, the same for every honest member.
        outputs: commitments of what was computed.
        values: shares of it, `[m, 4]`.
    """

    linked: Linked
    outputs: tuple[G1Affine, ...]
    values: U64Array = field(repr=False)


def run(
    context: Context, provable: Provable, operands: Operands, blindings: U64Array
) -> Rounds[Proved]:
    """Compute, commit, prove.

    Args:
        context: of the member.
        provable: the program, with its key.
        operands: what it reads.
        blindings: shares of the blindings of the new commitments, `[m, 4]`, drawn for new cells.

    Raises:
        TransitionRefused: PV-69, fewer than 2t + 1 members agree on the outputs' commitments;
            PV-79, operands that are not the program's.
        and whatever computing (PV-10 …) and proving (PV-70 …) refuse.
    """
    layout = provable.layout
    given, made = layout.circuit.given, len(layout.outputs)
    sizes = (len(operands.values), len(operands.blindings), len(operands.commitments))
    if sizes != (given,) * 3 or len(blindings) != made:
        raise TransitionRefused(
            "PV-79", f"the program reads {given} cells and makes {made}", where="session"
        )

    def program(mpc: Mpc) -> Rounds[U64Array]:
        return all_wires(mpc, layout.circuit, operands.values)

    wires = yield from compute(context, program)
    numbers = vectors.ints(wires)
    outputs = vectors.vec(form.at(numbers) for form in layout.outputs)
    commitments = yield from commitments_of(context, outputs, blindings)
    session = context.session.sid
    task = Task(
        provable.key,
        (session_element(session),),
        (*operands.commitments, *commitments),
        context_of(provable.program, session),
        context.session.size,
        session,
        GATE,
    )
    holding = Holding(
        np.concatenate([operands.values, outputs]),
        np.concatenate([operands.blindings, blindings]),
        wires[given:],
    )
    linked = yield from prove(context, task, holding)
    return Proved(linked, commitments, outputs)


def commitments_of(
    context: Context, values: U64Array, blindings: U64Array
) -> Rounds[tuple[G1Affine, ...]]:
    """PV-69: what shared values and blindings commit to. One round; liars are noted.

    Raises:
        TransitionRefused: PV-69.
    """
    pairs = zip(vectors.ints(values), vectors.ints(blindings), strict=True)
    own = commit([Opening(value, blinding) for value, blinding in pairs])
    inbox = yield Round(Kind.POINT, b"".join(map(g1_to_bytes, own)), Form.BYTES)
    while (found := _decided(context, inbox, len(own))) is None:
        if inbox.closed:
            raise TransitionRefused(
                "PV-69", f"{len(inbox.messages)} members' points, and no 2t + 1 of them agree"
            )
        inbox = yield WAIT
    points, liars = found
    context.accuse(liars, "PV-69", "a point that does not fit the others'")
    return points


def _decided(
    context: Context, inbox: Inbox, count: int
) -> tuple[tuple[G1Affine, ...], tuple[int, ...]] | None:
    rows, broken = exponent.rows_of(inbox.bodies, count)
    said = [bytes([member]) + body for member, body in inbox.bodies.items()]
    seed = tagged_hash("private/transition/points", context.session.sid, *said)
    found = exponent.corrected(context.session.size, rows, seed)
    if found is None:
        return None
    points, off = found
    return tuple(points), tuple(sorted(off | broken))
