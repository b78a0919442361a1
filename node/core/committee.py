"""Who signs for a domain, with which weight, and who of them signed.

A committee is fixed for a while: the validators of an epoch, or a set that an application names.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES, SIGNATURE_BYTES, is_proper, is_signed
from node.core.ids import ID_BYTES, tagged_hash
from zk.errors import DecodeError, NonCanonical

MAX_MEMBERS: Final = 1024
MAX_WEIGHT: Final = 2**60 - 1
"""Largest total weight, as in CometBFT: sums and doubles of it fit 64 bits everywhere."""


@dataclass(frozen=True, slots=True)
class Member:
    """One signer.

    Attributes:
        id: 32 bytes; members are ordered by it.
        key: Ed25519 public key.
        weight: stake, 1 or more.
    """

    id: bytes
    key: bytes
    weight: int

    def __post_init__(self) -> None:
        """DA-1, as far as it is about one member."""
        if len(self.id) != ID_BYTES:
            raise DecodeError(f"DA-1: an id of {len(self.id)} bytes, not 32", where="member")
        if not is_proper(self.key):
            raise DecodeError(
                "DA-1: no proper Ed25519 key",
                where=f"member {self.id.hex()[:16]}…",
                why="under a key of small order one signature fits many messages",
            )
        if not 1 <= self.weight <= MAX_WEIGHT:
            raise DecodeError(
                f"DA-1: a weight of {self.weight}, not 1 to 2^60 - 1",
                where=f"member {self.id.hex()[:16]}…",
            )


@dataclass(frozen=True)
class Committee:
    """Members, sorted by id; ids and keys are unique.

    Raises:
        NonCanonical: DA-1, not sorted or an id twice.
        DecodeError: DA-1, anything else.
    """

    members: tuple[Member, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.members) <= MAX_MEMBERS:
            raise DecodeError(
                f"DA-1: {len(self.members)} members, not 1 to {MAX_MEMBERS}", where="committee"
            )
        if any(not a.id < b.id for a, b in itertools.pairwise(self.members)):
            raise NonCanonical("DA-1: members are not sorted and unique", where="committee")
        if len({member.key for member in self.members}) != len(self.members):
            raise DecodeError(
                "DA-1: two members have one key",
                where="committee",
                why="one holder would be counted twice, and stand in for two",
            )
        if self.total > MAX_WEIGHT:
            raise DecodeError(
                f"DA-1: weights sum to {self.total}, not below 2^60", where="committee"
            )

    @cached_property
    def total(self) -> int:
        """Sum of all weights."""
        return sum(member.weight for member in self.members)

    @property
    def quorum(self) -> int:
        """The least weight that is more than two thirds of the total."""
        return 2 * self.total // 3 + 1

    @cached_property
    def digest(self) -> bytes:
        """32 bytes that name this committee."""
        writer = Writer()
        self.write(writer)
        return tagged_hash("committee", writer.done())

    def index(self, member_id: bytes) -> int | None:
        """Place of a member in `members`; `None` if there is no such member."""
        return self._places.get(member_id)

    @cached_property
    def _places(self) -> dict[bytes, int]:
        return {member.id: place for place, member in enumerate(self.members)}

    def write(self, writer: Writer) -> None:
        """Count u16; id, key and weight (u64) of each."""
        writer.u16(len(self.members))
        for member in self.members:
            writer.raw(member.id, ID_BYTES).raw(member.key, KEY_BYTES).u64(member.weight)

    @staticmethod
    def read(reader: Reader) -> Committee:
        """Strict. Raises DecodeError."""
        count = reader.count(2, MAX_MEMBERS, "members")
        return Committee(
            tuple(
                Member(reader.take(ID_BYTES), reader.take(KEY_BYTES), reader.u64())
                for _ in range(count)
            )
        )


@dataclass(frozen=True, slots=True)
class Signers:
    """Who of a committee signed, and the signatures.

    Attributes:
        members: number of members of the committee.
        places: theirs, ascending.
        signatures: one for each place.
    """

    members: int
    places: tuple[int, ...]
    signatures: tuple[bytes, ...]

    def write(self, writer: Writer) -> None:
        """Members u16, a bit for each, signatures in order: one encoding."""
        bits = sum(1 << place for place in self.places)
        writer.u16(self.members).uint(bits, (self.members + 7) // 8)
        for signature in self.signatures:
            writer.raw(signature, SIGNATURE_BYTES)

    @staticmethod
    def read(reader: Reader, rule: str) -> Signers:
        """Strict. Raises DecodeError, which names `rule` for bits that nobody has."""
        members = reader.count(2, MAX_MEMBERS, f"{rule}: members")
        bits = reader.uint((members + 7) // 8)
        if bits >> members:
            raise NonCanonical(f"{rule}: bits are set beyond the last member", where=reader.where)
        places = tuple(place for place in range(members) if bits >> place & 1)
        return Signers(members, places, tuple(reader.take(SIGNATURE_BYTES) for _ in places))

    def fault(self, committee: Committee) -> str:
        """Why these cannot be signers of this committee; empty if they can."""
        if self.members != len(committee.members):
            return f"of a committee of {self.members}, this one has {len(committee.members)}"
        ascending = all(a < b for a, b in itertools.pairwise(self.places))
        if not ascending or any(not 0 <= place < self.members for place in self.places):
            return "signers are not members, in order and once each"
        if len(self.signatures) != len(self.places):
            return "not one signature for each signer"
        return ""

    def weight(self, committee: Committee) -> int:
        """What they have together."""
        return sum(committee.members[place].weight for place in self.places)

    def not_signed(self, committee: Committee, digest: bytes) -> Member | None:
        """The first of them whose signature is not over `digest`."""
        for place, signature in zip(self.places, self.signatures, strict=True):
            if not is_signed(committee.members[place].key, digest, signature):
                return committee.members[place]
        return None
