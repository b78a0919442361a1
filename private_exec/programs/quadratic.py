"""Quadratic funding: what each project of a round gets, in whole units.  Rules PV-80, PV-81.

A donor of c = w² to a project counts there with w. Of a project only the sums are opened

    S = Σ w        T = Σ w²        match = S² − T        need = max(0, minimum − T)

and from these, public as they are, everybody computes the same settlement. Donations are never
read here, and the function is exact: integers only, rounded down, what is left goes back.

Payouts under a pool of M, for the set F of funded projects and W = Σ_F match:

    payout = match              if W ≤ M
             ⌊M·match / W⌋      otherwise        (the cap factor is M / W)

A project of F needs payout ≥ need. Its payout only falls when W grows, so this says: W is at most

    limit = ∞                   if need = 0
            none                if need > match      (it cannot be funded at all)
            ⌊M·match / need⌋    otherwise            (≥ M)

F is therefore a set whose W is within the limit of each of its projects, and a subset of such a set
is one. There are many; F is the one of PV-80: projects join in the order of their limits, highest
first, equal ones by position, each that leaves everybody within limits. No project is turned away
for another one that asks for more of the pool, none without a minimum is ever turned away, and none
that was could still join. The set of the largest total would be a knapsack, which nobody can be
asked to compute again at every node, and would drop projects without a minimum for others' sake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from private_exec.programs.errors import ImpossibleTally


@dataclass(frozen=True, slots=True)
class Tally:
    """What is known of one project when a round's sums are open.

    Attributes:
        roots: S, the sum of the square roots of its donations.
        total: T, the sum of its donations, in units of the round's kind.
        minimum: with less than this in all it wants nothing; 0 for none.
    """

    roots: int
    total: int
    minimum: int = 0

    @property
    def match(self) -> int:
        """S² − T: what the pool would add if it were large enough; 0 for a single donor."""
        return self.roots * self.roots - self.total

    @property
    def need(self) -> int:
        """What the pool has to add for the minimum."""
        return max(0, self.minimum - self.total)


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a round ends in.

    Attributes:
        funded: for each project, in the round's order, whether it is.
        payouts: what the pool adds for each; 0 where it is not funded.
        back: the rest of the pool, which is its provider's.
    """

    funded: tuple[bool, ...]
    payouts: tuple[int, ...]
    back: int


def settle(pool: int, tallies: Sequence[Tally]) -> Settlement:
    """PV-80: who is funded, and with how much.

    Args:
        pool: M ≥ 0, in the same units as the totals.
        tallies: one per project, in the round's order.

    Returns:
        The settlement: Σ payouts + back = pool, and total + payout ≥ minimum of every funded one.

    Raises:
        ImpossibleTally: PV-81, totals that no donations have.
    """
    check_tallies(tallies)
    funded = _funded(pool, tallies)
    weight = sum(t.match for t, takes in zip(tallies, funded, strict=True) if takes)
    payouts = tuple(
        _payout(pool, t.match, weight) if takes else 0
        for t, takes in zip(tallies, funded, strict=True)
    )
    return Settlement(funded, payouts, pool - sum(payouts))


def check_tallies(tallies: Sequence[Tally]) -> None:
    """PV-81: totals are those of some whole numbers w ≥ 0.

    Such w have S ≤ T ≤ S² (w ≤ w², and no product of two is negative), and S, T of one parity.

    Raises:
        ImpossibleTally: PV-81, naming the project.
    """
    for index, t in enumerate(tallies):
        if not 0 <= t.roots <= t.total <= t.roots * t.roots or (t.roots - t.total) % 2:
            raise ImpossibleTally(
                "PV-81",
                f"no donations have roots of {t.roots} and amounts of {t.total} in sum",
                where=f"project {index}",
            )


def _limit(pool: int, tally: Tally) -> int | None:
    """The largest weight of all that leaves a project its minimum; -1 for none, None for any."""
    if tally.need == 0:
        return None
    return pool * tally.match // tally.need if tally.need <= tally.match else -1


def _funded(pool: int, tallies: Sequence[Tally]) -> tuple[bool, ...]:
    limits = [_limit(pool, t) for t in tallies]
    funded = [limit is None for limit in limits]
    weight = sum(t.match for t, free in zip(tallies, funded, strict=True) if free)
    bounded = [(-limit, index) for index, limit in enumerate(limits) if limit is not None]
    for negative, index in sorted(bounded):
        if weight + tallies[index].match <= -negative:
            funded[index] = True
            weight += tallies[index].match
    return tuple(funded)


def _payout(pool: int, match: int, weight: int) -> int:
    return match if weight <= pool else pool * match // weight
