"""Parameters of stake: what genesis says of who votes with which weight, and of what they lose.

A validator is a consensus key with bonded native balance behind it, which one account owns. What
happens to bonds is in `node.stake`; where genesis has no stake, its validators are equals for ever.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

from node.core.amounts import MAX_AMOUNT, check_amount
from node.core.codec import Reader, Writer
from node.core.committee import MAX_WEIGHT
from node.core.ed25519 import is_proper
from node.core.ids import ID_BYTES, AccountId
from zk.errors import DecodeError, NonCanonical

MAX_VALIDATORS: Final = 100
MILLION: Final = 1_000_000
"""Fractions are in parts per million."""
_MAX_HEIGHTS: Final = 2**32 - 1
_MAX_EPOCHS: Final = 2**16 - 1


@dataclass(frozen=True, slots=True, order=True)
class GenesisBond:
    """What one validator of genesis has at stake from the start.

    Attributes:
        key: its Ed25519 consensus key.
        owner: the account that may take the stake back.
        amount: base units of the native kind; issued here, beside the allocations.
    """

    key: bytes
    owner: AccountId
    amount: int


@dataclass(frozen=True, slots=True)
class StakeParameters:
    """CH-45: fixed for the chain.

    Attributes:
        bonds: one for each validator of genesis, sorted by key.
        epoch_heights: heights of an epoch, at whose end the set of validators may change; the
            sealed lane's, where there is one.
        unit: base units for one unit of voting weight; what is left over has no weight.
        min_bond: base units that a validator must have bonded to vote; `unit` or more.
        unbonding_epochs: how long stake that was given notice stays, and can be slashed.
        max_validators: those with the most stake vote.
        duplicate_vote, two_roots, wrong_share, key_generation: what such a fault costs, in parts
            per million of the stake behind it.

    Raises:
        DecodeError: CH-45.
    """

    bonds: tuple[GenesisBond, ...]
    epoch_heights: int = 1000
    unit: int = 1_000_000
    min_bond: int = 1_000_000
    unbonding_epochs: int = 4
    max_validators: int = MAX_VALIDATORS
    duplicate_vote: int = 50_000
    two_roots: int = 50_000
    wrong_share: int = 10_000
    key_generation: int = 10_000

    def __post_init__(self) -> None:
        limits = {
            "epoch_heights": (1, _MAX_HEIGHTS),
            "unit": (1, MAX_AMOUNT),
            "min_bond": (self.unit, MAX_AMOUNT),
            "unbonding_epochs": (2, _MAX_EPOCHS),
            "max_validators": (1, MAX_VALIDATORS),
            "duplicate_vote": (0, MILLION),
            "two_roots": (0, MILLION),
            "wrong_share": (0, MILLION),
            "key_generation": (0, MILLION),
        }
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise DecodeError(
                    f"CH-45: {name} {getattr(self, name)} is outside [{least}, {most}]",
                    where="stake",
                )
        if not 1 <= len(self.bonds) <= self.max_validators:
            raise DecodeError(
                f"CH-45: {len(self.bonds)} bonds, not 1 to {self.max_validators}", where="bonds"
            )
        if any(not a.key < b.key for a, b in itertools.pairwise(self.bonds)):
            raise NonCanonical("CH-45: bonds are not sorted and unique", where="bonds")
        for bond in self.bonds:
            self._check_bond(bond)
        check_amount(self.bonded, "CH-45: the sum of bonds")
        if self.bonded // self.unit > MAX_WEIGHT:
            raise DecodeError(
                f"CH-45: a weight of {self.bonded // self.unit}, not below 2^60",
                where="bonds",
                fix="let a unit of weight be more base units",
            )

    def _check_bond(self, bond: GenesisBond) -> None:
        where = f"bond of {bond.key.hex()[:16]}"
        if not is_proper(bond.key) or not is_proper(bond.owner):
            raise DecodeError("CH-45: validator and owner have proper Ed25519 keys", where=where)
        if not self.min_bond <= bond.amount <= MAX_AMOUNT:
            raise DecodeError(
                f"CH-45: a bond of {bond.amount}, at least {self.min_bond} is due", where=where
            )

    @property
    def bonded(self) -> int:
        """Base units at stake from the start."""
        return sum(bond.amount for bond in self.bonds)

    @property
    def locked_heights(self) -> int:
        """For how many blocks, at least, who signed one can still lose stake for it."""
        return (self.unbonding_epochs - 1) * self.epoch_heights

    def epoch_of(self, height: int) -> int:
        """The epoch of a height of 1 or more; epoch 0 is that of the first block."""
        return (height - 1) // self.epoch_heights

    def last_height(self, epoch: int) -> int:
        """Of an epoch."""
        return (epoch + 1) * self.epoch_heights

    def write(self, writer: Writer) -> None:
        """Number of bonds u16; key, owner, amount u64 of each; then the numbers."""
        writer.u16(len(self.bonds))
        for bond in self.bonds:
            writer.raw(bond.key, ID_BYTES).raw(bond.owner, ID_BYTES).u64(bond.amount)
        writer.u32(self.epoch_heights).u64(self.unit).u64(self.min_bond)
        writer.u32(self.unbonding_epochs).u16(self.max_validators)
        writer.u32(self.duplicate_vote).u32(self.two_roots)
        writer.u32(self.wrong_share).u32(self.key_generation)

    @staticmethod
    def read(reader: Reader) -> StakeParameters:
        """Strict. Raises DecodeError."""
        bonds = tuple(
            GenesisBond(
                reader.take(ID_BYTES), AccountId(reader.take(ID_BYTES)), reader.u64()
            )
            for _ in range(reader.count(2, MAX_VALIDATORS, "bonds"))
        )  # fmt: skip
        return StakeParameters(
            bonds, reader.u32(), reader.u64(), reader.u64(), reader.u32(), reader.u16(),
            reader.u32(), reader.u32(), reader.u32(), reader.u32(),
        )  # fmt: skip
