"""A committee as it is declared: who, for what, under which keys.  Rule PV-30.

A committee is named by those who use it and never drawn by lot: of seven out of a hundred with a
third corrupt, more than two are bad in two draws of five (threshold.md, §5). Members have equal
weight and the points 1 … n of every sharing.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import is_proper, is_signed
from node.core.ids import ChainId, tagged_hash
from private_exec.committee.errors import MalformedCommittee
from private_exec.mpc.shamir import SIZES, Size
from zk.errors import DecodeError

KEY_BYTES: Final = 32
MAX_ENDPOINT: Final = 200
MAX_EPOCH_BLOCKS: Final = 1 << 24
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Seat:
    """A member: the Ed25519 key that signs for it, and where the others reach it."""

    key: bytes
    endpoint: str


@dataclass(frozen=True)
class Declaration:
    """A committee.

    Attributes:
        chain: S-12.
        purpose: digest of the program, or of the application, that it serves; 32 bytes.
        epoch_blocks: how long an epoch's keys serve.
        seats: members 1 … n, in order.

    Raises:
        MalformedCommittee: PV-30.
    """

    chain: ChainId
    purpose: bytes
    epoch_blocks: int
    seats: tuple[Seat, ...]

    def __post_init__(self) -> None:
        if len(self.chain) != 32 or len(self.purpose) != 32:
            raise _malformed("chain and purpose are 32 bytes each")
        if len(self.seats) not in SIZES:
            raise _malformed(f"{len(self.seats)} members: 4, 7, 10 or 13 may be")
        if not 1 <= self.epoch_blocks <= MAX_EPOCH_BLOCKS:
            raise _malformed(f"an epoch has 1 to {MAX_EPOCH_BLOCKS} blocks")
        keys = [seat.key for seat in self.seats]
        if len(set(keys)) != len(keys) or not all(is_proper(key) for key in keys):
            raise _malformed("members' keys are proper Ed25519 keys, all different")
        for seat in self.seats:
            text = seat.endpoint
            if not (text.isascii() and text.isprintable() and 0 < len(text) <= MAX_ENDPOINT):
                raise _malformed(f"an endpoint is 1 to {MAX_ENDPOINT} printable ASCII characters")
        if len({seat.endpoint for seat in self.seats}) != len(self.seats):
            raise _malformed("two members have one endpoint")

    @functools.cached_property
    def size(self) -> Size:
        """N and t."""
        return Size.of(len(self.seats))

    @property
    def members(self) -> range:
        """1 … n."""
        return self.size.members

    @property
    def quorum(self) -> int:
        """2t + 1: so many signatures hold t + 1 honest ones, where t members lie."""
        return self.size.quorum

    @functools.cached_property
    def id(self) -> bytes:
        """32 bytes that stand for all of it."""
        return tagged_hash("private/committee", self.to_bytes())

    def is_signed(self, member: int, digest: bytes, signature: bytes) -> bool:
        """Whether this member signed; callers refuse by their own rule."""
        return member in self.members and is_signed(self.seats[member - 1].key, digest, signature)

    def to_bytes(self) -> bytes:
        writer = Writer().u8(VERSION).raw(self.chain, 32).raw(self.purpose, 32)
        writer.u32(self.epoch_blocks).u8(len(self.seats))
        for seat in self.seats:
            writer.raw(seat.key, KEY_BYTES).blob(seat.endpoint.encode("ascii"))
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Declaration:
        """Strict; raises a DecodeError (MalformedCommittee by PV-30) for everything else."""
        reader = Reader(data, "declaration")
        if reader.u8() != VERSION:
            raise _malformed("unknown version of a declaration")
        chain, purpose, blocks = ChainId(reader.take(32)), reader.take(32), reader.u32()
        count = reader.count(1, SIZES[-1], "members")
        seats = tuple(Seat(reader.take(KEY_BYTES), _endpoint(reader)) for _ in range(count))
        reader.done()
        return Declaration(chain, purpose, blocks, seats)


def _endpoint(reader: Reader) -> str:
    try:
        return reader.blob(MAX_ENDPOINT, "endpoint").decode("ascii")
    except UnicodeDecodeError:
        raise DecodeError("an endpoint is not ASCII", where="declaration") from None


def _malformed(message: str) -> MalformedCommittee:
    return MalformedCommittee("PV-30", message, where="declaration")
