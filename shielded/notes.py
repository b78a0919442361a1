"""A note: a resource in the shielded pool, with what its holder knows of it."""

from __future__ import annotations

from dataclasses import dataclass

from node.core.amounts import check_amount
from node.core.ids import Kind
from shielded import spec
from zk.errors import NonCanonical, WrongLength
from zk.field.params import FR


@dataclass(frozen=True, slots=True, repr=False)
class Note:
    """A resource (logic, label, quantity, data, owner, nonce, rcm) and its openings.  Rule SH-42.

    Attributes:
        kind: (logic, label).
        quantity: u64; 0 makes it a dummy, which needs no place in the tree.  Rule SH-54.
        data: one field element that the kind's logic gives meaning to.
        diversifier: 16 bytes, of the address it was sent to.
        owner: Poseidon_owner(mpk, diversifier).
        nonce: fixed by the nullifiers of the action that created it (free for a dummy).
        rseed: 32 bytes from which rcm and the ephemeral secret follow.
        ephemeral: whether the kind lives within one transaction only.
    """

    kind: Kind
    quantity: int
    data: int
    diversifier: bytes
    owner: int
    nonce: int
    rseed: bytes
    ephemeral: bool = False

    def __post_init__(self) -> None:
        check_amount(self.quantity, "quantity of a note")
        values = (self.kind.logic, self.kind.label, self.data, self.owner, self.nonce)
        if not all(0 <= value < FR.modulus for value in values):
            raise NonCanonical("a value of a note is not below r", where="note")
        if len(self.diversifier) != spec.DIVERSIFIER_BYTES or len(self.rseed) != spec.RSEED_BYTES:
            raise WrongLength("diversifier or seed of the wrong length", where="note")

    def __repr__(self) -> str:
        return "<Note: hidden>"

    @property
    def kind_point(self) -> spec.KindPoint:
        """Computed from (logic, label), never taken from a message."""
        return spec.kind_point(self.kind, self.ephemeral)

    @property
    def rcm(self) -> int:
        """Commitment randomness."""
        return spec.commitment_randomness(self.rseed, self.nonce)

    @property
    def commitment(self) -> int:
        """The cm of this note; about 1 ms, so keep it."""
        return spec.commitment(
            self.kind_point.x, self.quantity, self.data, self.owner, self.nonce, self.rcm
        )

    def nullifier(self, nk: int) -> int:
        """Its nf under `nk`; the note alone decides it.  Rule SH-42 (S-1)."""
        return spec.nullifier(nk, self.nonce, self.commitment)
