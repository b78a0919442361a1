"""What CometBFT proved becomes evidence on our chain.

CometBFT tells the application who voted twice, and when; not the votes. They are in its block,
which its own RPC has. So each node fetches them, off the consensus thread, and sends the evidence
(ST-20) until the state says that it was punished, or is too old to be. After a start it looks
through the last blocks: what it was told of before is forgotten.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
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
from node.consensus.cometbft.voters import Misbehaviour, Voters
from node.consensus.cometbft.votes import Vote, VoteType
from node.core.errors import NodeError, NotFound
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
_LOOKED_BACK: Final = 100
_AT_ONCE: Final = 20
"""Headers in one answer of CometBFT."""
_NO_EVIDENCE: Final = hashlib.sha256().digest()
"""What a header says of a block without evidence: the root over nothing."""

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
        self._voters: Final = Voters(genesis, store)
        self._recalled = genesis.stake is None
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
            if self._accused or self._pending or not self._recalled:
                await asyncio.to_thread(self.work)

    def work(self) -> None:
        """One round: fetch what is new, send what is not punished yet. Blocking."""
        if not self._recalled:
            self._recall()
        for accused in tuple(self._accused):
            if not self._is_due(accused.validator, accused.at):
                self._accused.remove(accused)
                continue
            try:
                block = self._query.ask("block", height=accused.height)
                found = evidence_of(block, accused)
            except NodeError as error:  # it is asked again
                _log.warning("no evidence from CometBFT yet: %s", error, extra={"code": error.id})
                continue
            self._accused.remove(accused)
            self._pending += (votes for votes in found if votes not in self._pending)
        self._pending = [
            votes for votes in self._pending if self._is_due(votes.key, votes.a.height)
        ]
        for votes in self._pending:
            tx = EvidenceTx(self._genesis.chain_id, FaultKind.DUPLICATE_VOTE, votes.to_bytes())
            self._send(wire(tx))

    def _recall(self) -> None:
        """Accuse again whom the last blocks have evidence against."""
        tip = self._store.reader().height
        try:
            for first in range(max(1, tip - _LOOKED_BACK + 1), tip + 1, _AT_ONCE):
                last = min(first + _AT_ONCE - 1, tip)
                with contextlib.suppress(NotFound):  # from before this CometBFT joined
                    self._look_through(first, last)
        except NodeError as error:  # it has not started yet
            _log.info("CometBFT's last blocks are not read yet: %s", error)
            return
        self._recalled = True

    def _look_through(self, first: int, last: int) -> None:
        answer = self._query.ask("blockchain", minHeight=first, maxHeight=last)
        for height in heights_with_evidence(answer):
            for address, at in voters_of(self._query.ask("block", height=height)):
                found = Misbehaviour(height, self._voters.key(address), DUPLICATE_VOTE, at)
                if found not in self._accused:
                    self.accuse(found)

    def _is_due(self, key: bytes, height: int) -> bool:
        if self._genesis.stake is None:
            return False
        state = self._store.reader()
        found = Offence(key, FaultKind.DUPLICATE_VOTE, Height(height))
        try:
            punishment.check(found, state, Height(state.height + 1), self._genesis.stake)
        except StakeRefused as error:
            _log.info("evidence is done with: %s", error, extra={"code": error.id})
            return False
        return True


def heights_with_evidence(answer: Any) -> list[int]:
    """Of an answer to `blockchain`. Raises EngineAnswer: not of the documented form."""
    headers = [member(item, "header") for item in member(answer, "block_metas") or ()]
    return sorted(
        integer(member(header, "height"))
        for header in headers
        if hexadecimal(member(header, "evidence_hash")) != _NO_EVIDENCE
    )


def voters_of(block: Any) -> list[tuple[bytes, int]]:
    """Address and height of each double vote in an answer to `block`. Raises EngineAnswer."""
    return [
        (hexadecimal(member(vote, "validator_address")), integer(member(vote, "height")))
        for vote, _ in _pairs(block)
    ]


def evidence_of(block: Any, accused: Misbehaviour) -> list[DuplicateVote]:
    """Double votes of one validator in an answer about a block.

    Args:
        block: the result of CometBFT's `block`.
        accused: who, and at which height it voted twice.

    Raises:
        EngineAnswer: not of the documented form.
    """
    found = []
    for pair in _pairs(block):
        voters = {hexadecimal(member(vote, "validator_address")) for vote in pair}
        if voters == {mapping.address_of(accused.validator)}:
            votes = DuplicateVote.of(accused.validator, *map(_vote, pair))
            if votes.a.height == accused.at:
                found.append(votes)
    return found


def _pairs(block: Any) -> list[tuple[Any, Any]]:
    """Both votes of each double vote in an answer to `block`."""
    return [
        (member(item, "value", "vote_a"), member(item, "value", "vote_b"))
        for item in member(block, "block", "evidence", "evidence") or ()
        if member(item, "type") == _EVIDENCE
    ]


def _vote(value: Any) -> Vote:
    kind = integer(member(value, "type"))
    if kind not in VoteType.__members__.values():
        raise EngineAnswer(f"a vote of type {kind}")
    vote = Vote(
        VoteType(kind),
        integer(member(value, "height")),
        integer(member(value, "round")),
        block_id(member(value, "block_id")),
        moment(member(value, "timestamp")),
        base64_bytes(member(value, "signature")),
    )
    if not vote.is_possible:
        raise EngineAnswer("a vote that CometBFT does not take")
    return vote
