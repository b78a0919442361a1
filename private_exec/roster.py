"""Who takes part: validators, their consensus keys, and the virtual shares that each holds.

Member m holds consecutive share numbers; the first holds 1, 2, …. Signatures are Ed25519 by the
validators' consensus keys (RFC 8032, by `cryptography`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from node.core.codec import Reader, Writer
from node.core.ed25519 import is_proper, is_signed
from node.core.ids import ChainId, tagged_hash
from private_exec.errors import MalformedSeal
from private_exec.parameters import MAX_SHARES

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64


class Signer(Protocol):
    """A validator's consensus key, or a payer's account key; where it lies is its own affair."""

    def sign(self, digest: bytes) -> bytes:
        """Ed25519, 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a key and what is sealed under it belong.

    Attributes:
        chain_id: S-12.
        instance: number of the fractal instance.
        da_domain: number of the data availability domain.
    """

    chain_id: ChainId
    instance: int = 0
    da_domain: int = 0

    def to_bytes(self) -> bytes:
        return Writer().raw(self.chain_id, 32).u32(self.instance).u32(self.da_domain).done()

    @staticmethod
    def read(reader: Reader) -> Domain:
        return Domain(ChainId(reader.take(32)), reader.u32(), reader.u32())


@dataclass(frozen=True, slots=True)
class Member:
    """A validator: its consensus key, 32 bytes, and its number of virtual shares."""

    key: bytes
    shares: int


@dataclass(frozen=True, slots=True)
class Roster:
    """Members in the order that all nodes agree on.

    Raises:
        MalformedSeal: PX-11, a key twice or improper, a share count out of range.
    """

    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        keys = [member.key for member in self.members]
        if len(set(keys)) != len(keys) or not all(is_proper(key) for key in keys):
            raise MalformedSeal(
                "PX-11", "consensus keys are proper Ed25519 keys, all different", where="roster"
            )
        if any(member.shares < 0 for member in self.members) or not 1 <= self.shares <= MAX_SHARES:
            raise MalformedSeal(
                "PX-11", f"{self.shares} virtual shares: 1 to {MAX_SHARES} may be", where="roster"
            )

    @staticmethod
    def of(keys: Sequence[bytes], shares: Sequence[int] | None = None) -> Roster:
        """Members with these keys; one share each, or as many as stated."""
        counts = [1] * len(keys) if shares is None else shares
        return Roster(tuple(Member(k, s) for k, s in zip(keys, counts, strict=True)))

    @property
    def shares(self) -> int:
        """N, all virtual shares."""
        return sum(member.shares for member in self.members)

    def indices(self, member: int) -> range:
        """The share numbers of a member."""
        first = 1 + sum(m.shares for m in self.members[:member])
        return range(first, first + self.members[member].shares)

    def check_signature(self, member: int, digest: bytes, signature: bytes) -> bool:
        """Whether this member signed; callers refuse by their own rule."""
        return is_signed(self.members[member].key, digest, signature)

    def to_bytes(self) -> bytes:
        writer = Writer().u16(len(self.members))
        for member in self.members:
            writer.raw(member.key, KEY_BYTES).u16(member.shares)
        return writer.done()

    @staticmethod
    def read(reader: Reader) -> Roster:
        count = reader.count(2, MAX_SHARES, "members")
        return Roster(tuple(Member(reader.take(KEY_BYTES), reader.u16()) for _ in range(count)))

    @property
    def digest(self) -> bytes:
        return tagged_hash("private/roster", self.to_bytes())
