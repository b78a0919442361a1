"""What CometBFT proved becomes evidence on our chain.

CometBFT tells the application who voted twice, and when; not the votes. They are in its block,
which its own RPC has. So each node fetches them, off the consensus thread, and sends the evidence
(ST-20) until the state says that it was punished, or is too old to be.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from node.consensus.cometbft import mapping
from node.consensus.cometbft.duplicate import DuplicateVote
from node.consensus.cometbft.query import (
    EngineAnswer,
    Query,
    base64_bytes,
    block_id,
    hexadecimal,
    integer,
    member,
    moment,
)
from node.consensus.cometbft.voters import Misbehaviour
from node.consensus.cometbft.votes import Vote, VoteType
from node.core.errors import NodeError
from node.core.genesis import Genesis
from node.core.ids import Height
from node.stake import punishment
from node.stake.errors import StakeRefused
from node.stake.faults import FaultKind, Offence
from node.stake.transaction import EvidenceTx, wire
from node.store.versioned import VersionedStore

DUPLICATE_VOTE: Final = "DUPLICATE_VOTE"
"""CometBFT's name of this kind of misbehaviour."""
_EVIDENCE: Final = "tendermint/DuplicateVoteEvidence"
_PAUSE_S: Final = 1.0

_log = logging.getLogger(__name__)


class Prosecutor:
    """Sends evidence of what it is told of, again and again, until it has served.

    Args:
        genesis: of the chain.
        store: of the node.
        path: of the UNIX socket of CometBFT's RPC.
        send: takes a transaction to CometBFT's mempool.
    """

    def __init__(
        self, genesis: Genesis, store: VersionedStore, path: Path, send: Callable[[bytes], None]
    ) -> None:
        self._genesis: Final = genesis
        self._store: Final = store
        self._query: Final = Query(path)
        self._send: Final = send
        self._accused: list[Misbehaviour] = []
        self._pending: list[DuplicateVote] = []

    def accuse(self, found: Misbehaviour) -> None:
        """From any thread; returns at once."""
        if self._genesis.stake is not None and found.kind == DUPLICATE_VOTE and found.validator:
            self._accused.append(found)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _PAUSE_S)
            if self._accused or self._pending:
                await asyncio.to_thread(self.work)

    def work(self) -> None:
        """One round: fetch what is new, send what is not punished yet. Blocking."""
        for accused in tuple(self._accused):
            try:
                block = self._query.ask("block", height=accused.height)
                found = evidence_of(block, accused)
            except NodeError as error:  # it is asked again
                _log.warning("no evidence from CometBFT yet: %s", error, extra={"code": error.id})
                continue
            self._accused.remove(accused)
            self._pending += found
        self._pending = [votes for votes in self._pending if self._is_due(votes)]
        for votes in self._pending:
            tx = EvidenceTx(self._genesis.chain_id, FaultKind.DUPLICATE_VOTE, votes.to_bytes())
            self._send(wire(tx))

    def _is_due(self, votes: DuplicateVote) -> bool:
        if self._genesis.stake is None:
            return False
        state = self._store.reader()
        found = Offence(votes.key, FaultKind.DUPLICATE_VOTE, Height(votes.a.height))
        try:
            punishment.check(found, state, Height(state.height + 1), self._genesis.stake)
        except StakeRefused as error:
            _log.info("evidence is done with: %s", error, extra={"code": error.id})
            return False
        return True


def evidence_of(block: Any, accused: Misbehaviour) -> list[DuplicateVote]:
    """Double votes of one validator in an answer about a block.

    Args:
        block: the result of CometBFT's `block`.
        accused: who, and at which height it voted twice.

    Raises:
        EngineAnswer: not of the documented form.
    """
    listed = member(block, "block", "evidence", "evidence") or ()
    found = []
    for item in listed:
        if member(item, "type") != _EVIDENCE:
            continue
        pair = [member(item, "value", name) for name in ("vote_a", "vote_b")]
        voters = {hexadecimal(member(vote, "validator_address")) for vote in pair}
        if voters == {mapping.address_of(accused.validator)}:
            votes = DuplicateVote.of(accused.validator, *map(_vote, pair))
            if votes.a.height == accused.at:
                found.append(votes)
    return found


def _vote(value: Any) -> Vote:
    kind = integer(member(value, "type"))
    if kind not in VoteType.__members__.values():
        raise EngineAnswer(f"a vote of type {kind}")
    return Vote(
        VoteType(kind),
        integer(member(value, "height")),
        integer(member(value, "round")),
        block_id(member(value, "block_id")),
        moment(member(value, "timestamp")),
        base64_bytes(member(value, "signature")),
    )
