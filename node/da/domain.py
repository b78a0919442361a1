"""Parameters of domains.

A chain has several domains, of different committees and paces. Each is a *logical clock*: its
batches are numbered, and close by height alone.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Final

from node.core.codec import Reader, Writer
from node.core.committee import Committee
from node.core.ids import ID_BYTES, Height
from node.da.assignment import Assignment, assign
from node.da.codec import DEFAULT_CODING, MAX_BLOB_BYTES, Coding
from node.da.errors import DataRefused

MAX_DOMAINS: Final = 256
INLINE_BYTES: Final = 4 * 1024
BATCH_BYTES: Final = 1024 * 1024
REVEAL_WINDOW: Final = 10
"""P1-6, PX-6: a batch closed at H and not revealed up to H + 10 has expired."""
_MAX_HEIGHTS: Final = 2**32 - 1
_MAX_CRITERION: Final = 64
_CRITERION: Final = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
_FEE_UNIT: Final = 1024


@dataclass(frozen=True, slots=True)
class CloseRule:
    """When batches close: at `first` and, with a period, every so many heights after it.

    Attributes:
        first: height of the first close, 1 or more.
        period: heights between closes; 0 for a single batch.
    """

    first: Height
    period: int

    def __post_init__(self) -> None:
        """DA-21."""
        if not 1 <= self.first < 2**63 or not 0 <= self.period <= _MAX_HEIGHTS:
            raise DataRefused(
                "DA-21", f"closes at {self.first}, every {self.period}", where="close rule"
            )

    def next(self, height: Height) -> Height | None:
        """The least closing height that is `height` or later; `None` after the only one."""
        if height <= self.first:
            return self.first
        if not self.period:
            return None
        return Height(self.first + -(-(height - self.first) // self.period) * self.period)


class Placement(IntEnum):
    """Where the bytes of a batch lie."""

    INLINE = 1
    """In the block itself, which every validator has."""
    DISPERSED = 2
    """Coded, at the committee; the block has the certificate."""


@dataclass(frozen=True)
class Domain:
    """Parameters of one domain; fixed for as long as its committee is.

    Attributes:
        id: 32 bytes.
        close: when batches close.
        criterion: name of the measure by which solutions are compared, which the application has.
        fee: base units per started 1024 bytes of an entry.
        committee: who keeps and signs.
        coding: the erasure code.
        max_batch_bytes: sum of the entries of a batch.
        inline_bytes: batches up to this lie in the block.
        reveal_window: heights after the close in which a batch may be revealed, 10 at most (PX-6).
        solve_period: heights after the reveal in which solutions are taken.
        lifetime: most heights between a statement and its expiry.
        retention: heights after a statement's expiry in which members keep its rows.

    Raises:
        DataRefused: DA-21; DA-7, the committee cannot keep rows safely.
    """

    id: bytes
    close: CloseRule
    criterion: str
    fee: int
    committee: Committee
    coding: Coding = DEFAULT_CODING
    max_batch_bytes: int = BATCH_BYTES
    inline_bytes: int = INLINE_BYTES
    reveal_window: int = REVEAL_WINDOW
    solve_period: int = 5
    lifetime: int = 100
    retention: int = 1000

    def __post_init__(self) -> None:
        """DA-21: everything in range; the committee is fit (DA-7)."""
        if len(self.id) != ID_BYTES:
            raise DataRefused("DA-21", f"an id of {len(self.id)} bytes, not 32", where="id")
        if not _CRITERION.fullmatch(self.criterion):
            raise DataRefused(
                "DA-21",
                "the criterion's name is not 1 to 64 of a-z, 0-9 and -, a letter first",
                where="criterion",
            )
        bounds = (
            ("fee", self.fee, 0, 2**48),
            ("max_batch_bytes", self.max_batch_bytes, 1, MAX_BLOB_BYTES),
            ("inline_bytes", self.inline_bytes, 0, self.max_batch_bytes),
            ("reveal_window", self.reveal_window, 1, REVEAL_WINDOW),
            ("solve_period", self.solve_period, 1, _MAX_HEIGHTS),
            ("lifetime", self.lifetime, 1, _MAX_HEIGHTS),
            ("retention", self.retention, 1, _MAX_HEIGHTS),
        )
        for name, value, least, most in bounds:
            if not least <= value <= most:
                raise DataRefused("DA-21", f"{value} is not {least} to {most}", where=name)
        _ = self.assignment

    @cached_property
    def assignment(self) -> Assignment:
        """Rows of each member (DA-7)."""
        return assign(self.committee, self.coding)

    def fee_of(self, size: int) -> int:
        """What an entry of `size` bytes pays at least."""
        return -(-size // _FEE_UNIT) * self.fee

    def placement(self, size: int) -> Placement:
        """DA-23: small batches lie in the block, larger ones at the committee.

        Raises:
            DataRefused: DA-23, empty or larger than a batch may be.
        """
        if not 1 <= size <= self.max_batch_bytes:
            raise DataRefused(
                "DA-23", f"{size} bytes, not 1 to {self.max_batch_bytes}", where="batch"
            )
        return Placement.INLINE if size <= self.inline_bytes else Placement.DISPERSED

    def write(self, writer: Writer) -> None:
        """Fields in their order; heights and sizes u32, first close and fee u64."""
        writer.raw(self.id, ID_BYTES).u64(self.close.first).u32(self.close.period)
        writer.blob(self.criterion.encode()).u64(self.fee)
        self.committee.write(writer)
        self.coding.write(writer)
        writer.u32(self.max_batch_bytes).u32(self.inline_bytes).u32(self.reveal_window)
        writer.u32(self.solve_period).u32(self.lifetime).u32(self.retention)

    @staticmethod
    def read(reader: Reader) -> Domain:
        """Raises DecodeError; DataRefused (DA-2, DA-7, DA-21)."""
        return Domain(
            reader.take(ID_BYTES),
            CloseRule(Height(reader.u64()), reader.u32()),
            reader.blob(_MAX_CRITERION, "criterion").decode("ascii", "replace"),
            reader.u64(),
            Committee.read(reader),
            Coding.read(reader),
            *(reader.u32() for _ in range(6)),
        )


@dataclass(frozen=True)
class Domains:
    """The domains of one chain, sorted by id, each once (DA-22)."""

    items: tuple[Domain, ...]

    def __post_init__(self) -> None:
        if len(self.items) > MAX_DOMAINS:
            raise DataRefused(
                "DA-22", f"{len(self.items)} domains, at most {MAX_DOMAINS}", where="domains"
            )
        if any(not a.id < b.id for a, b in itertools.pairwise(self.items)):
            raise DataRefused("DA-22", "not sorted, or a domain twice", where="domains")

    def __iter__(self) -> Iterator[Domain]:
        return iter(self.items)

    def get(self, domain_id: bytes) -> Domain:
        """DA-22. Raises DataRefused where the chain has no such domain."""
        for domain in self.items:
            if domain.id == domain_id:
                return domain
        raise DataRefused(
            "DA-22", f"this chain has no domain {domain_id.hex()[:16]}…", where="domain"
        )

    def to_bytes(self) -> bytes:
        writer = Writer().u16(len(self.items))
        for domain in self.items:
            domain.write(writer)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Domains:
        """Strict. Raises DecodeError; DataRefused."""
        reader = Reader(data, "domains")
        count = reader.count(2, MAX_DOMAINS, "domains")
        items = tuple(Domain.read(reader) for _ in range(count))
        reader.done()
        return Domains(items)
