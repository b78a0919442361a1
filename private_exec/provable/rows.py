"""The constraint system of a lowered program.  Rule PV-67.

    public      session, then hidden: the inputs, the outputs, ν
    private     one wire for each that an operation makes

    multiply    a·b = w
    bits        bᵢ·(bᵢ − 1) = 0 for each, (Σ 2ⁱ·bᵢ)·1 = a
    output      a·1 = its public wire
    free        session·0 = 0, ν·0 = 0

Operands are affine forms over the integers, taken modulo r: PV-85 bounds them within ±(r − 1)/2,
and bits below 2²⁵³ are unique, so each row means what it says of whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from private_exec.programs.ir import Affine, Bits, Circuit, Multiply
from zk.errors import CircuitError
from zk.r1cs.builder import Wire
from zk.r1cs.matrices import R1CS
from zk.r1cs.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the wires of a lowered program are.

    Attributes:
        circuit: lowered.
    """

    circuit: Circuit

    @property
    def outputs(self) -> tuple[Affine, ...]:
        """All of them, in the order of their declaration."""
        return tuple(value for _, values in self.circuit.outputs for value in values)

    @property
    def linked(self) -> int:
        """Hidden values: inputs and outputs."""
        return self.circuit.given + len(self.outputs)

    @property
    def publics(self) -> int:
        """The session, the hidden values, ν."""
        return self.linked + 2


def shape_of(circuit: Circuit, name: str) -> R1CS:
    """The constraint system.

    Raises:
        CircuitError: an operation that is not lowered.
    """
    layout, cs = Layout(circuit), Recorder(name)
    session = cs.public("session", 0)
    given = [cs.public(f"input {i}", 0) for i in range(circuit.given)]
    outputs = [cs.public(f"output {i}", 0) for i in range(len(layout.outputs))]
    nu = cs.public("nu", 0)
    made = (cs.witness(f"wire {w}", 0) for w in range(circuit.given, circuit.wires))
    wires: list[Wire] = [*given, *made]

    def form(affine: Affine) -> Wire:
        """A combination of the program's wires."""
        return cs.dot(
            [k for _, k in affine.terms], [wires[w] for w, _ in affine.terms], affine.constant
        )

    for first, op in circuit.firsts():
        with cs.clause(op.kind):
            match op:
                case Multiply():
                    cs.enforce(form(op.left), form(op.right), wires[first], f"product {first}")
                case Bits():
                    bits = wires[first : first + op.bits]
                    for number, bit in enumerate(bits):
                        cs.enforce(bit, bit - 1, 0, f"bit {first + number}")
                    weights = [1 << number for number in range(op.bits)]
                    cs.equal(cs.dot(weights, bits), form(op.value), f"bits from {first} recompose")
                case _:
                    raise CircuitError(f"{op.kind} has no rows", where=name)
    with cs.clause("output"):
        for number, (value, out) in enumerate(zip(layout.outputs, outputs, strict=True)):
            cs.equal(form(value), out, f"output {number}")
    with cs.clause("free"):
        cs.enforce(session, 0, 0, "nothing is asked of the session")
        cs.enforce(nu, 0, 0, "nothing is asked of nu")
    return cs.finish()
