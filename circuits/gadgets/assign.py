"""A wire for a combination: one row that makes a long sum short, or a step visible by its name."""

from __future__ import annotations

from zk.r1cs.advice import SAME
from zk.r1cs.builder import Builder, Wire


def assign(cs: Builder, name: str, value: Wire) -> Wire:
    """A wire of its own, equal to `value`.

    Worth its row where a hash's output, some ten terms long, is read many times: non-zeros cost the
    prover as rows do.

    Constrains: the new wire.
    Assumes:    nothing.
    Cost:       1.
    """
    wire = cs.advise(SAME, value, name=name)
    cs.equal(wire, value, name)
    return wire
