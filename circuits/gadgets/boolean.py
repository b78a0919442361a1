"""Bits. A `Bit` is a wire known to be 0 or 1: only functions that enforce it can make one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from zk.errors import CircuitError, ShapeMismatch
from zk.r1cs.builder import Builder, Wire


class _Seal:
    """Carried by the calls of this package that may make a `Bit`."""

    __slots__ = ()


SEAL: Final = _Seal()
"""For gadgets whose own constraints imply booleanity (`compare`), and for tests; nobody else."""


class Bit(Wire):
    """A wire whose value is 0 or 1 by constraint. Arithmetic on it gives plain wires.

    Raises:
        CircuitError: made without the seal.
    """

    __slots__ = ("wire",)

    def __init__(self, wire: Wire, seal: _Seal) -> None:
        if seal is not SEAL:
            raise CircuitError(
                "a Bit may be made only where booleanity is enforced",
                fix="use enforce_boolean, boolean or to_bits",
            )
        self.wire = wire
        self.fixed = wire.fixed

    def plain(self) -> Wire:
        return self.wire

    def __add__(self, other: Wire | int) -> Wire:
        return self.wire + other

    def __sub__(self, other: Wire | int) -> Wire:
        return self.wire - other

    def __rsub__(self, other: Wire | int) -> Wire:
        return other - self.wire

    def __mul__(self, factor: int) -> Wire:
        return self.wire * factor


def enforce_boolean(cs: Builder, wire: Wire, why: str = "is a bit") -> Bit:
    """The same wire as a `Bit`.

    Constrains: x·(x − 1) = 0.
    Assumes:    nothing.
    Cost:       1; 0 for a constant.
    """
    cs.enforce(wire, wire - 1, 0, why)
    return Bit(wire, SEAL)


def boolean(cs: Builder, name: str, value: int) -> Bit:
    """A new witness bit.

    Constrains: the wire is 0 or 1.
    Assumes:    nothing.
    Cost:       1.
    """
    return enforce_boolean(cs, cs.witness(name, value), f"{name} is a bit")


def advised_bit(cs: Builder, function: Callable[..., int], *inputs: Wire, name: str = "") -> Bit:
    """A new bit computed by `function`. It is constrained to be a bit, and to nothing else.

    Constrains: the wire is 0 or 1.
    Assumes:    nothing; the caller relates it to the inputs.
    Cost:       1.
    """
    return enforce_boolean(cs, cs.advise(function, *inputs, name=name), f"{name} is a bit")


def constant_bit(cs: Builder, value: int) -> Bit:
    """A constant bit. Cost: 0.

    Raises:
        ShapeMismatch: neither 0 nor 1.
    """
    if value not in (0, 1):
        raise ShapeMismatch("a bit is 0 or 1")
    return Bit(cs.constant(value), SEAL)


def not_(bit: Bit) -> Bit:
    """1 − b. Constrains nothing: b is a bit, so this is one. Cost: 0."""
    return Bit(1 - bit, SEAL)


def and_(cs: Builder, a: Bit, b: Bit, why: str = "and") -> Bit:
    """a·b.

    Constrains: the product.
    Assumes:    two bits, guaranteed by their type.
    Cost:       1; 0 where either is a constant.
    """
    return Bit(cs.mul(a, b, why), SEAL)


def or_(cs: Builder, a: Bit, b: Bit, why: str = "or") -> Bit:
    """Inclusive or, a + b − a·b. Constrains, assumes and costs what `and_` does."""
    return Bit(a + b - cs.mul(a, b, why), SEAL)


def xor(cs: Builder, a: Bit, b: Bit, why: str = "xor") -> Bit:
    """Exclusive or, a + b − 2ab. Constrains, assumes and costs what `and_` does."""
    return Bit(a + b - cs.mul(a, b, why) * 2, SEAL)
