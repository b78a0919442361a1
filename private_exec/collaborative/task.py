"""What a committee proves, and what a member holds of it.  Rules PV-70, PV-71."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from private_exec import group
from private_exec.collaborative.errors import CollaborationRefused
from private_exec.linking import CONTEXT_BYTES
from private_exec.mpc.labels import Draw, GateLabel, SessionId, Zero, ZeroLabel
from private_exec.mpc.shamir import Size
from zk.curve.bn254 import G1Affine
from zk.field.arrays import LIMBS, U64Array, to_array
from zk.groth16.keys import ProvingKey, VerifyingKey


@dataclass(frozen=True, eq=False)
class Task:
    """A statement about cells, as all members know it.

    Attributes:
        key: proving key of the statement.
        public: the shown inputs.
        commitments: of the hidden values, in the statement's order.
        context: digest of what the proof belongs to, 32 bytes.
        size: of the committee.
        session: whose proof it is.
        gate: number that no other draw of the session has.

    Raises:
        CollaborationRefused: PV-70, parts that do not fit the key.
    """

    key: ProvingKey
    public: tuple[int, ...]
    commitments: tuple[G1Affine, ...]
    context: bytes
    size: Size
    session: SessionId
    gate: int

    def __post_init__(self) -> None:
        if len(self.public) + self.hidden_count != self.key.publics or not self.commitments:
            raise CollaborationRefused(
                "PV-70",
                f"{len(self.public)} inputs shown and {len(self.commitments)} committed to, of "
                f"{self.key.publics} with the one that blinds",
                where="task",
            )
        if len(self.context) != CONTEXT_BYTES:
            raise CollaborationRefused("PV-70", "a context has 32 bytes", where="task")
        if not all(0 <= value < group.R for value in self.public):
            raise CollaborationRefused("PV-70", "a shown input is not below r", where="task")

    @property
    def hidden_count(self) -> int:
        """The values committed to, and ν."""
        return len(self.commitments) + 1

    @cached_property
    def verifying_key(self) -> VerifyingKey:
        return self.key.verifying_key

    def draw(self) -> GateLabel:
        """PV-71: where blinding, ν and nonces of this proof come from."""
        return GateLabel(self.session, self.gate, Draw.NONCE)

    def zero(self) -> ZeroLabel:
        """PV-71: where its sharing of zero comes from."""
        return ZeroLabel(self.session, self.gate, Zero.PROOF)

    @property
    def draws(self) -> int:
        """r, s, ν, and for the link a nonce for ν, each value and each blinding."""
        return 4 + 2 * len(self.commitments)


@dataclass(frozen=True, eq=False)
class Holding:
    """One member's shares of degree t of the whole assignment; prints none.

    Attributes:
        hidden: of the values committed to, `[m, 4]`.
        blindings: of their commitments' blindings, `[m, 4]`.
        private: of all private wires, `[wires − publics − 1, 4]`.
    """

    hidden: U64Array = field(repr=False)
    blindings: U64Array = field(repr=False)
    private: U64Array = field(repr=False)

    def check(self, task: Task) -> None:
        """PV-70: shares of this task's wires.

        Raises:
            CollaborationRefused: PV-70.
        """
        count = len(task.commitments)
        sizes: Mapping[str, tuple[U64Array, int]] = {
            "hidden": (self.hidden, count),
            "blindings": (self.blindings, count),
            "private": (self.private, task.key.wires - task.key.publics - 1),
        }
        for name, (array, length) in sizes.items():
            if array.shape != (length, LIMBS) or array.dtype != "uint64":
                raise CollaborationRefused("PV-70", f"{length} shares are needed", where=name)


def shown_wires(task: Task) -> U64Array:
    """The one and the shown inputs: shares of a constant are the constant."""
    return to_array([1, *task.public])
