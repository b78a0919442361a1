"""What a wallet reads of a block: no proofs, no signatures, nothing that needs a node's types.

Built from a transaction by the node, or from its JSON form by a wallet elsewhere. Strict: a value
that is not canonical is refused here, so that scanning itself never fails on content.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from node.core.codec import FR_BYTES
from node.core.effects import Crossing
from node.core.ids import ID_BYTES, AccountId, EnvironmentId, Kind
from shielded.encryption import NoteCiphertext, Output
from zk.errors import DecodeError, NonCanonical, WrongLength
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
        with_two = {name: _list(data, name, 2) for name in _ACTION_FIELDS}
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
    """

    tx_id: bytes
    actions: tuple[ScannedAction, ...]
    fee: int = 0
    public_values: tuple[Crossing, ...] = ()

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
        }

    @staticmethod
    def from_json(data: object) -> ScannedTransaction:
        """Strict; authorizations of debits are not carried.

        Raises:
            DecodeError: anything but what `to_json` writes.
        """
        return ScannedTransaction(
            bytes_from_hex(_get(data, "tx_id", str), ID_BYTES),
            tuple(ScannedAction.from_json(action) for action in _list(data, "actions")),
            _get(data, "fee", int),
            tuple(_crossing(value) for value in _list(data, "public_values")),
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
        anchor = _field(data, "anchor")
        return ScannedBlock(
            _get(data, "height", int),
            tuple(ScannedTransaction.from_json(tx) for tx in _list(data, "transactions")),
            None if anchor is None else fr_from_hex(anchor),
        )


def fr_to_hex(value: int) -> str:
    """A field element as 64 hexadecimal digits, big-endian."""
    return f"{value:064x}"


def fr_from_hex(text: object) -> int:
    """The field element.

    Raises:
        DecodeError: not 64 lower-case hexadecimal digits, or not below r.
    """
    value = int.from_bytes(bytes_from_hex(text, FR_BYTES), "big")
    if value >= FR.modulus:
        raise NonCanonical("a hexadecimal value is not below r")
    return value


def bytes_from_hex(text: object, size: int | None = None) -> bytes:
    """Bytes of lower-case hexadecimal digits, exactly `size` if given.

    Raises:
        DecodeError: another spelling or length.
    """
    if not isinstance(text, str):
        raise DecodeError("expected hexadecimal text")
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise DecodeError("not hexadecimal text") from error
    if data.hex() != text:
        raise NonCanonical("hexadecimal text is lower case and without spaces")
    if size is not None and len(data) != size:
        raise WrongLength(f"expected {size} bytes, got {len(data)}")
    return data


def _crossing(data: object) -> Crossing:
    target = _get(data, "target", int)
    if target not in EnvironmentId.__members__.values():
        raise DecodeError(f"unknown environment {target}")
    return Crossing(
        EnvironmentId(target),
        AccountId(bytes_from_hex(_get(data, "account", str), ID_BYTES)),
        Kind(fr_from_hex(_get(data, "logic", str)), fr_from_hex(_get(data, "label", str))),
        _get(data, "amount", int),
    )


def _field(data: object, name: str) -> Any:
    if not isinstance(data, Mapping):
        raise DecodeError("expected a JSON object")
    return data.get(name)


def _get(data: object, name: str, kind: type) -> Any:
    value = _field(data, name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DecodeError(f"expected {kind.__name__} `{name}`")
    return value


def _list(data: object, name: str, size: int | None = None) -> list[Any]:
    value = _field(data, name)
    if not isinstance(value, list | tuple) or (size is not None and len(value) != size):
        raise DecodeError(f"expected a list `{name}`" + (f" of {size}" if size else ""))
    return list(value)
