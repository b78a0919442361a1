"""What is signed: digests of actions, parties and transactions, each under its own tag.

action    H("shielded/action", body)
auth      H("shielded/auth", chain id, flags, action digests…)                     SH-15 (S-18)
          mode TRANSACTION: H("shielded/auth-all", the above, position, tx id)     SH-16 (S-18)
delta     H("shielded/delta", tx id)                                               SH-19 (S-5)

Flags are mode, expiry and scope. The id of a transaction is the hash of its body: chain id, all
parties with flags, public inputs and ciphertexts, public values, hidden values, fee. So who signs
for the whole transaction, for a debit or for the balance signs for what moves in the dark, too.
"""

from __future__ import annotations

from node.core.ids import ChainId, tagged_hash
from shielded.action import Action
from shielded.transaction import Mode, Party, ShieldedTx


def action_digest(action: Action) -> bytes:
    """Digest without proofs and signature; also what logic proofs are bound to (S-22)."""
    return tagged_hash("shielded/action", action.body())


def party_digest(chain_id: ChainId, party: Party) -> bytes:
    """What a party's keys sign in mode PARTY: *all* its actions, in order.

    Over single actions, a composer could drop the party's receiving half and keep the giving half.
    """
    actions = (action_digest(action) for action in party.actions)
    return tagged_hash("shielded/auth", chain_id, party.flags(), *actions)


def auth_digest(tx: ShieldedTx, position: int) -> bytes:
    """What the keys of the party at `position` sign, according to its mode."""
    party = tx.parties[position]
    own = party_digest(tx.chain_id, party)
    if party.mode is Mode.PARTY:
        return own
    return tagged_hash("shielded/auth-all", own, bytes((position,)), tx.id)


def delta_digest(tx: ShieldedTx) -> bytes:
    """What the balance signature covers."""
    return tagged_hash("shielded/delta", tx.id)
