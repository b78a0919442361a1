"""The two sides of a hidden amount that crosses between pools."""

from __future__ import annotations

from collections.abc import Sequence

from circuits.gadgets import fixed_base, scalar
from circuits.gadgets.babyjub import EdwardsPoint, add, assert_on_curve, assert_same
from circuits.gadgets.boolean import Bit
from zk.curve.babyjub import RCV_BASE
from zk.r1cs.builder import Builder, Wire


def enforce_value(
    cs: Builder, bits: Sequence[Bit], kind: EdwardsPoint, rcv: int, cv: EdwardsPoint
) -> None:
    """Cv = [amount]K + [rcv]R.

    Constrains: the kind on the curve; cv, for some multiple of R that the prover knows.
    Assumes:    nothing of the kind but what its curve gives; S-17 of R (`fixed_base`).
    Cost:       13·(bits − 1) + 2 + 593 + 6 + 3 + 2 = 1,425 for 64 bits.
    """
    assert_on_curve(cs, kind)
    value = scalar.multiply(cs, bits, kind, "value")
    blinding = fixed_base.multiply(cs, RCV_BASE, rcv, "rcv")
    assert_same(cs, add(cs, value, blinding, "cv"), cv, "cv")


def free_blinding(cs: Builder, nu: Wire) -> None:
    """ν·0 = 0: a row that reads ν and asks nothing of it.

    Constrains: nothing.
    Assumes:    nothing.
    Cost:       1.
    """
    cs.enforce(nu, 0, 0, "nothing is asked of nu")
