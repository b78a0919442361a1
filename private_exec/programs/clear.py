"""What a program means: its operations on numbers that everybody sees.  Rule PV-87.

The committee's answer must be this one. Here whole numbers are whole numbers; every operand is
checked to lie in the range that its operation was given when the program was traced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from private_exec.programs.errors import ProgramRefused
from private_exec.programs.ir import Bits, Divide, Equal, Less, Multiply, Op
from private_exec.programs.program import Program

Given = Mapping[str, int | Sequence[int]]


def run(program: Program, inputs: Given) -> dict[str, tuple[int, ...]]:
    """The outputs by name, for inputs by name.

    Raises:
        ProgramRefused: PV-87, inputs that the program does not take; PV-85, a bound claimed with
            `Secret.within` that does not hold.
    """
    wires = list(wires_of(program, inputs))
    for op in program.circuit.ops:
        wires.extend(_apply(op, wires))
    return {name: tuple(v.at(wires) for v in values) for name, values in program.circuit.outputs}


def wires_of(program: Program, inputs: Given) -> tuple[int, ...]:
    """PV-87: inputs in the order of their wires, each of the declared range and number.

    Raises:
        ProgramRefused: PV-87, with the input's name and position; never with its value.
    """
    declared = program.declaration.inputs
    if set(inputs) != set(declared):
        odd = ", ".join(sorted(set(inputs) ^ set(declared)))
        raise ProgramRefused("PV-87", "given and declared inputs are not the same", where=odd)
    wires: list[int] = []
    for name, item in declared.items():
        given = inputs[name]
        values = (given,) if isinstance(given, int) else tuple(given)
        if len(values) != item.count(program.sizes):
            text = f"{item.count(program.sizes)} values are declared, and {len(values)} given"
            raise ProgramRefused("PV-87", text, where=name)
        most = item.type.most(program.sizes)
        for index, value in enumerate(values):
            if type(value) is not int or not 0 <= value <= most:
                text = f"a value is {item.type}, and this one is not"
                raise ProgramRefused("PV-87", text, where=f"{name} {index}")
        wires.extend(values)
    return tuple(wires)


def _apply(op: Op, wires: list[int]) -> list[int]:
    values = [operand.at(wires) for operand in op.operands]
    if not isinstance(op, Multiply):
        limit = 1 << op.bits
        low = -limit if isinstance(op, Equal) else -1
        if not all(low < value < limit for value in values):
            raise ProgramRefused(
                "PV-85", "a value leaves the bounds that the program claims", where=op.kind
            )
    match op:
        case Multiply():
            return [values[0] * values[1]]
        case Less():
            return [int(values[0] < values[1])]
        case Equal():
            return [int(values[0] == 0)]
        case Bits():
            return [values[0] >> i & 1 for i in range(op.bits)]
        case Divide():
            return [values[0] // op.divisor]
