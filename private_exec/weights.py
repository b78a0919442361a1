"""Virtual shares for stake, and the exact bound on what every coalition holds.  Rule PX-11.

    reading   every coalition with at most 1/3 of the stake holds at most p shares
    opening   every coalition with at least 2/3 of the stake holds at least T

Both follow from one table: the least stake with which a coalition can hold k shares (a 0/1 knapsack
over shares). The complement of a coalition with ≥ 2/3 has ≤ 1/3, so *opening* says that the latter
holds at most n − T. Rounding is thereby never assumed away: an integer rule that is safe "on
average" has closed a live encrypted mempool, and could as well have opened it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from private_exec.errors import MalformedSeal, UnsafeWeights
from private_exec.parameters import MAX_BATCH, MAX_SHARES, Parameters, default_packing
from zk.curve.encoding import G1_BYTES

MAX_MESSAGE_BYTES: Final = 8 * 1024
"""Of one validator's shares of one batch."""
MAX_TOTAL_BYTES: Final = 200 * 1024
"""Of all validators' shares of one batch."""
MESSAGE_OVERHEAD: Final = 160
"""Height, epoch, root, sender, signature, lengths."""
_LEAST_CHOICE: Final = 64

Holding = tuple[int, int]
"""Stake of a coalition, and its members as bits."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Shares by validator and what they protect.

    Attributes:
        shares: one count per validator.
        parameters: n, T, ℓ.
        protected: coalitions of *less* than this share of all stake hold at most p shares; one of
            exactly this share can read (to be published with the key).
        opening: the least share of stake of any coalition that holds T shares.
        batch: sealed intents that one block may order, by the bandwidth of shares.
    """

    shares: tuple[int, ...]
    parameters: Parameters
    protected: Fraction
    opening: Fraction
    batch: int


def assign(
    stakes: Sequence[int], *, packing: int | None = None, most: int | None = None
) -> Assignment:
    """Shares for stakes: the fewest with the bounds of equal holders, else the best protected.

    T is n less the most shares that a coalition with ≤ 1/3 of the stake holds: for equal stakes
    n − ⌊(n − 1)/3⌋ unless thirds divide exactly.

    Args:
        stakes: one per validator, in the roster's order; not all 0.
        packing: ℓ; default: see `default_packing`.
        most: n, at most; default: twice the number of validators, and 64.

    Raises:
        MalformedSeal: PX-11, stakes that are none.
        UnsafeWeights: PX-11, no number of shares will do; names a coalition of the last one tried.
    """
    check_stakes(stakes)
    holders = sum(1 for stake in stakes if stake)
    limit = min(MAX_SHARES, most or max(_LEAST_CHOICE, 2 * holders))
    best: Assignment | None = None
    refusal = UnsafeWeights("PX-11", f"{holders} validators with stake need as many shares")
    for n in range(min(holders, limit), limit + 1):
        shares = apportion(stakes, n)
        table = least_stakes(stakes, shares)
        heavy, coalition = heaviest(table, sum(stakes))
        try:
            chosen = default_packing(n, n - heavy, heavy) if packing is None else packing
            parameters = Parameters(n, n - heavy, chosen)
            check(stakes, shares, parameters)
            batch = largest_batch(shares, parameters)
        except MalformedSeal as error:
            refusal = UnsafeWeights("PX-11", error.message, coalition)
            continue
        except UnsafeWeights as error:
            refusal = error
            continue
        found = Assignment(shares, parameters, *fractions(table, sum(stakes), parameters), batch)
        if heavy <= (n - 1) // 3:
            return found
        if best is None or found.protected > best.protected:
            best = found
    if best is None:
        raise refusal
    return best


def check_stakes(stakes: Sequence[int]) -> None:
    """Non-negative integers, at least one positive.

    Raises:
        MalformedSeal: PX-11.
    """
    if not stakes or min(stakes) < 0 or not any(stakes):
        raise MalformedSeal("PX-11", "stakes are not negative, and not all 0", where="stakes")


def apportion(stakes: Sequence[int], shares: int) -> tuple[int, ...]:
    """`shares` in proportion to stake: largest remainders, ties to the earlier validator."""
    total = sum(stakes)
    counts = [stake * shares // total for stake in stakes]
    order = sorted(range(len(stakes)), key=lambda v: (-(stakes[v] * shares % total), v))
    for v in order[: shares - sum(counts)]:
        counts[v] += 1
    return tuple(counts)


def check(stakes: Sequence[int], shares: Sequence[int], parameters: Parameters) -> None:
    """PX-11, both bounds, exactly.

    Raises:
        MalformedSeal: PX-11, stakes or shares that do not go together.
        UnsafeWeights: PX-11, names a coalition for which a bound fails.
    """
    check_stakes(stakes)
    if len(stakes) != len(shares) or sum(shares) != parameters.shares or min(shares) < 0:
        raise MalformedSeal("PX-11", "shares do not add up to n", where="shares")
    total = sum(stakes)
    heavy, coalition = heaviest(least_stakes(stakes, shares), total)
    if heavy > parameters.privacy:
        held = sum(stakes[v] for v in coalition)
        raise UnsafeWeights(
            "PX-11",
            f"a coalition with {held} of {total} stake holds {heavy} shares; "
            f"more than {parameters.privacy} can read",
            coalition,
        )
    if heavy > parameters.shares - parameters.quorum:
        rest = tuple(v for v in range(len(stakes)) if v not in coalition)
        held = sum(stakes[v] for v in rest)
        raise UnsafeWeights(
            "PX-11",
            f"a coalition with {held} of {total} stake holds {parameters.shares - heavy} shares; "
            f"opening takes {parameters.quorum}",
            rest,
        )


def least_stakes(stakes: Sequence[int], shares: Sequence[int]) -> list[Holding | None]:
    """At k: the least stake of a coalition with exactly k shares, and who that is."""
    table: list[Holding | None] = [(0, 0)] + [None] * sum(shares)
    for v, (stake, count) in enumerate(zip(stakes, shares, strict=True)):
        for k in range(len(table) - 1, count - 1, -1) if count else ():
            before = table[k - count]
            if before is None:
                continue
            with_v = (before[0] + stake, before[1] | 1 << v)
            now = table[k]
            if now is None or with_v[0] < now[0]:
                table[k] = with_v
    return table


def heaviest(table: Sequence[Holding | None], total: int) -> tuple[int, tuple[int, ...]]:
    """The most shares that a coalition with at most 1/3 of the stake holds, and its members."""
    for k in range(len(table) - 1, -1, -1):
        holding = table[k]
        if holding is not None and 3 * holding[0] <= total:
            return k, members(holding[1])
    return 0, ()


def fractions(
    table: Sequence[Holding | None], total: int, parameters: Parameters
) -> tuple[Fraction, Fraction]:
    """The least shares of stake that suffice to hold p + 1, and T, virtual shares."""
    privacy, quorum = parameters.privacy, parameters.quorum
    return tuple(  # type: ignore[return-value]  # two of them
        Fraction(min(h[0] for h in table[least:] if h is not None), total)
        for least in (privacy + 1, quorum)
    )


def members(bits: int) -> tuple[int, ...]:
    """The positions of the bits set."""
    return tuple(v for v in range(bits.bit_length()) if bits >> v & 1)


def largest_batch(shares: Sequence[int], parameters: Parameters) -> int:
    """How many sealed intents a block may order: w·⌈B/ℓ⌉ points for holder and total.  Rule PX-24.

    Raises:
        UnsafeWeights: PX-24, not even one.
    """
    holders = sum(1 for count in shares if count)
    per_message = (MAX_MESSAGE_BYTES - MESSAGE_OVERHEAD) // (G1_BYTES * max(shares))
    in_all = (MAX_TOTAL_BYTES - MESSAGE_OVERHEAD * holders) // (G1_BYTES * sum(shares))
    batch = min(MAX_BATCH, parameters.packing * min(per_message, in_all))
    if batch < 1:
        heavy = max(range(len(shares)), key=lambda v: shares[v])
        raise UnsafeWeights("PX-24", "shares of one ciphertext already exceed a message", (heavy,))
    return batch
