"""One validator: the application's calls in ABCI's order, what its disk keeps, what it tells.

What the ledger is, and what a validator does for sealed intents, is its host's (`host.Host`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Final, Protocol

from node.consensus.application import LedgerApplication
from node.consensus.certificate import Ballot, CommitCertificate, VoteKind, check_certificate
from node.consensus.errors import CertificateRefused, InvalidBlock
from node.consensus.finality import CertifiedBlock
from node.consensus.replay import replay
from node.core.block import Block, Header, tx_root
from node.core.ids import Height, StateRoot
from node.core.interfaces import StateReader
from node.store.memory import memory_store
from node.store.proof import EMPTY_ROOT
from node.testing.cluster.host import Around, Disk, EvidenceOf, Kit, Said
from node.testing.cluster.keys import GENESIS_MS
from node.testing.cluster.liars import Liar
from node.testing.cluster.messages import (
    Decision,
    Gossip,
    Message,
    Proposal,
    RoundMessage,
    Share,
    Status,
    Vote,
)
from node.testing.cluster.rounds import Memory, Rounds, Step
from private_exec.batch import Batch
from private_exec.shares import ShareMessage

TICK_MS: Final = 150
POINTS: Final = (
    "boot", "replayed", "before-prepare", "after-prepare", "before-process", "after-process",
    "before-extend", "after-extend", "before-remember", "after-remember", "before-send",
    "before-verify-extension", "before-decide", "after-decide", "after-finalize", "after-commit",
    "before-share", "after-share",
)  # fmt: skip
"""Crash points between the calls; those inside are `node.consensus.application.CRASH_POINTS`."""


class World(Protocol):
    """What surrounds a validator."""

    seed: int

    @property
    def now(self) -> int:
        """Milliseconds since the run began."""
        ...

    def point(self, place: int, name: str) -> None:
        """A place where the process may die."""
        ...

    def send(self, place: int, target: int, messages: tuple[Message, ...]) -> None: ...

    def wake(self, place: int, after_ms: int, action: Callable[[], None]) -> None:
        """Run `action` later, unless the process has died by then."""
        ...

    def note(self, text: str) -> None: ...

    def entered(self, place: int, memory: Memory) -> None: ...

    def committed(self, place: int, block: Block, root: StateRoot) -> None: ...

    def shared(
        self, place: int, block: Block, share: ShareMessage, batch: Batch | None
    ) -> None: ...

    def made(self, place: int, txs: tuple[bytes, ...]) -> None:
        """Transactions of a validator's own, before anybody has them."""
        ...


class Validator:
    """A process; made at every start.

    Args:
        place: in the committee.
        kit: of the cluster.
        disk: of this validator, also after a crash.
        world: clock, network, checks.
        evidence: of finality.
        liar: what it does in rounds instead, if it is Byzantine there.
        lie: what its host does otherwise.
    """

    def __init__(
        self,
        place: int,
        kit: Kit,
        disk: Disk,
        world: World,
        *,
        evidence: EvidenceOf = CertifiedBlock,
        liar: Liar | None = None,
        lie: Enum | None = None,
    ) -> None:
        self.place: Final = place
        self.disk: Final = disk
        self.received: dict[int, dict[int, ShareMessage]] = {}
        self.refused: list[str] = []
        self._keys = kit.keys
        self._world = world
        self._liar = liar
        self._later: list[RoundMessage] = []
        self._shares: dict[int, tuple[ShareMessage, ...]] = {}
        self._own: list[bytes] = []
        self._extensions: tuple[bytes, ...] = ()
        self._point("boot")
        self._chain_id: Final = self._keys.genesis.chain_id
        self.host: Final = kit.host(Around(place, disk, self._point, evidence, lie))
        self._store = memory_store(self._chain_id, disk.database, crash_point=self._point)
        self.app: Final = LedgerApplication(
            self._keys.genesis,
            self.host.executor,
            self._store,
            lane=self.host.lane,
            crash_point=self._point,
        )
        if self.app.info().state_root != EMPTY_ROOT:
            self.app.check_head()
        replay(self.app, [disk.decisions[height].block for height in sorted(disk.decisions)])
        self.host.opened(self._latest)
        self._point("replayed")
        self._done: set[bytes] = set()
        for block in self._blocks():
            self._done.update(block.txs)
            world.committed(place, block, self.app.chain.root_after(block.header.height))
        self.rounds = self._new_rounds()

    def start(self) -> None:
        """Take part."""
        self._tick()
        for said in self.host.resumed(self._store.reader(), self.disk.decisions):
            self._say(said)
        self.rounds.start()
        self._settle()

    @property
    def height(self) -> int:
        """Last one on disk."""
        return self.app.info().height

    # --- messages ----------------------------------------------------------------------------

    def receive(self, source: int, messages: Iterable[Message]) -> None:
        """Whatever arrives, in order."""
        for message in messages:
            if isinstance(message, Decision):
                self._decision(message)
            elif isinstance(message, Status):
                self._status(source, message)
            elif isinstance(message, Share):
                share = message.message
                self.received.setdefault(share.height, {})[share.member] = share
                self.host.hear(share)
            elif isinstance(message, Gossip):
                self.host.offer(message.txs)
            else:
                self._round(message)

    def _round(self, message: RoundMessage) -> None:
        ahead = message.height - self.height
        if ahead == 2:
            self._later.append(message)
        if ahead != 1 or self.rounds.knows(message):
            return
        if self._genuine(message) and self.rounds.receive(message):
            self._settle()

    def _genuine(self, message: RoundMessage) -> bool:
        """Signed by its sender, and with an extension that the application takes."""
        if not message.holds(self._keys.committee):
            self.refused.append("signature")
            return False
        if isinstance(message, Vote):
            try:
                self._point("before-verify-extension")
                key = self._keys.committee.members[message.place].key
                self.app.verify_vote_extension(message.height, message.extension, key)
            except InvalidBlock as error:
                self.refused.append(error.rule)
                self._world.note(f"{self.place} refuses {message}: {error.message}")
                return False
        return True

    def _decision(self, decision: Decision) -> None:
        """Catch up by a certificate, checked in full."""
        header, certificate = decision.block.header, decision.certificate
        if header.height != self.height + 1:
            return
        try:
            if (header.height, header.hash) != (certificate.height, certificate.block_hash):
                raise CertificateRefused("CL-5", "the certificate is of another block")
            check_certificate(certificate, self._keys.committee, self._chain_id)
        except CertificateRefused as error:
            self.refused.append(error.rule)
            return
        if self.rounds.decision is None and self.accepts(decision.block):
            self._commit(decision)
            self._settle()

    def _status(self, source: int, status: Status) -> None:
        missing = [
            self.disk.decisions[height]
            for height in range(status.height + 1, self.height + 1)
            if height in self.disk.decisions
        ]
        if missing:
            self._world.send(self.place, source, tuple(missing))

    def _tick(self) -> None:
        """Say again what may have been lost."""
        held = tuple(self.rounds.held())
        again: list[Message] = [Status(self.height)]
        again += [
            Share(share)
            for height, shares in self._shares.items()
            if height > self.height - self.host.repeats
            for share in shares
        ]
        if self._own:
            again.append(Gossip(tuple(self._own)))
        if self._liar is not None:
            again += self._liar.forgeries(tuple(self.rounds.blocks.values()), held)
        for target in self._peers():
            said = [part for message in held for part in self._said(message, target)]
            self._world.send(self.place, target, (*again, *said))
        self._world.wake(self.place, TICK_MS, self._tick)

    def _peers(self) -> list[int]:
        return [place for place in range(len(self._keys.signers)) if place != self.place]

    # --- the host of the rounds --------------------------------------------------------------

    def remember(self, memory: Memory) -> None:
        self._point("before-remember")
        self.disk.memory = memory
        self._world.entered(self.place, memory)
        self._point("after-remember")

    def make_block(self, height: Height, number: int) -> Block | None:
        draw = random.Random(f"pool {self._world.seed} {self.place} {height} {number}")
        honest = self._prepare(height, draw)
        if self._liar is None:
            return honest
        return self._liar.block(honest, self._prepare(height, draw), number)

    def _prepare(self, height: Height, draw: random.Random) -> Block:
        pool = self.host.pending(draw)
        self._point("before-prepare")
        txs = self.app.prepare_proposal(height, pool, 1 << 20, self._extensions)
        self._point("after-prepare")
        head = self.app.head()
        header = Header(
            self._chain_id,
            height,
            max(GENESIS_MS + self._world.now, head.time_ms),
            head.hash,
            self.app.info().state_root,
            tx_root(txs),
        )
        return Block(header, txs)

    def accepts(self, block: Block) -> bool:
        if self._liar is not None:
            return True
        try:
            self._point("before-process")
            self.app.process_proposal(block)
            self._point("after-process")
        except InvalidBlock as error:
            self.refused.append(error.rule)
            hash_ = block.header.hash.hex()[:12]
            self._world.note(f"{self.place} refuses {hash_}: {error.message}")
            return False
        return True

    def sign_proposal(self, number: int, valid_round: int, block: Block) -> Proposal:
        unsigned = Proposal(number, valid_round, block, self.place, b"")
        return Proposal(
            number,
            valid_round,
            block,
            self.place,
            self._sign(unsigned.digest(self._keys.committee)),
        )

    def sign_vote(self, kind: VoteKind, height: Height, number: int, chosen: bytes | None) -> Vote:
        extension = b""
        if kind is VoteKind.PRECOMMIT and chosen is not None:
            self._point("before-extend")
            extension = self.app.extend_vote(height)
            self._point("after-extend")
        ballot = Ballot(self._chain_id, kind, height, number, chosen)
        signature = self._sign(ballot.digest(self._keys.committee))
        return Vote(ballot, self.place, signature, extension)

    def broadcast(self, message: RoundMessage) -> None:
        self._world.note(f"{self.place} says {message}")
        for target in self._peers():
            self._point("before-send")
            if said := self._said(message, target):
                self._world.send(self.place, target, said)

    def _said(self, message: RoundMessage, target: int) -> tuple[RoundMessage, ...]:
        """What a peer is told; the same as all others, if this validator is honest."""
        if self._liar is None or message.place != self.place:
            return (message,)
        return self._liar.twist(message, self.rounds.proposed(message.round), target)

    def wake(self, height: Height, number: int, step: Step, after_ms: int) -> None:
        def ring() -> None:
            if height == self.height + 1:
                self.rounds.timeout(number, step)
                self._settle()

        self._world.wake(self.place, after_ms, ring)

    def _sign(self, digest: bytes) -> bytes:
        return self._keys.signers[self.place].sign(digest)

    # --- decided blocks ----------------------------------------------------------------------

    def _settle(self) -> None:
        """Commit what was decided, and ask for shares of everything known."""
        while True:
            for hash_, block in list(self.rounds.blocks.items()):
                self._ask(block, self._nobody(block, hash_))
                for certificate in self.rounds.certificates(hash_):
                    self._ask(block, certificate)
            if self.rounds.decision is None:
                return
            self._commit(self.rounds.decision)

    def _commit(self, decision: Decision) -> None:
        block = decision.block
        self._point("before-decide")
        self.disk.decisions[block.header.height] = decision
        self._point("after-decide")
        root = self.app.finalize_block(block)
        self._point("after-finalize")
        self.app.commit()
        self._point("after-commit")
        self._done.update(block.txs)
        self._own = [tx for tx in self._own if tx not in self._done]
        self._extensions = self.rounds.extensions(block.header.hash)
        self._world.committed(self.place, block, root)
        receipts = self.app.chain.receipts(block.header.height)
        said = self.host.committed(self._store.reader(), decision, receipts)
        self._say(said)
        self.rounds = self._new_rounds()
        self.rounds.start()
        waiting, self._later = self._later, []
        for message in waiting:
            if self.rounds.decision is None:
                if message.height == self.height + 1 and self._genuine(message):
                    self.rounds.receive(message)
                elif message.height == self.height + 2:
                    self._later.append(message)

    def _new_rounds(self) -> Rounds:
        height = Height(self.height + 1)
        memory = self.disk.memory
        if memory is None or memory.height != height:
            memory = Memory(height)
        return Rounds(self, self._keys.committee, self.place, memory)

    # --- what the host says ------------------------------------------------------------------

    def _nobody(self, block: Block, hash_: bytes) -> CommitCertificate:
        """What a validator has that saw no precommit."""
        header = block.header
        ballot = Ballot(header.chain_id, VoteKind.PRECOMMIT, header.height, 0, hash_)
        return CommitCertificate.of(ballot, len(self._keys.signers), {})

    def _ask(self, block: Block, certificate: CommitCertificate) -> None:
        self._say(self.host.learned(block, certificate), block)

    def _say(self, said: Said, block: Block | None = None) -> None:
        """Tell all others.

        Args:
            said: what.
            block: of the shares, where it may not be on disk yet.
        """
        for share in said.shares:
            height = Height(share.height)
            of = block or self.app.chain.block(height)
            self._world.shared(self.place, of, share, said.batch)
            self._shares[height] = (*self._shares.get(height, ()), share)
            self.received.setdefault(height, {})[share.member] = share
        txs = tuple(tx for tx in said.txs if tx not in self._done)
        if txs:
            self._world.made(self.place, txs)
            self._own.extend(txs)
            self.host.offer(txs)
        messages: tuple[Message, ...] = tuple(map(Share, said.shares))
        if txs:
            messages = (*messages, Gossip(txs))
        if messages:
            for target in self._peers():
                self._world.send(self.place, target, messages)

    # --- the process -------------------------------------------------------------------------

    def _blocks(self) -> Sequence[Block]:
        return [self.app.chain.block(Height(height)) for height in range(1, self.height + 1)]

    def _latest(self) -> tuple[Height, StateReader]:
        reader = self._store.reader()
        return reader.height, reader

    def _point(self, name: str) -> None:
        self._world.point(self.place, name)
