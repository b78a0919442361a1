"""A height's validators as CometBFT hashes them.  Rule LC-3."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from node.consensus.cometbft import wire
from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES, is_proper
from node.light import merkle
from node.light.header import ADDRESS_BYTES
from zk.errors import DecodeError

MAX_VALIDATORS: Final = 1024
MAX_POWER: Final = 2**60 - 1
"""Of all together, as in CometBFT."""


@dataclass(frozen=True, slots=True)
class Validator:
    """One of them.

    Attributes:
        key: Ed25519.
        power: its weight, 1 or more.
    """

    key: bytes
    power: int

    @property
    def address(self) -> bytes:
        """By which commits name it: 20 bytes of SHA-256 over its key."""
        return hashlib.sha256(self.key).digest()[:ADDRESS_BYTES]

    def to_proto(self) -> bytes:
        """`SimpleValidator`."""
        return wire.message(1, wire.message(1, self.key)) + wire.number(2, self.power)


@dataclass(frozen=True)
class ValidatorSet:
    """Validators in CometBFT's order: by power, the largest first, then by address.

    Raises:
        DecodeError: LC-3.
    """

    members: tuple[Validator, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.members) <= MAX_VALIDATORS:
            raise DecodeError(
                f"LC-3: {len(self.members)} validators, not 1 to {MAX_VALIDATORS}",
                where="validators",
            )
        for place, member in enumerate(self.members):
            if not is_proper(member.key) or not 1 <= member.power <= MAX_POWER:
                raise DecodeError(
                    "LC-3: no proper Ed25519 key, or no power",
                    where=f"validator {place}",
                    why="under a key of small order one signature fits many messages",
                )
        if list(self.members) != sorted(self.members, key=_order) or len(self.by_address) != len(
            self.members
        ):
            raise DecodeError("LC-3: not in order and once each", where="validators")
        if self.total > MAX_POWER:
            raise DecodeError("LC-3: powers sum to 2^60 or more", where="validators")

    @staticmethod
    def of(members: Iterable[tuple[bytes, int]]) -> ValidatorSet:
        """Of keys and powers in any order. Raises DecodeError: LC-3."""
        found = (Validator(key, power) for key, power in members)
        return ValidatorSet(tuple(sorted(found, key=_order)))

    @cached_property
    def total(self) -> int:
        """Sum of all powers."""
        return sum(member.power for member in self.members)

    @cached_property
    def by_address(self) -> dict[bytes, Validator]:
        """Address → validator."""
        return {member.address: member for member in self.members}

    @cached_property
    def hash(self) -> bytes:
        """What headers name the set by, 32 bytes."""
        return merkle.root([member.to_proto() for member in self.members])

    def write(self, writer: Writer) -> None:
        """Count u16; key and power (u64) of each."""
        writer.u16(len(self.members))
        for member in self.members:
            writer.raw(member.key, KEY_BYTES).u64(member.power)

    @staticmethod
    def read(reader: Reader) -> ValidatorSet:
        """Strict. Raises DecodeError."""
        count = reader.count(2, MAX_VALIDATORS, "LC-3: validators")
        return ValidatorSet(
            tuple(Validator(reader.take(KEY_BYTES), reader.u64()) for _ in range(count))
        )

    def to_bytes(self) -> bytes:
        writer = Writer()
        self.write(writer)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> ValidatorSet:
        """Strict. Raises DecodeError."""
        reader = Reader(data, "validators")
        found = ValidatorSet.read(reader)
        reader.done()
        return found


def _order(member: Validator) -> tuple[int, bytes]:
    return -member.power, member.address
