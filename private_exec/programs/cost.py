"""What a program costs a member, before anybody runs it.  Rule PV-91.

Counted by running it on a machine without shares: what a program does depends on nothing secret
(PV-82), so every run costs this. Members that lie or are away change who is named, not what is
sent, unless a batch of preparation has to be made again.
"""

from __future__ import annotations

from dataclasses import dataclass

from private_exec.mpc import arithmetic, prepare, vectors
from private_exec.mpc.context import Tally
from private_exec.mpc.material import Request
from private_exec.mpc.shamir import Size
from private_exec.programs.program import Program
from private_exec.programs.run import execute
from private_exec.programs.types import PUBLIC


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run, for one member.

    Attributes:
        members: n.
        request: triples and random bits that are prepared.
        preparation: rounds and bytes of preparing them; nobody's values are touched.
        online: rounds and bytes of computing, from shares of the inputs to shares of the outputs.
        opened: public values, opened when the result is final.
        cells: new encrypted values, for owners.
    """

    members: int
    request: Request
    preparation: Tally
    online: Tally
    opened: int
    cells: int


def cost(program: Program, members: int) -> Cost:
    """What every run costs.

    Args:
        program: at the sizes of the run.
        members: n.

    Raises:
        MpcRefused: a size that no committee has.
        RangeRefused: PV-20, a comparison too long for so many members.
    """
    size = Size.of(members)
    given = vectors.zeros(program.circuit.given)
    online = arithmetic.cost(size, lambda mpc: execute(mpc, program, given))
    request = Request(online.triples, online.bits)
    outputs = program.declaration.outputs
    opened = sum(
        len(values) for name, values in program.circuit.outputs if outputs[name].to == PUBLIC
    )
    cells = sum(len(values) for _, values in program.circuit.outputs) - opened
    return Cost(members, request, prepare.cost(size, request), online, opened, cells)
