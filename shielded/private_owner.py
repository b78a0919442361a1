"""What a wallet is in the private pool: owners of inputs, member secrets, blindings.  SH-71, SH-72.

    sk ──▶ private key ──▶ owner seed of (context, index)    Ed25519: signs, and claims
                       ──▶ entropy of an input               all randomness of its sharing
                       ──▶ rcv of a hidden value             blinding on the shielded side
                       ──▶ member secret of a group          one nullifier a round

Nothing is drawn: with the words, and the chain for contexts and values, all of it is found again.
A context is 32 bytes that name the round or call, an index the number of the wallet's input in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node.core.codec import Writer
from node.core.ids import ID_BYTES, Kind
from shielded import spec
from shielded.errors import PlanRefused
from shielded.hidden import HiddenOpening
from shielded.keys import SpendingKey
from zk.curve.babyjub import ORDER
from zk.field.params import FR

SEED_BYTES: Final = 32
MOST_INPUTS: Final = 16
"""Inputs of one wallet to one context among which its own are looked for."""
_MAX_INDEX: Final = 2**32 - 1


@dataclass(frozen=True, slots=True, repr=False)
class PrivateOwner:
    """One input's owner.  Rule SH-71.

    Attributes:
        key: the account's private key (`SpendingKey.private_key`).
        context: 32 bytes, the round or call.
        index: number of the input in it.
        public: Ed25519 public key, 32 bytes; says nothing of the wallet, nor of its other inputs.

    Raises:
        PlanRefused: SH-71, another length, or no u32.
    """

    key: bytes
    context: bytes
    index: int = 0
    public: bytes = field(init=False)

    def __repr__(self) -> str:
        return "<PrivateOwner: secret>"

    def __post_init__(self) -> None:
        if len(self.key) != SEED_BYTES or len(self.context) != ID_BYTES:
            raise PlanRefused("SH-71", "a key and a context have 32 bytes each", where="owner")
        if not 0 <= self.index <= _MAX_INDEX:
            raise PlanRefused("SH-71", "the number of an input is a u32", where="owner")
        object.__setattr__(self, "public", self._signer.public_key().public_bytes_raw())

    @staticmethod
    def of(key: SpendingKey, context: bytes, index: int = 0) -> PrivateOwner:
        """The owner of an account's input."""
        return PrivateOwner(key.private_key, context, index)

    @property
    def seed(self) -> bytes:
        """32 bytes, the Ed25519 secret."""
        return self._expand("owner")

    def sign(self, digest: bytes) -> bytes:
        """In the owner's name, 64 bytes."""
        return self._signer.sign(digest)

    def entropy(self, values: Sequence[int], about: bytes) -> bytes:
        """32 bytes from which an input's sharing is dealt; bound to all that it says (S-13).

        Args:
            values: what is shared, each below 2²⁵⁶.
            about: what else the input is bound to: committee, epoch, project.
        """
        writer = Writer().u32(len(values))
        for value in values:
            writer.uint(value, 32)
        return self._expand("entropy", writer.done(), about)

    def opening(
        self, kind: Kind, amount: int, about: bytes, reference: bytes, *, enters: bool = False
    ) -> HiddenOpening:
        """The hidden value that pays for the input, or is paid from its cell.

        Its blinding does not depend on the reference, which is the digest of a message that has
        cv in it already.

        Args:
            kind: what moves.
            amount: how much.
            about: bytes that no other amount has: commitments of the input, or id of the cell.
            reference: digest of the private message.
            enters: a claim; else a deposit.
        """
        return HiddenOpening(
            reference, kind, amount, self.rcv(kind, amount, about, enters=enters), enters
        )

    def rcv(self, kind: Kind, amount: int, about: bytes, *, enters: bool = False) -> int:
        """Blinding of a cv, in [1, l).  Rule SH-72."""
        writer = Writer().raw(kind.to_bytes(), 64).u64(amount).u8(enters)
        wide = spec.expand("private/rcv", self.seed, writer.done(), about)
        return int.from_bytes(wide, "little") % (ORDER - 1) + 1

    @property
    def _signer(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def _expand(self, what: str, *more: bytes) -> bytes:
        index = self.index.to_bytes(4, "little")
        parts = (self.key, self.context, index, *more)
        return spec.expand(f"private/{what}", *parts)[:SEED_BYTES]


def member_secret(key: SpendingKey, group: bytes) -> int:
    """The account's secret in a group of members, in [1, r): its leaf hides it.  Rule SH-71."""
    wide = spec.expand("private/member", key.private_key, group)
    return int.from_bytes(wide, "little") % (FR.modulus - 1) + 1


def own(key: SpendingKey, context: bytes, owners: Iterable[bytes]) -> tuple[PrivateOwner, ...]:
    """Which of a context's owners are this account's, by index: what a restored wallet asks.

    Args:
        key: of the account.
        context: the round or call.
        owners: public keys of its inputs, as the chain has them.
    """
    there = set(owners)
    mine = (PrivateOwner.of(key, context, index) for index in range(MOST_INPUTS))
    return tuple(owner for owner in mine if owner.public in there)


def next_owner(key: SpendingKey, context: bytes, owners: Iterable[bytes]) -> PrivateOwner:
    """The first of the account's owners that has no input in a context yet.

    Raises:
        PlanRefused: SH-71, there are as many as would be found again.
    """
    there = set(owners)
    for index in range(MOST_INPUTS):
        owner = PrivateOwner.of(key, context, index)
        if owner.public not in there:
            return owner
    raise PlanRefused(
        "SH-71",
        f"this wallet has {MOST_INPUTS} inputs here already",
        where="owner",
        fix="use another account of the wallet",
    )
