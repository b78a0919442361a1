"""How a light client finds out that a batch can be read, without reading it.

Below K of n rows a batch cannot be read. Who withholds it serves K − 1 rows at most, so s different
rows, chosen where the other side cannot foresee them, are all served with a chance of at most

    C(K−1, s) / C(n, s) < (1/4)^s

Some honest members are always away. So a sample may allow for m missing rows; the chance that a
batch that cannot be read passes is then that of s − m or more hits (hypergeometric), exactly.

A sample says that rows are there, not that they are an encoding: whether the batch is ⊥ is for its
readers to see (DA-5). It also says nothing if every request goes to one server that knows who
asks: requests should go to different members.
"""

from __future__ import annotations

import hashlib
import math
import secrets
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol

from node.da.codec import Coding
from node.da.errors import DataRefused, NotAvailable
from node.da.rows import Commitment, Row, check_row

SEED_BYTES: Final = 32
MAX_MISSES: Final = 64


class RowSource(Protocol):
    """Where rows come from: one node, or whichever member has the row."""

    def row(self, commitment: Commitment, index: int) -> Row | None:
        """The row, checked by nobody yet; `None` if it is not served."""
        ...


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample that passed.

    Attributes:
        indices: rows that were asked for, in that order.
        missing: those of them that did not come, or did not prove.
        risk: the chance that a batch that cannot be read would have passed.
    """

    indices: tuple[int, ...]
    missing: tuple[int, ...]
    risk: Fraction


def risk(coding: Coding, samples: int, missing: int = 0) -> Fraction:
    """Chance, at most, that s samples miss `missing` rows or fewer of a batch with K − 1 rows.

    Raises:
        DataRefused: DA-20, not 1 to n samples, or not fewer misses than samples.
    """
    if not 1 <= samples <= coding.n or not 0 <= missing < samples:
        raise DataRefused(
            "DA-20",
            f"{samples} samples with {missing} misses, of {coding.n} rows",
            where="sample",
        )
    served, gone = coding.k - 1, coding.n - coding.k + 1
    ways = sum(math.comb(gone, m) * math.comb(served, samples - m) for m in range(missing + 1))
    return Fraction(ways, math.comb(coding.n, samples))


def samples_for(coding: Coding, most: Fraction, missing: int = 0) -> int:
    """The fewest samples with which the risk is `most` or less.

    Raises:
        DataRefused: DA-20, a risk that is not between 0 and 1; or no number of samples is enough.
    """
    if not 0 < most < 1 or not 0 <= missing <= MAX_MISSES:
        raise DataRefused(
            "DA-20", f"a risk of {float(most):g} with {missing} misses", where="sample"
        )
    for samples in range(missing + 1, coding.n + 1):
        if risk(coding, samples, missing) <= most:
            return samples
    raise DataRefused("DA-20", f"{coding.n} rows are too few for {missing} misses", where="sample")


def choose(coding: Coding, samples: int, seed: bytes) -> tuple[int, ...]:
    """`samples` different indices: the same for the same seed, without bias, unforeseeable.

    Raises:
        DataRefused: DA-20, not 1 to n samples.
    """
    if not 1 <= samples <= coding.n or len(seed) != SEED_BYTES:
        raise DataRefused(
            "DA-20", f"{samples} samples of {coding.n} rows, a seed of {len(seed)} bytes",
            where="sample",
        )  # fmt: skip
    pool = list(range(coding.n))
    counter = 0
    for i in range(samples):  # Fisher-Yates, as far as it is needed
        left = coding.n - i
        while True:
            block = hashlib.blake2b(
                seed + counter.to_bytes(8, "little"), digest_size=8, person=b"chiaro/v1/sample"
            )
            counter += 1
            drawn = int.from_bytes(block.digest(), "little")
            if drawn < (1 << 64) // left * left:  # else the first few would come more often
                break
        j = i + drawn % left
        pool[i], pool[j] = pool[j], pool[i]
    return tuple(pool[:samples])


def sample(
    source: RowSource,
    commitment: Commitment,
    samples: int,
    *,
    missing: int = 0,
    seed: bytes | None = None,
) -> Sampled:
    """DA-20: ask for random rows; passes if at most `missing` do not come or do not prove.

    Args:
        source: of rows.
        commitment: of a batch that was ordered.
        samples: how many rows.
        missing: how many of them may fail.
        seed: 32 bytes that the source cannot know; fresh ones by default.

    Raises:
        NotAvailable: DA-20, more are missing; all were asked for, so the error lists them all.
        DataRefused: DA-20, numbers that make no sense.
    """
    chance = risk(commitment.coding, samples, missing)
    seed = secrets.token_bytes(SEED_BYTES) if seed is None else seed
    indices = choose(commitment.coding, samples, seed)
    failed = tuple(index for index in indices if not _served(source, commitment, index))
    if len(failed) > missing:
        raise NotAvailable(
            f"{len(failed)} of {samples} rows are missing, {missing} may be",
            failed,
            where=f"blob {commitment.root.hex()[:16]}…",
        )
    return Sampled(indices, failed, chance)


def _served(source: RowSource, commitment: Commitment, index: int) -> bool:
    """Whether the right row came, with its proof."""
    row = source.row(commitment, index)
    if row is None or row.index != index:
        return False
    try:
        check_row(commitment, row)
    except DataRefused:
        return False
    return True
