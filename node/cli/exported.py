"""The proofs of a transaction as snarkjs documents: what an auditor checks with any tool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli import identify
from node.cli.session import Session
from node.core.errors import NotFound

if TYPE_CHECKING:
    from shielded.transaction import ShieldedTx

PROOF: Final = "proof.json"
PUBLIC: Final = "public.json"
KEY: Final = "verification_key.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One action's documents, as bytes of JSON."""

    proof: bytes
    public: bytes
    key: bytes


def documents_of(session: Session, wire: bytes, tx_id: bytes) -> list[Part]:
    """The documents of each action of a transaction; of a private one, of what it carries.

    Args:
        session: names the profile.
        wire: full bytes of the transaction.
        tx_id: that was asked for.

    Raises:
        NotFound: it has no proofs.
        DecodeError: it does not decode.
        BadAnswer: it is another transaction than the one asked for.
    """
    tx = identify.shielded_of(wire, tx_id) or identify.carried_of(wire)
    if tx is None:
        raise NotFound(
            "this transaction has no proofs",
            fix="name a transaction that touches the shielded pool",
        )
    return parts_of(tx, session.profile)


def parts_of(tx: ShieldedTx, profile: str) -> list[Part]:
    """The documents of each action, with the registered key of the profile.

    Raises:
        UnknownKey, DevParamsRefused, DigestMismatch: no usable key.
    """
    from circuits.keys import KeyStore
    from shielded.action import STATEMENT, public_inputs
    from zk.formats import snarkjs
    from zk.groth16.keys import Proof

    store = KeyStore()
    entry = store.entry(STATEMENT, profile)
    warning = "development key: its secret is published" if entry.unsafe else ""
    key = snarkjs.verifying_key_document(store.verifying_key(STATEMENT, profile), unsafe=warning)
    return [
        Part(
            snarkjs.dump(snarkjs.proof_document(Proof.from_bytes(action.proof))),
            snarkjs.dump(snarkjs.public_document(public_inputs(action.public))),
            snarkjs.dump(key),
        )
        for action in tx.actions
    ]


def write(parts: list[Part], folder: Path) -> list[Path]:
    """Write the documents: one action directly into `folder`, several into `action-N/`.

    Returns:
        The folders written, one per action.

    Raises:
        NotFound: nothing to write, or the place cannot be written to.
    """
    folders = [folder] if len(parts) == 1 else [folder / f"action-{i}" for i in range(len(parts))]
    try:
        for part, place in zip(parts, folders, strict=True):
            place.mkdir(parents=True, exist_ok=True)
            (place / PROOF).write_bytes(part.proof)
            (place / PUBLIC).write_bytes(part.public)
            (place / KEY).write_bytes(part.key)
    except OSError as error:
        raise NotFound(
            f"cannot write there: {error.strerror}", where=str(folder), fix="name another folder"
        ) from None
    return folders
