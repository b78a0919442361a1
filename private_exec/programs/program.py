"""Private programs: an ordinary function, declared, traced and checked.  Rules PV-83, PV-84, PV-86.

    @private_program(
        name="sum",
        sizes={"people": 3},
        inputs={"ages": Input(Uint(7), giver="person", per="people")},
        outputs={"sum": Output(Uint(16))},
        leaks=("The sum of the ages is public.",),
    )
    def sum_of_ages(ages: Sequence[Secret]) -> Mapping[str, Secret]:
        return {"sum": total(ages)}

The function is called with its inputs by name, a `Secret` or a sequence of them, and with those
sizes that it names as parameters. What it returns are the outputs, all of them and nothing else:
there is no other way in which a value is opened.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from node.core.ids import tagged_hash
from private_exec.programs.errors import ProgramRefused
from private_exec.programs.ir import Affine, Circuit
from private_exec.programs.trace import Secret, Trace
from private_exec.programs.types import Declaration, Input, Output

Results = Mapping[str, Secret | Sequence[Secret]]
Body = Callable[..., Results]


@dataclass(frozen=True, slots=True)
class Program:
    """A program at given sizes, checked.

    Attributes:
        declaration: what is said of it.
        sizes: how many of what.
        circuit: what it does.
        digest: PV-86, 32 bytes that bind all of this.
    """

    declaration: Declaration
    sizes: Mapping[str, int]
    circuit: Circuit
    digest: bytes


@dataclass(frozen=True, slots=True)
class PrivateProgram:
    """A function over secret values, with all that is declared of it.

    Attributes:
        declaration: sizes, inputs, outputs, leakage.
        body: the function.
    """

    declaration: Declaration
    body: Body

    def at(self, **sizes: int) -> Program:
        """The program for these sizes; those that are not said are its own.

        Raises:
            ProgramRefused: PV-82 to PV-86 and PV-92, whichever the function breaks.
        """
        declared = self.declaration
        chosen = declared.at(sizes)
        circuit = self._trace(chosen)
        if self._trace(chosen) != circuit:
            raise ProgramRefused("PV-86", "run twice, the program does two things")
        _check_inputs(declared, chosen, circuit)
        digest = tagged_hash("private/program", _describe(declared, chosen), circuit.digest())
        return Program(declared, chosen, circuit, digest)

    def _trace(self, sizes: Mapping[str, int]) -> Circuit:
        trace = Trace()
        arguments: dict[str, Any] = {}
        for name, item in self.declaration.inputs.items():
            most = item.type.most(sizes)
            values = tuple(trace.given(most) for _ in range(item.count(sizes)))
            arguments[name] = values[0] if item.per is None else values
        given = trace.wires
        wanted = inspect.signature(self.body).parameters
        arguments.update({name: size for name, size in sizes.items() if name in wanted})
        results = self.body(**arguments)
        outputs = _check_outputs(self.declaration, sizes, results, trace)
        return Circuit(given, tuple(trace.ops), outputs).needed()


def private_program(
    *,
    name: str,
    inputs: Mapping[str, Input],
    outputs: Mapping[str, Output],
    leaks: tuple[str, ...],
    sizes: Mapping[str, int],
    version: int = 1,
) -> Callable[[Body], PrivateProgram]:
    """Declares the function below it a private program.

    Args:
        name: such as `auction`.
        inputs: by name of the parameter that takes them.
        outputs: by name in what the function returns.
        leaks: what the outputs tell about inputs; never empty, since outputs tell something.
        sizes: how many of what there are, unless said otherwise.
        version: of the program.

    Raises:
        ProgramRefused: PV-83, PV-84, a declaration that does not fit itself.
    """
    if not leaks or not inputs or not outputs:
        raise ProgramRefused("PV-84", "a program says what comes in, what comes out, what it leaks")
    declaration = Declaration(name, version, dict(sizes), dict(inputs), dict(outputs), leaks)
    return lambda body: PrivateProgram(declaration, body)


def _check_outputs(
    declared: Declaration, sizes: Mapping[str, int], results: Results, trace: Trace
) -> tuple[tuple[str, tuple[Affine, ...]], ...]:
    """PV-84, PV-85: what is returned is what was declared, as much of it, within its range."""
    if set(results) != set(declared.outputs):
        odd = ", ".join(sorted(set(results) ^ set(declared.outputs)))
        raise ProgramRefused("PV-84", "returned and declared outputs are not the same", where=odd)
    outputs = []
    for name, output in declared.outputs.items():
        result = results[name]
        values = (result,) if isinstance(result, Secret) else tuple(result)
        if len(values) != output.count(sizes) or isinstance(result, Secret) != (output.per is None):
            text = f"{len(values)} values are returned and {output.count(sizes)} declared"
            raise ProgramRefused("PV-84", text, where=name)
        outputs.append((name, tuple(_fitting(v, output, sizes, name, trace) for v in values)))
    return tuple(outputs)


def _fitting(
    value: Secret, output: Output, sizes: Mapping[str, int], name: str, trace: Trace
) -> Affine:
    own = Secret(trace, {}, 0, (0, 0)).lift(value)
    if own.low < 0 or own.high > output.type.most(sizes):
        text = f"values between {own.low} and {own.high} do not fit {output.type}"
        raise ProgramRefused("PV-85", text, where=name)
    return own.affine()


def _check_inputs(declared: Declaration, sizes: Mapping[str, int], circuit: Circuit) -> None:
    """PV-83: nobody is asked for a value that changes nothing."""
    used, wire = circuit.used(), 0
    for name, item in declared.inputs.items():
        for index in range(item.count(sizes)):
            if wire not in used:
                raise ProgramRefused("PV-83", "no output depends on it", where=f"{name} {index}")
            wire += 1


def _describe(declared: Declaration, sizes: Mapping[str, int]) -> bytes:
    """The declaration at these sizes as canonical text."""
    document = {
        "name": declared.name,
        "version": declared.version,
        "sizes": dict(sizes),
        "inputs": [
            [name, item.giver, item.count(sizes), str(item.type.most(sizes))]
            for name, item in declared.inputs.items()
        ],
        "outputs": [
            [name, item.to, item.count(sizes), str(item.type.most(sizes))]
            for name, item in declared.outputs.items()
        ],
        "leaks": list(declared.leaks),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
