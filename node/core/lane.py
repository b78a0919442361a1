"""Parameters of the sealed lane: what genesis says of sealed intents (`node.lane`).

An epoch is a range of heights with one key for each data availability domain. Batches close at
multiples of their domain's period, and an epoch is a multiple of every period, so that no batch
has intents of two keys (P1-7).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from zk.errors import DecodeError, NonCanonical

MAX_DOMAINS: Final = 256
MAX_REVEAL_WINDOW: Final = 10
"""P1-6: a batch closed at H is opened up to H + 10 or has expired."""
MAX_SEALED_BYTES: Final = MAX_DOMAINS * 128 * 4096
"""Of all intents that the ends of one block can carry out: one batch of each domain. They lie in
the state, not in the block."""
MAX_EPOCHS_AHEAD: Final = 64
"""Of the epochs whose keys may be made at one height; every block looks at all of them."""
_MAX_HEIGHTS: Final = 2**32 - 1
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class LaneDomain:
    """One domain: a logical clock for the intents of some applications.

    Attributes:
        number: what scopes and commands name it by.
        name: for people.
        period: heights between two closes; batches close at its multiples.
        criterion: name of the measure by which settlements are compared.
        fee: base units per started 1024 bytes of a sealed intent.
        reveal_window: heights after the close in which a batch is opened, 10 at most.
        solve_period: heights in which settlements are taken.
    """

    number: int
    name: str
    period: int = 5
    criterion: str = "surplus"
    fee: int = 1000
    reveal_window: int = MAX_REVEAL_WINDOW
    solve_period: int = 3

    @property
    def id(self) -> bytes:
        """32 bytes, for `node.da`."""
        return tagged_hash("lane/domain", self.number.to_bytes(4, "little"))

    def write(self, writer: Writer) -> None:
        """Number u32, texts, then u32 each; fee u64."""
        writer.u32(self.number).blob(self.name.encode()).u32(self.period)
        writer.blob(self.criterion.encode()).u64(self.fee)
        writer.u32(self.reveal_window).u32(self.solve_period)

    @staticmethod
    def read(reader: Reader) -> LaneDomain:
        """Strict. Raises DecodeError."""
        return LaneDomain(
            reader.u32(), _name(reader), reader.u32(), _name(reader), reader.u64(), reader.u32(),
            reader.u32(),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LaneParameters:
    """CH-35: fixed for the chain.

    Attributes:
        domains: sorted by number, one at least.
        epoch_heights: heights of an epoch; a multiple of every period.
        grace: heights behind an epoch in which what was sealed for it may still be opened.
        lead: how many heights before an epoch its key may be made.
        round_heights: heights that each of the four rounds of key generation takes.

    Raises:
        DecodeError: CH-35.
    """

    domains: tuple[LaneDomain, ...]
    epoch_heights: int = 1000
    grace: int = 64
    lead: int = 100
    round_heights: int = 1

    def __post_init__(self) -> None:
        if not 1 <= len(self.domains) <= MAX_DOMAINS:
            raise DecodeError(f"CH-35: {len(self.domains)} domains", where="lane")
        if any(not a.number < b.number for a, b in itertools.pairwise(self.domains)):
            raise NonCanonical("CH-35: domains are not sorted and unique", where="lane")
        if len({domain.name for domain in self.domains}) != len(self.domains):
            raise DecodeError("CH-35: two domains of one name", where="lane")
        for name in ("epoch_heights", "grace", "lead", "round_heights"):
            _check(getattr(self, name), 1, name)
        if self.lead > MAX_EPOCHS_AHEAD * self.epoch_heights:
            raise DecodeError(
                f"CH-35: keys are made {self.lead} heights ahead, not {MAX_EPOCHS_AHEAD} epochs",
                where="lane",
            )
        for domain in self.domains:
            self._check_domain(domain)

    def _check_domain(self, domain: LaneDomain) -> None:
        where = f"domain {domain.name[:32]}"
        for text in (domain.name, domain.criterion):
            if not _NAME.fullmatch(text):
                raise DecodeError(
                    "CH-35: a name is 1 to 32 of a-z, 0-9 and -, a letter first", where=where
                )
        _check(domain.number, 0, where)
        _check(domain.period, 1, where)
        _check(domain.solve_period, 1, where)
        if not 0 <= domain.fee < 2**48:
            raise DecodeError(f"CH-35: a fee of {domain.fee}", where=where)
        if not 1 <= domain.reveal_window <= MAX_REVEAL_WINDOW:
            raise DecodeError(f"CH-35: {domain.reveal_window} heights to open", where=where)
        if self.epoch_heights % domain.period:
            raise DecodeError(
                f"CH-35: an epoch of {self.epoch_heights} heights is no multiple of a period of "
                f"{domain.period}",
                where=where,
                why="a batch would have intents of two epochs, and so of two keys (P1-7)",
            )

    def domain(self, number: int) -> LaneDomain | None:
        """By number."""
        return next((domain for domain in self.domains if domain.number == number), None)

    def epoch_of(self, height: int) -> int:
        """The epoch of a height of 1 or more; epoch 0 is that of the first block."""
        return (height - 1) // self.epoch_heights

    def first_height(self, epoch: int) -> int:
        """Of an epoch."""
        return epoch * self.epoch_heights + 1

    def last_height(self, epoch: int) -> int:
        """Of an epoch."""
        return (epoch + 1) * self.epoch_heights

    @property
    def opening_heights(self) -> int:
        """Heights behind an epoch for which all stays that its last batches are opened with."""
        return max(self.grace, MAX_REVEAL_WINDOW)

    def write(self, writer: Writer) -> None:
        """Number of domains u16, domains, then u32 each."""
        writer.u16(len(self.domains))
        for domain in self.domains:
            domain.write(writer)
        writer.u32(self.epoch_heights).u32(self.grace).u32(self.lead).u32(self.round_heights)

    @staticmethod
    def read(reader: Reader) -> LaneParameters:
        """Strict. Raises DecodeError."""
        count = reader.count(2, MAX_DOMAINS, "domains")
        domains = tuple(LaneDomain.read(reader) for _ in range(count))
        return LaneParameters(domains, reader.u32(), reader.u32(), reader.u32(), reader.u32())


def _check(value: int, least: int, what: str) -> None:
    if not least <= value <= _MAX_HEIGHTS:
        raise DecodeError(f"CH-35: {what} {value} is not {least} to {_MAX_HEIGHTS}", where="lane")


def _name(reader: Reader) -> str:
    try:
        return reader.blob(32, "name").decode("ascii")
    except UnicodeDecodeError as error:
        raise NonCanonical("CH-35: a name that is not ASCII", where="lane") from error
