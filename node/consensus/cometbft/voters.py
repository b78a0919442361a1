"""CometBFT's validators and ours: who has which address, and what changed.  Rule CH-49."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import mapping
from node.core.genesis import Genesis
from node.stake import state as entries
from node.stake.rosters import consensus_set, decoded
from node.store.versioned import VersionedStore


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What CometBFT proved against a validator.

    Attributes:
        height: of the block that says so.
        validator: consensus key; empty: none of this chain.
        kind: `DUPLICATE_VOTE` or `LIGHT_CLIENT_ATTACK`.
        at: height at which it was done.
    """

    height: int
    validator: bytes
    kind: str
    at: int


class Voters:
    """Reads the state behind the last block.

    Args:
        genesis: of the chain.
        store: of the node.
    """

    def __init__(self, genesis: Genesis, store: VersionedStore) -> None:
        self._genesis: Final = genesis
        self._store: Final = store
        self._keys = {mapping.address_of(key): key for key in genesis.validators}

    def key(self, address: bytes) -> bytes:
        """The consensus key of an address; empty: no validator's."""
        if address not in self._keys and self._genesis.stake is not None:
            state = self._store.reader()
            known = [key for key, _ in entries.validators(state)]
            for roster in entries.rosters(state):  # ST-4: one may outlast its members' stake
                known += [member.key for member in decoded(roster).members]
            self._keys.update((mapping.address_of(key), key) for key in known)
        return self._keys.get(address, b"")

    def updates(self, writes: Mapping[bytes, bytes | None]) -> list[abci.ValidatorUpdate]:
        """CH-49: the powers that a block changes, by key; 0 for who votes no more.

        Args:
            writes: of the block, which is not committed.
        """
        data = writes.get(entries.VOTERS_KEY)
        if data is None:
            return []
        before = consensus_set(self._store.reader(), self._genesis).members
        old = {member.key: member.weight for member in before}
        new = {member.key: member.weight for member in decoded(data).members}
        return [
            abci.ValidatorUpdate(pub_key=abci.PublicKey(ed25519=key), power=new.get(key, 0))
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
        ]
