"""A batch of products: what it draws, what a member says of it, and what follows from that.  PV-15.

Kept apart from the protocol (`prepare`) because blame asks the same of everybody (`blame`): given a
member's shares, what should it have said?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from node.core.ids import tagged_hash
from private_exec.mpc import check, vectors
from private_exec.mpc.agree import Agreed
from private_exec.mpc.errors import Inconsistent, TooFewVectors, Undecided
from private_exec.mpc.labels import Draw, GateLabel, SessionId, SessionLabel, Zero, ZeroLabel
from private_exec.mpc.material import Request
from private_exec.mpc.shamir import Size, reconstruct
from zk.field.arrays import U64Array


@dataclass(frozen=True, slots=True)
class Batch:
    """Which batch: everything that its randomness is drawn from.

    Attributes:
        session: its id.
        gate: number of the batch in the session.
        request: what it prepares.
        retry: advanced where a square came out as 0.
    """

    session: SessionId
    gate: int
    request: Request
    retry: int = 0

    @property
    def count(self) -> int:
        """Products: those of triples, then squares."""
        return self.request.triples + self.request.bits

    @property
    def name(self) -> bytes:
        numbers = (self.gate, self.retry, self.request.triples, self.request.bits)
        data = b"".join(number.to_bytes(4, "little") for number in numbers)
        return tagged_hash("private/mpc/batch", self.session, data)

    @property
    def draws(self) -> dict[SessionLabel, int]:
        """What it draws, and how many values."""
        triples, bits = self.request.triples, self.request.bits
        values = {
            Draw.LEFT: triples,
            Draw.RIGHT: triples,
            Draw.OUTPUT: triples,
            Draw.BIT: bits,
            Draw.CHECK: check.drawn(self.count),
        }
        zeros = {Zero.TRIPLE: triples, Zero.SQUARE: bits, Zero.CHECK: check.ROWS + 1}
        labels: dict[SessionLabel, int] = {
            self.value(what): count for what, count in values.items()
        }
        labels.update({self.zero(zero): count for zero, count in zeros.items()})
        return {label: count for label, count in labels.items() if count}

    def value(self, what: Draw) -> GateLabel:
        return GateLabel(self.session, self.gate, what, self.retry)

    def zero(self, what: Zero) -> ZeroLabel:
        return ZeroLabel(self.session, self.gate, what, self.retry)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One member's shares of a batch's randomness; prints none.

    Attributes:
        left: factors: a of the triples, then x of the bits.
        right: b, then x again.
        output: ρ, that hides the triples' products.
        zeros: of degree 2t, for all products.
        extra: what the check takes (`check.drawn`).
        check_zeros: of degree 2t, for the products of the check.
    """

    left: U64Array = field(repr=False)
    right: U64Array = field(repr=False)
    output: U64Array = field(repr=False)
    zeros: U64Array = field(repr=False)
    extra: U64Array = field(repr=False)
    check_zeros: U64Array = field(repr=False)

    @staticmethod
    def of(batch: Batch, source: Callable[[SessionLabel, int], U64Array]) -> Drawn:
        """From wherever the shares come: one's own keys, or what blame revealed."""
        got = {label: source(label, count) for label, count in batch.draws.items()}

        def pick(*labels: SessionLabel) -> U64Array:
            return np.concatenate([got.get(label, vectors.zeros(0)) for label in labels])

        value, zero = batch.value, batch.zero
        return Drawn(
            left=pick(value(Draw.LEFT), value(Draw.BIT)),
            right=pick(value(Draw.RIGHT), value(Draw.BIT)),
            output=pick(value(Draw.OUTPUT)),
            zeros=pick(zero(Zero.TRIPLE), zero(Zero.SQUARE)),
            extra=pick(value(Draw.CHECK)),
            check_zeros=pick(zero(Zero.CHECK)),
        )

    @property
    def products(self) -> U64Array:
        """What the member publishes first: shares of degree 2t of d and s."""
        products = vectors.add(vectors.mul(self.left, self.right), self.zeros)
        triples = len(self.output)
        hidden = vectors.add(products[:triples], self.output)
        return np.concatenate([hidden, products[triples:]])

    def claimed(self, opened: U64Array) -> U64Array:
        """Shares of what the products are said to be: d − ρ, and s itself, which is public."""
        triples = len(self.output)
        return np.concatenate([vectors.sub(opened[:triples], self.output), opened[triples:]])

    def folded(self, opened: U64Array, rho: int) -> check.Folded:
        """The check's rows, for the first coin."""
        wide = check.width(len(self.left))
        rows = self.extra[: 2 * wide]
        return check.fold(self.left, self.right, self.claimed(opened), rho, rows)

    def hidden(self, folded: check.Folded) -> U64Array:
        """What the member publishes for the check: degree 2t."""
        return vectors.add(folded.products, vectors.add(self._hiding, self.check_zeros))

    def uncovered(self, opened: U64Array) -> U64Array:
        """Shares of the check's products, from what was opened of them."""
        return vectors.sub(opened, self._hiding)

    @property
    def _hiding(self) -> U64Array:
        return self.extra[-(check.ROWS + 1) :]


@dataclass(frozen=True, slots=True)
class Said:
    """What was said about a batch: what its verdict follows from, and what blame compares.

    Attributes:
        products: the first words.
        opened: d and s; None where the words are no polynomials.
        rho: the first coin.
        checks: the words of the check; None where it did not come to that.
        right: whether all is as it should be.
    """

    products: Agreed
    opened: U64Array | None = None
    rho: int = 0
    checks: Agreed | None = None
    right: bool = False

    @property
    def root(self) -> bytes:
        later = b"" if self.checks is None else self.checks.root
        return tagged_hash("private/mpc/said", self.products.root, later)


def consistent(size: Size, words: Mapping[int, U64Array]) -> U64Array | None:
    """PV-15: the values of degree-2t words; None if they are none. Nothing is corrected.

    Raises:
        Undecided: PV-15, fewer than 2t + 1 members spoke.
    """
    try:
        return reconstruct(size, words, 2 * size.t)
    except TooFewVectors:
        raise Undecided("PV-15", f"{len(words)} members' products fix none") from None
    except Inconsistent:
        return None
