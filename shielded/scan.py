"""What a wallet reads of a block: no proofs, no signatures, nothing that needs a node's types.

Built from a transaction by the node, or from its JSON form by a wallet elsewhere. Strict: a value
that is not canonical is refused here, so that scanning itself never fails on content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from node.core.effects import Crossing, HiddenValue
from node.core.ids import ID_BYTES, AccountId, EnvironmentId, Kind
from shielded.encryption import NoteCiphertext, Output
from shielded.hidden import POINT_BYTES
from shielded.json_values import bytes_from_hex, field, fr_from_hex, fr_to_hex, get, items
from zk.errors import DecodeError, NonCanonical
from zk.field.params import FR


@dataclass(frozen=True, slots=True)
class ScannedAction:
    """Two nullifiers, two created notes with their ciphertexts."""

    nullifiers: tuple[int, int]
    commitments: tuple[int, int]
    ciphertexts: tuple[NoteCiphertext, NoteCiphertext]

    def __post_init__(self) -> None:
        if not all(0 <= v < FR.modulus for v in (*self.nullifiers, *self.commitments)):
            raise NonCanonical("a nullifier or commitment is not below r", where="action")

    @property
    def outputs(self) -> tuple[Output, Output]:
        first, second = (
            Output(self.nullifiers, slot, self.commitments[slot], self.ciphertexts[slot])
            for slot in (0, 1)
        )
        return first, second

    def to_json(self) -> dict[str, Any]:
        return {
            "nullifiers": [fr_to_hex(value) for value in self.nullifiers],
            "commitments": [fr_to_hex(value) for value in self.commitments],
            "ciphertexts": [ciphertext.to_bytes().hex() for ciphertext in self.ciphertexts],
        }

    @staticmethod
    def from_json(data: object) -> ScannedAction:
        """Strict.

        Raises:
            DecodeError: anything but what `to_json` writes.
        """
        with_two = {name: items(data, name, 2) for name in _ACTION_FIELDS}
        nf, cm, ct = (with_two[name] for name in _ACTION_FIELDS)
        return ScannedAction(
            (fr_from_hex(nf[0]), fr_from_hex(nf[1])),
            (fr_from_hex(cm[0]), fr_from_hex(cm[1])),
            (
                NoteCiphertext.from_bytes(bytes_from_hex(ct[0])),
                NoteCiphertext.from_bytes(bytes_from_hex(ct[1])),
            ),
        )


_ACTION_FIELDS = ("nullifiers", "commitments", "ciphertexts")


@dataclass(frozen=True, slots=True)
class ScannedTransaction:
    """One shielded transaction that took effect, in block order.

    Attributes:
        tx_id: 32 bytes.
        actions: in order; their commitments enter the tree in this order, slot 0 first.
        fee: base units of the native kind.
        public_values: what entered or left the pool.
        hidden_values: the same, amounts in the dark.
    """

    tx_id: bytes
    actions: tuple[ScannedAction, ...]
    fee: int = 0
    public_values: tuple[Crossing, ...] = ()
    hidden_values: tuple[HiddenValue, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "tx_id": self.tx_id.hex(),
            "actions": [action.to_json() for action in self.actions],
            "fee": self.fee,
            "public_values": [
                {
                    "target": int(value.target),
                    "account": value.account.hex(),
                    "logic": fr_to_hex(value.kind.logic),
                    "label": fr_to_hex(value.kind.label),
                    "amount": value.amount,
                }
                for value in self.public_values
            ],
            "hidden_values": [
                {
                    "target": int(value.target),
                    "reference": value.reference.hex(),
                    "logic": fr_to_hex(value.kind.logic),
                    "label": fr_to_hex(value.kind.label),
                    "enters": value.enters,
                    "cv": value.cv.hex(),
                }
                for value in self.hidden_values
            ],
        }

    @staticmethod
    def from_json(data: object) -> ScannedTransaction:
        """Strict; authorizations of debits are not carried.

        Raises:
            DecodeError: anything but what `to_json` writes.
        """
        return ScannedTransaction(
            bytes_from_hex(field(data, "tx_id"), ID_BYTES),
            tuple(ScannedAction.from_json(action) for action in items(data, "actions")),
            get(data, "fee", int),
            tuple(_crossing(value) for value in items(data, "public_values")),
            tuple(_hidden(value) for value in items(data, "hidden_values")),
        )


@dataclass(frozen=True, slots=True)
class ScannedBlock:
    """One block's shielded transactions.

    Attributes:
        height: its height; blocks are scanned without gaps.
        transactions: in order.
        anchor: root of the note tree after this block, to be compared; None where unknown.
    """

    height: int
    transactions: tuple[ScannedTransaction, ...] = ()
    anchor: int | None = None

    @property
    def commitments(self) -> list[int]:
        return [
            commitment
            for transaction in self.transactions
            for action in transaction.actions
            for commitment in action.commitments
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "height": self.height,
            "anchor": None if self.anchor is None else fr_to_hex(self.anchor),
            "transactions": [transaction.to_json() for transaction in self.transactions],
        }

    @staticmethod
    def from_json(data: object) -> ScannedBlock:
        """Strict.

        Raises:
            DecodeError: anything but what `to_json` writes.
        """
        anchor = field(data, "anchor")
        return ScannedBlock(
            get(data, "height", int),
            tuple(ScannedTransaction.from_json(tx) for tx in items(data, "transactions")),
            None if anchor is None else fr_from_hex(anchor),
        )


def _crossing(data: object) -> Crossing:
    return Crossing(
        _target(data),
        AccountId(bytes_from_hex(field(data, "account"), ID_BYTES)),
        _kind(data),
        get(data, "amount", int),
    )


def _hidden(data: object) -> HiddenValue:
    return HiddenValue(
        _target(data),
        bytes_from_hex(field(data, "reference"), ID_BYTES),
        _kind(data),
        bytes_from_hex(field(data, "cv"), POINT_BYTES),
        _flag(data, "enters"),
    )


def _flag(data: object, name: str) -> bool:
    value = field(data, name)
    if not isinstance(value, bool):
        raise DecodeError(f"expected true or false `{name}`")
    return value


def _target(data: object) -> EnvironmentId:
    target = get(data, "target", int)
    if target not in EnvironmentId.__members__.values():
        raise DecodeError(f"unknown environment {target}")
    return EnvironmentId(target)


def _kind(data: object) -> Kind:
    return Kind(fr_from_hex(field(data, "logic")), fr_from_hex(field(data, "label")))
