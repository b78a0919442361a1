"""The validator's side of the sealed lane: keys, shares, reveals. Without I/O of its own.

After each block the host says `committed`, and carries what comes back: shares to the other
validators, transactions to the mempools. What arrives from others it lets `hear`. The application
asks for the rest (`node.core.interfaces.SealedLane`). Without a validator's key a keeper watches:
it checks what others propose and say, and opens batches from their shares.
"""

from __future__ import annotations

import secrets as system
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.block import Block
from node.core.effects import BatchScope
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import StateReader
from node.core.lane import LaneParameters
from node.execution.bounded import BoundedCache
from node.lane import evidence, holders, layout, sealed
from node.lane import lead as leads
from node.lane.layout import Live
from node.lane.payload import RevealTx, wire
from node.lane.validator import extension
from node.lane.validator.gathering import Gatherings, ShareFault, TwoRoots
from node.lane.validator.identity import ValidatorKey
from node.lane.validator.participation import Participation
from node.lane.validator.roots import RootLogs
from node.lane.validator.secrets import ENTROPY_BYTES, SecretStore
from node.stake.faults import FaultKind
from private_exec.batch import Batch
from private_exec.errors import NotFinal, OwnShareWrong, SealRefused
from private_exec.final import FinalityEvidence, finalise
from private_exec.keygen.participant import Participant
from private_exec.keys import EpochKey
from private_exec.shares import ShareMessage, make_shares
from zk.errors import ChiaroError

Evidence = tuple[bytes, FinalityEvidence]
"""Hash of a block, and what shows that it is final."""
_MOST_REFUSED: Final = 64
_CHECKED: Final[BoundedCache[tuple[bytes, ...], bool]] = BoundedCache(512)
"""Extensions that were right for these batches, whose roots bind key and order."""


@dataclass(frozen=True, slots=True)
class Outbox:
    """What a validator says after a block.

    Attributes:
        shares: to all validators; said again until their batch is opened (P1-8).
        txs: for the mempools.
    """

    shares: tuple[ShareMessage, ...] = ()
    txs: tuple[bytes, ...] = ()


class Keeper:
    """One node's keeper. Calls exclude each other, so any thread may make them.

    Args:
        genesis: of the chain.
        signer: the validator's key; None: an observer. It has a part in the epochs whose rosters
            name it, and no other (LN-46).
        secrets: where entropy lies; needed with a signer.
        roots: what shares were made of; needed with a signer.
        ahead: make keys before their epochs begin, as on a chain whose blocks come by a timer;
            else only when `want` is called, or another validator begins.
        entropy: 32 fresh bytes.
        participant: the secret side of key generation; tests give a liar's.

    Raises:
        ConsensusFault: a chain without a lane, or a validator without a place for its secrets.
        DamagedLog: LN-27.
    """

    def __init__(
        self,
        genesis: Genesis,
        signer: ValidatorKey | None = None,
        secrets: SecretStore | None = None,
        roots: RootLogs | None = None,
        *,
        ahead: bool = True,
        entropy: Callable[[], bytes] = lambda: system.token_bytes(ENTROPY_BYTES),
        participant: type[Participant] = Participant,
    ) -> None:
        if genesis.lane is None:
            raise ConsensusFault("this chain has no sealed lane")
        self._genesis = genesis
        self._lane: Final[LaneParameters] = genesis.lane
        self._lock = threading.RLock()
        self._height = 0
        self._gatherings = Gatherings()
        self._own: dict[bytes, ShareMessage] = {}
        self.refused: Final[deque[str]] = deque(maxlen=_MOST_REFUSED)
        self._signer: ValidatorKey | None = None
        self._part: Participation | None = None
        self._roots = roots
        if signer is None:
            return
        if secrets is None or roots is None:
            raise ConsensusFault("a validator of the lane needs a place for its secrets")
        for domain in sorted({place.domain for place in secrets.kept()}):
            roots.log(domain)  # LN-27: lost or damaged is said now, and not when shares are due
        self._signer = signer
        self._part = Participation(
            genesis,
            self._lane,
            signer,
            secrets,
            ahead=ahead,
            entropy=entropy,
            begin=roots.begin,
            participant=participant,
        )

    def __repr__(self) -> str:
        name = "observer" if self.public is None else self.public.hex()[:16]
        return f"Keeper({name})"

    # WHAT THE HOST SEES

    @property
    def public(self) -> bytes | None:
        """The validator's consensus key; None: an observer."""
        return None if self._signer is None else self._signer.public

    def has_part(self, state: StateReader, epoch: int) -> bool:
        """LN-46: whether this validator is one of those who make the epoch's keys."""
        public = self.public
        return public is not None and (
            holders.member_in(state, self._genesis, epoch, public) is not None
        )

    @property
    def faults(self) -> tuple[ShareFault, ...]:
        """LN-31: who signed wrong shares, as far as this node saw and remembers."""
        with self._lock:
            return tuple(self._gatherings.faults)

    @property
    def two_roots(self) -> tuple[TwoRoots, ...]:
        """PX-19: evidence against validators."""
        with self._lock:
            return tuple(self._gatherings.two_roots)

    def missing(self) -> int:
        """Shares that lack until all batches that closed can be opened."""
        with self._lock:
            return self._gatherings.missing()

    def evidence(self, state: StateReader) -> tuple[tuple[FaultKind, bytes], ...]:
        """What can be proved of the members of keys in use: by what this node heard, or the state.

        Whether it was punished already, the rules of stake say.
        """
        with self._lock:
            heard = [(FaultKind.WRONG_SHARE, item.evidence) for item in self._gatherings.faults]
            heard += [(FaultKind.TWO_ROOTS, pair.evidence) for pair in self._gatherings.two_roots]
        now, following = self._epochs()
        known = evidence.of_keys(state, self._genesis, range(max(0, now - 1), following + 1))
        heard += [(FaultKind.KEY_GENERATION, item) for item in known]
        return tuple((kind, item) for kind, item in heard if item)

    def gathered(self, scope: BatchScope) -> tuple[bytes, ...]:
        """Consensus keys of those whose shares of a batch are here, until it is opened."""
        with self._lock:
            found = self._gatherings.of(scope)
            if found is None:
                return ()
            members = found.batch.key.roster.members
            return tuple(members[place].key for place in found.members)

    def holds(self, state: StateReader, domain: int, epoch: int) -> bool:
        """Whether this validator has its shares of an epoch's key."""
        with self._lock:
            return self._part is not None and self._part.held(state, domain, epoch) is not None

    def busy(self, state: StateReader) -> bool:
        """Whether blocks must go on although nobody sends anything. Waits for no other call."""
        if layout.live(state) or (self._part is not None and self._part.is_wanted):
            return True
        return any(
            attempt is not None and not attempt.over
            for domain in self._lane.domains
            for epoch in self._epochs()
            for attempt in [layout.attempt(state, domain.number, epoch)]
        )

    # WHAT THE HOST SAYS

    def want(self, domain: int) -> None:
        """Make the domain's key, if there is none; its messages come with `due` or `committed`."""
        with self._lock:
            if self._part is not None and self._lane.domain(domain) is not None:
                self._part.want(domain)

    def due(self, state: StateReader, height: int) -> tuple[bytes, ...]:
        """Transactions of key generation for the block behind `height`."""
        with self._lock:
            self._height = height
            return () if self._part is None else self._part.due(state, height)

    def committed(self, state: StateReader, block: Block, evidence: FinalityEvidence) -> Outbox:
        """A block is on the disk.

        Args:
            state: after it.
            block: the block.
            evidence: that it is final; shares of the batches that it closed are made of that.
        """
        height, hash_ = block.header.height, block.header.hash
        return self.resume(state, height, {int(height): (hash_, evidence)}.get)

    def resume(
        self, state: StateReader, height: int, evidence_of: Callable[[int], Evidence | None]
    ) -> Outbox:
        """Go on after a restart, or after anything else: what is owed follows from the state.

        Args:
            state: after the block of `height`.
            height: of the last block.
            evidence_of: for the height of a block, its hash and what shows that it is final.
        """
        with self._lock:
            pending = self._follow(state, height)
            for item, batch in pending:
                if batch.root not in self._own:
                    self._make_shares(state, item, batch, evidence_of)
            self._own = {
                batch.root: self._own[batch.root] for _, batch in pending if batch.root in self._own
            }
            if self._part is None:
                return Outbox()
            txs = self._part.due(state, height)
            self._part.erase(state, height)
            return Outbox(tuple(self._own.values()), txs)

    def hear(self, message: ShareMessage) -> bool:
        """LN-31: shares that arrived; whether they are worth passing on."""
        with self._lock:
            try:
                self._gatherings.hear(message)
            except ChiaroError as error:
                self._refuse(error)
                return False
            return True

    # WHAT THE APPLICATION ASKS

    def lead(self, state: StateReader, height: Height) -> tuple[tuple[bytes, ...], bool]:
        """Ends that are due, then reveals in order, as far as this node has them."""
        with self._lock:
            return leads.begin(state, height, self._genesis, self._reveal)

    def passes(self, data: bytes) -> bool:
        """Messages about keys follow even where a reveal is missing."""
        return leads.passes(data)

    def check_lead(self, txs: Sequence[bytes], state: StateReader, height: Height) -> None:
        leads.check_lead(txs, state, height, self._genesis)

    def extend(self, state: StateReader, height: Height) -> bytes:
        """LN-28: this validator's shares of what was pending before this height, as they fit."""
        with self._lock:
            roots = [batch.root for _, batch in self._pending(state, height)]
            return extension.encode([self._own[root] for root in roots if root in self._own])

    def check_extension(
        self, extension_: bytes, validator: bytes, state: StateReader, height: Height
    ) -> None:
        """LN-28, LN-29, LN-46."""
        if not extension_:
            return
        pending = [batch for _, batch in self._pending(state, height)]
        place = (extension_, validator, *(batch.root for batch in pending))
        if _CHECKED.get(place):
            return
        try:
            extension.check(extension_, validator, pending)
        except SealRefused:
            with self._lock:
                self._gatherings.convict(extension.decode(extension_))
            raise
        _CHECKED.put(place, True)

    def receive(self, extension_: bytes) -> None:
        """Whatever came with a vote: what is no extension keeps nobody from proposing."""
        try:
            messages = extension.decode(extension_)
        except ChiaroError as error:
            with self._lock:
                self._refuse(error)
            return
        for message in messages:
            self.hear(message)

    # INSIDE

    def _reveal(self, item: Live) -> bytes | None:
        found = self._gatherings.of(item.scope)
        if found is None or found.reveal is None:
            return None
        return wire(RevealTx(item.domain, item.number, found.reveal))

    def _pending(self, state: StateReader, height: int) -> list[tuple[Live, Batch]]:
        """Batches to be opened in a block of this height, in order."""
        return [
            (item, sealed.sealed_batch(state, item, self._genesis))
            for item in leads.pending(state, Height(height))
        ]

    def _follow(self, state: StateReader, height: int) -> list[tuple[Live, Batch]]:
        self._height = height
        pending = self._pending(state, height + 1)
        keys: dict[tuple[int, int], EpochKey] = {}
        epochs = {item.epoch for item, _ in pending} | set(self._epochs())
        for domain in self._lane.domains:
            for epoch in sorted(epochs):
                key = layout.key_of(state, domain.number, epoch)
                if key is not None:
                    keys[domain.number, epoch] = key
        self._gatherings.follow(height, keys, [(item.scope, batch) for item, batch in pending])
        return pending

    def _epochs(self) -> tuple[int, int]:
        """That of the next block, and the one behind it, whose key may be made already."""
        now = self._lane.epoch_of(self._height + 1)
        return now, now + 1

    def _refuse(self, error: ChiaroError) -> None:
        self.refused.append(f"{error.id}: {error.message}")

    def _make_shares(
        self,
        state: StateReader,
        item: Live,
        batch: Batch,
        evidence_of: Callable[[int], Evidence | None],
    ) -> None:
        """LN-30: of a batch whose closing block is final, and of no other.  PX-1, PX-10, PX-19."""
        if self._part is None or self._signer is None or self._roots is None:
            return
        found = evidence_of(item.closed)
        held = self._part.held(state, item.domain, item.epoch)
        if found is None or held is None:
            return
        hash_, evidence = found
        try:
            token = finalise(evidence, hash_, batch)
            message = make_shares(token, held, self._roots.log(item.domain), self._signer)
        except (NotFinal, OwnShareWrong) as error:
            self._refuse(error)
            return
        if message is not None:
            self._own[batch.root] = message
            self._gatherings.hear(message)
