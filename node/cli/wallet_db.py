"""A wallet's database: what was scanned, and the log of operations.

SQLite in WAL mode, one file per wallet (0600), every change one transaction: a command that is
killed leaves the state before or after a step, never between. The scanned state holds amounts,
memos and note seeds; like the viewing key beside it, it lies in the clear (see `keystore`).

An operation has its id before anything is sent:

    draft ─▶ proved ─▶ submitted ─▶ included
                 └──────────┴──────▶ rejected | expired
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from node.cli.keystore import WalletError
from node.cli.session import private_folder
from node.core.ids import Kind
from shielded.json_values import fr_from_hex, fr_to_hex

FILE: Final = "wallet.sqlite"
VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    chain_id BLOB NOT NULL,
    asset TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount TEXT NOT NULL,
    fee TEXT NOT NULL,
    target TEXT NOT NULL,
    memo TEXT NOT NULL,
    expiry INTEGER NOT NULL,
    notes TEXT NOT NULL,
    tx_id BLOB,
    wire BLOB,
    height INTEGER,
    error TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS operations_by_tx ON operations (tx_id);
"""


class OperationState(StrEnum):
    """How far an operation has come."""

    DRAFT = "draft"
    PROVED = "proved"
    SUBMITTED = "submitted"
    INCLUDED = "included"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        return self in {self.INCLUDED, self.REJECTED, self.EXPIRED}


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a user asked for, from draft to settlement.

    Attributes:
        id: number in this wallet, from 1.
        action: `shield`, `send` or `unshield`.
        state: how far it is.
        created_ms, updated_ms: milliseconds since 1970.
        chain_id: 32 bytes.
        asset, kind: what moves, by name and in full.
        amount, fee: base units.
        target: address or account that receives it.
        memo: text.
        expiry: last height at which a block may take it.
        notes: positions of the notes that it spends.
        tx_id, wire: once proved.
        height: once included.
        error: code and message of what refused it.
    """

    id: int
    action: str
    state: OperationState
    created_ms: int
    updated_ms: int
    chain_id: bytes
    asset: str
    kind: Kind
    amount: int
    fee: int
    target: str
    memo: str
    expiry: int
    notes: tuple[int, ...]
    tx_id: bytes | None = None
    wire: bytes | None = None
    height: int | None = None
    error: str = ""


class WalletDb:
    """One open database.

    Args:
        folder: the wallet's.

    Raises:
        WalletError: not a database of this program, or of a later version.
    """

    def __init__(self, folder: Path) -> None:
        self.path = private_folder(folder) / FILE
        if not self.path.exists():
            # Made before SQLite opens it, so that no moment exists at which others can read it.
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(self.path, timeout=10.0, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(_SCHEMA)
            version = self.get("version")
            if version is None:
                self.put("version", str(VERSION).encode())
            elif version != str(VERSION).encode():
                raise WalletError("a database of another version", where=str(self.path))
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise WalletError(
                f"the wallet's database cannot be read: {error}",
                where=str(self.path),
                why="it holds what was scanned, no key",
                fix="move the file away and run `chiaro sync`: everything but the log comes back",
            ) from None
        except WalletError:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes within, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # Single values

    def get(self, key: str) -> bytes | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row["value"])

    def put(self, key: str, value: bytes) -> None:
        self._db.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def delete(self, key: str) -> None:
        self._db.execute("DELETE FROM meta WHERE key = ?", (key,))

    # The scanned state

    def load_state(self) -> dict[str, Any] | None:
        """The document that `shielded.wallet_json` wrote, or None before the first batch."""
        data = self.get("state")
        return None if data is None else json.loads(data)

    def save_state(self, document: dict[str, Any]) -> None:
        self.put("state", json.dumps(document, separators=(",", ":")).encode())

    # Operations

    def add(
        self,
        *,
        action: str,
        chain_id: bytes,
        asset: str,
        kind: Kind,
        amount: int,
        fee: int,
        target: str,
        memo: str,
        expiry: int,
        notes: Sequence[int],
    ) -> Operation:
        """A new draft with its id, on disk when this returns."""
        now = _now_ms()
        cursor = self._db.execute(
            "INSERT INTO operations (action, state, created_ms, updated_ms, chain_id, asset, kind,"
            " amount, fee, target, memo, expiry, notes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                action,
                OperationState.DRAFT,
                now,
                now,
                chain_id,
                asset,
                f"{fr_to_hex(kind.logic)}:{fr_to_hex(kind.label)}",
                str(amount),  # u64 does not fit SQLite's signed integers
                str(fee),
                target,
                memo,
                expiry,
                json.dumps(list(notes)),
            ),
        )
        return self.operation(int(cursor.lastrowid or 0))

    def advance(self, operation: int, state: OperationState, **changes: Any) -> Operation:
        """Move an operation on; `changes` are of `tx_id`, `wire`, `height`, `error`, `expiry`."""
        fields = {"state": state, "updated_ms": _now_ms(), **changes}
        if not fields.keys() <= {
            "state",
            "updated_ms",
            "tx_id",
            "wire",
            "height",
            "error",
            "expiry",
        }:
            raise WalletError("an operation has no such field")
        assignments = ", ".join(f"{name} = ?" for name in fields)
        self._db.execute(
            f"UPDATE operations SET {assignments} WHERE id = ?",  # noqa: S608 - names are checked
            (*fields.values(), operation),
        )
        return self.operation(operation)

    def operation(self, number: int) -> Operation:
        row = self._db.execute("SELECT * FROM operations WHERE id = ?", (number,)).fetchone()
        if row is None:
            raise WalletError(f"no operation {number}")
        return _operation(row)

    def operations(self, *, open_only: bool = False) -> list[Operation]:
        """Newest first."""
        rows = self._db.execute("SELECT * FROM operations ORDER BY id DESC").fetchall()
        found = [_operation(row) for row in rows]
        return [op for op in found if not op.state.final] if open_only else found

    def find(self, identity: str) -> list[Operation]:
        """Operations whose number is `identity`, else whose transaction id starts with it."""
        found = self.operations()
        if identity.isdecimal() and (
            numbered := [operation for operation in found if str(operation.id) == identity]
        ):
            return numbered
        prefix = identity.removeprefix("0x").lower()
        return [op for op in found if prefix and op.tx_id and op.tx_id.hex().startswith(prefix)]


def _operation(row: sqlite3.Row) -> Operation:
    logic, _, label = str(row["kind"]).partition(":")
    return Operation(
        id=row["id"],
        action=row["action"],
        state=OperationState(row["state"]),
        created_ms=row["created_ms"],
        updated_ms=row["updated_ms"],
        chain_id=bytes(row["chain_id"]),
        asset=row["asset"],
        kind=Kind(fr_from_hex(logic), fr_from_hex(label)),
        amount=int(row["amount"]),
        fee=int(row["fee"]),
        target=row["target"],
        memo=row["memo"],
        expiry=row["expiry"],
        notes=tuple(json.loads(row["notes"])),
        tx_id=None if row["tx_id"] is None else bytes(row["tx_id"]),
        wire=None if row["wire"] is None else bytes(row["wire"]),
        height=row["height"],
        error=row["error"],
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
