"""Arithmetic of a transform: what each multiplier does its own way.

Between layers, values are lazy: sums of products that were never reduced. Which interval they may
lie in, and what keeps them there, depends on the multiplier (`butterflies_double`,
`butterflies_integer`); the order of memory, layers and tables does not (`ntt`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from zk.kernels.emit import Module, Value
from zk.kernels.vector.lanes import LIMBS, Element, Lanes, top_bound

Four = tuple[Element, Element, Element, Element]


class Butterflies(ABC):
    """Of one function.

    Args:
        k: the arithmetic that its instructions go to.
    """

    record: int
    """Bytes of a constant in the tables of short transforms."""
    kept_log: int
    """log₂ of the largest transforms whose factors between the steps are better read than made."""

    def __init__(self, k: Lanes) -> None:
        self.k = k

    # -- bounds -----------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def emit(cls, module: Module, lanes: type[Lanes]) -> None:
        """Functions that the arithmetic calls."""

    @property
    @abstractmethod
    def fresh(self) -> Element:
        """Bounds of what a short transform that is not twisted starts from; no registers."""

    @property
    @abstractmethod
    def between(self) -> Element:
        """Bounds of values between layers, the last included; no registers.

        Raises:
            BoundError: a butterfly of such values leaves them.
        """

    @property
    def start(self) -> Element:
        """Bounds of what a twisted transform starts from; no registers."""
        return self.between

    @property
    def factor(self) -> Element:
        """Bounds of what the table between the steps holds: products of small values."""
        k = self.k
        like = k.product_like()
        value = -k.p // 8 if k.carried[0] else 0, 17 * k.p // 8
        return Element(like.limbs, value, (*like.bounds[:-1], top_bound(value, like.bounds[:-1])))

    @classmethod
    def multiples(cls) -> list[int]:
        """What a constant is multiplied by to give its record, five limbs for each of them.

        Nothing where `digits` alone makes records.
        """
        return []

    @classmethod
    @abstractmethod
    def digits(cls, w: int) -> list[int]:
        """The words of a constant's record."""

    # -- layers -----------------------------------------------------------------------------------

    @abstractmethod
    def pair(self, a: Sequence[Element], factor: Value) -> tuple[Element, Element]:
        """(u + w·v, u − w·v) of a = (u, v); without a factor w is one, and both are fresh."""

    @abstractmethod
    def four(self, a: Sequence[Element], factors: Value, fourth: Value, *, fresh: bool) -> Four:
        """Radix 4: Σ_s ω₄^{rs}·wₛ·aₛ for r = 0 … 3.

        Args:
            a: four values.
            factors: three records; all wₛ are one without.
            fourth: the record of ω₄.
            fresh: whether the values keep the bounds of `fresh`.
        """

    # -- rows and factors -------------------------------------------------------------------------

    @abstractmethod
    def multiplied(self, pairs: Sequence[tuple[Element, Element]]) -> list[Element]:
        """a·b/R side by side: values between layers with factors of the table, fresh."""

    @abstractmethod
    def settled(self, a: Element) -> Element:
        """A value between layers, as input of a twisted transform."""

    @abstractmethod
    def canonical(self, a: Element) -> list[Value]:
        """Words of the residues in [0, m) of values between layers."""

    @abstractmethod
    def quotient(self, values: Sequence[Element], scale: int) -> list[Value]:
        """Words of (a·b − c·scale)/R of values a, b, c between layers."""


def nowhere(value: tuple[int, int], limb: tuple[int, int]) -> Element:
    """Bounds without registers, from those of a value and of each limb but the top one."""
    lower = [limb] * (LIMBS - 1)
    return Element(("poison",) * LIMBS, value, (*lower, top_bound(value, lower)))
