"""A circuit of which only the rows are known, such as a foreign `.r1cs`: what they alone say."""

from __future__ import annotations

from typing import Any, Final

from circuits import review
from circuits.lab.audit import SCHEMA, structure
from zk.field.arrays import U64Array
from zk.formats.r1cs import CircuitFile

_SHOWN: Final = 10


def examine(circuit: CircuitFile, assignment: U64Array | None = None) -> dict[str, Any]:
    """What the rows say of a circuit's inputs, and of one assignment.

    Unread wires, decompositions, and which wires follow from public and private inputs. A division
    is reported and is no finding: whether its divisor can vanish is not seen here.

    Args:
        circuit: the file; what it calls inputs is given.
        assignment: `uint64[wires, 4]`; then wires are added that may change while all others stand.

    Raises:
        Unsatisfied: the assignment is no solution.
        ShapeMismatch: it is another circuit's.
    """
    shape = circuit.shape
    unexplained: list[str] = []

    still_open: list[str] = []

    def reason(kind: str, name: str, finding: str) -> str:
        del finding
        if kind != "division":
            still_open.append(name)
        return ""

    given = range(1 + circuit.outputs, 1 + shape.publics + circuit.private_inputs)
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "statement": shape.name,
        "digest": "0x" + shape.digest.hex(),
        "rows": shape.rows,
        "wires": shape.wires,
        "public_inputs": shape.publics,
        "outputs": circuit.outputs,
        "private_inputs": circuit.private_inputs,
    }
    data |= structure(shape, list(given), reason, unexplained)
    if still_open:
        some = ", ".join(still_open[:_SHOWN]) + (" …" if len(still_open) > _SHOWN else "")
        unexplained.append(f"{len(still_open)} wires that do not follow from the inputs: {some}")
        if not circuit.private_inputs:
            unexplained.append("the file names no private inputs, so little can follow")
    if assignment is not None:
        inputs = {shape.wire_names[wire] for wire in given}
        data["free"] = [w for w in review.free_wires(shape, assignment) if w not in inputs]
        unexplained += [f"a wire that may change alone: {name}" for name in data["free"]]
    return {**data, "unexplained": unexplained, "passed": not unexplained}
