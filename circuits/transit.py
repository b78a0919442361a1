"""The transit: a hidden amount of a public kind crosses between pools.

From the shielded pool to the private one, a deposit, and back, a claim. `circuits/SPEC.md` says of
each clause why it suffices and what it leaves to others.
"""

from __future__ import annotations

from typing import Final

from circuits.crossing import TransitPublic, TransitWitness
from circuits.gadgets import fixed_base
from circuits.gadgets.amount import enforce_value, free_blinding
from circuits.gadgets.babyjub import EdwardsPoint
from circuits.gadgets.bits import to_bits
from circuits.records import QUANTITY_BITS
from circuits.statement import Statement, public_values
from zk.r1cs.builder import Builder

__all__ = ["Transit", "TransitPublic", "TransitWitness"]

PUBLIC_NAMES: Final = ("kind_x", "kind_y", "cv_x", "cv_y", "amount", "nu")
"""The public inputs, in order; the last two are hidden."""


class Transit(Statement[TransitPublic, TransitWitness]):
    """An amount that a point of the shielded side and a hidden input of this proof both hold.

    T1  amount is u64.
    T2  cv = [amount]K + [rcv]R, K on the curve.
    T3  Nothing is asked of ν.

    Not checked here but by the environment: K is the kind's point, cv is a point of the subgroup,
    and the link to the commitment of the private side (PV-61 to PV-66).
    """

    id = "transit/1"
    public_names = PUBLIC_NAMES
    hidden = 2

    def __init__(self) -> None:
        self.functions = {"window values": fixed_base.window_values}

    def placeholder(self) -> tuple[TransitPublic, TransitWitness]:
        return TransitPublic((0, 0), (0, 0), 0, 0), TransitWitness(0)

    def constrain(self, cs: Builder, public: TransitPublic, witness: TransitWitness) -> None:
        said = [cs.public(*pair) for pair in zip(PUBLIC_NAMES, public_values(public), strict=True)]
        kind, cv, (amount, nu) = EdwardsPoint(*said[:2]), EdwardsPoint(*said[2:4]), said[4:]
        with cs.clause("T1"), cs.scope("amount"):
            bits = to_bits(cs, amount, QUANTITY_BITS)
        with cs.clause("T2"):
            enforce_value(cs, bits, kind, witness.rcv, cv)
        with cs.clause("T3"):
            free_blinding(cs, nu)
