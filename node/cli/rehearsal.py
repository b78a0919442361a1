"""A private session with a proof whose members are all in this process, some of them liars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from private_exec.mpc.context import Context
    from private_exec.mpc.faults import Fault
    from private_exec.mpc.rounds import Rounds
    from private_exec.provable.document import Transition
    from private_exec.provable.protocol import Proved
    from private_exec.provable.transition import Provable


class Rehearsal:
    """One session.

    Args:
        provable: the program, with its key.
        members: 4, 7, 10 or 13.
        liars: who lies in every opening and in every round of points.
        seed: from which keys and blindings are drawn; who has it has everything.
        values: that the program reads, in its order.

    Attributes:
        witness: a member whose result counts: the last honest one.
        outcome: of all members, once it was run.
    """

    def __init__(
        self,
        provable: Provable,
        members: int,
        liars: Sequence[int],
        seed: bytes,
        values: Sequence[int],
    ) -> None:
        import random

        from private_exec.mpc import vectors
        from private_exec.mpc.shamir import Size
        from private_exec.mpc.simulate import Committee, shares_of
        from private_exec.pedersen import Opening, commit

        self.provable = provable
        self.committee = Committee.of(Size.of(members), seed)
        self.liars = liars
        everybody = self.committee.session.members
        self.witness = max((m for m in everybody if m not in liars), default=members)
        drawn = random.Random(seed)
        blindings = [drawn.randrange(vectors.R) for _ in values]
        new = [drawn.randrange(vectors.R) for _ in provable.layout.outputs]
        pairs = zip(values, blindings, strict=True)
        self.commitments = tuple(commit([Opening(value, blinding) for value, blinding in pairs]))
        self._values = shares_of(self.committee, values, 1)
        self._blindings = shares_of(self.committee, blindings, 2)
        self._new = shares_of(self.committee, new, 3)

    def run(self) -> Proved:
        """The session; what its witness has of it.

        Raises:
            whatever that member refuses to go on for, where too many lie.
        """
        from private_exec.mpc import simulate

        self.outcome = simulate.run(self.committee, self._member(), faults=self._faults())
        if self.witness in self.outcome.errors:
            raise self.outcome.errors[self.witness]
        return self.outcome.results[self.witness]

    def transition(self, proved: Proved) -> Transition:
        """What observers check."""
        from private_exec.provable.document import Transition

        program, sid = self.provable.program, self.committee.session.sid
        return Transition(program, sid, self.commitments, proved.outputs, proved.linked)

    def opened(self) -> dict[str, list[int]]:
        """Outputs by name: what members would open once the proof is final."""
        from private_exec.mpc import vectors
        from private_exec.mpc.shamir import reconstruct

        size = self.committee.session.size
        honest = {i: p.values for i, p in self.outcome.results.items() if i not in self.liars}
        values = iter(vectors.ints(reconstruct(size, honest, size.t)))
        outputs = self.provable.program.circuit.outputs
        return {name: [next(values) for _ in forms] for name, forms in outputs}

    def share(self, member: int, place: int) -> int:
        """What a member holds of one of the values that the program reads."""
        from private_exec.mpc import vectors

        return vectors.ints(self._values[member])[place]

    def read_by(self, members: Sequence[int]) -> list[int]:
        """What t + 1 members, or more, know of these values if they put their shares together."""
        from private_exec.mpc import vectors
        from private_exec.mpc.shamir import reconstruct

        size = self.committee.session.size
        pooled = {member: self._values[member] for member in members}
        return vectors.ints(reconstruct(size, pooled, size.t))

    def _member(self) -> Callable[[Context], Rounds[Proved]]:
        from private_exec.provable.protocol import Operands, run

        def program(context: Context) -> Rounds[Proved]:
            i = context.member
            operands = Operands(self._values[i], self._blindings[i], self.commitments)
            return run(context, self.provable, operands, self._new[i])

        return program

    def _faults(self) -> list[Fault]:
        """Wrong values in every opening, and other points in every round of points."""
        from private_exec.mpc.faults import Rewritten, Wrong
        from private_exec.mpc.message import Kind

        wrong: list[Fault] = []
        for i in self.liars:
            wrong.append(Wrong(i, Kind.OPEN))
            wrong.append(Rewritten(i, Kind.POINT, _moved))
        return wrong


def _moved(body: bytes) -> bytes:
    """A round of points with another first one."""
    from private_exec import group
    from zk.curve.bn254 import G1_GENERATOR
    from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

    point = group.total_g1([g1_from_bytes(body[:G1_BYTES]), G1_GENERATOR])
    return g1_to_bytes(point) + body[G1_BYTES:]
