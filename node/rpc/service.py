"""What the RPC answers, without HTTP: documents from chain, state and mempool.

Every method is synchronous and safe to call from several threads; the server calls them off the
event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from node.consensus.cometbft.query import Query
from node.consensus.local import Produced
from node.core.block import Transaction
from node.core.effects import nullifier_key
from node.core.errors import NotFound, Outdated
from node.core.genesis_file import format_genesis
from node.core.ids import ID_BYTES, NATIVE, AccountId, Height, Kind, TxId, tagged_hash
from node.execution import pools
from node.execution.bounded import BoundedCache
from node.execution.executor import Executor
from node.execution.mempool import Mempool
from node.execution.turnstile import supply
from node.lane import settled
from node.lane.blobs import attached
from node.lane.blobs.blob import NoBytes
from node.lane.env import LaneEnvironment
from node.lane.validator.keeper import Keeper
from node.rpc import lane_keys, schema, views
from node.rpc.actions import ActionStream
from node.rpc.batches import BatchViews
from node.rpc.da import DaParts, DaViews
from node.rpc.errors import Syncing, problem
from node.rpc.faucet import Faucet
from node.rpc.gossip import GossipParts, GossipViews
from node.rpc.lane import LaneViews
from node.rpc.lane_keys import LaneKeysView
from node.rpc.light import LightViews
from node.rpc.private import PrivateViews
from node.rpc.sales import SaleViews
from node.rpc.scanning import environment_of
from node.rpc.stake import StakeViews
from node.rpc.text import amount_of, bytes_of, hex_of
from node.store.chain import Chain
from node.store.versioned import VersionedStore
from transparent.accounts import balances, sequence

MOST_RAW_BYTES: Final = 1024 * 1024
"""Of blocks and receipts in one answer of `raw`."""
MOST_REMEMBERED: Final = 4096
"""Admitted transactions whose expiry is remembered after they left the mempool."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the RPC reads of a node, and the one thing it may set in motion.

    Attributes:
        executor, chain, store, pool: of the node; the chain's constants are the executor's.
        produce: makes a block now; blocking.
        unsafe: statement → warning of its development key.
        names: kind → name, for people; the native kind needs none.
        faucet: pays from the development faucet, by (account, amount, asset); blocking.
        insecure: statement → since when and why its circuit is insecure (RPC-25).
        da: rows of blobs of its sealed intents, where the node keeps them.
        want_key: asks the validators for the key of a domain of sealed intents; blocking.
        keeper: of the sealed lane.
        gossip: its place on the overlay of open intents.
        engine: the CometBFT that decides for it.
    """

    executor: Executor
    chain: Chain
    store: VersionedStore
    pool: Mempool
    produce: Callable[[], Produced]
    unsafe: Mapping[str, str]
    names: Mapping[Kind, str]
    faucet: Faucet | None = None
    insecure: Mapping[str, str] = field(default_factory=dict)
    da: DaParts | None = None
    want_key: Callable[[int], None] | None = None
    keeper: Keeper | None = None
    gossip: GossipParts | None = None
    engine: Query | None = None


class Service:
    """One method per endpoint."""

    def __init__(self, node: Parts) -> None:
        self.node: Final = node
        self.genesis: Final = node.executor.chain
        self._expiries: BoundedCache[bytes, int] = BoundedCache(MOST_REMEMBERED)
        self.actions: Final = ActionStream(node.chain, node.store, node.names)
        self._lane = _lane_views(node)
        self._da = None if node.da is None else DaViews(node.da)
        self._gossip = _gossip_views(node)
        self.light = LightViews(node.chain, node.engine)
        self.stake = StakeViews(self.genesis, node.store)
        self.private = PrivateViews(self.genesis, node.store, node.names)
        self.sales = SaleViews(self.genesis, node.store, node.names)
        self.batches = BatchViews(self.genesis, node.store, node.names)
        self._version = version("chiaroscuro")

    def check_state(self) -> None:
        """SN-13: raises Syncing where there is no state yet."""
        if self.node.store.empty:
            raise Syncing("SN-13: the node has no state yet: it waits for a snapshot")

    # --- the chain ---------------------------------------------------------------------------

    def status(self) -> schema.Status:
        genesis, chain = self.genesis, self.node.chain
        height = chain.height
        block_hash, time_ms = bytes(32), genesis.time_ms
        if height:
            head = chain.head(height)
            block_hash, time_ms = head.hash, head.time_ms
        pool, faucet = self.node.pool.status(), self.node.faucet
        state = self.node.store.reader()
        return schema.Status(
            chain_id=hex_of(genesis.chain_id),
            name=genesis.name,
            profile=genesis.profile,
            version=self._version,
            api=schema.API,
            height=height,
            block_hash=hex_of(block_hash),
            time_ms=time_ms,
            state_root=hex_of(chain.root_after(height)),
            oldest_state=self.node.store.oldest,
            mempool_txs=pool.transactions,
            mempool_bytes=pool.bytes,
            statements=views.statements(genesis, self.node.unsafe, self.node.insecure),
            parameters=views.parameters(genesis.parameters),
            assets=[views.kind(k, self.node.names) for k in (NATIVE, *self.node.names)],
            faucet=None if faucet is None else hex_of(faucet.account),
            pools=[
                views.pool(tag, pools.record(state, tag), state.height + 1)
                for tag in self.node.executor.pools
            ],
            guardians=views.guardians(genesis, pools.next_sequence(state)),
            predecessor=views.predecessor(genesis),
        )

    def genesis_view(self) -> schema.GenesisView:
        genesis = self.genesis
        return schema.GenesisView(
            chain_id=hex_of(genesis.chain_id),
            encoded=hex_of(genesis.to_bytes()),
            toml=format_genesis(genesis, json_format=False),
        )

    def block(self, height: Height) -> schema.BlockView:
        chain = self.node.chain
        if not 1 <= height <= chain.height:
            raise NotFound(
                f"there is no block {height}; the last one is {chain.height}",
                fix="wait for the block, or ask for a lower height",
            )
        return views.block(chain.block(height), chain.receipts(height), chain.root_after(height))

    def tip(self) -> schema.BlockView:
        return self.block(self.node.chain.height)

    def blocks(self, first: int, limit: int) -> schema.BlockPage:
        chain = self.node.chain
        tip = chain.height
        chain.check_kept(max(first, 1))
        found = self._summaries(first, min(tip, first + limit - 1))
        after = first + len(found)
        return schema.BlockPage(tip=tip, blocks=found, next=after if after <= tip else None)

    def raw(self, first: int, limit: int) -> schema.RawPage:
        """Full bytes of blocks and receipts; RPC-12: about `MOST_RAW_BYTES`, at least one block."""
        chain = self.node.chain
        tip = chain.height
        found: list[schema.RawBlock] = []
        size = 0
        for height in range(first, min(tip, first + limit - 1) + 1):
            block, receipts = chain.raw(Height(height))
            blobs = self._blobs(block, receipts)
            size += len(block) + len(receipts) + len(blobs)
            if found and size > MOST_RAW_BYTES:
                break
            found.append(
                schema.RawBlock(
                    height=height,
                    block=hex_of(block),
                    receipts=hex_of(receipts),
                    blobs=hex_of(blobs) if blobs else None,
                )
            )
        after = first + len(found)
        return schema.RawPage(tip=tip, blocks=found, next=after if after <= tip else None)

    def _blobs(self, block: bytes, receipts: bytes) -> bytes:
        """What lies beside a block; empty, also where this node does not have it any more."""
        commitments = attached.due_raw(block, receipts) if self._da is not None else ()
        if self._da is None or not commitments:
            return b""
        try:
            return attached.collect(commitments, self._da.source)
        except NoBytes:
            return b""

    def events(self, after: int, limit: int) -> schema.EventPage:
        """Blocks above `after` that are on disk (RPC-9)."""
        tip = self.node.chain.height
        self.node.chain.check_kept(after + 1)
        return schema.EventPage(tip=tip, blocks=self._summaries(after + 1, min(tip, after + limit)))

    def _summaries(self, first: int, last: int) -> list[schema.BlockSummary]:
        chain = self.node.chain
        return [
            views.summary(block, chain.receipts(block.header.height))
            for block in chain.blocks(Height(first), Height(last))
        ]

    # --- transactions ------------------------------------------------------------------------

    async def submit(self, tx: bytes) -> schema.Submitted:
        """RPC-13: admission is the mempool's, off the event loop; its refusals are raised."""
        admission = await self.node.pool.admit(tx)
        if admission.error is not None:
            raise admission.error
        return await asyncio.to_thread(self._admitted, tx, admission.tx_id)

    def _admitted(self, tx: bytes, tx_id: bytes) -> schema.Submitted:
        self._expiries.put(tx_id, self.node.executor.intake.decode(tx).expiry)
        return schema.Submitted(
            tx_id=hex_of(tx_id),
            wire_id=hex_of(tagged_hash("wire", tx)),
            admitted=True,
            height=self.node.chain.height,
        )

    def transaction(self, tx_id: TxId) -> schema.TransactionView:
        """RPC-8: what took effect wins over what waits, and that over what failed.

        RPC-40: what another transaction carried out is found by its own id.
        """
        waiting = self.node.pool.find(tx_id)  # first: from here it can only move into a block
        chain = self.node.chain
        tip = chain.height
        try:
            at = chain.locate(tx_id)
        except NotFound:
            at = None
        if at is not None and at.height > self.node.store.height:
            at = None  # RPC-9: on disk, but who asks for the state next would not see it yet
        if at is None or (not at.ok and waiting is not None):
            return self._not_in_block(tx_id, waiting, tip)
        block, receipts = chain.block(at.height), chain.receipts(at.height)
        found, wire = receipts[at.index], block.txs[at.index]
        inner = None if found.tx_id == tx_id else settled.find(wire, found, tx_id)
        if inner is not None:
            return views.carried(found, inner, block, max(tip, at.height))
        return schema.TransactionView(
            tx_id=hex_of(tx_id),
            status="included" if found.ok else "rejected",
            tip=max(tip, at.height),
            environment=found.environment.label,
            tx=hex_of(wire),
            receipt=views.receipt(found),
            block_hash=hex_of(block.header.hash),
        )

    def _not_in_block(self, tx_id: TxId, waiting: bytes | None, tip: int) -> schema.TransactionView:
        if waiting is not None:
            return schema.TransactionView(
                tx_id=hex_of(tx_id),
                status="pending",
                tip=tip,
                environment=Transaction.from_bytes(waiting).environment.label,
                tx=hex_of(waiting),
            )
        # The id covers the expiry: what is said here of one copy holds for all of them (S-23).
        expiry = self._expiries.get(tx_id)
        if expiry is not None and expiry <= tip:
            expired = Outdated("EX-22", f"expired at {expiry}, the chain is at {tip}")
            return schema.TransactionView(
                tx_id=hex_of(tx_id), status="rejected", tip=tip, error=problem(expired)
            )
        return schema.TransactionView(tx_id=hex_of(tx_id), status="unknown", tip=tip)

    def mempool(self, limit: int) -> schema.MempoolView:
        pool = self.node.pool
        status = pool.status()
        waiting = pool.pending(status.bytes)[:limit]
        entries = [self._entry(data) for data in waiting]
        return schema.MempoolView(
            txs=status.transactions,
            bytes=status.bytes,
            entries=entries,
            more=len(entries) < status.transactions,
        )

    def _entry(self, data: bytes) -> schema.MempoolEntry:
        item = self.node.executor.intake.decode(data)
        return schema.MempoolEntry(
            tx_id=hex_of(item.tx_id),
            wire_id=hex_of(item.wire_id),
            environment=item.environment.label,
            fee=str(item.fee),
            bytes=len(data),
            expiry=item.expiry,
        )

    # --- state -------------------------------------------------------------------------------

    def account(self, account: AccountId) -> schema.AccountView:
        reader = self.node.store.reader()
        return schema.AccountView(
            account=hex_of(account),
            height=reader.height,
            sequence=sequence(reader, account),
            balances=[
                schema.BalanceView(kind=views.kind(kind, self.node.names), amount=str(amount))
                for kind, amount in balances(reader, account)
            ],
        )

    def supply(self) -> schema.SupplyReport:
        reader = self.node.store.reader()
        found = supply(reader)
        return schema.SupplyReport(
            height=reader.height,
            state_root=hex_of(self.node.chain.root_after(reader.height)),
            kinds=[views.supply(item, self.node.names) for item in found],
            balanced=all(item.adds_up for item in found),
        )

    def nullifier(self, nullifier: bytes, environment: str) -> schema.NullifierView:
        reader = self.node.store.reader()
        found = reader.get(nullifier_key(environment_of(environment), nullifier))
        return schema.NullifierView(
            nullifier=hex_of(nullifier),
            environment=environment,
            spent=found is not None,
            at=reader.height,
            height=None if found is None else int.from_bytes(found, "little"),
        )

    def state(self, key: bytes, height: int | None) -> schema.StateView:
        """RPC-10: the entry, and a proof under the root after `height`."""
        store = self.node.store
        at = store.height if height is None else Height(height)
        value = store.reader(at).get(key)
        return schema.StateView(
            height=at,
            state_root=hex_of(self.node.chain.root_after(at)),
            key=hex_of(key),
            proof=hex_of(store.prove(key, at)),
            value=None if value is None else hex_of(value),
        )

    # --- the sealed lane ---------------------------------------------------------------------

    @property
    def lane(self) -> LaneViews:
        """RPC-26. Raises NotFound where the chain has no lane."""
        if self._lane is None:
            raise NotFound(
                "RPC-26: this chain has no sealed lane",
                why="whether a chain has one is said in its genesis",
            )
        return self._lane

    def lane_keys(self) -> LaneKeysView:
        """Who makes the lane's keys, and how far they are. RPC-26."""
        _ = self.lane
        return lane_keys.view(self.node.store.reader(), self.genesis, self.node.keeper)

    @property
    def da(self) -> DaViews:
        """RPC-36. Raises NotFound where the node keeps no rows."""
        if self._da is None:
            raise NotFound(
                "RPC-36: this node keeps no blobs",
                why="validators of a chain with a sealed lane do",
                fix="ask a validator's node",
            )
        return self._da

    @property
    def gossip(self) -> GossipViews:
        """RPC-45. Raises NotFound where the node is on no overlay."""
        if self._gossip is None:
            raise NotFound(
                "RPC-45: this node is on no overlay of open intents",
                why="a chain without a lane settles none",
            )
        return self._gossip

    # --- development -------------------------------------------------------------------------

    def make_block(self) -> schema.BlockView:
        return self.block(self.node.produce().block.header.height)

    def pay(self, request: schema.FaucetRequest) -> schema.FaucetReceipt:
        """From the development faucet; on disk when this returns."""
        if self.node.faucet is None:
            raise NotFound("only a development chain has a faucet")
        account = AccountId(bytes_of(request.account, ID_BYTES, where="account"))
        amount = amount_of(request.amount, where="amount")
        return self.node.faucet.pay(account, amount, request.asset)


def _lane_views(node: Parts) -> LaneViews | None:
    lane = node.executor.lane
    if not isinstance(lane, LaneEnvironment):
        return None
    return LaneViews(lane.services, node.chain, node.store, node.names, node.want_key, node.keeper)


def _gossip_views(node: Parts) -> GossipViews | None:
    lane = node.executor.lane
    if node.gossip is None or not isinstance(lane, LaneEnvironment):
        return None
    return GossipViews(node.gossip, lane.services, node.store)
