"""The development faucet: an account whose key is published, paid from by the node itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from node.core.block import Transaction
from node.core.errors import ConsensusFault, NotFound
from node.core.genesis import DEV_FAUCET_SEED, DEV_PROFILE, Genesis
from node.core.ids import NATIVE, AccountId, EnvironmentId, Height, Kind, TxId
from node.execution.mempool import Mempool, least_fee
from node.rpc import schema
from node.rpc.errors import BadRequest
from node.rpc.text import hex_of
from node.store.chain import Chain
from node.store.versioned import VersionedStore
from transparent.accounts import sequence
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk.errors import DevParamsRefused

_MOST_BLOCKS: Final = 16
"""To wait for: a batch of sealed intents may hold the chain for ten (P1-1)."""


class Faucet:
    """Pays one request after another, each in a block of its own.

    Args:
        genesis: of a development chain.
        chain, store, pool: of the node.
        produce: makes a block now.
        names: kind → name, beside `native`.

    Raises:
        DevParamsRefused: RPC-7, another profile than `dev`.
    """

    def __init__(
        self,
        genesis: Genesis,
        chain: Chain,
        store: VersionedStore,
        pool: Mempool,
        produce: Callable[[], object],
        names: Mapping[Kind, str],
    ) -> None:
        if genesis.profile != DEV_PROFILE:
            raise DevParamsRefused("RPC-7: only a development chain has a faucet")
        self._genesis = genesis
        self._chain = chain
        self._store = store
        self._pool = pool
        self._produce = produce
        self._kinds = {"native": NATIVE, **{name: kind for kind, name in names.items()}}
        self._key = SigningKey(DEV_FAUCET_SEED)
        self._one_at_a_time = threading.Lock()

    @property
    def account(self) -> AccountId:
        return self._key.account

    def pay(self, account: AccountId, amount: int, asset: str) -> schema.FaucetReceipt:
        """Blocking; the payment is in a block on disk when this returns.

        Raises:
            BadRequest: no such asset, or nothing to pay.
            InvalidTransaction: the payment is refused, as by an account that is no key.
        """
        kind = self._kinds.get(asset)
        if kind is None:
            raise BadRequest(
                f"no asset is called {asset!r}",
                where="asset",
                fix=f"one of: {', '.join(self._kinds)}",
            )
        with self._one_at_a_time:
            return self._pay(Transfer(account, kind, amount))

    def _pay(self, transfer: Transfer) -> schema.FaucetReceipt:
        reader = self._store.reader()
        limits = self._genesis.parameters
        tx = sign(
            self._key,
            self._genesis.chain_id,
            sequence(reader, self._key.account),
            Height(reader.height + limits.max_expiry),
            least_fee(1, 0, self._pool.fee_floor),
            (transfer,),
        )
        data = Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()
        admission = self._pool.add(data)
        if admission.error is not None:
            raise admission.error
        for _ in range(_MOST_BLOCKS):
            if (height := self._included(tx.id)) is not None:
                return schema.FaucetReceipt(tx_id=hex_of(tx.id), height=height)
            self._produce()
        if (height := self._included(tx.id)) is not None:
            return schema.FaucetReceipt(tx_id=hex_of(tx.id), height=height)
        raise ConsensusFault("the faucet's payment is in no block")

    def _included(self, tx_id: TxId) -> Height | None:
        try:
            at = self._chain.locate(tx_id)
        except NotFound:
            return None
        return at.height if at.ok else None
