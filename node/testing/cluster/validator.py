"""One validator: the application's calls in ABCI's order, what its disk keeps, its shares.

It asks for its decryption share whenever it learns anything, so that only the guard of
`private_exec.final` decides when one is made.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from node.consensus.application import LedgerApplication
from node.consensus.certificate import Ballot, CommitCertificate, VoteKind, check_certificate
from node.consensus.errors import CertificateRefused, InvalidBlock
from node.consensus.finality import BatchRootOf, CertifiedBlock
from node.consensus.replay import replay
from node.core.block import Block, Header, tx_root
from node.core.committee import Committee
from node.core.ids import ChainId, Height, StateRoot
from node.store.memory import MemoryKeyValue, memory_store
from node.store.proof import EMPTY_ROOT
from node.testing.cluster.keys import GENESIS_MS, Keys
from node.testing.cluster.ledger import SealedLedger
from node.testing.cluster.liars import Liar
from node.testing.cluster.messages import (
    Decision,
    Message,
    Proposal,
    RoundMessage,
    Share,
    Status,
    Vote,
)
from node.testing.cluster.rounds import Memory, Rounds, Step
from private_exec.batch import Batch
from private_exec.errors import NotFinal, SealRefused
from private_exec.final import FinalityEvidence, MemoryRoots, finalise
from private_exec.shares import ShareMessage, make_shares
from zk.errors import DecodeError

TICK_MS: Final = 150
POINTS: Final = (
    "boot", "replayed", "before-prepare", "after-prepare", "before-process", "after-process",
    "before-extend", "after-extend", "before-remember", "after-remember", "before-send",
    "before-verify-extension", "before-decide", "after-decide", "after-finalize", "after-commit",
    "before-share", "after-share",
)  # fmt: skip
"""Crash points between the calls; those inside are `node.consensus.application.CRASH_POINTS`."""
EvidenceOf = Callable[[ChainId, Committee, CommitCertificate, Block, BatchRootOf], FinalityEvidence]
"""`CertifiedBlock`, or what a test puts into its place to show that the checks see it."""


@dataclass
class Disk:
    """What outlives the process. Every assignment stands for one synced write."""

    database: MemoryKeyValue = field(default_factory=MemoryKeyValue)
    memory: Memory | None = None
    decisions: dict[int, Decision] = field(default_factory=dict)
    roots: MemoryRoots = field(default_factory=MemoryRoots)
    pool: list[bytes] = field(default_factory=list)


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

    def shared(self, place: int, block: Block, batch: Batch, share: ShareMessage) -> None: ...


class Validator:
    """A process; made at every start.

    Args:
        place: in the committee.
        keys: of the cluster.
        disk: of this validator, also after a crash.
        world: clock, network, checks.
        evidence: of finality.
        liar: what it does instead, if it is Byzantine.
    """

    def __init__(
        self,
        place: int,
        keys: Keys,
        disk: Disk,
        world: World,
        *,
        evidence: EvidenceOf = CertifiedBlock,
        liar: Liar | None = None,
    ) -> None:
        self.place: Final = place
        self.disk: Final = disk
        self.received: dict[int, dict[int, ShareMessage]] = {}
        self.refused: list[str] = []
        self._keys = keys
        self._world = world
        self._evidence = evidence
        self._liar = liar
        self._ledger = SealedLedger(keys)
        self._later: list[RoundMessage] = []
        self._asked: set[tuple[bytes, int, int]] = set()
        self._shares: dict[int, ShareMessage] = {}
        self._point("boot")
        self._chain_id: Final = keys.genesis.chain_id
        store = memory_store(self._chain_id, disk.database, crash_point=self._point)
        self.app: Final = LedgerApplication(
            keys.genesis, self._ledger, store, crash_point=self._point
        )
        if self.app.info().state_root != EMPTY_ROOT:
            self.app.check_head()
        replay(self.app, [disk.decisions[height].block for height in sorted(disk.decisions)])
        self._point("replayed")
        self._done = {tx for block in self._blocks() for tx in block.txs}
        for block in self._blocks():
            world.committed(place, block, self.app.chain.root_after(block.header.height))
        self.rounds = self._new_rounds()

    def start(self) -> None:
        """Take part."""
        self._tick()
        for decision in self.disk.decisions.values():
            self._ask(decision.block, decision.certificate)
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
                self.app.verify_vote_extension(message.height, message.extension)
            except InvalidBlock as error:
                self.refused.append(error.rule)
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
            Share(share) for height, share in self._shares.items() if height > self.height - 3
        ]
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
        pool = [tx for tx in self.disk.pool if tx not in self._done]
        draw.shuffle(pool)
        self._point("before-prepare")
        txs = self.app.prepare_proposal(height, pool[: draw.randint(1, 4)], 1 << 20)
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
            self._world.note(f"{self.place} refuses {block.header.hash.hex()[:12]}: {error.rule}")
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
        self._world.committed(self.place, block, root)
        self._ask(block, decision.certificate)
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
        self._asked.clear()
        return Rounds(self, self._keys.committee, self.place, memory)

    # --- shares ------------------------------------------------------------------------------

    def _nobody(self, block: Block, hash_: bytes) -> CommitCertificate:
        """What a validator has that saw no precommit."""
        header = block.header
        ballot = Ballot(header.chain_id, VoteKind.PRECOMMIT, header.height, 0, hash_)
        return CommitCertificate.of(ballot, len(self._keys.signers), {})

    def _ask(self, block: Block, certificate: CommitCertificate) -> None:
        """Make this validator's share of a block's batch, if the evidence lets it."""
        height, hash_ = block.header.height, certificate.block_hash
        attempt = hash_, certificate.round, len(certificate.signers)
        if height in self._shares or attempt in self._asked:
            return
        self._asked.add(attempt)
        try:
            batch = self._ledger.batch(block.txs, height)
        except (DecodeError, SealRefused):
            return
        if not len(batch):
            return
        evidence = self._evidence(
            self._chain_id,
            self._keys.committee,
            certificate,
            block,
            self._ledger.root_of,
        )
        with contextlib.suppress(NotFinal):
            token = finalise(evidence, hash_, batch)
            self._point("before-share")
            share = make_shares(
                token, self._keys.held[self.place], self.disk.roots, self._keys.signers[self.place]
            )
            self._point("after-share")
            if share is not None:
                self._world.shared(self.place, block, batch, share)
                self._shares[height] = share
                self.received.setdefault(height, {})[self.place] = share
                for target in self._peers():
                    self._world.send(self.place, target, (Share(share),))

    # --- the process -------------------------------------------------------------------------

    def _blocks(self) -> Sequence[Block]:
        return [self.app.chain.block(Height(height)) for height in range(1, self.height + 1)]

    def _point(self, name: str) -> None:
        self._world.point(self.place, name)
