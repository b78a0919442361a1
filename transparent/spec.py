"""Formulas of the transparent environment, one function each; the rules are in SPEC.md."""

from __future__ import annotations

from node.core.ids import AccountId, Kind, TxId, tagged_hash


def tx_id(body: bytes) -> TxId:
    """TR-4: hash of the transaction without its signature. The chain id is part of the body."""
    return TxId(tagged_hash("transparent/tx", body))


def signed_digest(identity: TxId) -> bytes:
    """TR-4: what the sender signs. Its tag differs from that of a crossing's authorization."""
    return tagged_hash("transparent/signature", identity)


def crossing_digest(account: AccountId, kind: Kind, amount: int, identity: bytes) -> bytes:
    """TR-10: what an account signs to let another environment's transaction debit it (S-20)."""
    return tagged_hash(
        "transparent/crossing",
        account,
        kind.to_bytes(),
        amount.to_bytes(8, "little"),
        identity,
    )
