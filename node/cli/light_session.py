"""Opening the light client of this machine: its trust, the nodes that it asks, what they prove."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli.session import Session, UsageError, write_private

if TYPE_CHECKING:
    from node.core.committee import Committee
    from node.core.genesis import Genesis
    from node.light.block import LightBlock
    from node.light.client import LightClient, Synced
    from node.light.root import VerifiedLedger
    from node.light.trust import Record, TrustStore
    from node.rpc.client import NodeClient

FOLDER: Final = "light"
MOST_AGE_S: Final = 600
"""Of a block under which a wallet believes a balance."""
_PAUSES: Final = 20
_PAUSE_S: Final = 0.5


def store_of(session: Session) -> TrustStore:
    """Of this home; perhaps nobody made it yet."""
    from node.light.trust import TrustStore

    return TrustStore(session.places.data / FOLDER)


def exists(session: Session) -> bool:
    """Whether this home has a light client; loads nothing."""
    return (session.places.data / FOLDER / "light.json").is_file()


def roster(session: Session, epoch: int) -> Committee | None:
    """LN-49: who is in charge of an epoch, by a state that validators signed for.

    Returns:
        None: the roster is not fixed yet, or forgotten.

    Raises:
        LightRefused, NodeError: what the light client refuses, or no answer.
    """
    from node.light.root import ProvedState
    from node.stake import rosters
    from node.stake.errors import StakeRefused

    with opened(session) as light:
        light.sync()
        try:
            return rosters.committee(ProvedState(light.ledger()), light.genesis, epoch)
        except StakeRefused:
            return None


def need(session: Session) -> TrustStore:
    """The same, made before.

    Raises:
        UsageError: nobody did.
    """
    found = store_of(session)
    if not found.exists:
        raise UsageError(
            "this home has no light client",
            fix="`chiaro light init --genesis FILE` makes one",
        )
    return found


@dataclass(slots=True)
class Light:
    """An open light client.

    Attributes:
        session: whose.
        store: of what is trusted.
        genesis: of the chain.
        record: what the store says.
        primary: the node that is asked.
        client: of the chain.
    """

    session: Session
    store: TrustStore
    genesis: Genesis
    record: Record
    primary: NodeClient
    client: LightClient

    def sync(self, height: int | None = None) -> Synced:
        """Verify the newest block, or that of a height, and keep it.

        Raises:
            Forked: LC-14; both blocks are written beside what is trusted.
            LightRefused, NodeError: see `LightClient.sync`.
        """
        from node.light.errors import Forked

        try:
            found = self.client.sync(time.time_ns(), height)
        except Forked as error:
            path = self._evidence(error.fork.ours)
            write_private(path, error.fork.to_bytes())
            error.where = f"{error.where}; evidence: {path}"
            raise
        if found.trace:
            self.record = self.store.move(found.trace[-1])
        return found

    def _evidence(self, block: LightBlock) -> Path:
        return self.session.places.data / FOLDER / f"fork-{block.height}.bin"

    def ledger(self) -> VerifiedLedger:
        """The ledger under the last verified block.

        Raises:
            UsageError: there is none, yet.
            LightRefused: LC-15.
        """
        from node.light.root import VerifiedLedger
        from node.rpc.light_client import NodeSource

        if self.record.block is None:
            raise UsageError("no block is verified yet", fix="`chiaro light sync`")
        return VerifiedLedger(self.genesis, self.record.block, NodeSource(self.primary))


@contextmanager
def opened(
    session: Session,
    primary: str | None = None,
    witnesses: tuple[str, ...] | None = None,
    *,
    sequential: bool = False,
    period_hours: int | None = None,
) -> Iterator[Light]:
    """The light client of this home; nothing is asked yet.

    Args:
        session: whose home it is.
        primary: address of the node to ask; default: as last time.
        witnesses: addresses of those asked for their opinion; default: as last time.
        sequential: check every block.
        period_hours: trusting period.

    Raises:
        UsageError: there is none.
        Unreachable: an address holds a password; it is not kept.
        LightRefused: LC-13.
    """
    from node.consensus.cometbft.mapping import engine_chain_id
    from node.light.client import LightClient, Witness
    from node.light.verify import HOUR, Terms
    from node.rpc.client import NodeClient, check_address
    from node.rpc.light_client import NodeSource

    if primary is not None:
        check_address(primary, "--primary")
    for url in witnesses or ():
        check_address(url, "--witness")
    store = need(session)
    record = store.load()
    if primary is not None or witnesses is not None:
        record = store.ask(
            record.primary if primary is None else primary,
            record.witnesses if witnesses is None else witnesses,
        )
    genesis = store.genesis()
    terms = Terms() if period_hours is None else Terms(period=period_hours * HOUR)
    with ExitStack() as stack:
        node = stack.enter_context(NodeClient(record.primary))
        asked = [
            Witness(url, NodeSource(stack.enter_context(NodeClient(url))))
            for url in record.witnesses
        ]
        client = LightClient(
            engine_chain_id(genesis),
            store.trusted(),
            NodeSource(node),
            asked,
            terms,
            sequential=sequential,
            pause=_Pause(),
        )
        yield Light(session, store, genesis, record, node, client)


def unlocked(genesis: Genesis, period_hours: int | None) -> str:
    """LC-7: what to warn of where stake may leave before the trusting period ends; else empty."""
    from node.light.verify import HOUR, TRUSTING_PERIOD

    if genesis.stake is None:
        return ""
    locked_ms = genesis.stake.locked_heights * genesis.parameters.block_time_ms
    period_ms = (TRUSTING_PERIOD if period_hours is None else period_hours * HOUR) // 1_000_000
    if period_ms <= locked_ms:
        return ""
    return (
        f"validators can take their stake back after {genesis.stake.locked_heights} blocks, about "
        f"{locked_ms // 60_000} minutes: sync as often, for who has left loses nothing by signing "
        "another history"
    )


class _Pause:
    """Waits for witnesses that are a block or two behind, and not for ever."""

    def __init__(self) -> None:
        self._left = _PAUSES

    def __call__(self) -> bool:
        if not self._left:
            return False
        self._left -= 1
        time.sleep(_PAUSE_S)
        return True


def age_s(time_ms: int) -> int:
    """Seconds since a block's time, 0 or more."""
    return max(0, time.time_ns() // 1_000_000 - time_ms) // 1000


def check_fresh(ledger: VerifiedLedger) -> None:
    """LC-19: a balance is believed under a recent block only.

    Raises:
        LightRefused: LC-19.
    """
    from node.light.errors import LightRefused

    if (age := age_s(ledger.time_ms)) > MOST_AGE_S:
        raise LightRefused(
            "LC-19",
            f"the newest block that is proved is {age} s old",
            where=f"block {ledger.height}",
            why="a node that holds blocks back shows an old balance, and proves it",
            fix="ask another node: `chiaro light sync --primary URL`",
        )
