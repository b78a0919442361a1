"""Opened values of commitments.  Rule PV-45 (P2-5, P2-7).

    value·G + ρ·H = Com

Whoever sent it, whoever signed: the commitments say what is right, so a statement has no
signatures, and not even all members together can open a commitment to something else. Which
outputs may be opened, and when, is the application's rule; that the block with their commitments is
final is the node's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import ID_BYTES, tagged_hash
from private_exec import group
from private_exec.committee.errors import OpeningRefused
from private_exec.pedersen import H, Opening
from private_exec.transcript import coefficients
from zk.curve.bn254 import G1_GENERATOR, G1Affine
from zk.curve.encoding import g1_to_bytes

MAX_OUTPUTS: Final = 1024


@dataclass(frozen=True, slots=True)
class OpenStatement:
    """Opened outputs.

    Attributes:
        session: what they are outputs of: sid, or the round's id; 32 bytes.
        outputs: (value, ρ) of each declared output, in order.
    """

    session: bytes
    outputs: tuple[Opening, ...]

    def to_bytes(self) -> bytes:
        head = Writer().raw(self.session, ID_BYTES).u16(len(self.outputs)).done()
        return head + b"".join(map(Opening.to_bytes, self.outputs))

    @staticmethod
    def from_bytes(data: bytes) -> OpenStatement:
        reader = Reader(data, "opening")
        session = reader.take(ID_BYTES)
        count = reader.count(2, MAX_OUTPUTS, "outputs")
        outputs = tuple(Opening(reader.fr(), reader.fr()) for _ in range(count))
        reader.done()
        return OpenStatement(session, outputs)


def check(
    opened: OpenStatement,
    session: bytes,
    commitments: Sequence[G1Affine],
    *,
    named: bool = True,
) -> None:
    """Every declared output, and nothing else, opens to what is stated; one sum where all do.

    Args:
        opened: the statement.
        session: whose outputs are due.
        commitments: of the declared outputs, in order.
        named: look at each output for those that are wrong, which costs many times the one sum.
            Not where a stranger may ask for it at no charge.

    Raises:
        OpeningRefused: PV-45; names the outputs that are wrong, if asked to.
    """
    if opened.session != session:
        raise OpeningRefused("PV-45", "outputs of something else")
    if len(opened.outputs) != len(commitments):
        raise OpeningRefused(
            "PV-45", f"{len(opened.outputs)} outputs, {len(commitments)} are declared"
        )
    data = map(g1_to_bytes, commitments)
    seed = tagged_hash("private/opening", opened.to_bytes(), *data)
    weights = coefficients(seed, "output", len(commitments))
    everything = range(len(commitments))
    if not _holds(opened.outputs, commitments, weights, everything):
        each = everything if named else ()
        wrong = [k for k in each if not _holds(opened.outputs, commitments, weights, [k])]
        raise OpeningRefused("PV-45", "the commitment holds something else", wrong)


def _holds(
    outputs: Sequence[Opening],
    commitments: Sequence[G1Affine],
    weights: Sequence[int],
    part: Sequence[int],
) -> bool:
    """Whether Σ wₖ(valueₖ·G + ρₖ·H − Comₖ) = O over a part."""
    value = sum(weights[k] * outputs[k].value for k in part)
    blinding = sum(weights[k] * outputs[k].blinding for k in part)
    scalars = [value, blinding, *(-weights[k] for k in part)]
    return group.sum_g1(scalars, [G1_GENERATOR, H, *(commitments[k] for k in part)]) is None
