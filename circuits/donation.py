"""The donation: weight² of a public kind, hidden, from a member of a round who gives once.

`circuits/SPEC.md` says of each clause why it suffices and what it leaves to others.
"""

from __future__ import annotations

from typing import Final

from circuits.crossing import MEMBER_DEPTH, WEIGHT_BITS, DonationPublic, DonationWitness
from circuits.gadgets import fixed_base
from circuits.gadgets.amount import enforce_value, free_blinding
from circuits.gadgets.babyjub import EdwardsPoint
from circuits.gadgets.bits import enforce_range, to_bits
from circuits.gadgets.merkle import climb
from circuits.gadgets.poseidon import poseidon
from circuits.records import Children
from circuits.statement import Statement, public_values
from zk.errors import ShapeMismatch
from zk.hash import domains
from zk.r1cs.builder import Builder

__all__ = ["Donation", "DonationPublic", "DonationWitness"]

PUBLIC_NAMES: Final = (
    "kind_x",
    "kind_y",
    "cv_x",
    "cv_y",
    "members_root",
    "round",
    "nullifier",
    "weight",
    "amount",
    "nu",
)
"""The public inputs, in order; the last three are hidden."""


class Donation(Statement[DonationPublic, DonationWitness]):
    """A member of a round gives amount = weight² out of the shielded pool, and shows neither.

    D1  weight is u32, amount = weight².
    D2  cv = [amount]K + [rcv]R, K on the curve.
    D3  The leaf of the member's secret is in the tree of `members_root`.
    D4  nullifier = Poseidon_member-nullifier(secret, round).
    D5  Nothing is asked of ν.

    Not checked here but by the environment: K is the kind's point, cv is a point of the subgroup,
    root and round are the round's, the nullifier is new, and the link to the commitments of weight
    and amount (PV-61 to PV-66).
    """

    public_names = PUBLIC_NAMES
    hidden = 3

    def __init__(self, depth: int = MEMBER_DEPTH) -> None:
        if depth < 1:
            raise ShapeMismatch("a tree of members has at least one level")
        self.depth = depth
        self.id = "donation/1" if depth == MEMBER_DEPTH else f"donation-depth{depth}/1"
        self.functions = {"window values": fixed_base.window_values}

    def placeholder(self) -> tuple[DonationPublic, DonationWitness]:
        nothing: Children = (0, 0, 0, 0, 0, 0, 0, 0)
        witness = DonationWitness(0, 0, (nothing,) * self.depth)
        return DonationPublic((0, 0), (0, 0), 0, 0, 0, 0, 0, 0), witness

    def constrain(self, cs: Builder, public: DonationPublic, witness: DonationWitness) -> None:
        if len(witness.path) != self.depth:
            raise ShapeMismatch(f"{self.id} takes a path of {self.depth} levels")
        said = [cs.public(*pair) for pair in zip(PUBLIC_NAMES, public_values(public), strict=True)]
        kind, cv = EdwardsPoint(*said[:2]), EdwardsPoint(*said[2:4])
        root, round_element, nullifier, weight, amount, nu = said[4:]
        with cs.clause("D1"):
            enforce_range(cs, weight, WEIGHT_BITS, "weight")
            cs.enforce(weight, weight, amount, "amount is the square")
        with cs.clause("D2"):
            with cs.scope("amount"):
                bits = to_bits(cs, amount, 2 * WEIGHT_BITS)
            enforce_value(cs, bits, kind, witness.rcv, cv)
        with cs.clause("D3"):
            secret = cs.witness("secret", witness.secret)
            member = poseidon(cs, domains.MEMBER, (secret,), "leaf")
            cs.equal(climb(cs, member, witness.path), root, "members' root")
        with cs.clause("D4"):
            shown = poseidon(cs, domains.MEMBER_NULLIFIER, (secret, round_element), "nullifier")
            cs.equal(shown, nullifier, "nullifier")
        with cs.clause("D5"):
            free_blinding(cs, nu)
