"""Hosts that lie about sealed intents: in making keys, with their shares, as proposers.

They vote as honest validators do. What they say is signed with their own keys, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import Flag, auto
from typing import Final, Protocol

from node.core.block import Receipt
from node.core.genesis import Genesis
from node.core.ids import Height
from node.core.interfaces import Admission, BlockExecutor, BlockResult, SealedLane, StateReader
from node.lane import layout, payload
from node.lane.payload import Ending, EndTx, Tag
from node.lane.validator import extension
from node.lane.validator.keeper import Keeper
from node.testing.cluster.host import Around, Said
from node.testing.cluster.lane_host import LaneHost, LaneKit
from node.testing.cluster.messages import Decision
from private_exec import group
from private_exec.keygen import dealing as dealings
from private_exec.keygen.complaint import Complaint
from private_exec.keygen.participant import Participant
from private_exec.keygen.protocol import Commit, Keygen, make_commit
from private_exec.shares import ShareMessage
from private_exec.sharing import PackedPolynomial
from private_exec.transcript import secret_scalar

NO_SUCH_BATCH: Final = 1 << 40


class LaneLie(Flag):
    """What such a host does, for the whole run; several at once, if they fit together."""

    SILENT = auto()
    """Takes no part in making keys."""
    BAD_DEALER = auto()
    """Deals a wrong share to everyone else."""
    FALSE_ACCUSER = auto()
    """Complains about dealings that are right."""
    WRONG_SHARES = auto()
    """Signs shares of another secret, in messages and in its votes."""
    NO_SHARES = auto()
    """Makes none."""
    HIDES_REVEALS = auto()
    """Proposes blocks that could open a batch and do not; which is allowed, and costs time."""
    SKIPS_LEAD = auto()
    """Proposes ordinary transactions where a batch must be ended or opened first."""
    LATE_LEAD = auto()
    """Proposes ends and reveals behind ordinary transactions."""
    FALSE_LEAD = auto()
    """Proposes ends of batches that are not due."""


PROPOSES: Final = LaneLie.SKIPS_LEAD | LaneLie.LATE_LEAD | LaneLie.FALSE_LEAD
"""Lies in proposals, which others must refuse."""


class BadDealer(Participant):
    """Everyone else's share of its dealing is off by one."""

    def commit(self, keygen: Keygen) -> Commit:
        context = self.context
        polynomial = PackedPolynomial(
            context.parameters.packing,
            tuple(
                secret_scalar(f"test-bed/coefficient/{k}", self._entropy)
                for k in range(context.commitments)
            ),
        )
        own = context.roster.indices(self.member)
        values = {
            number: polynomial.share(number) + (number not in own)
            for number in dealings.recipients(context, keygen.keys)
        }
        ephemeral = secret_scalar("test-bed/ephemeral", self._entropy)
        self._dealing = dealings.assemble(
            context, keygen.keys, self.member, polynomial, ephemeral, values, self._entropy
        )
        return make_commit(keygen.session, self._dealing, self._signer)


class FalseAccuser(Participant):
    """Complains about everyone."""

    def complaints(self, keygen: Keygen) -> list[Complaint]:
        number = self.context.roster.indices(self.member)[0]
        return [
            self._accuse(keygen, dealer, number)
            for dealer in sorted(keygen.dealings)
            if dealer != self.member
        ]


class LyingHost(LaneHost):
    """A `LaneHost` that does what `around.lie` says.

    Args:
        kit: the chain.
        around: of this validator.
    """

    def __init__(self, kit: LaneKit, around: Around) -> None:
        lie = around.lie
        if not isinstance(lie, LaneLie) or around.place is None:
            raise TypeError("no lie of such a host")
        self._lie: Final[LaneLie] = lie
        self._place: Final[int] = around.place
        super().__init__(kit, around)
        self._state: StateReader | None = None

    def _make_keeper(
        self, genesis: Genesis, participant: type[Participant] = Participant
    ) -> Keeper:
        if LaneLie.BAD_DEALER in self._lie:
            participant = BadDealer
        elif LaneLie.FALSE_ACCUSER in self._lie:
            participant = FalseAccuser
        return super()._make_keeper(genesis, participant)

    @property
    def executor(self) -> BlockExecutor:
        return LyingExecutor(self.ledger, self._lie)

    @property
    def lane(self) -> SealedLane:
        return LyingLane(self, self.keeper)

    @property
    def lie(self) -> LaneLie:
        """What it does."""
        return self._lie

    def committed(
        self, state: StateReader, decision: Decision, receipts: Sequence[Receipt]
    ) -> Said:
        self._state = state
        return self._twisted(super().committed(state, decision, receipts))

    def resumed(self, state: StateReader, decisions: Mapping[int, Decision]) -> Iterator[Said]:
        self._state = state
        return map(self._twisted, super().resumed(state, decisions))

    def _twisted(self, said: Said) -> Said:
        txs = () if LaneLie.SILENT in self._lie else said.txs
        return Said(self.shares(said.shares), txs)

    def shares(self, honest: Iterable[ShareMessage]) -> tuple[ShareMessage, ...]:
        """What it says in the place of honest shares."""
        if LaneLie.NO_SHARES in self._lie:
            return ()
        if LaneLie.WRONG_SHARES in self._lie:
            return tuple(self._wrong(share) for share in honest)
        return tuple(honest)

    def _wrong(self, share: ShareMessage) -> ShareMessage:
        if self._state is None:
            raise RuntimeError("shares before a block")
        sign = self._keys.signers[self._place].sign
        return wrong_share(share, self._keys.genesis, self._state, sign)


def wrong_share(
    share: ShareMessage, genesis: Genesis, state: StateReader, sign: Callable[[bytes], bytes]
) -> ShareMessage:
    """Twice the share; signed, so that it can be held against whoever signs."""
    domains = () if genesis.lane is None else genesis.lane.domains
    keys = [layout.key_of(state, item.number, share.epoch) for item in domains]
    wrong = replace(share, points=tuple(group.multiple_g1(2, p) for p in share.points))
    key = next(key for key in keys if key is not None)
    return replace(wrong, signature=sign(wrong.digest(key)))


class Liar(Protocol):
    """Who is behind a `LyingLane`."""

    @property
    def lie(self) -> LaneLie:
        """What it does."""
        ...

    def shares(self, honest: Iterable[ShareMessage]) -> tuple[ShareMessage, ...]:
        """What it says in the place of honest shares."""
        ...


class LyingLane:
    """`SealedLane` of a liar: its own extension; it checks others as an honest one does."""

    def __init__(self, host: Liar, keeper: SealedLane) -> None:
        self._host = host
        self._keeper = keeper

    def lead(self, state: StateReader, height: Height) -> tuple[tuple[bytes, ...], bool]:
        """Who lies in proposals goes on behind it whatever waits."""
        begins, more = self._keeper.lead(state, height)
        return begins, more or bool(self._host.lie & PROPOSES)

    def passes(self, data: bytes) -> bool:
        return self._keeper.passes(data)

    def check_lead(self, txs: Sequence[bytes], state: StateReader, height: Height) -> None:
        self._keeper.check_lead(txs, state, height)

    def extend(self, state: StateReader, height: Height) -> bytes:
        honest = extension.decode(self._keeper.extend(state, height))
        return extension.encode(list(self._host.shares(honest)))

    def check_extension(
        self, extension: bytes, validator: bytes, state: StateReader, height: Height
    ) -> None:
        self._keeper.check_extension(extension, validator, state, height)

    def receive(self, extension: bytes) -> None:
        self._keeper.receive(extension)


class LyingExecutor:
    """`BlockExecutor` of a liar: it selects what it should not."""

    def __init__(self, honest: BlockExecutor, lie: LaneLie) -> None:
        self._honest = honest
        self._lie = lie

    def genesis(self) -> Mapping[bytes, bytes | None]:
        return self._honest.genesis()

    def check(self, txs: Sequence[bytes], reader: StateReader, height: Height) -> list[Admission]:
        return self._honest.check(txs, reader, height)

    def select(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, max_bytes: int
    ) -> tuple[bytes, ...]:
        chosen = self._honest.select(txs, reader, height, max_bytes)
        begins = tuple(tx for tx in chosen if payload.tag_of_wire(tx) in payload.LEAD)
        others = chosen[len(begins) :]
        if LaneLie.HIDES_REVEALS in self._lie:
            shown = tuple(tx for tx in begins if payload.tag_of_wire(tx) is not Tag.REVEAL)
            return (*begins, *others) if shown == begins else shown
        if LaneLie.SKIPS_LEAD in self._lie:
            return others
        if LaneLie.LATE_LEAD in self._lie:
            return (*others, *begins)
        if LaneLie.FALSE_LEAD in self._lie:
            return (*begins, payload.wire(EndTx(1, NO_SUCH_BATCH, Ending.UNSOLVED)), *others)
        return chosen

    def check_block(self, txs: Sequence[bytes], height: Height) -> None:
        self._honest.check_block(txs, height)

    def execute(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, time_ms: int
    ) -> BlockResult:
        return self._honest.execute(txs, reader, height, time_ms)
